"""A person's word that this process carries out where no other one does: abort, retry, revert, resume; and refusals.

Whoever drives the rollout obeys. That one lives is known by its process or by its heart, seen to beat: a heartbeat of
a moment ago may have been the last.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from katakei.app import history
from katakei.domain import events as e
from katakei.domain.errors import LeaseHeldError, RefusedError, UsageError
from katakei.domain.model import RolloutId, Target
from katakei.domain.phases import FINAL_PHASES, TRANSITIONS, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.replay import Rollout
from katakei.domain.words import label
from katakei.reconcile.revert import not_taken_back
from katakei.runtime import session
from katakei.runtime.drivers import Drivers
from katakei.runtime.lease_keeper import LeaseKeeper
from katakei.runtime.session import RolloutSession

LEAVING = tuple(timedelta(seconds=1) for _ in range(5))  # so long the holder of a finished rollout may take to let go


def abort(drivers: Drivers, rollout: RolloutId) -> RolloutSession:
    """What is in hand goes back to serving, driven from here. Raises Held when another process obeys, or has obeyed."""
    drivers.journal.tell(rollout, e.AbortAsked(drivers.clock.now(), drivers.owner.user))
    plan = history.find(drivers.journal, rollout).plan
    hold = session.acquire_lease(drivers, plan.groups, rollout, sure=True)
    if history.find(drivers.journal, rollout).finished:
        hold.release()
        raise LeaseHeldError(f"rollout {rollout} was finished meanwhile")
    return RolloutSession(drivers, hold, plan, carried_on=True)


def retry(drivers: Drivers, rollout: RolloutId, names: Sequence[str]) -> RolloutSession:
    """All of them or none, driven from here.

    Raises Held when the word was written and another process drives it, Refused or UsageFault when nothing was.
    """
    state = history.find(drivers.journal, rollout)
    _rolled(state, f"do it again by katakei {state.plan.kind.value}")
    targets = _named(state, names)
    _still_the_newest(drivers, state, targets, "a retry would bring back the release before")
    for word, now in (("aborted", state.aborting), ("reverted", state.reverting)):
        if now and state.finished is None:
            raise RefusedError(f"rollout {rollout} is being {word}: wait until it has ended, then retry")
    if state.paused:
        raise RefusedError(f"rollout {rollout} is paused: let it go on first by katakei resume {rollout}")
    return _opened(
        drivers, state, e.RetryAsked(drivers.clock.now(), drivers.owner.user, tuple(target.id for target in targets))
    )


def revert(drivers: Drivers, rollout: RolloutId) -> RolloutSession:
    """Every target that was touched, driven from here. Raises as `retry`."""
    state = history.find(drivers.journal, rollout)
    _rolled(state, "undo it by katakei register or deregister")
    touched = [state.targets[target] for target, status in state.statuses.items() if status.touched]
    _still_the_newest(drivers, state, touched, "a revert would take that back as well")
    if state.plan.spec.revert is None:
        release = state.plan.release and f" of {state.plan.release}"
        raise RefusedError(
            f"rollout {rollout}{release} was planned without a command that takes it back: roll the release before"
            ' again, and for the next time write revert: {ssm: {run: "./revert"}} into katakei.yml'
        )
    if state.finished and not touched:
        raise UsageError(f"rollout {rollout} has touched no target; there is nothing to take back")
    if state.finished and state.reverting and not not_taken_back(state):
        raise UsageError(f"every target that rollout {rollout} touched was taken back already")
    return _opened(drivers, state, e.RevertAsked(drivers.clock.now(), drivers.owner.user))


def resume(drivers: Drivers, rollout: RolloutId) -> RolloutSession:
    """It goes on, driven from here. Raises as `retry`."""
    state = history.find(drivers.journal, rollout)
    if not state.paused:
        raise UsageError(f"rollout {rollout} is not paused")
    return _opened(drivers, state, e.ResumeAsked(drivers.clock.now(), drivers.owner.user))


def unsure(state: Rollout, names: Sequence[str]) -> tuple[str, ...]:
    """Of these, whose work was handed over and may still be running: a person who retries them takes that on."""
    return tuple(label(target) for target in _named(state, names) if state.statuses[target.id].may_run)


def _opened(drivers: Drivers, state: Rollout, word: e.UserCommand) -> RolloutSession:
    """By this process, or by whoever has the rollout in hand."""
    rollout = state.plan.rollout
    take = partial(session.acquire_lease, drivers, state.plan.groups, rollout, sure=True)
    try:
        hold = take()
    except LeaseHeldError as held:
        if state.finished:
            raise RefusedError(str(held)) from held
        drivers.journal.tell(rollout, word)  # whoever holds the lease drives this very rollout, and reads the word
        return RolloutSession(drivers, _let_go(drivers, state, take, held), state.plan, carried_on=True)
    try:
        session.able(drivers, state.plan.spec)
        drivers.journal.tell(rollout, word)
    except BaseException:
        hold.release()
        raise
    return RolloutSession(drivers, hold, state.plan, carried_on=True)


def _let_go(drivers: Drivers, state: Rollout, take: Callable[[], LeaseKeeper], held: LeaseHeldError) -> LeaseKeeper:
    """The lease of a holder that had finished before it could read the word. Raises Held: it reads it."""
    news = drivers.journal.read(state.plan.rollout, state.number)
    if not any(isinstance(event, e.Finished) for event in news):
        raise held
    for pause in LEAVING:
        try:
            return take()
        except LeaseHeldError:
            drivers.clock.sleep(pause)
    return take()


def _named(state: Rollout, names: Sequence[str]) -> Sequence[Target]:
    """Raises UsageFault: unknown, or at no end from which a road leads on."""
    found = history.named(state, names)
    for target in found:
        phase = state.statuses[target.id].phase
        if phase not in FINAL_PHASES or not TRANSITIONS[phase]:
            raise UsageError(f"{label(target)} is {phase.value}: {_WHY.get(phase, 'it is in hand already')}")
    return found


_WHY = {
    Phase.SKIPPED: "nothing was done to it that could be tried again; roll it by a new rollout",
    Phase.GONE: "it is no longer registered",
    Phase.WAITING: "its turn is still to come",
}


def _rolled(state: Rollout, advice: str) -> None:
    if state.plan.kind is not PlanKind.ROLL:
        raise UsageError(f"{state.plan.rollout} was a step by hand: {advice}")


def _still_the_newest(drivers: Drivers, state: Rollout, targets: Sequence[Target], would: str) -> None:
    """What a later rollout has done is not undone by an older one. Raises Refused."""
    for arn in sorted({place.group for target in targets for place in target.registrations}):
        for header in drivers.journal.find(group=arn):
            if header.rollout == state.plan.rollout:
                break
            _not_touched_by(history.find(drivers.journal, header.rollout), targets, would)


def _not_touched_by(later: Rollout, targets: Sequence[Target], would: str) -> None:
    if later.finished is None:
        raise RefusedError(
            f"rollout {later.plan.rollout} of the same group is not finished: carry it on or abort it first"
        )
    for target in targets:
        status = later.statuses.get(target.id)
        if later.plan.kind is PlanKind.ROLL and status and status.touched:
            raise RefusedError(
                f"{label(target)} was worked on by rollout {later.plan.rollout} since; {would}: roll again instead"
            )
