"""The judge of what holds a rollout: freezes, approval gates and promotions.

As in `judge.py`, each says how it is fair.
"""

from collections.abc import Iterator
from datetime import datetime

from tests.properties.builders import seconds
from tests.properties.ground_truth import (
    MOMENT,
    OBSERVATION_OLD,
    back_since,
    changing,
    clock,
    done_at,
    first_starts,
    first_taken,
    floor_can_be_kept,
    healthy_since_we_put_it_back,
    places,
    serves,
    short,
    stopped_for_good,
    unknowable,
    words,
)
from tests.properties.holds import CONDITION, not_met_for
from tests.properties.simulated_aws import NOON, By
from tests.properties.simulation import HOME, ID, PROCESSES, Outcome

from katakei.domain import events as e
from katakei.domain.model import TargetId
from katakei.domain.phases import FINAL_PHASES, Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.spec import ExpiryDefault

APART = seconds(5) - MOMENT
FREEZE_KNOWN = seconds(OBSERVATION_OLD) + MOMENT
CONDITION_OLD = 60 + OBSERVATION_OLD + 20
"""Seconds: how old a reading of a condition may be when a decision that rests on it is written."""
HOME_AFTER = PROCESSES
Faults = Iterator[str]


def written(outcome: Outcome) -> Iterator[tuple[datetime, e.Event]]:
    """Every event that a process could read, with the true time from which it could."""
    done = 0
    for at, _, upto in outcome.store.appends:
        yield from ((at, event) for event in outcome.store.events[ID][done:upto])
        done = max(done, upto)


def a_freeze_stops_take_outs(outcome: Outcome) -> Faults:
    """No call that takes a target out for the update leaves while a freeze that began more than 10 s before is active.

    Fair: once a call for the target has returned, the others follow; a revert, a failed target and one that was worked
    on are not held.
    """
    facts: list[tuple[datetime, int, e.Event | None, frozenset[TargetId]]] = [
        (at, 0, event, frozenset()) for at, event in written(outcome)
    ]
    facts += [
        (call.at, 1, None, frozenset(outcome.aws.owner_of[place].id for place in call.places))
        for call in changing(outcome)
        if call.kind == "deregister"
    ]
    leaving: set[TargetId] = set()
    held: set[TargetId] = set()
    for at, _, event, taken in sorted(facts, key=lambda fact: fact[:2]):
        match event:
            case e.PhaseChanged(_, target) if event.to is Phase.DRAINING and event.intent is Intent.UPDATE:
                leaving.add(target)
                held.add(target)
            case e.PhaseChanged(_, target) if event.to is not Phase.OUT:
                leaving.discard(target)
                held.discard(target)
            case e.Deregistered():
                held.difference_update(event.targets)
            case e.FoundServing() if event.target in leaving:
                held.add(event.target)
        begun = [span.since for span in outcome.frozen if span.covers(at) and at - span.since > FREEZE_KNOWN]
        for target in sorted(taken & held) if begun else ():
            yield f"{target} was taken out at {clock(at)}, frozen since {clock(begun[0])}"


def a_gate_lets_no_more_pass(outcome: Outcome) -> Faults:
    """While a gate is not passed, no more targets are done or in progress than it lets pass, when one is taken out.

    A gate is passed only by an approval or a skip that came while it was asked.
    """
    ahead = {gate.name: gate.after for gate in outcome.scenario.spec.gates if gate.approval}
    asked: set[str] = set()
    began: set[TargetId] = set()
    for event in outcome.store.events[ID]:
        match event:
            case e.ApprovalAsked():
                asked.add(event.gate)
            case e.ApprovalExpired():
                asked.discard(event.gate)
            case e.GateAnswered() | e.GateSkipped() if event.gate in asked:
                asked.discard(event.gate)
                if isinstance(event, e.GateSkipped) or event.approved:
                    ahead.pop(event.gate, None)
            case e.PhaseChanged(_, target):
                if event.to in FINAL_PHASES and event.to is not Phase.DONE:
                    began.discard(target)
                elif event.to is Phase.DRAINING and event.intent is Intent.UPDATE:
                    began.add(target)
                    for name, after in ahead.items():
                        if len(began) > after:
                            yield f"{target} began as number {len(began)} before {name}, which lets {after} pass"


