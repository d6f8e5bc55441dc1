"""A person's word that this process carries out where no other one does: abort, retry, revert, resume; and refusals.

Whoever drives the rollout obeys. That one lives is known by its process or by its heart, seen to beat: a heartbeat of
a moment ago may have been the last.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from katakei.app import history
from katakei.domain import events as e
from katakei.domain.errors import Held, Refused, UsageFault
from katakei.domain.model import RolloutId, Target
from katakei.domain.phases import ENDS, ROADS, Phase
from katakei.domain.plan import Kind
from katakei.domain.replay import Rollout
from katakei.domain.words import label
from katakei.reconcile.revert import not_taken_back
from katakei.runtime import session
from katakei.runtime.drivers import Kit
from katakei.runtime.lease_keeper import Hold
from katakei.runtime.session import Drive

LEAVING = tuple(timedelta(seconds=1) for _ in range(5))  # so long the holder of a finished rollout may take to let go


def abort(kit: Kit, rollout: RolloutId) -> Drive:
    """What is in hand goes back to serving, driven from here. Raises Held when another process obeys, or has obeyed."""
    kit.journal.tell(rollout, e.AbortAsked(kit.clock.now(), kit.owner.user))
    plan = history.find(kit.journal, rollout).plan
    hold = session.take(kit, plan.groups, rollout, sure=True)
    if history.find(kit.journal, rollout).finished:
        hold.release()
        raise Held(f"rollout {rollout} was finished meanwhile")
    return Drive(kit, hold, plan, carried_on=True)


def retry(kit: Kit, rollout: RolloutId, names: Sequence[str]) -> Drive:
    """All of them or none, driven from here.

    Raises Held when the word was written and another process drives it, Refused or UsageFault when nothing was.
    """
    state = history.find(kit.journal, rollout)
    _rolled(state, f"do it again by katakei {state.plan.kind.value}")
    targets = _named(state, names)
    _still_the_newest(kit, state, targets, "a retry would bring back the release before")
    for word, now in (("aborted", state.aborting), ("reverted", state.reverting)):
        if now and state.finished is None:
            raise Refused(f"rollout {rollout} is being {word}: wait until it has ended, then retry")
    if state.paused:
        raise Refused(f"rollout {rollout} is paused: let it go on first by katakei resume {rollout}")
    return _opened(kit, state, e.RetryAsked(kit.clock.now(), kit.owner.user, tuple(target.id for target in targets)))


def revert(kit: Kit, rollout: RolloutId) -> Drive:
    """Every target that was touched, driven from here. Raises as `retry`."""
    state = history.find(kit.journal, rollout)
    _rolled(state, "undo it by katakei register or deregister")
    touched = [state.targets[target] for target, standing in state.standings.items() if standing.touched]
    _still_the_newest(kit, state, touched, "a revert would take that back as well")
    if state.plan.spec.revert is None:
        release = state.plan.release and f" of {state.plan.release}"
        raise Refused(
            f"rollout {rollout}{release} was planned without a command that takes it back: roll the release before"
            ' again, and for the next time write revert: {ssm: {run: "./revert"}} into katakei.yml'
        )
    if state.finished and not touched:
        raise UsageFault(f"rollout {rollout} has touched no target; there is nothing to take back")
    if state.finished and state.reverting and not not_taken_back(state):
        raise UsageFault(f"every target that rollout {rollout} touched was taken back already")
    return _opened(kit, state, e.RevertAsked(kit.clock.now(), kit.owner.user))


def resume(kit: Kit, rollout: RolloutId) -> Drive:
    """It goes on, driven from here. Raises as `retry`."""
    state = history.find(kit.journal, rollout)
    if not state.paused:
        raise UsageFault(f"rollout {rollout} is not paused")
    return _opened(kit, state, e.ResumeAsked(kit.clock.now(), kit.owner.user))


def unsure(state: Rollout, names: Sequence[str]) -> tuple[str, ...]:
    """Of these, whose work was handed over and may still be running: a person who retries them takes that on."""
    return tuple(label(target) for target in _named(state, names) if state.standings[target.id].may_run)


def _opened(kit: Kit, state: Rollout, word: e.Will) -> Drive:
    """By this process, or by whoever has the rollout in hand."""
    rollout = state.plan.rollout
    take = partial(session.take, kit, state.plan.groups, rollout, sure=True)
    try:
        hold = take()
    except Held as held:
        if state.finished:
            raise Refused(str(held)) from held
        kit.journal.tell(rollout, word)  # whoever holds the lease drives this very rollout, and reads the word
        return Drive(kit, _let_go(kit, state, take, held), state.plan, carried_on=True)
    try:
        session.able(kit, state.plan.spec)
        kit.journal.tell(rollout, word)
    except BaseException:
        hold.release()
        raise
    return Drive(kit, hold, state.plan, carried_on=True)


def _let_go(kit: Kit, state: Rollout, take: Callable[[], Hold], held: Held) -> Hold:
    """The lease of a holder that had finished before it could read the word. Raises Held: it reads it."""
    news = kit.journal.read(state.plan.rollout, state.number)
    if not any(isinstance(event, e.Finished) for event in news):
        raise held
    for pause in LEAVING:
        try:
            return take()
        except Held:
            kit.clock.sleep(pause)
    return take()


def _named(state: Rollout, names: Sequence[str]) -> Sequence[Target]:
    """Raises UsageFault: unknown, or at no end from which a road leads on."""
    found = history.named(state, names)
    for target in found:
        phase = state.standings[target.id].phase
        if phase not in ENDS or not ROADS[phase]:
            raise UsageFault(f"{label(target)} is {phase.value}: {_WHY.get(phase, 'it is in hand already')}")
    return found


_WHY = {
    Phase.SKIPPED: "nothing was done to it that could be tried again; roll it by a new rollout",
    Phase.GONE: "it is no longer registered",
    Phase.WAITING: "its turn is still to come",
}


def _rolled(state: Rollout, advice: str) -> None:
    if state.plan.kind is not Kind.ROLL:
        raise UsageFault(f"{state.plan.rollout} was a step by hand: {advice}")


def _still_the_newest(kit: Kit, state: Rollout, targets: Sequence[Target], would: str) -> None:
    """What a later rollout has done is not undone by an older one. Raises Refused."""
    for arn in sorted({place.group for target in targets for place in target.registrations}):
        for header in kit.journal.find(group=arn):
            if header.rollout == state.plan.rollout:
                break
            _not_touched_by(history.find(kit.journal, header.rollout), targets, would)


def _not_touched_by(later: Rollout, targets: Sequence[Target], would: str) -> None:
    if later.finished is None:
        raise Refused(f"rollout {later.plan.rollout} of the same group is not finished: carry it on or abort it first")
    for target in targets:
        standing = later.standings.get(target.id)
        if later.plan.kind is Kind.ROLL and standing and standing.touched:
            raise Refused(
                f"{label(target)} was worked on by rollout {later.plan.rollout} since; {would}: roll again instead"
            )
