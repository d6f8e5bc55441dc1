"""The independent judge of one simulation: one function per promise, each by the simulated state and its log.

What the code under test believes is never asked. Only its decisions are read (phases, failures, sentences), because
those promises are about them. What no process could know is no fault; each function says how under *Fair*.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise, product

from tests.properties import (
    judge_commands,
    judge_environment,
    judge_holds,
    judge_limits,
    judge_overlap,
    judge_steps,
    judge_stops,
    judge_waves,
)
from tests.properties.builders import seconds
from tests.properties.ground_truth import (
    MOMENT,
    OBSERVATION_OLD,
    VERDICT_OLD,
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
    unobserved,
    unseen_change,
    words,
)
from tests.properties.simulated_aws import OUT, By
from tests.properties.simulation import ID, Outcome

from katakei.domain.events import PromoteAsked, RevertAsked, RevertDecided, WorkKey
from katakei.domain.model import TargetId
from katakei.domain.observation import HealthState
from katakei.domain.phases import Intent, Phase, Step
from katakei.domain.plan import PlanKind

APART = seconds(5) - seconds(0.5)  # less the time of an observation, which says when it began
SAID = re.compile(r"\d[smh]\b|acting on|nothing is in progress|is frozen by \w+ since \d")
SERVING = {Phase.DONE, Phase.RETURNED, Phase.FAILED_SERVING}
HINDRANCES = (
    "lost",
    "late",
    "wire",
    "lies",
    "slow",
    "crash",
    "pause",
    "stopped",
    "stale",
    "unseen",
    "blind",
    "denied",
    "gone",
    "deleted",
    "killed",
    "paper",
    "slow_append",
    "slow_renew",
    "strangers",
    "refuses",
)
Faults = Iterator[str]


def judged(outcome: Outcome) -> list[str]:
    """Every fault, each with the name of its promise."""
    return [f"{name}: {fault}" for name, promise in PROMISES.items() for fault in promise(outcome)]


def never_under_the_floor(outcome: Outcome) -> Faults:
    """When a call of the rollout took out a serving registration, the floors of its group and zone were kept.

    Fair: one that became unhealthy, or that a stranger took out, less than `unseen_change` ago still counts; one that
    the rollout took out never does. One that became healthy within that time may have been observed unhealthy.
    """
    for place, before, was in taken_out(outcome):
        if not serves(before) or before.at > was.at - unseen_change(outcome):
            continue
        for name, here, floor in floors(outcome, place):
            left = sum(believable(outcome, other, was.at) for other in here)
            if left < floor:
                yield f"{short(place)} was taken out at {clock(was.at)}: {left} of {name} were left, floor {floor}"


def a_take_out_leaves_with_a_fresh_observation(outcome: Outcome) -> Faults:
    """When a call left that takes targets out, each of their groups was asked by that process less than 10 s before.

    Fair: the call itself takes a moment to begin.
    """
    for call in outcome.aws.log.calls:
        for place in sorted(call.places, key=repr) if call.kind == "deregister" else ():
            for other in outcome.aws.owner_of[place].registrations:
                age = unobserved(outcome, call, other.group)
                if age > seconds(OBSERVATION_OLD) + MOMENT:
                    yield f"{short(place)} was taken out at {clock(call.at)}, {short(other)} not observed for {age}"


def a_start_leaves_with_a_fresh_verdict(outcome: Outcome) -> Faults:
    """When a start left, each group of the target had been asked by that process less than 15 s before.

    Fair: the call itself takes a moment to begin.
    """
    for call in outcome.aws.log.calls:
        for key in call.keys:
            for place in outcome.rollout.targets[key.target].registrations:
                age = unobserved(outcome, call, place.group)
                if age > seconds(VERDICT_OLD) + MOMENT:
                    yield f"work on {short(place)} was asked for at {clock(call.at)}, not observed for {age}"


def only_the_proven_count(outcome: Outcome) -> Faults:
    """A registration that was put back counts only 5 s after it became healthy: two observations must show it. Where
    the group has a slow start, it counts only after that.

    Fair: judged only where observations show the newest state; a promotion ends a slow start.
    """
    slow = seconds(0) if words(outcome, PromoteAsked) else seconds(outcome.scenario.slow_start) - seconds(0.5)
    for place, before, was in taken_out(outcome) if not outcome.scenario.adversary.stale else ():
        if not serves(before) or before.at > was.at - unseen_change(outcome):
            continue
        for name, here, floor in floors(outcome, place):
            counted = [other for other in here if believable(outcome, other, was.at)]
            healthy = [healthy_since_we_put_it_back(outcome, other, was.at) for other in counted]
            left = sum(since is None or was.at - since >= max(APART, slow) for since in healthy)
            if left < floor:
                yield f"{short(place)} was taken out at {clock(was.at)}: {left} of {name} were proven, floor {floor}"


def back_at_once_when_the_floor_is_lost(outcome: Outcome) -> Faults:
    """When another target fails while one is out and not yet worked on, that one is registered again.

    Fair: judged where calls go through and nobody dies; one observation and one turn are `unknowable`; an IP target
    must wait until it is absent; a target that was worked on does not go back.
    """
    given = outcome.scenario
    if (
        given.ip
        or given.script
        or given.kind is not PlanKind.ROLL
        or any(getattr(given.adversary, name) for name in HINDRANCES)
    ):
        return
    asked: dict[TargetId, list[datetime]] = {}
    for key, at in first_starts(outcome).items():
        asked.setdefault(key.target, []).append(at)
    for place, _, was in taken_out(outcome):
        ends = [*asked.get(outcome.aws.owner_of[place].id, ()), outcome.ended][:1]
        ends += [back.at for other, back in put_in(outcome) if other == place and back.at > was.at]
        for name, here, floor in floors(outcome, place):
            for begun, ended in short_of(outcome, here, floor, was.at, min(ends)):
                if ended - begun > unknowable(outcome):
                    yield f"{short(place)} stayed out while {name} had lost its floor {floor} since {clock(begun)}"


def never_on_a_live_target(outcome: Outcome) -> Faults:
    """Work was started only when every registration had been out for the whole settle time, and was absent, or where
    a probe can see the target, nothing was pending on it any more.

    Fair: what a stranger registered less than `unknowable` before could not be known, nor what a stranger registered
    and took out again between two observations. A repeated start counts as the first.
    """
    for key, at in first_starts(outcome).items():
        for place in outcome.rollout.targets[key.target].registrations:
            state, since = outcome.aws.was(place, at).state, out_since(outcome, place, at)
            back = back_since(outcome, place, at)
            if state not in OUT:
                if not (back and back.by is By.STRANGER and at - back.at <= unknowable(outcome)):
                    yield f"work on {short(place)} was asked for at {clock(at)} while it was {state.value}"
            elif state is HealthState.DRAINING and not nothing_was_pending(outcome, key.target, at):
                yield f"work on {short(place)} was asked for at {clock(at)} while it was still draining"
            elif at - since < outcome.scenario.spec.drain.settle:
                yield f"work on {short(place)} was asked for at {clock(at)}, out only since {clock(since)}"


def back_exactly_as_it_was(outcome: Outcome) -> Faults:
    """At the end every target that is said to serve is registered as it was, and nothing else is registered.

    Fair: what a stranger took out the last time is the stranger's. The simulation refuses any other registration.
    """
    for target, place in places(outcome):
        phase = outcome.rollout.statuses[target.id].phase
        out = outcome.aws.now(place).state in OUT
        if phase in SERVING and out and last_taken_out_by(outcome, place) is not By.STRANGER:
            yield f"{short(place)} is said to be {phase.value}, and is not registered"


def work_never_starts_twice(outcome: Outcome) -> Faults:
    """On each target each step of the update began under at most one key, and nothing else happened while work ran.

    Fair: manual work has no end that could be observed. The revert begins once for each time it was asked for.
    """
    begun: dict[TargetId, list[WorkKey]] = {}
    for key, mark in outcome.aws.marks.items():
        if mark.fate != "refused":
            begun.setdefault(key.target, []).append(key)
    for at, key in outcome.aws.log.begun_again:
        yield f"{key.intent.value} began again on {key.target} at {clock(at)} under the same key"
    wanted = {Intent.UPDATE: 1, Intent.REVERT: len(words(outcome, RevertAsked, RevertDecided))}
    for target, keys in begun.items():
        for (intent, often), step in product(wanted.items(), Step):
            same = [key.attempt for key in keys if (key.intent, key.step) == (intent, step)]
            if len(same) > often:
                yield f"{step.value} of the {intent.value} began {len(same)} times on {target}: attempts {same}"
        works = sorted((outcome.aws.marks[key] for key in keys), key=lambda mark: mark.begins)
        for one, other in pairwise(works) if not outcome.scenario.by_hand else ():
            if one.ends is None or other.begins < one.ends:
                yield f"work began on {target} at {clock(other.begins)} while other work ran there"
    for place, was in put_in(outcome) if not outcome.scenario.by_hand else ():
        for mark in [outcome.aws.marks[key] for key in begun.get(outcome.aws.owner_of[place].id, ())]:
            if mark.begins <= was.at and (mark.ends is None or was.at < mark.ends):
                yield f"{short(place)} was registered at {clock(was.at)} while its work ran"


def nothing_is_forgotten(outcome: Outcome) -> Faults:
    """The rollout ends, whatever died; every target that it took out and that is still out is left out with a reason.

    Fair: what a stranger took out the last time, and what was out before (a step that only registers).
    """
    phases = {target: standing.phase for target, standing in outcome.rollout.statuses.items()}
    if outcome.rollout.finished is None:
        yield f"not finished at {clock(outcome.ended)}: {[phase.value for phase in phases.values()]}"
    for target, place in places(outcome):
        ours = outcome.aws.now(place).state in OUT and last_taken_out_by(outcome, place) is By.US
        if ours and phases[target.id] is not Phase.LEFT_OUT:
            yield f"{short(place)} is out of service, but {phases[target.id].value}"
        if phases[target.id] is Phase.LEFT_OUT and not outcome.rollout.statuses[target.id].reason:
            yield f"{target.id} is left out without a reason"


def an_old_owner_does_nothing(outcome: Outcome) -> Faults:
    """Once another process has taken over, the former one writes nothing and begins no call that changes anything.

    Fair: a call that was under way at that moment had begun; observing is allowed.
    """
    after = {who: at for at, who in outcome.store.takings}
    ends = {who: min((at for other, at in after.items() if other > who), default=None) for who in after}
    for call in changing(outcome):
        end = ends[call.who]
        if end is not None and call.at > end:
            yield f"process {call.who} began to {call.kind} at {clock(call.at)}, taken over at {clock(end)}"
    for at, who, _ in outcome.store.appends:
        end = ends[who]
        if end is not None and at > end:
            yield f"process {who} wrote at {clock(at)}, taken over at {clock(end)}"


def no_living_owner_is_replaced(outcome: Outcome) -> Faults:
    """An owner that is not known to be dead is replaced only after 20 s of silence (its lease) and 10 s more."""
    for at, owner in outcome.store.taken_from:
        silent = at - outcome.store.heartbeats[owner].newest(at)
        if silent < seconds(30):
            yield f"process {owner.pid} was taken over at {clock(at)}, silent only for {silent.total_seconds():.0f}s"


def a_process_without_progress_is_replaced(outcome: Outcome) -> Faults:
    """A process whose loop stands still for long loses its lease, although its heartbeat's thread runs on."""
    if outcome.figures["stalled"]:
        yield f"{outcome.figures['stalled']} processes kept the lease for minutes without progress"


