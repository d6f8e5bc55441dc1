"""What the promises rest on, judged from outside: exit codes, the API's own rules, thrift, and an end in good time.

As in `judge.py`, each says how it is fair.
"""

from collections.abc import Iterator

from tests.properties.evidence import (
    changing,
    clock,
    first_resolved,
    floor_can_be_kept,
    last_taken_out_by,
    places,
    short,
    unknowable,
)
from tests.properties.play import ID, Outcome
from tests.properties.things import seconds
from tests.properties.world import OUT, By

from katakei.domain import events as e
from katakei.domain.errors import ExitCode
from katakei.domain.phases import Phase
from katakei.domain.plan import PlanKind
from katakei.reconcile.outcome import verdict

Faults = Iterator[str]


def the_exit_code_is_true(outcome: Outcome) -> Faults:
    """0 only when every target was worked on and serves; 3 whenever one that we took out is out at the end.

    Fair: a person who does the work is believed.
    """
    code = verdict(outcome.rollout)
    if outcome.setting.kind is not PlanKind.ROLL or outcome.rollout.finished is None:
        return
    out = [place for _, place in places(outcome) if outcome.world.now(place).state in OUT]
    ours = [short(place) for place in out if last_taken_out_by(outcome, place) is By.US]
    if ours and code is not ExitCode.LEFT_OUT:
        yield f"exit code {code.value}, but {ours} are out of service"
    worked = {key.target for key, mark in outcome.world.marks.items() if mark.fate == "good"}
    if code is ExitCode.DONE and not outcome.setting.by_hand and set(outcome.world.targets) - worked:
        yield f"exit code 0, but {sorted(set(outcome.world.targets) - worked)} were not worked on"


def an_ip_is_registered_only_when_absent(outcome: Outcome) -> Faults:
    """An ip target that still drains is not registered (docs/aws.md 3).

    Fair: that it drains cannot be known at once.
    """
    for at, place, drains in outcome.world.log.ip_while_draining:
        if at - drains > unknowable(outcome):
            yield f"{short(place)} was registered at {clock(at)}, draining since {clock(drains)}"


def attributes_are_what_was_planned(outcome: Outcome) -> Faults:
    """It is not resolved to take a target out of a group whose attributes were changed more than a minute before.

    Fair: what was resolved earlier is finished, by whoever carries it on.
    """
    for arn, edited in outcome.world.log.edits.items():
        for target, at in first_resolved(outcome).items():
            here = {place.group for place in outcome.rollout.targets[target].registrations}
            if arn in here and at > edited + seconds(60) + unknowable(outcome):
                yield f"{target} was to be taken out at {clock(at)} of a group that was changed at {clock(edited)}"


def the_load_balancer_is_spared(outcome: Outcome) -> Faults:
    """At most thirty looks a minute at a group; without an adversary at most two changing calls per registration.

    Fair: a new process does not know when its predecessor looked; groups that are looked at one after the other in the
    small world (all at once in the real one) shift each other's moments by less than a second.
    """
    births = [at for at, _ in outcome.paper.takings]
    for arn in outcome.world.group_of:
        looks = [call.at for call in outcome.world.log.calls if call.kind == "look" and call.group == arn]
        for first, last in zip(looks, looks[30:], strict=False):
            if last - first < seconds(59) and not any(first < birth <= last for birth in births):
                yield f"more than 30 looks in the minute from {clock(first)}"
    for _, place in places(outcome) if outcome.setting.calm and not outcome.setting.reverts else ():
        acts = sum(place in call.places for call in changing(outcome))
        if acts > 2:
            yield f"{acts} changing calls for {short(place)}"


def no_turn_is_due_at_once(outcome: Outcome) -> Faults:
    """After every turn there is a moment of rest: every turn costs a beat in the journal."""
    if outcome.figures["restless"]:
        yield f"{outcome.figures['restless']} turns were due at once"


def the_journal_is_spared(outcome: Outcome) -> Faults:
    """When nothing goes wrong, a target's whole way is some fifteen events in as many appends.

    Fair: what a witness still sees pending is noted each half minute.
    """
    if not outcome.setting.calm or outcome.setting.people or not outcome.setting.left_alone:
        return
    targets, groups = len(outcome.world.targets), outcome.setting.groups
    events, appends = len(outcome.paper.events[ID]), len(outcome.paper.appends)
    noted = sum(isinstance(event, e.ObservedBusy) for event in outcome.paper.events[ID])
    if events - noted > 4 + targets * (12 + 2 * groups) or appends > 3 + 16 * targets:
        yield f"{events} events in {appends} appends for {targets} targets"


def it_is_quick_when_nobody_disturbs(outcome: Outcome) -> Faults:
    """Without an adversary a target takes its drain, its soak and half a minute more, one target after the other.

    Fair: a floor that can never be met is waited for as long as was asked; a person takes their time.
    """
    given = outcome.setting
    if not given.calm or not given.left_alone:
        return
    each = max(given.spec.drain.settle, seconds(given.delay)) + given.spec.soak + seconds(45)
    held = given.spec.limits.waiting if outcome.rollout.by_phase[Phase.SKIPPED] else seconds(0)
    took = outcome.ended - outcome.rollout.begun
    if took > each * given.targets + held + seconds(10):
        yield f"it took {took.total_seconds():.0f}s"


def it_is_done_when_nobody_disturbs(outcome: Outcome) -> Faults:
    """Without an adversary, with a floor that can be kept and no abort, every target is done."""
    given = outcome.setting
    turned = given.abort is not None or given.reverts
    if given.calm and given.kind is PlanKind.ROLL and not turned and floor_can_be_kept(outcome):
        ends = [standing.phase.value for standing in outcome.rollout.statuses.values()]
        if set(ends) != {Phase.DONE.value}:
            yield f"ended {ends}"
