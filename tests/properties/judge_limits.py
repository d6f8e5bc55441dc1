"""The judge of limits: exit codes, the rules of the API, the number of calls and events, and the time taken.

As in `judge.py`, each says how it is fair.
"""

from collections import Counter
from collections.abc import Iterator

from tests.properties.builders import seconds
from tests.properties.ground_truth import (
    changing,
    clock,
    first_resolved,
    floor_can_be_kept,
    last_taken_out_by,
    places,
    short,
    unknowable,
)
from tests.properties.simulated_aws import OUT, By
from tests.properties.simulation import ID, Outcome

from katakei.domain import events as e
from katakei.domain.errors import ExitCode
from katakei.domain.phases import Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.spec import Overlap
from katakei.reconcile.outcome import verdict

Faults = Iterator[str]


def the_exit_code_is_true(outcome: Outcome) -> Faults:
    """0 only when every target was worked on and serves; 3 whenever one that was taken out is out at the end.

    Fair: manual work is believed.
    """
    code = verdict(outcome.rollout)
    if outcome.scenario.kind is not PlanKind.ROLL or outcome.rollout.finished is None:
        return
    out = [place for _, place in places(outcome) if outcome.aws.now(place).state in OUT]
    ours = [short(place) for place in out if last_taken_out_by(outcome, place) is By.US]
    if ours and code is not ExitCode.LEFT_OUT:
        yield f"exit code {code.value}, but {ours} are out of service"
    worked = {key.target for key, mark in outcome.aws.marks.items() if mark.fate == "good"}
    wanted = min(len(outcome.aws.targets), outcome.scenario.limit or len(outcome.aws.targets))
    if (
        code is ExitCode.DONE
        and not outcome.scenario.by_hand
        and len(worked.intersection(outcome.aws.targets)) < wanted
    ):
        yield f"exit code 0, but {sorted(set(outcome.aws.targets) - worked)} were not worked on"


def an_ip_is_registered_only_when_absent(outcome: Outcome) -> Faults:
    """An IP target that still drains is not registered (docs/aws.md 3).

    Fair: that it drains cannot be known at once.
    """
    for at, place, drains in outcome.aws.log.ip_while_draining:
        if at - drains > unknowable(outcome):
            yield f"{short(place)} was registered at {clock(at)}, draining since {clock(drains)}"


def attributes_are_what_was_planned(outcome: Outcome) -> Faults:
    """No target is decided to leave a group whose attributes were changed more than a minute before.

    Fair: what was decided earlier is finished, also by another process.
    """
    for arn, edited in outcome.aws.log.edits.items():
        for target, at in first_resolved(outcome).items():
            here = {place.group for place in outcome.rollout.targets[target].registrations}
            if arn in here and at > edited + seconds(60) + unknowable(outcome):
                yield f"{target} was to be taken out at {clock(at)} of a group that was changed at {clock(edited)}"


def the_load_balancer_is_spared(outcome: Outcome) -> Faults:
    """At most 30 observations of a group per minute; without an adversary at most two changing calls per registration.

    Fair: a new process does not know when the former one observed; groups that are observed one after the other in the
    simulation (all at once in reality) shift each other by less than a second. A pause or an interrupt brings back a
    target that overlaps.
    """
    births = [at for at, _ in outcome.store.takings]
    for arn in outcome.aws.group_of:
        looks = [call.at for call in outcome.aws.log.calls if call.kind == "look" and call.group == arn]
        for first, last in zip(looks, looks[30:], strict=False):
            if last - first < seconds(59) and not any(first < birth <= last for birth in births):
                yield f"more than 30 looks in the minute from {clock(first)}"
    given = outcome.scenario
    back_again = given.spec.overlap is Overlap.AUTO and (given.pauses or given.interrupts)
    for _, place in places(outcome) if given.calm and not (given.reverts or given.holds or back_again) else ():
        acts = sum(place in call.places for call in changing(outcome))
        if acts > 2:
            yield f"{acts} changing calls for {short(place)}"


def no_turn_is_due_at_once(outcome: Outcome) -> Faults:
    """No turn is due at once: every turn costs a write to the journal."""
    if outcome.figures["restless"]:
        yield f"{outcome.figures['restless']} turns were due at once"


def the_journal_is_spared(outcome: Outcome) -> Faults:
    """When nothing goes wrong, a target costs some fifteen events in as many appends.

    Fair: pending requests are recorded every half minute, and a machine that was stopped is started by a second call.
    """
    if not outcome.scenario.calm or outcome.scenario.users or not outcome.scenario.left_alone:
        return
    targets, groups = len(outcome.aws.targets), outcome.scenario.groups
    events, appends = len(outcome.store.events[ID]), len(outcome.store.appends)
    noted = sum(isinstance(event, e.ObservedBusy) for event in outcome.store.events[ID])
    waves = 2 * len(outcome.rollout.plan.waves)
    steps = 2 * (len(outcome.scenario.spec.steps(Intent.UPDATE)) - 1)
    each = 12 + 2 * groups + outcome.scenario.spec.work.stops + steps
    if events - noted > 4 + waves + targets * each or appends > 3 + waves + (16 + steps) * targets:
        yield f"{events} events in {appends} appends for {targets} targets"


def it_is_quick_when_nobody_disturbs(outcome: Outcome) -> Faults:
    """Without an adversary a target takes its drain, its soak and half a minute more, one target after the other.

    Fair: a floor that can never be met is waited for up to the limit; a person takes their time.
    """
    given = outcome.scenario
    if not given.calm or not given.left_alone:
        return
    each = max(given.spec.drain.settle, seconds(given.delay)) + given.spec.soak + seconds(45)
    held = given.spec.limits.waiting if outcome.rollout.by_phase[Phase.SKIPPED] else seconds(0)
    took = outcome.ended - outcome.rollout.begun
    pauses = given.spec.window.pause_between * len(outcome.rollout.plan.waves)
    if took > each * given.targets + held + pauses + seconds(10):
        yield f"it took {took.total_seconds():.0f}s"


def it_is_done_when_nobody_disturbs(outcome: Outcome) -> Faults:
    """Without an adversary, with a floor that can be kept and no abort, every target is done."""
    given = outcome.scenario
    turned = given.abort is not None or given.reverts or given.spec.gates
    if given.calm and given.kind is PlanKind.ROLL and not turned and floor_can_be_kept(outcome):
        ends = [standing.phase.value for standing in outcome.rollout.statuses.values()]
        left = len(ends) - min(len(ends), given.limit or len(ends))
        if Counter(ends) != Counter({Phase.DONE.value: len(ends) - left, Phase.SKIPPED.value: left}):
            yield f"ended {ends}"
