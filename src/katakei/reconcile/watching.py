"""The answers about targets that are done: whether they still serve. A bad release may show late.

A fall is said at once and nothing else is begun meanwhile; one that lasts, or comes again and again, is a failure.
"""

from datetime import timedelta

from katakei.domain import events as e
from katakei.domain.actions import Note, Step
from katakei.domain.model import TargetId
from katakei.domain.observation import State
from katakei.domain.phases import Phase
from katakei.domain.words import since
from katakei.reconcile.context import Case, Scene, shown

LASTING = timedelta(seconds=30)  # a target that was done may be out of service for so long before it counts as failed
FALLS = 3
DOWN = frozenset({State.UNHEALTHY, State.UNUSED, State.DRAINING, State.ABSENT})


def staying(scene: Scene) -> list[Step]:
    """Who fell, who is back, who is lost; and why nothing else is begun while one of them is awaited.

    One that is to be taken back is not awaited: that may be what it needs.
    """
    return [step for target in _suspects(scene) for step in _watched(scene.case(target))]


def _suspects(scene: Scene) -> list[TargetId]:
    """Of the many that are done, those that are, or were, seen not to serve."""
    rollout = scene.rollout
    done, owners = rollout.by_phase[Phase.DONE], rollout.owners
    if scene.sight.deleted:
        return list(done)
    down = [owners[place] for group in scene.sight.groups.values() for place in group.down if place in owners]
    return [target for target in dict.fromkeys([*rollout.singled_out, *down]) if target in done]


def _watched(case: Case) -> tuple[Step, ...]:
    standing, looks = case.standing, case.looks
    fell, known = standing.fell, standing.cause is not None
    awaited = not known and not case.recalled
    if case.deleted:
        return _without_group(case)
    if looks is None:
        return (
            (case.rest(f"left service after it was done, not seen just now{_why(case)}"),) if fell and awaited else ()
        )
    down = next((look for look in case.amiss if look.state in DOWN), None)
    if fell is None:
        return (Note(e.Fell(case.now, case.target.id, shown(down))),) if down else ()
    if not case.amiss:
        return (Note(e.SeenServing(max(look.begun for look in looks), case.target.id)),)
    if not known and (standing.falls >= FALLS or case.now - fell >= LASTING):
        return (Note(e.Lost(case.now, case.target.id, f"left service after it was done: {standing.why}")),)
    why = f"left service after it was done, {since(fell, case.now)}: {standing.why}; nothing else is begun meanwhile"
    return (case.rest(why, fell + LASTING),) if awaited else ()


def _without_group(case: Case) -> tuple[Note, ...]:
    """It cannot come back there."""
    if case.standing.fell is None:
        return (Note(e.Fell(case.now, case.target.id, case.deleted)),)
    return () if case.standing.cause else (Note(e.Lost(case.now, case.target.id, case.deleted)),)


def _why(case: Case) -> str:
    """With the time that promise 9 wants."""
    return f" ({case.unseen or 'no answer yet'}), {since(case.standing.fell or case.now, case.now)}"
