"""The commands of a user to a rollout: approve, promote, pause, abort, resume, retry, revert; and unlock.

A command is an event in the journal. The owner of the rollout reads it and carries it out. Where no owner is alive,
this process takes the lease and carries it out itself. An owner counts as alive while its process is seen to run, or
its heartbeat is seen to advance; a single fresh heartbeat may have been its last one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from katakei.app import gate_answers, queries
from katakei.app.recorded_commands import check_recorded_commands
from katakei.domain import events as e
from katakei.domain.errors import LeaseHeldError, RefusedError, UsageError
from katakei.domain.model import Arn, RolloutId, Target, TargetId
from katakei.domain.outside_text import one_line
from katakei.domain.phases import FINAL_PHASES, TRANSITIONS, Cause, Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.ports import Liveness
from katakei.domain.replay import Rollout
from katakei.domain.results import not_taken_back
from katakei.domain.traffic import FinishAsked
from katakei.domain.wire import version_needed
from katakei.render.text import label, listed
from katakei.runtime.drivers import Drivers, with_retries
from katakei.runtime.lease_keeper import LeaseKeeper, acquire_lease
from katakei.runtime.session import RolloutSession, check_executors

RELEASE_PAUSES = (timedelta(seconds=1),) * 5
"""How long the owner of a finished rollout may take to give its lease back."""


@dataclass(frozen=True, slots=True)
class Delegated:
    """A command that was recorded and that another process carries out, or has carried out.

    Attributes:
        rollout: Whose command it is.
        why: The sentence that names the owner, or says that the rollout was finished meanwhile.
        finished: Whether the rollout was finished meanwhile.
    """

    rollout: RolloutId
    why: str
    finished: bool = False


class Control:
    """The commands, each checked before it is written.

    Those that this process may have to carry out return a session to be driven, or `Delegated`. All raise UsageError
    for an unknown or finished rollout, and RefusedError where the command makes no sense now; nothing is written then.
    """

    def __init__(
        self, drivers: Drivers, *, accept_others: bool = False, who: str = "", drives_others: bool = False
    ) -> None:
        """Over these drivers.

        Args:
            drivers: Journal, leases and clock.
            accept_others: Run commands that somebody else recorded. Otherwise resume, retry and revert raise
                RecordedByOtherError for them.
            who: The person who gives the commands, as the journal records it; '': the user of this process.
            drives_others: This process may drive the rollout already, in another session. Its lease is not taken then.
        """
        self._drivers = drivers
        self._accept_others = accept_others
        self._who = who or drivers.owner.user
        self._drives_others = drives_others

    def approve(self, rollout: RolloutId, names: Sequence[str]) -> Sequence[TargetId]:
        """Says that the manual work on these targets is done (none given: on all that wait). Returns which."""
        state = queries.find(self._drivers.journal, rollout)
        targets = [target.id for target in queries.named(state, names)]
        waiting = [target for target in state.at(Phase.WORKING) if state.command(target).executor == "manual"]
        if not targets:
            gate_answers.check_no_gate(state, waiting)
        unknown = [target for target in targets if target not in waiting]
        if unknown or not waiting:
            raise UsageError(
                f"{listed(unknown) or rollout} waits for no approval; waiting: {listed(waiting) or 'none'}"
            )
        for target in targets or waiting:
            self._tell(state, e.Approved(self._drivers.clock.now(), self._who, target))
        return targets or waiting

    def answer_gate(self, rollout: RolloutId, gate: str, *, approved: bool) -> None:
        """Answers an approval gate that waits: approves it, or denies it, which ends the rollout as an abort does."""
        state = self._unfinished(rollout, "approve")
        gate_answers.check_answer(state, gate, self._store_time())
        self._tell(state, e.GateAnswered(self._drivers.clock.now(), self._who, gate, approved))

    def skip_gate(self, rollout: RolloutId, gate: str, why: str) -> None:
        """Lets the rollout pass a gate that holds it, for a reason that is recorded."""
        state = self._unfinished(rollout, "skip")
        gate_answers.check_skip(state, gate, why, self._store_time())
        self._tell(state, e.GateSkipped(self._drivers.clock.now(), self._who, gate, one_line(why)))

    def promote(self, rollout: RolloutId) -> Sequence[TargetId]:
        """Ends the soak of the targets that soak now, or the pause between two waves.

        Returns:
            The targets; each still needs two observations. None of them where a pause is ended.
        """
        state = self._unfinished(rollout, "promote")
        if state.traffic and state.traffic.observed and not state.traffic.moved:
            self._tell(state, e.PromoteAsked(self._drivers.clock.now(), self._who))
            return ()
        soaking = state.at(Phase.SOAKING)
        if not soaking and state.wave_ended is None:
            gates = listed(state.asked_gates)
            hint = f"; a gate is answered by katakei approve --gate: {gates}" if gates else ""
            raise UsageError(f"no target of rollout {rollout} soaks now: there is nothing to promote{hint}")
        self._tell(state, e.PromoteAsked(self._drivers.clock.now(), self._who))
        return soaking

    def switch_back(self, rollout: RolloutId) -> RolloutSession | Delegated:
        """Takes the way back of a switch: every route gets the actions that it had before."""
        state = self._of_switch(rollout, "take back")
        return self._carry_out(state, e.RevertAsked(self._drivers.clock.now(), self._who))

    def finish_switch(self, rollout: RolloutId) -> RolloutSession | Delegated:
        """Gives up the way back of a switch whose requests have all moved."""
        state = self._of_switch(rollout, "finish")
        if state.traffic is None or state.traffic.moved is None:
            raise RefusedError(
                f"not all requests of switch {rollout} have moved yet: wait for that, or run katakei abort {rollout}"
            )
        return self._carry_out(state, FinishAsked(self._drivers.clock.now(), self._who))

    def _of_switch(self, rollout: RolloutId, command: str) -> Rollout:
        state = self._unfinished(rollout, command)
        if state.traffic is None:
            raise UsageError(f"rollout {rollout} is no switch: it moves no requests between target groups")
        if state.aborting or state.reverting:
            raise UsageError(f"switch {rollout} goes back already")
        return state

    def _store_time(self) -> datetime:
        return with_retries(self._drivers.clock, self._drivers.freezes.read)[0]

    def pause(self, rollout: RolloutId) -> None:
        """Finishes the targets in progress and begins no other. The owner carries it out, now or once there is one."""
        state = self._unfinished(rollout, "pause")
        if state.aborting:
            raise UsageError(f"rollout {rollout} is being aborted: no other target is begun anyway")
        if state.paused:
            raise UsageError(f"rollout {rollout} is paused already: to go on, run katakei resume {rollout}")
        self._tell(state, e.PauseAsked(self._drivers.clock.now(), self._who))

    def abort(self, rollout: RolloutId) -> RolloutSession | Delegated:
        """Brings every target in progress back into service and begins no other."""
        state = self._unfinished(rollout, "abort")
        self._tell(state, e.AbortAsked(self._drivers.clock.now(), self._who))
        try:
            lease = self._lease(state)
        except LeaseHeldError as held:
            return Delegated(rollout, str(held))
        state = queries.find(self._drivers.journal, rollout)
        if state.finished:
            lease.release()
            return Delegated(rollout, f"rollout {rollout} was finished meanwhile", finished=True)
        return self._session(state, lease)

    def resume(self, rollout: RolloutId) -> RolloutSession | Delegated:
        """Goes on after a pause."""
        state = self._unfinished(rollout, "resume")
        if not state.paused:
            raise UsageError(f"rollout {rollout} is not paused")
        self._check_commands(state)
        return self._carry_out(state, e.ResumeAsked(self._drivers.clock.now(), self._who))

    def retry(
        self, rollout: RolloutId, names: Sequence[str] = (), *, again: bool = False
    ) -> RolloutSession | Delegated:
        """Begins one more attempt on each of these targets (none given: on all that failed), or on none of them.

        Args:
            rollout: The rollout.
            names: Its targets.
            again: Also on targets that did not fail.
        """
        state, targets = self.to_retry(rollout, names, again=again)
        self._check_commands(state)
        ids = tuple(target.id for target in targets)
        return self._carry_out(state, e.RetryAsked(self._drivers.clock.now(), self._who, ids))

    def to_retry(
        self, rollout: RolloutId, names: Sequence[str], *, again: bool = False
    ) -> tuple[Rollout, Sequence[Target]]:
        """The rollout and the targets that `retry` would begin again. Raises as `retry`; nothing is changed."""
        state = queries.find(self._drivers.journal, rollout)
        _check_roll(state, f"do it again with katakei {state.plan.kind.value}")
        targets = _retryable(state, names, again=again)
        self._check_newest(state, targets, "a retry would bring back the older release")
        for word, now in (("aborted", state.aborting), ("reverted", state.reverting)):
            if now and state.finished is None:
                raise RefusedError(f"rollout {rollout} is being {word}: wait until it has ended, then retry")
        if state.paused:
            raise RefusedError(f"rollout {rollout} is paused: run katakei resume {rollout} first")
        return state, targets

    def revert(self, rollout: RolloutId) -> RolloutSession | Delegated:
        """Runs the revert command on every target that the rollout worked on."""
        state, _ = self.to_revert(rollout)
        self._check_commands(state)
        return self._carry_out(state, e.RevertAsked(self._drivers.clock.now(), self._who))

    def to_revert(self, rollout: RolloutId) -> tuple[Rollout, Sequence[Target]]:
        """The rollout and the targets that `revert` would revert. Raises as `revert`; nothing is changed."""
        state = queries.find(self._drivers.journal, rollout)
        _check_roll(state, "undo it with katakei register or deregister")
        touched = [state.targets[target] for target, status in state.statuses.items() if status.touched]
        self._check_newest(state, touched, "a revert would undo that as well")
        if state.plan.spec.revert is None:
            release = state.plan.release and f" of {state.plan.release}"
            raise RefusedError(
                f"rollout {rollout}{release} was planned without a revert command: roll the earlier release again."
                ' For the next time, write revert: {ssm: {run: "./revert"}} into katakei.yml'
            )
        if state.finished and not touched:
            raise UsageError(f"rollout {rollout} worked on no target: there is nothing to revert")
        if state.finished and state.reverting and not not_taken_back(state):
            raise UsageError(f"every target that rollout {rollout} worked on was reverted already")
        return state, touched

    def may_still_run(self, rollout: RolloutId, names: Sequence[str], *, again: bool = False) -> Sequence[str]:
        """Of these targets, those whose work may still be running: a retry may then start a second one beside it."""
        state, targets = self.to_retry(rollout, names, again=again)
        return tuple(label(target) for target in targets if state.statuses[target.id].may_run)

    def unlock(self, name: str) -> str | None:
        """Takes the lease of a group away from its owner. Returns who had it, None when nobody had."""
        group = with_retries(self._drivers.clock, lambda: self._drivers.balancer.groups((name,)))[0]
        return self._drivers.leases.unlock(group.arn)

    def _check_commands(self, state: Rollout) -> None:
        if not self._accept_others:
            check_recorded_commands(state.plan, self._drivers.owner)

    def _unfinished(self, rollout: RolloutId, command: str) -> Rollout:
        state = queries.find(self._drivers.journal, rollout)
        if state.finished:
            raise UsageError(f"rollout {rollout} is finished; there is nothing to {command}")
        return state

    def _lease(self, state: Rollout) -> LeaseKeeper:
        """The lease, beating. Raises LeaseHeldError: the owner is alive."""
        groups = frozenset(group.arn for group in state.plan.groups)
        if self._drives_others:
            self._check_not_driven(groups)
        return acquire_lease(self._drivers, groups, state.plan.rollout, confirm_alive=True).keep()

    def _check_not_driven(self, groups: frozenset[Arn]) -> None:
        """Raises LeaseHeldError: the owner of a lease is alive, be it this process."""
        for arn in sorted(groups):
            held = self._drivers.leases.holder(arn)
            if held is not None and held.liveness is Liveness.ALIVE:
                raise LeaseHeldError(f"{held.owner} drives rollout {held.rollout}")

    def _session(self, state: Rollout, lease: LeaseKeeper) -> RolloutSession:
        return RolloutSession(self._drivers, lease, state.plan, carried_on=True)

    def _tell(self, state: Rollout, command: e.UserCommand) -> None:
        """Writes a command. Raises RefusedError: a living owner could not read it; nothing was written."""
        if state.owner is not None and version_needed(command) > state.owner_version:
            try:
                self._lease(state).release()
            except LeaseHeldError as held:
                raise _too_new(state) from held
        self._drivers.journal.tell(state.plan.rollout, command)

    def _carry_out(self, state: Rollout, command: e.UserCommand) -> RolloutSession | Delegated:
        """By this process, or by the living owner."""
        drivers, rollout = self._drivers, state.plan.rollout
        try:
            lease = self._lease(state)
        except LeaseHeldError as held:
            if state.finished:
                raise RefusedError(str(held)) from held
            if version_needed(command) > state.owner_version:
                raise _too_new(state) from held
            drivers.journal.tell(rollout, command)  # the owner of the lease works on this very rollout and reads it
            if not self._finished_since(state):
                return Delegated(rollout, str(held))
            return self._after_release(state)
        try:
            check_executors(drivers, state.plan.spec)
            drivers.journal.tell(rollout, command)
        except BaseException:
            lease.release()
            raise
        return self._session(state, lease)

    def _finished_since(self, state: Rollout) -> bool:
        """Whether the owner had finished before it could read the command."""
        news = self._drivers.journal.read(state.plan.rollout, state.number)
        return any(isinstance(event, e.Finished) for event in news)

    def _after_release(self, state: Rollout) -> RolloutSession | Delegated:
        """Carries the command out once an owner that has finished gave its lease back."""
        for pause in RELEASE_PAUSES:
            try:
                return self._session(state, self._lease(state))
            except LeaseHeldError:
                self._drivers.clock.sleep(pause)
        try:
            return self._session(state, self._lease(state))
        except LeaseHeldError as held:
            return Delegated(state.plan.rollout, str(held))

    def _check_newest(self, state: Rollout, targets: Sequence[Target], would: str) -> None:
        """Raises RefusedError: a later rollout worked on one of these targets, and this command would undo that."""
        for arn in sorted({place.group for target in targets for place in target.registrations}):
            for header in self._drivers.journal.find(group=arn):
                if header.rollout == state.plan.rollout:
                    break
                _check_untouched_by(queries.find(self._drivers.journal, header.rollout), targets, would)


def _too_new(state: Rollout) -> RefusedError:
    return RefusedError(
        f"{state.owner or 'the process'} drives rollout {state.plan.rollout} with an older Katakei,"
        " which cannot read this command: give the command with that version. Nothing was changed"
    )


_WHY = {
    Phase.SKIPPED: "nothing was done to it that could be retried; roll it with a new rollout",
    Phase.GONE: "it is no longer registered",
    Phase.WAITING: "its turn is still to come",
}


def _retryable(state: Rollout, names: Sequence[str], *, again: bool) -> Sequence[Target]:
    """The targets of these names; without a name, those that failed.

    Raises:
        UsageError: A target is unknown, is in a phase that no retry leaves, or did not fail; or none failed.
    """
    if not names:
        failed = [target for target in state.targets.values() if _failed(state, target.id)]
        if not failed:
            raise UsageError(f"no target of rollout {state.plan.rollout} failed; name the targets to try again")
        return failed
    found = queries.named(state, names)
    for target in found:
        phase = state.statuses[target.id].phase
        if phase not in FINAL_PHASES or not TRANSITIONS[phase]:
            raise UsageError(f"{label(target)} is {phase.value}: {_WHY.get(phase, 'it is in progress already')}")
        if _serves_it(state, target.id) and not again:
            raise UsageError(f"{label(target)} is done and did not fail; to do its work again, add --again")
    return found


def _failed(state: Rollout, target: TargetId) -> bool:
    status = state.statuses[target]
    out = status.phase is Phase.LEFT_OUT and status.cause is not Cause.BY_HAND
    return out or status.phase is Phase.FAILED_SERVING or target in state.lost


def _serves_it(state: Rollout, target: TargetId) -> bool:
    """Whether its update ended well and nothing undid that."""
    status = state.statuses[target]
    return status.phase is Phase.DONE and status.intent is Intent.UPDATE and target not in state.lost


def _check_roll(state: Rollout, advice: str) -> None:
    if state.plan.kind is not PlanKind.ROLL:
        raise UsageError(f"{state.plan.rollout} was a manual step: {advice}")


def _check_untouched_by(later: Rollout, targets: Sequence[Target], would: str) -> None:
    if later.finished is None:
        raise RefusedError(
            f"rollout {later.plan.rollout} of the same group is not finished: carry it on or abort it first"
        )
    for target in targets:
        status = later.statuses.get(target.id)
        if later.plan.kind is PlanKind.ROLL and status and status.touched:
            raise RefusedError(
                f"rollout {later.plan.rollout} worked on {label(target)} since; {would}: roll again instead"
            )
