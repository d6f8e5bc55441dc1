"""What an outside judge says of one play: one function per promise, each from the world's own truth and log.

The core's opinion is never asked about what was so. It is read only for what it resolved and said (phases, failures,
sentences), because that is what those promises are about. What nobody could know is forgiven, and each says how.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise

from tests.properties import bounds, others, will
from tests.properties.evidence import (
    back_since,
    believable,
    changing,
    clock,
    failed_too_often,
    first_starts,
    first_taken,
    floors,
    healthy_since_we_put_it_back,
    last_taken_out_by,
    nothing_was_pending,
    out_since,
    places,
    put_in,
    serves,
    short,
    short_of,
    taken_out,
    unknowable,
    words,
)
from tests.properties.play import ID, Outcome
from tests.properties.things import seconds
from tests.properties.world import OUT, By

from katakei.domain.events import RevertAsked, RevertDecided, WorkKey
from katakei.domain.model import TargetId
from katakei.domain.observation import HealthState
from katakei.domain.phases import Intent, Phase
from katakei.domain.plan import PlanKind

APART = seconds(5) - seconds(0.5)  # less what a look takes: it says when it was begun
SAID = re.compile(r"\d[smh]\b|acting on|nothing is in progress")
SERVING = {Phase.DONE, Phase.RETURNED, Phase.FAILED_SERVING}
HINDRANCES = (
    "lost",
    "late",
    "wire",
    "lies",
    "slow",
    "crash",
    "pause",
    "stale",
    "unseen",
    "blind",
    "denied",
    "gone",
    "deleted",
    "killed",
    "paper",
    "strangers",
    "refuses",
)
Faults = Iterator[str]


def judged(outcome: Outcome) -> list[str]:
    """Every fault, each with the name of its promise."""
    return [f"{name}: {fault}" for name, promise in PROMISES.items() for fault in promise(outcome)]


def never_under_the_floor(outcome: Outcome) -> Faults:
    """When a call of ours took a serving registration out, the floor of its group and of its zone was kept.

    Fair: one that fell, or that a stranger took out, less than `unknowable` ago still counts; one that we took out
    never does. A target that became healthy within that time may have looked unhealthy, and no serving one was lost.
    """
    for place, before, was in taken_out(outcome):
        if not serves(before) or before.at > was.at - unknowable(outcome):
            continue
        for name, here, floor in floors(outcome, place):
            left = sum(believable(outcome, other, was.at) for other in here)
            if left < floor:
                yield f"{short(place)} was taken out at {clock(was.at)}: {left} of {name} were left, floor {floor}"


def only_the_proven_count(outcome: Outcome) -> Faults:
    """One that we brought back counts only 5 s after it became healthy: two looks, apart, must have said so.

    Fair: judged only where looks tell the newest truth.
    """
    for place, before, was in taken_out(outcome) if not outcome.setting.wicked.stale else ():
        if not serves(before) or before.at > was.at - unknowable(outcome):
            continue
        for name, here, floor in floors(outcome, place):
            counted = [other for other in here if believable(outcome, other, was.at)]
            healthy = [healthy_since_we_put_it_back(outcome, other, was.at) for other in counted]
            left = sum(since is None or was.at - since >= APART for since in healthy)
            if left < floor:
                yield f"{short(place)} was taken out at {clock(was.at)}: {left} of {name} were proven, floor {floor}"


def back_at_once_when_the_floor_is_lost(outcome: Outcome) -> Faults:
    """Falls another while ours is out and its work was not asked for, ours is registered again.

    Fair: judged where calls go through and nobody dies; one look and one turn are `unknowable`; an ip target must wait
    until it is absent; a target that was worked on (kept out because it failed) is none that goes back.
    """
    given = outcome.setting
    if (
        given.ip
        or given.script
        or given.kind is not PlanKind.ROLL
        or any(getattr(given.wicked, name) for name in HINDRANCES)
    ):
        return
    asked: dict[TargetId, list[datetime]] = {}
    for key, at in first_starts(outcome).items():
        asked.setdefault(key.target, []).append(at)
    for place, _, was in taken_out(outcome):
        ends = [*asked.get(outcome.world.owner_of[place].id, ()), outcome.ended][:1]
        ends += [back.at for other, back in put_in(outcome) if other == place and back.at > was.at]
        for name, here, floor in floors(outcome, place):
            for begun, ended in short_of(outcome, here, floor, was.at, min(ends)):
                if ended - begun > unknowable(outcome):
                    yield f"{short(place)} stayed out while {name} had lost its floor {floor} since {clock(begun)}"


def never_on_a_live_target(outcome: Outcome) -> Faults:
    """Work was asked for only when every registration had been out for the whole settle time, and was absent, or where
    a witness can see the target, nothing was pending on it any more.

    Fair: what a stranger registered less than `unknowable` before could not be known, nor what a stranger registered
    and took out again between two looks. A repeated asking is the first.
    """
    for key, at in first_starts(outcome).items():
        for place in outcome.rollout.targets[key.target].registrations:
            state, since = outcome.world.was(place, at).state, out_since(outcome, place, at)
            back = back_since(outcome, place, at)
            if state not in OUT:
                if not (back and back.by is By.STRANGER and at - back.at <= unknowable(outcome)):
                    yield f"work on {short(place)} was asked for at {clock(at)} while it was {state.value}"
            elif state is HealthState.DRAINING and not nothing_was_pending(outcome, key.target, at):
                yield f"work on {short(place)} was asked for at {clock(at)} while it was still draining"
            elif at - since < outcome.setting.spec.drain.settle:
                yield f"work on {short(place)} was asked for at {clock(at)}, out only since {clock(since)}"


def back_exactly_as_it_was(outcome: Outcome) -> Faults:
    """At the end every target that is said to serve is registered as it was, and nothing else is registered.

    Fair: what a stranger took out the last time is the stranger's. That no other place was made is the world's own
    doing: it knows only the places of the beginning and would break on another one.
    """
    for target, place in places(outcome):
        phase = outcome.rollout.statuses[target.id].phase
        out = outcome.world.now(place).state in OUT
        if phase in SERVING and out and last_taken_out_by(outcome, place) is not By.STRANGER:
            yield f"{short(place)} is said to be {phase.value}, and is not registered"


def work_never_starts_twice(outcome: Outcome) -> Faults:
    """On each target the update began under one key at the most, and no work while another ran; nor was it put back.

    Fair: a person's own work has no end that the world could see. The revert begins once for each time it was wanted.
    """
    begun: dict[TargetId, list[WorkKey]] = {}
    for key, mark in outcome.world.marks.items():
        if mark.fate != "refused":
            begun.setdefault(key.target, []).append(key)
    wanted = {Intent.UPDATE: 1, Intent.REVERT: len(words(outcome, RevertAsked, RevertDecided))}
    for target, keys in begun.items():
        for intent, often in wanted.items():
            same = [key.attempt for key in keys if key.intent is intent]
            if len(same) > often:
                yield f"{intent.value} began {len(same)} times on {target}: attempts {same}"
        works = sorted((outcome.world.marks[key] for key in keys), key=lambda mark: mark.begins)
        for one, other in pairwise(works) if not outcome.setting.by_hand else ():
            if one.ends is None or other.begins < one.ends:
                yield f"work began on {target} at {clock(other.begins)} while other work ran there"
    for place, was in put_in(outcome) if not outcome.setting.by_hand else ():
        for mark in [outcome.world.marks[key] for key in begun.get(outcome.world.owner_of[place].id, ())]:
            if mark.begins <= was.at and (mark.ends is None or was.at < mark.ends):
                yield f"{short(place)} was registered at {clock(was.at)} while its work ran"


def nothing_is_forgotten(outcome: Outcome) -> Faults:
    """It ends, whatever died; whatever we took out and is out at the end is named as left out, with its reason.

    Fair: what a stranger took out the last time, and what was out before we came (a step that only registers).
    """
    phases = {target: standing.phase for target, standing in outcome.rollout.statuses.items()}
    if outcome.rollout.finished is None:
        yield f"not finished at {clock(outcome.ended)}: {[phase.value for phase in phases.values()]}"
    for target, place in places(outcome):
        ours = outcome.world.now(place).state in OUT and last_taken_out_by(outcome, place) is By.US
        if ours and phases[target.id] is not Phase.LEFT_OUT:
            yield f"{short(place)} is out of service, but {phases[target.id].value}"
        if phases[target.id] is Phase.LEFT_OUT and not outcome.rollout.statuses[target.id].reason:
            yield f"{target.id} is left out without a reason"


def an_old_owner_does_nothing(outcome: Outcome) -> Faults:
    """Once another process has taken over, the former one writes nothing and begins no call that changes anything.

    Fair: a call that was under way at that moment had begun; to look is free.
    """
    after = {who: at for at, who in outcome.paper.takings}
    ends = {who: min((at for other, at in after.items() if other > who), default=None) for who in after}
    for call in changing(outcome):
        end = ends[call.who]
        if end is not None and call.at > end:
            yield f"process {call.who} began to {call.kind} at {clock(call.at)}, taken over at {clock(end)}"
    for at, who, _ in outcome.paper.appends:
        end = ends[who]
        if end is not None and at > end:
            yield f"process {who} wrote at {clock(at)}, taken over at {clock(end)}"


def nobody_who_lives_is_taken_over(outcome: Outcome) -> Faults:
    """A holder that is not known to be dead was silent for 20 s, as long as a lease lives, and for 10 s more."""
    for at, owner in outcome.paper.taken_from:
        silent = at - outcome.paper.hearts[owner].newest(at)
        if silent < seconds(30):
            yield f"process {owner.pid} was taken over at {clock(at)}, silent only for {silent.total_seconds():.0f}s"


def a_rival_is_refused_by_name(outcome: Outcome) -> Faults:
    """Who wanted a group of ours for another rollout while a process of ours lived was refused, and told who has it."""
    if any(ID not in said for said in outcome.refused):
        yield "a rival got a group of ours"


def a_bad_release_stops_early(outcome: Outcome) -> Faults:
    """Once more targets have failed than were allowed, no other target is taken out and no other work is asked for.

    Fair: what was resolved before may still land, within `unknowable`. By the truth alone: works that ended badly are
    at most as many as were allowed, and a window of them that had begun.
    """
    given = outcome.setting
    often = {Intent.UPDATE: 1, Intent.REVERT: len(words(outcome, RevertAsked, RevertDecided))}
    for intent, times in often.items() if given.kind is PlanKind.ROLL else ():
        bad = sum(mark.fate == "bad" and key.intent is intent for key, mark in outcome.world.marks.items())
        if bad > times * (given.spec.on_failure.max_failures + given.window):
            yield f"{bad} of {intent.value} ended badly, {given.spec.on_failure.max_failures} were allowed"
    stopped = failed_too_often(outcome)
    if stopped is None or given.kind is not PlanKind.ROLL:
        return
    late = stopped + unknowable(outcome)
    yield from (f"{target} was taken out at {clock(at)}, the rollout failed at {clock(stopped)}"
                for target, at in first_taken(outcome).items() if at > late)  # fmt: skip
    yield from (f"work on {key.target} was asked for at {clock(at)}, the rollout failed at {clock(stopped)}"
                for key, at in first_starts(outcome).items() if at > late and key.intent is Intent.UPDATE)  # fmt: skip


def it_says_why_it_waits(outcome: Outcome) -> Faults:
    """After every turn there is one sentence that tells since when or for how much longer, or what is being done."""
    yield from (f"said {said!r}" for said in outcome.sentences if not SAID.search(said))


PROMISES: Mapping[str, Callable[[Outcome], Faults]] = {
    "1 floor": never_under_the_floor,
    "1 proof": only_the_proven_count,
    "1 back": back_at_once_when_the_floor_is_lost,
    "2 live": never_on_a_live_target,
    "3 back": back_exactly_as_it_was,
    "4 once": work_never_starts_twice,
    "5 forgotten": nothing_is_forgotten,
    "6 owner": an_old_owner_does_nothing,
    "6 silence": nobody_who_lives_is_taken_over,
    "6 rival": a_rival_is_refused_by_name,
    "7 stops": a_bad_release_stops_early,
    "7 late": others.a_release_that_shows_late_to_be_bad_is_a_failure,
    "late": others.who_comes_late_is_rolled_or_left,
    "borne": others.a_world_that_may_come_back_is_borne,
    "7 revert": will.a_revert_is_a_revert,
    "7 pause": will.a_pause_is_heard,
    "7 abort": will.an_abort_is_heard,
    "7 interrupt": will.an_interrupt_begins_nothing,
    "9 why": it_says_why_it_waits,
    "exit code": bounds.the_exit_code_is_true,
    "ip": bounds.an_ip_is_registered_only_when_absent,
    "attributes": bounds.attributes_are_what_was_planned,
    "calls": bounds.the_load_balancer_is_spared,
    "rest": bounds.no_turn_is_due_at_once,
    "appends": bounds.the_journal_is_spared,
    "quick": bounds.it_is_quick_when_nobody_disturbs,
    "done": bounds.it_is_done_when_nobody_disturbs,
}