def a_condition_is_met_before_a_take_out(outcome: Outcome) -> Faults:
    """A target is decided to be taken out for the update only while the condition of a gate was met a moment ago.

    Fair: a reading counts for 60 s, and one turn with slow questions may follow it. A skipped gate holds nothing. At
    the end of a simulation, when nobody disturbs any more, the condition is met.
    """
    gates = [gate for gate in outcome.scenario.spec.gates if gate.probe and gate.after == 0]
    if not gates or outcome.scenario.kind is not PlanKind.ROLL:
        return
    skipped = False
    for at, event in written(outcome):
        if isinstance(event, e.GateSkipped) and event.gate == CONDITION:
            skipped = True
        if isinstance(event, e.PhaseChanged) and event.to is Phase.DRAINING and event.intent is Intent.UPDATE:
            since = not_met_for(at)
            home = outcome.figures["processes"] > HOME_AFTER or at - NOON > HOME
            if not skipped and not home and since > CONDITION_OLD:
                yield f"{event.target} was to be taken out at {clock(at)}, the condition was not met for {since:.0f}s"


def a_refused_gate_ends_it(outcome: Outcome) -> Faults:
    """Once a gate is denied, or expired with `abort`, no other target is taken out and no other work is started.

    After an expiry with `pause` no target is decided to be taken out until somebody resumes.

    Fair: what was resolved before may still land, within `unknowable`; a revert is another command.
    """
    ends = {gate.name: gate.approval for gate in outcome.scenario.spec.gates if gate.approval}
    asked: set[str] = set()
    refused: datetime | None = None
    paused = False
    for at, event in written(outcome):
        match event:
            case e.RevertAsked() | e.RevertDecided() | e.GateStopped(reverts=True):
                return
            case e.ApprovalAsked():
                asked.add(event.gate)
            case e.GateAnswered() if event.gate in asked and not event.approved:
                refused = refused or at
            case e.ApprovalExpired() if event.gate in asked and ends[event.gate].default is ExpiryDefault.ABORT:
                refused = refused or at
            case e.ApprovalExpired() if event.gate in asked:
                paused = True
            case e.ResumeAsked():
                paused = False
            case e.PhaseChanged() if paused and event.to is Phase.DRAINING and event.intent is Intent.UPDATE:
                yield f"{event.target} was resolved to be taken out after a gate expired"
        if isinstance(event, e.GateAnswered | e.GateSkipped | e.ApprovalExpired):
            asked.discard(event.gate)
    late = refused + unknowable(outcome) if refused else None
    for what, at in [*first_taken(outcome).items(), *first_starts(outcome).items()] if late else ():
        if late and refused and at > late:
            yield f"{what} was begun at {clock(at)}, the gate was refused at {clock(refused)}"


def everything_serves_after_a_hold(outcome: Outcome) -> Faults:
    """Whatever held the rollout, at the end every target serves; without gates every one is done.

    Fair: judged without an adversary, where the floor can be kept and only the rollout takes targets out. A target that
    an earlier rollout left out stays out, named, when the update ended before it: "untouched" and "broken" judge those.
    So does one that a revert found unproven and kept out, when a person aborted the revert before its work.
    """
    given = outcome.scenario
    if not given.calm or given.holds is None or given.kind is not PlanKind.ROLL or not floor_can_be_kept(outcome):
        return
    aborted = words(outcome, e.RevertAsked, e.RevertDecided) and words(outcome, e.AbortAsked)
    kept = outcome.rollout.statuses if aborted else outcome.rollout.held
    named = {target for target in kept if outcome.rollout.statuses[target].phase is Phase.LEFT_OUT}
    for target, place in places(outcome):
        if not serves(outcome.aws.now(place)) and not (target.id in named and stopped_for_good(outcome)):
            yield f"{short(place)} does not serve"


def a_promotion_shortens_only_the_soak(outcome: Outcome) -> Faults:
    """A target that is done had been healthy for as long as two observations take. Its check was asked after its work.

    The drain is judged by "2 live".

    Fair: judged where observations show the newest state, and where nobody else registered it. Manual work has no end
    that could be observed.
    """
    given = outcome.scenario
    if given.holds is None or given.kind is not PlanKind.ROLL or given.adversary.stale or given.reverts:
        return
    for target, at in done_at(outcome).items():
        for place in outcome.rollout.targets[target].registrations:
            since, back = healthy_since_we_put_it_back(outcome, place, at), back_since(outcome, place, at)
            if back is None or back.by is not By.US:
                continue
            if since is not None and at - since < APART:
                yield f"{short(place)} was done at {clock(at)}, healthy only since {clock(since)}"
            asked = [call.at for call in outcome.aws.log.calls if call.kind == "ask"]
            ends = [mark.ends for key, mark in outcome.aws.marks.items() if key.target == target and mark.ends]
            known = given.spec.check.asked and not given.by_hand
            if known and ends and not any(max(ends) <= when <= back.at for when in asked):
                yield f"{short(place)} was registered at {clock(back.at)} without a check after its work"
