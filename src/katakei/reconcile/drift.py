"""Drift: what somebody else changed while the rollout goes on.

Three things may change: registrations appear that the plan does not list, a group's attributes change, a group is
deleted. A new registration is recorded before anything rests on it, so that every floor counts it.
"""

from collections.abc import Iterator
from dataclasses import fields

from katakei.domain import events as e
from katakei.domain.actions import Record
from katakei.domain.model import Arn, Group
from katakei.domain.observation import Observation, UnplannedRegistration
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.spec import LatePolicy
from katakei.reconcile.context import TargetContext, TurnContext

# A group may get other load balancers during a rollout, but it must keep one. Whether an agent takes the requests of
# targets never changes, and older plans do not say it; sticky sessions only move to other targets.
_NOT_COMPARED = frozenset({"name", "load_balancers", "sticky", "target_control"})
_PLANNED_ATTRIBUTES = tuple(field.name for field in fields(Group) if field.name not in _NOT_COMPARED)


def unknown(rollout: Rollout, last: Observation) -> tuple[Arn, ...]:
    """The groups that list a registration in service, or nearly so, that the rollout does not know.

    An observation holds every known registration, absent ones too: a longer one holds unknown ones.
    """
    if rollout.plan.kind is not PlanKind.ROLL:
        return ()
    return tuple(
        arn
        for arn, group in last.groups.items()
        if len(group.seen) > len(rollout.places[arn])
        and any(not group.seen[place].out for place in group.seen.keys() - rollout.places[arn])
    )


def joining(turn: TurnContext) -> list[Record]:
    """The records that add new registrations: of a target that takes part or not, or of a machine that is known."""
    records = []
    for newcomer in turn.observation.newcomers:
        if any(place not in turn.rollout.owners for place in newcomer.target.registrations):
            why = _left_alone(turn.rollout, newcomer)
            records.append(Record(e.TargetAdded(turn.now, newcomer.target, why is None, reason=why)))
    return records


def _left_alone(rollout: Rollout, newcomer: UnplannedRegistration) -> Reason | None:
    """Why it takes no part; None when it does."""
    spec = rollout.plan.spec
    if newcomer.target.id in rollout.zones:
        known = newcomer.target.id in rollout.targets
        return None if known else reason(ReasonCode.MACHINE_TAKES_NO_PART)
    if spec.late is LatePolicy.LEAVE:
        return reason(ReasonCode.LATE_TARGETS_LEFT)
    if not set(spec.targets.tags) <= set(newcomer.tags.items()):
        return reason(ReasonCode.TAGS_DIFFER)
    if rollout.reverting or rollout.reopened:
        return reason(ReasonCode.CAME_AFTER_ROLLOUT)
    return newcomer.trouble or rollout.stopped


def attribute_changes(recorded: Group, now: Group) -> tuple[Reason, ...]:
    """What the group promised in the plan and no longer is.

    Args:
        recorded: The group as the plan recorded it.
        now: The group as AWS describes it now.
    """
    return tuple(_attribute_changes(recorded, now))


def _attribute_changes(recorded: Group, now: Group) -> Iterator[Reason]:
    for name in _PLANNED_ATTRIBUTES:
        was, is_now = getattr(recorded, name), getattr(now, name)
        ended = name == "zonal_shift" and set(is_now) <= set(was)  # more targets serve again than were planned
        if was != is_now and not ended:
            yield reason(ReasonCode.ATTRIBUTE_CHANGED, attribute=name, was=str(was), now=str(is_now))
    if recorded.load_balancers and not now.load_balancers:
        yield reason(ReasonCode.LISTENER_REMOVED)


def vanished(context: TargetContext) -> Record | None:
    """What follows for a target when somebody deletes a target group: nothing waits for what can never come.

    Returns:
        The target is gone where none of its groups is left; else it stays out and is named. Work that runs is
        followed to its end. None where all its groups exist.
    """
    why, phase = context.group_deleted, context.status.phase
    if why is None or phase is Phase.WORKING:
        return None
    if context.observation.deleted.issuperset(group.arn for group in context.groups):
        cause = None if phase is Phase.WAITING else Cause.FAILED
        return context.enter(Phase.GONE, context.then(why), cause=cause)
    if phase is Phase.WAITING:
        return context.enter(Phase.SKIPPED, why)
    if phase in {Phase.WARMING, Phase.SOAKING}:
        return context.enter(Phase.DRAINING, context.then(why), Intent.KEEP_OUT, Cause.FAILED)
    return context.enter(Phase.LEFT_OUT, context.then(why), cause=Cause.FAILED)
