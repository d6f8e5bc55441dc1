"""One execution as its events tell it: `replay` folds the journal into a value, `evolve` folds in what came since.

No event is refused here for being unwise, only for being off the roads. Nothing is decided here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from katakei.domain import events as e
from katakei.domain.model import TargetId
from katakei.domain.phases import FINAL_PHASES, IN_PROGRESS, TRANSITIONS, Cause, Intent, Phase
from katakei.domain.plan import with_target
from katakei.domain.rollout import Rollout, TargetStatus, after_change, members

__all__ = ["Rollout", "evolve", "replay"]


def replay(events: Sequence[e.Event]) -> Rollout:
    """The rollout these events tell. ValueError when they do not begin with Planned or leave the roads."""
    if not events or not isinstance(events[0], e.Planned):
        raise ValueError("a rollout begins with Planned")
    return evolve(_begin(events[0]), events[1:])


def evolve(rollout: Rollout, events: Iterable[e.Event]) -> Rollout:
    """The rollout after these events; copies once however many they are."""
    draft = _Draft(rollout)
    for event in events:
        draft.fold(event)
    return draft.done()


def _begin(planned: e.Planned) -> Rollout:
    plan = planned.plan
    touched = plan.begin is not Phase.WAITING
    intent = Intent.RETURN if touched else Intent.UPDATE
    status = TargetStatus(plan.begin, planned.at, intent)
    index: dict[Phase, dict[TargetId, None]] = {phase: {} for phase in Phase}
    index[plan.begin] = {target.id: None for target in plan.targets}
    return Rollout(
        plan=plan,
        begun=planned.at,
        **members(plan),
        statuses={target.id: status for target in plan.targets},
        by_phase=index,
        flagged={},
        number=1,
        moved=planned.at,
    )


class _Draft:
    """A rollout being changed: the only mutable thing in the core, and it never leaves `evolve`."""

    def __init__(self, rollout: Rollout) -> None:
        self.whole = rollout
        self.statuses = dict(rollout.statuses)
        self.index = {phase: dict(targets) for phase, targets in rollout.by_phase.items()}
        self.flagged = dict(rollout.flagged)
        self.number = rollout.number
        self.moved = rollout.moved
        self.failures = rollout.failures
        self.calls = rollout.calls
        self.called = rollout.called

    def done(self) -> Rollout:
        return replace(
            self.whole,
            statuses=self.statuses,
            by_phase=self.index,
            flagged=self.flagged,
            number=self.number,
            moved=self.moved,
            failures=self.failures,
            calls=self.calls,
            called=self.called,
        )

    def fold(self, event: e.Event) -> None:
        self.number += 1
        match event:
            case e.PhaseChanged():
                self._move(event)
            case e.Deregistered() | e.Registered():
                self._called(event)
            case e.Started(_, key, ticket):
                self._set(key.target, ticket=ticket)
            case e.WorkEnded(_, key, code, out):
                self._set(key.target, exit=code, out=out, may_run=False)
            case e.WorkLost(_, key, begun):
                before = self.statuses[key.target]
                self._set(key.target, may_run=False, touched=before.touched if begun else before.touched_before)
            case e.RegistrationRejected(_, target, why):
                self._set(target, turned_down=why)
            case _:
                self._seen(event)

    def _seen(self, event: e.Event) -> None:
        """What was seen of one target."""
        match event:
            case e.BaselineTaken(_, target, blind):
                self._set(target, blind=blind)
            case e.ObservedOut(at, target):
                self._set(target, out_since=at)
            case e.ObservedBusy(at, target):
                self._set(target, busy_at=at)
            case e.DrainCutShort(_, target):
                self._set(target, cut=True)
            case e.RequestsAfterQuiet(_, target, requests):
                self._set(target, arrived=requests)
            case e.ObservedServing(at, target):
                self._set(target, serving_since=at, fell=None)
            case e.BecameUnhealthy(at, target, why):
                falls = self.statuses[target].falls + 1
                self._set(target, serving_since=None, falls=falls, fell=at, why=why)
            case e.FailedAfterDone(_, target, why):
                self._set(target, cause=Cause.FAILED, why=why)
                self.failures += not self.whole.reverting or self.statuses[target].reverted
            case e.FoundServing(_, target):
                self._found_serving(target)
            case _:
                self._whole(event)

    def _called(self, event: e.Deregistered | e.Registered) -> None:
        self.calls += 1
        self.called += len(event.targets)
        for target in event.targets:
            before = self.statuses[target]
            if isinstance(event, e.Deregistered):
                self._set(target, deregistered=before.deregistered | {event.group}, called=event.at)
            else:
                self._set(target, registered=before.registered | {event.group}, called=event.at)

    def _found_serving(self, target: TargetId) -> None:
        times = self.statuses[target].found_serving + 1
        self._set(target, found_serving=times, out_since=None, cut=False, deregistered=frozenset(), called=None)

    def _whole(self, event: e.Event) -> None:
        """Events about the rollout, not about one target alone."""
        match event:
            case e.OwnerChanged(at, owner, marks, revert_marks, version):
                self.whole = replace(self.whole, owner=owner, owner_version=version, interrupted=False)
                self.whole = replace(self.whole, marks=marks, revert_marks=revert_marks)
                self._measure_anew(at)
            case e.TargetAdded():
                self._join(event)
            case e.Interrupted():
                self.whole = replace(self.whole, interrupted=True)
            case e.Finished(at):
                self.whole = replace(self.whole, finished=at, paused="")
            case _:
                self._word(event)

    def _word(self, event: e.Event) -> None:
        """What a person wants."""
        match event:
            case e.Approved(_, _, approved):
                for target in self.index[Phase.WORKING] if approved is None else self._known(approved):
                    self._set(target, approved=True)
            case e.AbortAsked(_, by):
                if self.whole.finished is None:  # the word came too late to change what was done
                    self.whole = replace(self.whole, aborting=by)
            case e.PauseAsked(_, by):
                self.whole = replace(self.whole, paused="" if self.whole.finished else by, unacknowledged=True)
            case e.ResumeAsked():  # what was held by a person was not held by the world
                self.whole = replace(self.whole, paused="", unacknowledged=True)
            case e.CommandAcknowledged(at):
                self.whole = replace(self.whole, unacknowledged=False)
                self.moved = at
            case _:
                self._turned(event)

    def _turned(self, event: e.Event) -> None:
        """What a person wants, or `on_failure`, that makes another rollout of it."""
        match event:
            case e.RevertAsked(_, by):
                self._reopen()
                self.whole = replace(self.whole, finished=None, aborting="", paused="", unacknowledged=True)
                self._revert(by)
            case e.RevertDecided():
                self._revert("on_failure")
            case e.RetryAsked(_, _, targets) if self.whole.finished or not self.whole.reverting:
                self._reopen()
                self.whole = replace(self.whole, finished=None, aborting="", reverting="")
                self.failures = 0  # what failed before is known to the person who asks for more
                for target in self._known(*targets):
                    if self.statuses[target].phase in FINAL_PHASES:  # what is in hand by now needs no other attempt
                        self._set(target, retry=True, cause=None)
            case e.RetryAsked():
                """The word came too late: what is being taken back is not brought once more at the same time."""
            case _:
                raise ValueError(f"{type(event).__name__} cannot come here")

    def _reopen(self) -> None:
        self.whole = replace(self.whole, reopened=self.whole.reopened or self.whole.finished is not None)

    def _join(self, event: e.TargetAdded) -> None:
        """The plan knows from now on what it may touch; who takes part waits at the end of the row."""
        plan = with_target(self.whole.plan, event.target, takes_part=event.takes_part)
        if event.takes_part and event.target.id not in self.whole.zones:
            self.statuses[event.target.id] = TargetStatus(Phase.WAITING, event.at)
            self.index[Phase.WAITING][event.target.id] = None
        self.whole = replace(self.whole, plan=plan, **members(plan))

    def _revert(self, by: str) -> None:
        """From now on only the failures of the revert count. What an earlier one has taken back stays as it is."""
        self.whole = replace(self.whole, reverting=by)
        self.failures = 0
        for target, status in tuple(self.statuses.items()):
            if status.phase in FINAL_PHASES and not (status.phase is Phase.DONE and status.intent is Intent.REVERT):
                self._set(target, reverted=False, tries=0)

    def _known(self, *targets: TargetId) -> list[TargetId]:
        """Of what a person named: a slip of the tongue must not make the journal unreadable."""
        return [target for target in targets if target in self.statuses]

    def _measure_anew(self, at: datetime) -> None:
        """A new process: its clock is another one, so every span begins again (longer, never shorter)."""
        self.moved = at
        for target in self.index[Phase.DONE]:
            self._set(target, called=at, fell=at if self.statuses[target].fell else None)
        for phase in IN_PROGRESS:
            for target in self.index[phase]:
                before = self.statuses[target]
                called = None if before.called is None else at
                came = before.arrived_before + before.arrived
                self._set(target, since=at, called=called, out_since=None, serving_since=None, busy_at=None)
                self._set(target, arrived=0, arrived_before=came)

    def _set(self, target: TargetId, **changes: object) -> None:
        self._put(target, replace(self.statuses[target], **changes))  # type: ignore[arg-type]  # named above

    def _put(self, target: TargetId, status: TargetStatus) -> None:
        self.statuses[target] = status
        if status.fell or status.retry:
            self.flagged[target] = None
        else:
            self.flagged.pop(target, None)

    def _move(self, event: e.PhaseChanged) -> None:
        before = self.statuses[event.target]
        if event.to not in TRANSITIONS[before.phase]:
            raise ValueError(f"no road from {before.phase.value} to {event.to.value} ({event.target})")
        del self.index[before.phase][event.target]
        self.index[event.to][event.target] = None
        after = after_change(before, event)
        if event.to is Phase.WORKING and after.intent is Intent.REVERT:
            after = replace(after, marks=self.whole.revert_marks)
        elif event.to is Phase.WORKING:
            after = replace(after, marks=self.whole.marks, touched=self.number)
        self._put(event.target, after)
        self.moved = event.at
        counts = after.reverted or not self.whole.reverting
        self.failures += counts and after.cause is Cause.FAILED and before.cause is not Cause.FAILED
