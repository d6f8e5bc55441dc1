"""The judge of overlaps: a target that drains while another one soaks and gives it its place in the window.

As in `judge.py`, each says how it is fair. The decisions are read from the journal, in which a process has read every
event that stands before its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.properties.builders import seconds
from tests.properties.ground_truth import (
    MOMENT,
    back_since,
    believable,
    clock,
    first_starts,
    floors,
    healthy_since_we_put_it_back,
    short,
    taken_out,
    unknowable,
    until,
)
from tests.properties.judge_holds import FREEZE_KNOWN, written
from tests.properties.simulated_aws import By
from tests.properties.simulation import Outcome

from katakei.domain import events as e
from katakei.domain.gates import GateState
from katakei.domain.model import Registration, TargetId
from katakei.domain.observation import HealthState
from katakei.domain.phases import FINAL_PHASES, IN_PROGRESS, Cause, Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.spec import Overlap

OUT = (Phase.DRAINING, Phase.OUT, Phase.RETURNING)
UNTOUCHED = (Phase.DRAINING, Phase.OUT)
TWO_OBSERVATIONS = seconds(5)
Faults = Iterator[str]


@dataclass
class Ledger:
    """The journal up to one event, as an outsider reads it: phases, pairs, and what stops the rollout."""

    phases: dict[TargetId, Phase]
    since: dict[TargetId, datetime] = field(default_factory=dict)
    pairs: dict[TargetId, TargetId] = field(default_factory=dict)  # who took a place, and whose
    causes: dict[TargetId, Cause | None] = field(default_factory=dict)
    attempts: dict[TargetId, int] = field(default_factory=dict)
    fell: set[TargetId] = field(default_factory=set)  # since it soaks
    promoted: set[TargetId] = field(default_factory=set)
    gates: dict[str, GateState] = field(default_factory=dict)
    stops: set[str] = field(default_factory=set)

    @property
    def waiting_gates(self) -> list[str]:
        return [name for name, state in self.gates.items() if state is GateState.ASKED]

    def read(self, at: datetime, event: e.Event) -> None:
        match event:
            case e.PhaseChanged(_, target):
                self._moved(at, target, event)
            case e.TargetAdded() if event.takes_part:
                self.phases.setdefault(event.target.id, Phase.WAITING)
            case e.BecameUnhealthy(_, target) | e.FailedAfterDone(_, target):
                self.fell.add(target)
                self.promoted.discard(target)
                self.causes[target] = Cause.FAILED if isinstance(event, e.FailedAfterDone) else self.causes.get(target)
            case e.PromoteAsked():
                self.promoted |= {target for target, phase in self.phases.items() if phase is Phase.SOAKING}
            case e.RetryAsked() | e.Finished():
                self.stops -= {"paused", "aborted"} if isinstance(event, e.RetryAsked) else {"paused"}
            case e.OwnerChanged():
                self.stops.discard("interrupted")
            case e.ApprovalAsked(_, gate):
                self.gates[gate] = GateState.ASKED
            case e.GateAnswered(_, _, gate) | e.GateSkipped(_, _, gate) | e.ApprovalExpired(_, gate):
                self.gates.pop(gate, None)
            case _:
                self._told(event)

    def _told(self, event: e.Event) -> None:
        match event:
            case e.PauseAsked():
                self.stops.add("paused")
            case e.ResumeAsked():
                self.stops.discard("paused")
            case e.AbortAsked():
                self.stops.add("aborted")
            case e.Interrupted():
                self.stops.add("interrupted")
            case e.RevertAsked() | e.RevertDecided() | e.GateStopped(reverts=True):
                self.stops.add("reverted")
            case _:
                pass

    def _moved(self, at: datetime, target: TargetId, event: e.PhaseChanged) -> None:
        if self.phases.get(target, Phase.WAITING) in FINAL_PHASES:
            self.attempts[target] = self.attempts.get(target, 1) + (self.causes.get(target) is not Cause.OVERLAP_ENDED)
            self.causes[target] = None
        self.phases[target], self.since[target] = event.to, at
        self.causes[target] = event.cause or self.causes.get(target)
        if event.to is Phase.DRAINING:
            self.pairs.pop(target, None)
            self.pairs |= {target: event.overlaps} if event.overlaps else {}
        elif event.to not in OUT:
            self.pairs.pop(target, None)
        if event.to in {Phase.SOAKING, Phase.WARMING}:
            self.fell.discard(target)


def _steps(outcome: Outcome) -> Iterator[tuple[datetime, e.Event, Ledger]]:
    """Every event with the ledger before it."""
    ledger = Ledger(dict.fromkeys(outcome.aws.targets, Phase.WAITING))
    for at, event in written(outcome):
        yield at, event, ledger
        ledger.read(at, event)


def _take_outs(outcome: Outcome) -> Iterator[tuple[datetime, e.PhaseChanged, TargetId, Ledger]]:
    """Every decision to take a target out in the place of a soaking one."""
    for at, event, ledger in _steps(outcome):
        if isinstance(event, e.PhaseChanged) and event.to is Phase.DRAINING and event.overlaps:
            yield at, event, event.overlaps, ledger


def _soak(outcome: Outcome, ledger: Ledger, target: TargetId) -> timedelta:
    soak = outcome.scenario.spec.soak
    return min(soak, TWO_OBSERVATIONS) if target in ledger.promoted else soak


def _served(outcome: Outcome, target: TargetId, at: datetime) -> Iterator[tuple[Registration, timedelta]]:
    """For how long each registration of a target had been healthy since we put it back; zero where it was not.

    Fair: those that a stranger registered before we did are left out.
    """
    for place in outcome.rollout.targets[target].registrations:
        back = back_since(outcome, place, at)
        if back is not None and back.by is not By.US:
            continue
        since = healthy_since_we_put_it_back(outcome, place, at)
        yield place, at - since if since else timedelta()


def only_a_soak_that_is_nearly_over_gives_its_place(outcome: Outcome) -> Faults:
    """When a target takes the place of another one, that one soaks, was not seen to fall, and has at most settle left.

    Fair: the call that observed it took a moment.
    """
    settle = outcome.scenario.spec.drain.settle
    for at, event, soaking, ledger in _take_outs(outcome):
        if ledger.phases[soaking] is not Phase.SOAKING or soaking in ledger.fell or ledger.causes.get(soaking):
            yield f"{event.target} took the place of {soaking}, which was {ledger.phases[soaking].value}"
        for place, served in _served(outcome, soaking, at):
            left = _soak(outcome, ledger, soaking) - served
            if left > settle + MOMENT:
                yield f"{event.target} was taken out at {clock(at)}: {short(place)} had {left} left to soak"


def nothing_stands_between(outcome: Outcome) -> Faults:
    """No target takes the place of another one while something stops the rollout, in a revert, or where it is off."""
    for at, event, _, ledger in _take_outs(outcome):
        if ledger.stops or ledger.waiting_gates:
            yield f"{event.target} was taken out at {clock(at)}: {[*ledger.stops, *ledger.waiting_gates]}"
        frozen = [span for span in outcome.frozen if span.covers(at) and at - span.since > FREEZE_KNOWN]
        if frozen:
            yield f"{event.target} was taken out at {clock(at)}, frozen since {clock(frozen[0].since)}"
        if event.intent is Intent.REVERT:
            yield f"{event.target} was taken out at {clock(at)} for a revert"
        if outcome.scenario.spec.overlap is Overlap.NEVER:
            yield f"{event.target} was taken out at {clock(at)}, though warm.overlap is never"


def each_place_is_given_once(outcome: Outcome) -> Faults:
    """A soaking target gives its place to one other target at a time, and no more targets are in progress than that.

    Fair: a manual step takes all of its targets at once.
    """
    for at, event, ledger in _steps(outcome) if outcome.scenario.kind is PlanKind.ROLL else ():
        if not isinstance(event, e.PhaseChanged) or event.to is not Phase.DRAINING or event.intent is not Intent.UPDATE:
            continue
        if event.overlaps in ledger.pairs.values():
            yield f"{event.target} took the place of {event.overlaps} at {clock(at)}, as another one did"
        pairs = {**ledger.pairs, **({event.target: event.overlaps} if event.overlaps else {})}
        busy = {target for target, phase in ledger.phases.items() if phase in IN_PROGRESS} | {event.target}
        shared = sum(soaking in busy for soaking in pairs.values())
        if len(busy) - shared > outcome.scenario.window:
            yield f"{event.target} was taken out at {clock(at)} as number {len(busy) - shared} in the window"


def the_proven_keep_the_floor(outcome: Outcome) -> Faults:
    """When the call landed that takes such a target out, every floor was kept, and at least one was left in each group
    and zone, counting neither soaking, nor failed, nor newly registered targets.

    Fair: as `never_under_the_floor`; whom a stranger registered cannot be told at once. Once that soak is over, the
    rules of every take-out count.
    """
    story = [(at, event) for at, event in written(outcome)]
    for place, _, was in taken_out(outcome):
        ledger = Ledger(dict.fromkeys(outcome.aws.targets, Phase.WAITING))
        for at, event in story:
            if at > was.at:
                break
            ledger.read(at, event)
        target = outcome.aws.owner_of[place].id
        soaking = ledger.pairs.get(target)
        if soaking is None or ledger.phases[soaking] is not Phase.SOAKING or ledger.phases[target] is Phase.RETURNING:
            continue
        for name, here, floor in floors(outcome, place):
            left = [other for other in here if other != place and _proven(outcome, ledger, other, was.at)]
            if len(left) < max(1, floor):
                yield f"{short(place)} was taken out at {clock(was.at)}: {len(left)} of {name} proven, floor {floor}"


def _proven(outcome: Outcome, ledger: Ledger, place: Registration, at: datetime) -> bool:
    owner = outcome.aws.owner_of[place].id
    doubted = ledger.phases.get(owner) is Phase.SOAKING or ledger.causes.get(owner) is Cause.FAILED
    put_in = next((was for was in until(outcome, place, at) if was.state is HealthState.INITIAL), None)
    new = put_in is not None and put_in.by is By.US and at - put_in.at < outcome.scenario.spec.soak - MOMENT
    return believable(outcome, place, at) and not doubted and not new


def its_work_waits_for_that_soak(outcome: Outcome) -> Faults:
    """Work on such a target is decided only once that soak has ended well, and nothing stands between any more.

    Fair: a freeze may be as young as an observation may be old.
    """
    for at, event, ledger in _steps(outcome):
        if not isinstance(event, e.PhaseChanged) or event.to is not Phase.WORKING:
            continue
        soaking = ledger.pairs.get(event.target)
        if soaking is None:
            continue
        stops = [*ledger.stops, *ledger.waiting_gates, *(["fell"] if soaking in ledger.fell else [])]
        frozen = any(span.covers(at) and at - span.since > FREEZE_KNOWN for span in outcome.frozen)
        if ledger.phases[soaking] is not Phase.DONE or stops or frozen:
            how = f"{soaking} is {ledger.phases[soaking].value}, {stops}, frozen: {frozen}"
            yield f"work on {event.target} was decided at {clock(at)}: {how}"


def its_work_begins_after_that_soak(outcome: Outcome) -> Faults:
    """When the work on such a target was first asked for, the soak had truly lasted as long as it must.

    Fair: the call that observed it took a moment.
    """
    asked = first_starts(outcome)
    for at, event, ledger in _steps(outcome):
        if not isinstance(event, e.PhaseChanged) or event.to is not Phase.WORKING:
            continue
        soaking = ledger.pairs.get(event.target)
        starts = [when for key, when in asked.items() if key.target == event.target and when >= at]
        for place, served in _served(outcome, soaking, min(starts)) if soaking and starts else ():
            if served < _soak(outcome, ledger, soaking or event.target) - MOMENT:
                yield f"work on {event.target} was asked for at {clock(min(starts))}: {short(place)} served {served}"


def it_goes_back_untouched(outcome: Outcome) -> Faults:
    """What stops the rollout, or that soak, brings such a target back: no failure, and the same attempt again.

    Fair: a person may be asked for manual work after it was given up, because nothing runs by itself.
    """
    for at, event, ledger in _steps(outcome):
        match event:
            case e.PhaseChanged(_, target, Phase.RETURNING, cause=Cause.FAILED) if target in ledger.pairs:
                if ledger.stops or ledger.pairs[target] in ledger.fell:
                    yield f"{target} counts as failed at {clock(at)}"
        late = isinstance(event, e.Started) and event.key.attempt != ledger.attempts.get(event.key.target, 1)
        if isinstance(event, e.Started) and late and not outcome.scenario.by_hand:
            yield f"work on {event.key.target} began as attempt {event.key.attempt}, {ledger.attempts} were decided"


def it_goes_back_at_once(outcome: Outcome) -> Faults:
    """Once something stops the rollout, or that soak does not go well, such a target is on its way back.

    Fair: judged without an adversary, as long as nobody resumes meanwhile; one turn and one observation are unknowable.
    """
    if not outcome.scenario.calm:
        return
    due: dict[TargetId, datetime] = {}
    for at, event, ledger in _steps(outcome):
        for target, soaking in ledger.pairs.items():
            bad = ledger.stops or soaking in ledger.fell
            if ledger.phases[target] not in UNTOUCHED or not bad:
                due.pop(target, None)
            else:
                due.setdefault(target, at)
        late = [target for target, since in due.items() if target in ledger.pairs and at - since > unknowable(outcome)]
        yield from (f"{target} is still out at {clock(at)}, {event}" for target in late)
        due = {target: since for target, since in due.items() if target in ledger.pairs}


def the_soaking_one_leaves_last(outcome: Outcome) -> Faults:
    """A target whose place was taken is not taken out before the other one is worked on, or back."""
    for at, event, ledger in _steps(outcome):
        if isinstance(event, e.PhaseChanged) and event.to is Phase.DRAINING:
            waiting = [target for target, soaking in ledger.pairs.items() if soaking == event.target]
            if waiting:
                yield f"{event.target} was taken out at {clock(at)}, before {waiting} was back"


def two_targets_never_overlap(outcome: Outcome) -> Faults:
    """Where a group has two registrations, no target of it takes the place of another one."""
    for at, event, _, _ in _take_outs(outcome):
        for place in outcome.rollout.targets[event.target].registrations:
            here = [other for other in outcome.aws.past if other.group == place.group]
            if len(here) <= 2:
                yield f"{event.target} overlaps at {clock(at)} in {short(place)}, which has {len(here)} registrations"


CLAUSES = {
    "overlap soak": only_a_soak_that_is_nearly_over_gives_its_place,
    "overlap stop": nothing_stands_between,
    "overlap once": each_place_is_given_once,
    "overlap floor": the_proven_keep_the_floor,
    "overlap work": its_work_waits_for_that_soak,
    "overlap soaked": its_work_begins_after_that_soak,
    "overlap untouched": it_goes_back_untouched,
    "overlap back": it_goes_back_at_once,
    "overlap last": the_soaking_one_leaves_last,
    "overlap two": two_targets_never_overlap,
}
"""Each clause of the rule, by its name."""
