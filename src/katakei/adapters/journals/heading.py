"""What a rollout's events make of its header, the same in every store; nothing is read or written here."""

from collections.abc import Sequence
from typing import TypeGuard

from katakei.domain.errors import UsageError
from katakei.domain.events import Event, Planned, RetryAsked, RevertAsked
from katakei.domain.model import RolloutId
from katakei.domain.ports import RolloutHeader


def header(rollout: RolloutId, planned: Planned) -> RolloutHeader:
    """As the plan tells it, not finished."""
    plan = planned.plan
    arns = tuple(dict.fromkeys(group.arn for group in plan.groups))
    return RolloutHeader(rollout, plan.spec.service, arns, planned.at, None, plan.who)


def reopens(event: Event) -> TypeGuard[RetryAsked | RevertAsked]:
    """A finished rollout is unfinished again by this word."""
    return isinstance(event, RetryAsked | RevertAsked)


def in_order(after: int, events: Sequence[Event]) -> None:
    """Raises ValueError: the first event of a rollout, and only that, is Planned."""
    planned = [isinstance(event, Planned) for event in events]
    if any(planned[1:]) or planned[:1] not in ([], [after == 0]):
        raise ValueError("the first event of a rollout, and only that, is Planned")


def unknown(rollout: RolloutId) -> UsageError:
    """Nobody can speak to it."""
    return UsageError(f"there is no rollout {rollout} in this journal: `katakei list` shows those there are")
