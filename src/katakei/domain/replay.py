"""The replay of a journal: `replay` turns all events into a rollout, `evolve` adds the events that came since.

No event is refused for being unwise, only for leaving the table of transitions. Nothing is decided here.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never, get_args

from katakei.domain import events as e
from katakei.domain import traffic as t
from katakei.domain.gates import PASSED, GateState, GateStatus
from katakei.domain.model import TargetId
from katakei.domain.observation import recorded_baseline
from katakei.domain.phases import FINAL_PHASES, IN_PROGRESS, TRANSITIONS, Cause, Intent, Phase, Step
from katakei.domain.plan import HeldTarget, PlanKind, with_target
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.rollout import Rollout, TargetStatus, after_change, is_held_waiting, members
from katakei.domain.spec import ExpiryDefault
from katakei.domain.traffic import TrafficStatus, folded, taken_over

__all__ = ["Rollout", "evolve", "replay"]

USER_COMMANDS = get_args(e.UserCommand)
"""Events that any process may write, by its own clock."""


def replay(events: Sequence[e.Event]) -> Rollout:
    """The rollout that these events tell.

    Args:
        events: All events of one journal, in order.

    Raises:
        ValueError: They do not begin with Planned, or leave the table of transitions.
    """
    if not events or not isinstance(events[0], e.Planned):
        raise ValueError("a rollout begins with Planned")
    return evolve(_begin(events[0]), events[1:])


def evolve(rollout: Rollout, events: Sequence[e.Event]) -> Rollout:
    """The rollout after these events. It is copied once, however many they are.

    Raises:
        ValueError: The events leave the table of transitions.
    """
    if not events:
        return rollout
    draft = _Draft(rollout)
    for event in events:
        draft.fold(event)
    return draft.done()


def _begin(planned: e.Planned) -> Rollout:
    plan = planned.plan
    touched = plan.begin is not Phase.WAITING
    intent = Intent.RETURN if touched else Intent.UPDATE
    status = TargetStatus(plan.begin, planned.at, intent)
    held = {each.target: _held(planned, each) for each in plan.held}
    statuses = {target.id: held.get(target.id, status) for target in plan.targets}
    index: dict[Phase, dict[TargetId, None]] = {phase: {} for phase in Phase}
    for target, begins in statuses.items():
        index[begins.phase][target] = None
    return Rollout(
        plan=plan,
        begun=planned.at,
        **members(plan),
        statuses=statuses,
        by_phase=index,
        flagged={target: None for target, begins in statuses.items() if begins.retry},
        number=1,
        moved=planned.at,
        driven_from=planned.at,
        traffic=TrafficStatus(planned.at) if plan.switch else None,
    )


def _held(planned: e.Planned, held: HeldTarget) -> TargetStatus:
    """A target that was left out before. It stays so, as a manual deregistration wants, or waits for its first attempt.

    It never counts as serving, and an attempt that ends before its work leaves it out again.
    """
    by_hand = planned.plan.kind is PlanKind.DEREGISTER
    return TargetStatus(
        Phase.LEFT_OUT,
        planned.at,
        attempt=0,
        reason=reason(ReasonCode.HELD_SINCE, rollout=held.rollout),
        cause=Cause.BY_HAND if by_hand else None,
        retry=not by_hand,
    )


class _Draft:
    """A rollout while events are added. It is the only mutable value of this package and never leaves `evolve`."""

    def __init__(self, rollout: Rollout) -> None:
        self.rollout = rollout
        self.statuses = dict(rollout.statuses)
        self.index = {phase: dict(targets) for phase, targets in rollout.by_phase.items()}
        self.flagged = dict(rollout.flagged)
        self.failed_targets = dict(rollout.failed_targets)
        self.added = dict(rollout.added)
        self.number = rollout.number
        self.moved = rollout.moved
        self.failures = rollout.failures
        self.calls = rollout.calls
        self.called = rollout.called
        self.driven = rollout.driven
        self.driven_from = rollout.driven_from
        self.driven_to = rollout.driven_to

    def done(self) -> Rollout:
        return replace(
            self.rollout,
            statuses=self.statuses,
            by_phase=self.index,
            flagged=self.flagged,
            failed_targets=self.failed_targets,
            added=self.added,
            number=self.number,
            moved=self.moved,
            failures=self.failures,
            calls=self.calls,
            called=self.called,
            driven=self.driven,
            driven_from=self.driven_from,
            driven_to=self.driven_to,
        )

    def fold(self, event: e.Event) -> None:  # noqa: C901, PLR0912, PLR0915 - one case for each event of a closed union
        self.number += 1
        self._drive(event)
        match event:
            # The course of the rollout
            case e.Planned():
                raise ValueError("Planned is only the first event of a rollout")
            case e.OwnerChanged(at, owner, marks, revert_marks, version):
                self._change(owner=owner, owner_version=version, interrupted=False)
                self._change(marks=marks, revert_marks=revert_marks)
                self._measure_again(at)
            case e.TargetAdded():
                self._add_target(event)
            case e.PhaseChanged():
                self._change_phase(event)
            case e.RevertDecided():
                self._revert("on_failure")
            case e.CommandAcknowledged(at):
                self._change(unacknowledged=False)
                self.moved = at
            case e.Interrupted():
                self._change(interrupted=True)
            case e.Finished(at):
                self._change(finished=at, paused=None, frozen=None)
                for target in [t for t in self.flagged if is_held_waiting(self.statuses[t])]:
                    self._set(target, retry=False)  # a retry of other targets does not take it
            # What was done
            case e.Deregistered() | e.Registered():
                self._call_returned(event)
            case e.Started(at, key, ticket):
                self._set(key.target, ticket=ticket, started=self.statuses[key.target].started or at)
            case e.WorkEnded():
                self._work_ended(event)
            case e.WorkLost(_, key, begun):
                before = self.statuses[key.target]
                self._set(key.target, may_run=False, touched=before.touched if begun else before.touched_before)
            case e.RegistrationRejected(at, target, why):
                self._set(target, rejection=why, rejected_at=at)
            # What was observed
            case e.BaselineTaken(_, target):
                self._set(target, baseline=recorded_baseline(event))
            case e.ObservedOut(at, target):
                self._set(target, out_since=at)
            case e.ObservedBusy(at, target):
                self._set(target, busy_at=at)
            case e.DrainCutShort(_, target):
                self._set(target, cut_short=True)
            case e.RequestsAfterQuiet(_, target, requests):
                self._set(target, arrived=requests)
            case e.ObservedServing(at, target):
                self._set(target, serving_since=at, unhealthy_since=None)
            case e.BecameUnhealthy(at, target):
                count = self.statuses[target].unhealthy_count + 1
                self._set(target, serving_since=None, unhealthy_count=count, unhealthy_since=at, promoted=False)
                self._set(target, reason=e.reason_of(event))
            case e.FailedAfterDone(_, target):
                self._set(target, cause=Cause.FAILED, reason=e.reason_of(event))
                self.failures += not self.rollout.reverting or self.statuses[target].reverted
            case e.FoundServing(_, target):
                count = self.statuses[target].found_serving + 1
                self._set(target, found_serving=count, out_since=None, cut_short=False)
                self._set(target, deregistered=frozenset(), called=None)
            # What a person wants
            case e.Approved(_, _, approved):
                for target in self.index[Phase.WORKING] if approved is None else self._known(approved):
                    self._set(target, approved=True)
            case e.AbortAsked(_, by):
                if self.rollout.finished is None:  # else the command came too late to change what was done
                    self._change(aborting=by)
            case e.PauseAsked(_, by):
                self._change(paused=None if self.rollout.finished else by, unacknowledged=True)
            case e.ResumeAsked():  # the time that a person held the rollout does not count against limits.waiting
                self._change(paused=None, unacknowledged=True)
                self._keep_gates(PASSED | {GateState.ASKED, GateState.HOLDING})  # one that expired is asked again
            case e.PromoteAsked():
                self._change(wave_promoted=self.rollout.wave_ended is not None)
                for target in self.index[Phase.SOAKING]:
                    self._set(target, promoted=True)
                if traffic := self.rollout.traffic:
                    self._change(traffic=replace(traffic, promoted=traffic.observed is not None))
            case e.GateAnswered(at, by, gate, approved):
                self._answer(gate, GateState.APPROVED if approved else GateState.DENIED, at, by)
            case e.GateSkipped(at, by, gate, why):
                self._answer(gate, GateState.SKIPPED, at, by, why)
            # How a switch moves its routes
            case (
                t.ShareDecided()
                | t.WeightsSet()
                | t.WeightsRejected()
                | t.WeightsUnanswered()
                | t.RouteChanged()
                | t.ShareObserved()
                | t.TrafficMoved()
                | t.FinishAsked()
            ):
                self._move_traffic(event)
            # What holds the rollout
            case e.ApprovalAsked(at, gate, expires):
                asked = GateStatus(GateState.ASKED, at, expires)
                self._change(gates={**self.rollout.gates, gate: asked})
            case e.ApprovalExpired(at, gate):
                self._expire(gate, at)
            case e.GateHeld(at, gate, why):
                self._hold(gate, at, why)
            case e.GateReleased(at, gate):
                self._change(gates={name: each for name, each in self.rollout.gates.items() if name != gate})
                self.moved = at
            case e.GateStopped(at, gate, why, reverts):
                stopped = GateStatus(GateState.STOPPED, at, None, reason=why)
                self._change(gates={**self.rollout.gates, gate: stopped})
                if reverts:
                    self._revert(f"gate {gate}")
                else:
                    self._change(aborting=f"gate {gate}")
            case e.FreezeObserved(_, freeze):
                self._change(frozen=freeze)
            case e.FreezeLifted(at):
                self._change(frozen=None)
                self.moved = at
            case e.WaveEnded(at, wave):
                self._change(wave=wave, wave_ended=at, wave_promoted=False)
            case e.WaveBegun(at, wave):
                self._change(wave=wave, wave_ended=None, wave_promoted=False)
                self.moved = at
            case e.RevertAsked(_, by):
                self._reopen()
                self._change(finished=None, aborting=None, paused=None, unacknowledged=True)
                self._keep_gates(PASSED)
                self._revert(by)
            case e.RetryAsked(_, _, targets):
                self._retry(targets)
            case _:
                assert_never(event)

    def _work_ended(self, event: e.WorkEnded) -> None:
        """The next step is due at once, and its limit counts from here; after the last one the phase changes."""
        target = event.key.target
        self._set(target, exit=event.exit, out=event.out, may_run=False)
        following = None if event.exit else self.rollout_now.next_step(target)
        if following and self.statuses[target].phase is Phase.WORKING:
            marks = self._marks(self.statuses[target], following)
            self._set(target, step=following, ticket=None, started=None, exit=None, approved=False, may_run=True)
            self._set(target, since=event.at, marks=marks)

    @property
    def rollout_now(self) -> Rollout:
        """The rollout with the statuses of this moment."""
        return replace(self.rollout, statuses=self.statuses)

    def _marks(self, status: TargetStatus, step: Step) -> str:
        """Where the marks of this step are kept. Those of a step beside the work are always on the target."""
        if step is not Step.WORK:
            return status.place
        of_executor = self.rollout.revert_marks if status.intent is Intent.REVERT else self.rollout.marks
        return of_executor or status.place

    def _move_traffic(self, event: t.TrafficEvent) -> None:
        if (traffic := self.rollout.traffic) and (switch := self.rollout.plan.switch):
            self._change(traffic=folded(traffic, switch, event))
        if isinstance(event, t.ShareDecided | t.ShareObserved):
            self.moved = event.at

    def _change(self, **changes: object) -> None:
        self.rollout = replace(self.rollout, **changes)  # type: ignore[arg-type]  # fields of Rollout, by name

    def _call_returned(self, event: e.Deregistered | e.Registered) -> None:
        self.calls += 1
        self.called += len(event.targets)
        for target in event.targets:
            before = self.statuses[target]
            if isinstance(event, e.Deregistered):
                self._set(target, deregistered=before.deregistered | {event.group}, called=event.at)
            else:
                self._set(target, registered=before.registered | {event.group}, called=event.at)

    def _retry(self, targets: Sequence[TargetId]) -> None:
        """One more attempt; ignored while a revert is in progress, which must not be undone at the same time."""
        if self.rollout.reverting and not self.rollout.finished:
            return
        self._reopen()
        self._change(finished=None, aborting=None, reverting=None, wave_ended=None)
        self._keep_gates(PASSED)
        self.failures = 0  # the person who asks knows the earlier failures
        for target in self._known(*targets):
            if self.statuses[target].phase in FINAL_PHASES:  # a target in progress needs no other attempt
                self._set(target, retry=True, cause=None)

    def _answer(self, name: str, state: GateState, at: datetime, by: str, why: str = "") -> None:
        """An answer to a gate that waits for none came too late, or names another rollout's gate: it changes nothing.

        A denied gate ends the rollout as an abort does.
        """
        waits = self.rollout.asked_gates
        if name not in (waits if state is not GateState.SKIPPED else (*waits, *self.rollout.holding_gates)):
            return
        answered = replace(self.rollout.gates[name], state=state, since=at, by=by, why=why)
        self._change(gates={**self.rollout.gates, name: answered}, unacknowledged=True)
        if state is GateState.DENIED:
            self._change(aborting=by)

    def _hold(self, name: str, at: datetime, why: Reason) -> None:
        """A gate that holds for another reason has held since before."""
        before = self.rollout.gates.get(name)
        since = before.since if before and before.state is GateState.HOLDING else at
        holding = GateStatus(GateState.HOLDING, since, None, reason=why)
        self._change(gates={**self.rollout.gates, name: holding})

    def _expire(self, name: str, at: datetime) -> None:
        if name not in self.rollout.asked_gates:
            return
        expired = replace(self.rollout.gates[name], state=GateState.EXPIRED, since=at)
        self._change(gates={**self.rollout.gates, name: expired})
        approval = next((gate.approval for gate in self.rollout.plan.spec.gates if gate.name == name), None)
        by = f"gate {name}"
        if approval and approval.default is ExpiryDefault.PAUSE:
            self._change(paused=self.rollout.paused or by)
        else:
            self._change(aborting=by)

    def _keep_gates(self, states: frozenset[GateState]) -> None:
        """Gates in other states are asked again once they are due."""
        self._change(gates={name: gate for name, gate in self.rollout.gates.items() if gate.state in states})

    def _reopen(self) -> None:
        self._change(reopened=self.rollout.reopened or self.rollout.finished is not None)

    def _drive(self, event: e.Event) -> None:
        """Keep how long processes drove the rollout, each period by the clock of its process."""
        reopens = self.driven_from is None and isinstance(event, e.RetryAsked | e.RevertAsked)
        if isinstance(event, USER_COMMANDS) and not reopens:
            return
        if isinstance(event, e.OwnerChanged):
            self._stop_driving()
        self.driven_from = self.driven_from or event.at
        self.driven_to = event.at
        if isinstance(event, e.Finished):
            self._stop_driving()

    def _stop_driving(self) -> None:
        if self.driven_from and self.driven_to:
            self.driven += max(self.driven_to - self.driven_from, timedelta())
        self.driven_from = self.driven_to = None

    def _add_target(self, event: e.TargetAdded) -> None:
        """The plan lists the target from now on; one that takes part waits as the last."""
        plan = with_target(self.rollout.plan, event.target, takes_part=event.takes_part)
        self.added[event.target.id] = event.at
        if event.takes_part and event.target.id not in self.rollout.zones:
            self.statuses[event.target.id] = TargetStatus(Phase.WAITING, event.at)
            self.index[Phase.WAITING][event.target.id] = None
        self._change(plan=plan, **members(plan))

    def _revert(self, by: str) -> None:
        """From now on only failures of the revert count. A target that an earlier revert took back stays as it is."""
        self._change(reverting=by, frozen=None, wave_ended=None)
        self.failures = 0
        for target, status in tuple(self.statuses.items()):
            if status.phase in FINAL_PHASES and not (status.phase is Phase.DONE and status.intent is Intent.REVERT):
                self._set(target, reverted=False, tries=0)

    def _known(self, *targets: TargetId) -> list[TargetId]:
        """The known ones of the targets that a person named; a wrong name must not make the journal unreadable."""
        return [target for target in targets if target in self.statuses]

    def _measure_again(self, at: datetime) -> None:
        """Every span starts again at `at`, since a new process has another clock: spans get longer, never shorter."""
        self.moved = at
        self._change(wave_ended=at if self.rollout.wave_ended else None)
        self.added.clear()  # the new process trusts only what it watched itself
        if self.rollout.traffic:
            self._change(traffic=taken_over(self.rollout.traffic, at))
        for target in self.index[Phase.DONE]:
            self._set(target, called=at, unhealthy_since=at if self.statuses[target].unhealthy_since else None)
        if any(group.slow_start for group in self.rollout.plan.groups):
            for target in (*self.index[Phase.RETURNED], *self.index[Phase.FAILED_SERVING]):
                self._set(target, serving_since=at)
        for phase in IN_PROGRESS:
            for target in self.index[phase]:
                before = self.statuses[target]
                called = None if before.called is None else at
                arrived = before.arrived_before + before.arrived
                self._set(target, since=at, called=called, out_since=None, serving_since=None, busy_at=None)
                self._set(target, arrived=0, arrived_before=arrived, rejected_at=None)

    def _set(self, target: TargetId, **changes: object) -> None:
        self._put(target, replace(self.statuses[target], **changes))  # type: ignore[arg-type]  # fields by name

    def _put(self, target: TargetId, status: TargetStatus) -> None:
        self.statuses[target] = status
        if status.unhealthy_since or status.retry:
            self.flagged[target] = None
        else:
            self.flagged.pop(target, None)
        if status.cause is Cause.FAILED:
            self.failed_targets[target] = None
        else:
            self.failed_targets.pop(target, None)

    def _change_phase(self, event: e.PhaseChanged) -> None:
        before = self.statuses[event.target]
        if event.to not in TRANSITIONS[before.phase]:
            raise ValueError(f"no transition from {before.phase.value} to {event.to.value} ({event.target})")
        del self.index[before.phase][event.target]
        self.index[event.to][event.target] = None
        after = after_change(before, event)
        if event.to is Phase.WORKING:
            after = replace(after, step=self.rollout.plan.spec.steps(after.intent)[0])
            after = replace(after, marks=self._marks(after, after.step))
        if event.to is Phase.WORKING and after.intent is not Intent.REVERT:
            after = replace(after, touched=self.number)
        self._put(event.target, after)
        self.moved = event.at
        counts = after.reverted or not self.rollout.reverting
        self.failures += counts and after.cause is Cause.FAILED and before.cause is not Cause.FAILED