def a_rival_is_refused_by_name(outcome: Outcome) -> Faults:
    """Another rollout that asked for a group while a process was alive was refused, and told which rollout has it."""
    if any(ID not in said for said in outcome.refused):
        yield "a rival got a group of this rollout"


def a_bad_release_stops_early(outcome: Outcome) -> Faults:
    """Once more targets have failed than were allowed, no other target is taken out and no other work is started.

    Fair: what was decided before may still take effect, within `unknowable`. By the simulated state alone: at most as
    much work ended badly as was allowed, and a window that had begun.
    """
    given = outcome.scenario
    often = {Intent.UPDATE: 1, Intent.REVERT: len(words(outcome, RevertAsked, RevertDecided))}
    for intent, times in often.items() if given.kind is PlanKind.ROLL else ():
        bad = sum(mark.fate == "bad" and key.intent is intent for key, mark in outcome.aws.marks.items())
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
    """After every turn one sentence says since when or for how much longer it waits, or what it does."""
    yield from (f"said {said!r}" for said in outcome.sentences if not SAID.search(said))


PROMISES: Mapping[str, Callable[[Outcome], Faults]] = {
    "1 floor": never_under_the_floor,
    "1 fresh": a_take_out_leaves_with_a_fresh_observation,
    "2 fresh": a_start_leaves_with_a_fresh_verdict,
    "1 proof": only_the_proven_count,
    "1 back": back_at_once_when_the_floor_is_lost,
    "2 live": never_on_a_live_target,
    "3 back": back_exactly_as_it_was,
    "4 once": work_never_starts_twice,
    "5 forgotten": nothing_is_forgotten,
    "6 owner": an_old_owner_does_nothing,
    "6 silence": no_living_owner_is_replaced,
    "6 stall": a_process_without_progress_is_replaced,
    "6 rival": a_rival_is_refused_by_name,
    "7 stops": a_bad_release_stops_early,
    "7 late": judge_environment.late_failures_set_the_exit_code,
    "late": judge_environment.late_targets_are_updated_or_left,
    "outage": judge_environment.outages_are_retried,
    "7 revert": judge_commands.a_revert_is_a_revert,
    "7 pause": judge_commands.a_pause_is_heard,
    "7 abort": judge_commands.an_abort_is_heard,
    "7 interrupt": judge_commands.an_interrupt_begins_nothing,
    "freeze": judge_holds.a_freeze_stops_take_outs,
    "gate": judge_holds.a_gate_lets_no_more_pass,
    "condition": judge_holds.a_condition_is_met_before_a_take_out,
    "gate refused": judge_holds.a_refused_gate_ends_it,
    "held": judge_holds.everything_serves_after_a_hold,
    **judge_overlap.CLAUSES,
    **judge_waves.CLAUSES,
    **judge_steps.CLAUSES,
    **judge_stops.CLAUSES,
    "promote": judge_holds.a_promotion_shortens_only_the_soak,
    "alone": judge_environment.a_mad_target_is_alone,
    "9 why": it_says_why_it_waits,
    "exit code": judge_limits.the_exit_code_is_true,
    "ip": judge_limits.an_ip_is_registered_only_when_absent,
    "attributes": judge_limits.attributes_are_what_was_planned,
    "calls": judge_limits.the_load_balancer_is_spared,
    "rest": judge_limits.no_turn_is_due_at_once,
    "appends": judge_limits.the_journal_is_spared,
    "quick": judge_limits.it_is_quick_when_nobody_disturbs,
    "done": judge_limits.it_is_done_when_nobody_disturbs,
}
