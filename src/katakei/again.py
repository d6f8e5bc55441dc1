"""One more attempt on targets that a person names: who may be tried again, and what is not known of them."""

from collections.abc import Sequence

from katakei import driving, history
from katakei.core import events as e
from katakei.core.errors import Held, Refused, UsageFault
from katakei.core.model import RolloutId, Target
from katakei.core.planned import Kind
from katakei.core.roads import ENDS, ROADS, Phase
from katakei.core.rollout import Rollout
from katakei.core.words import label
from katakei.driving import Drive
from katakei.kit import Kit


def retry(kit: Kit, rollout: RolloutId, names: Sequence[str]) -> Drive:
    """All of them or none, driven from here.

    Raises Held when the word was written and another process drives it, Refused or UsageFault when nothing was.
    """
    state = history.find(kit.journal, rollout)
    targets = _named(state, names)
    _still_the_newest(kit, state, targets)
    word = e.RetryAsked(kit.clock.now(), kit.owner.user, tuple(target.id for target in targets))
    try:
        hold = driving.take(kit, state.plan.groups, rollout)
    except Held as held:
        if state.finished:
            raise Refused(str(held)) from held
        kit.journal.tell(rollout, word)  # whoever holds the lease drives this very rollout, and reads the word
        raise
    try:
        kit.journal.tell(rollout, word)
    except BaseException:
        hold.release()
        raise
    return Drive(kit, hold, state.plan, carried_on=True)


def unsure(state: Rollout, names: Sequence[str]) -> tuple[str, ...]:
    """Of these, whose work was handed over and may still be running: a person who retries them takes that on."""
    handed = [target for target in _named(state, names) if state.standings[target.id].ticket is not None]
    return tuple(label(target) for target in handed if state.standings[target.id].exit is None)


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


def _still_the_newest(kit: Kit, state: Rollout, targets: Sequence[Target]) -> None:
    """What a later rollout has done is not undone by an older one. Raises Refused."""
    if state.plan.kind is not Kind.ROLL:
        raise UsageFault(f"{state.plan.rollout} was a step by hand: do it again by katakei {state.plan.kind.value}")
    if state.aborting and state.finished is None:
        raise Refused(f"rollout {state.plan.rollout} is being aborted: wait until it has ended, then retry")
    for arn in sorted({place.group for target in targets for place in target.registrations}):
        for header in kit.journal.find(group=arn):
            if header.rollout == state.plan.rollout:
                break
            _not_touched_by(history.find(kit.journal, header.rollout), targets)


def _not_touched_by(later: Rollout, targets: Sequence[Target]) -> None:
    if later.finished is None:
        raise Refused(f"rollout {later.plan.rollout} of the same group is not finished: carry it on or abort it first")
    for target in targets:
        standing = later.standings.get(target.id)
        if later.plan.kind is Kind.ROLL and standing and standing.touched:
            raise Refused(
                f"{label(target)} was worked on by rollout {later.plan.rollout} since; a retry would bring back"
                f" {later.plan.release and 'the release before'}: roll again instead"
            )
