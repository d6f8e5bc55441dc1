"""The watch over targets that are done: whether they still serve. A bad release may show late.

When one leaves service this is recorded at once, and no other target is started meanwhile. One that stays away, or
leaves again and again, has failed.
"""

from datetime import timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, Record
from katakei.domain.model import TargetId
from katakei.domain.observation import HealthState
from katakei.domain.phases import Phase
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.reconcile.context import TargetContext, TurnContext, reported

UNHEALTHY_LIMIT = timedelta(seconds=30)  # a target that was done may be out of service this long before it has failed
UNHEALTHY_ALLOWED = 3
NOT_SERVING = frozenset({HealthState.UNHEALTHY, HealthState.UNUSED, HealthState.DRAINING, HealthState.ABSENT})


def watching(turn: TurnContext) -> list[Action]:
    """What follows for targets that are done: records of those that left service or came back, and waits for those.

    A target that is to be taken back is not waited for, since the revert may be what it needs.
    """
    return [action for target in _suspects(turn) for action in _watch(turn.target(target))]


def _suspects(turn: TurnContext) -> list[TargetId]:
    """Of the many targets that are done, those that are, or were, observed not serving."""
    rollout = turn.rollout
    done, owners = rollout.by_phase[Phase.DONE], rollout.owners
    if turn.observation.deleted:
        return list(done)
    down = [owners[place] for group in turn.observation.groups.values() for place in group.down if place in owners]
    return [target for target in dict.fromkeys([*rollout.flagged, *down]) if target in done]


def _watch(context: TargetContext) -> tuple[Action, ...]:
    status, target = context.status, context.target.id
    since, failed = status.unhealthy_since, status.cause is not None
    awaited = not failed and not context.recalled
    if context.group_deleted:
        return _without_group(context, context.group_deleted)
    if context.health is None:
        return (_not_observed(context),) if since and awaited else ()
    down = next((health for health in context.not_serving if health.state in NOT_SERVING), None)
    if since is None:
        return (Record(e.BecameUnhealthy(context.now, target, "", reported(down))),) if down else ()
    if not context.not_serving:
        return (Record(e.ObservedServing(max(health.begun for health in context.health), target)),)
    if not failed and (status.unhealthy_count >= UNHEALTHY_ALLOWED or context.now - since >= UNHEALTHY_LIMIT):
        return (Record(e.FailedAfterDone(context.now, target, "", reason(ReasonCode.LEFT_SERVICE, why=status.reason))),)
    why = reason(ReasonCode.LEFT_SERVICE_WAITING, waited=context.now - since, why=status.reason)
    return (context.wait(why, since + UNHEALTHY_LIMIT),) if awaited else ()


def _not_observed(context: TargetContext) -> Action:
    waited = context.now - (context.status.unhealthy_since or context.now)
    text = context.observation_error
    return context.wait(reason(ReasonCode.LEFT_SERVICE_NOT_OBSERVED, waited=waited, text=text))


def _without_group(context: TargetContext, why: Reason) -> tuple[Record, ...]:
    """A deleted group: the target cannot come back there."""
    if context.status.unhealthy_since is None:
        return (Record(e.BecameUnhealthy(context.now, context.target.id, "", why)),)
    return () if context.status.cause else (Record(e.FailedAfterDone(context.now, context.target.id, "", why)),)
