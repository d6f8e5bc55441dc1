"""The answers about targets that are done: whether they still serve. A bad release may show late.

A fall is said at once and nothing else is begun meanwhile; one that lasts, or comes again and again, is a failure.
"""

from datetime import timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, Record
from katakei.domain.model import TargetId
from katakei.domain.observation import HealthState
from katakei.domain.phases import Phase
from katakei.domain.words import since
from katakei.reconcile.context import TargetContext, TurnContext, shown

LASTING = timedelta(seconds=30)  # a target that was done may be out of service for so long before it counts as failed
FALLS = 3
DOWN = frozenset({HealthState.UNHEALTHY, HealthState.UNUSED, HealthState.DRAINING, HealthState.ABSENT})


def watching(scene: TurnContext) -> list[Action]:
    """Who fell, who is back, who is lost; and why nothing else is begun while one of them is awaited.

    One that is to be taken back is not awaited: that may be what it needs.
    """
    return [action for target in _suspects(scene) for action in _watched(scene.case(target))]


def _suspects(scene: TurnContext) -> list[TargetId]:
    """Of the many that are done, those that are, or were, seen not to serve."""
    rollout = scene.rollout
    done, owners = rollout.by_phase[Phase.DONE], rollout.owners
    if scene.observation.deleted:
        return list(done)
    down = [owners[place] for group in scene.observation.groups.values() for place in group.down if place in owners]
    return [target for target in dict.fromkeys([*rollout.flagged, *down]) if target in done]


def _watched(case: TargetContext) -> tuple[Action, ...]:
    status, looks = case.status, case.looks
    fell, known = status.fell, status.cause is not None
    awaited = not known and not case.recalled
    if case.deleted:
        return _without_group(case)
    if looks is None:
        return (
            (case.rest(f"left service after it was done, not seen just now{_why(case)}"),) if fell and awaited else ()
        )
    down = next((look for look in case.amiss if look.state in DOWN), None)
    if fell is None:
        return (Record(e.BecameUnhealthy(case.now, case.target.id, shown(down))),) if down else ()
    if not case.amiss:
        return (Record(e.ObservedServing(max(look.begun for look in looks), case.target.id)),)
    if not known and (status.falls >= FALLS or case.now - fell >= LASTING):
        return (Record(e.FailedAfterDone(case.now, case.target.id, f"left service after it was done: {status.why}")),)
    why = f"left service after it was done, {since(fell, case.now)}: {status.why}; nothing else is begun meanwhile"
    return (case.rest(why, fell + LASTING),) if awaited else ()


def _without_group(case: TargetContext) -> tuple[Record, ...]:
    """It cannot come back there."""
    if case.status.fell is None:
        return (Record(e.BecameUnhealthy(case.now, case.target.id, case.deleted)),)
    return () if case.status.cause else (Record(e.FailedAfterDone(case.now, case.target.id, case.deleted)),)


def _why(case: TargetContext) -> str:
    """With the time that promise 9 wants."""
    return f" ({case.unseen or 'no answer yet'}), {since(case.status.fell or case.now, case.now)}"
