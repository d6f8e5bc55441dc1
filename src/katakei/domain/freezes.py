"""Freezes: the time in which no target of a group, or of a service, is taken out of service.

A freeze stops take-outs. Targets that are out already come back as always.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from katakei.domain.model import Arn


@dataclass(frozen=True, slots=True)
class Freeze:
    """One freeze. Every moment is by the clock of the store that keeps it.

    Attributes:
        name: The ARN of a target group, or the name of a service.
        who: The person who froze it.
        why: The reason in that person's words; '' where none was given.
        since: When it began.
        until: When it ends by itself; None where it has to be lifted.
    """

    name: str
    who: str
    why: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class FreezeReading:
    """One reading of a store: its own time, and the freezes that were active at that moment.

    Attributes:
        begun: When the reading began, by the clock of the process that read.
        store_time: The time of the store.
        active: The active freezes, the oldest first.
    """

    begun: datetime
    store_time: datetime
    active: tuple[Freeze, ...] = ()

    def of(self, service: str, groups: Collection[Arn]) -> Freeze | None:
        """The freeze that holds up a rollout of this service in these groups; None when there is none."""
        return freeze_of(self.active, service, groups)


def freeze_of(active: Iterable[Freeze], service: str, groups: Collection[Arn]) -> Freeze | None:
    """Of these freezes, the one of the service or of one of the groups that ends last; None when there is none."""
    found = [freeze for freeze in active if freeze.name == service or freeze.name in groups]
    return max(found, key=lambda freeze: (freeze.until is None, freeze.until or freeze.since), default=None)


def still_active(freezes: Iterable[Freeze], at: datetime) -> tuple[Freeze, ...]:
    """The freezes that have not ended at this moment of the store's time, the oldest first."""
    active = (freeze for freeze in freezes if freeze.until is None or freeze.until > at)
    return tuple(sorted(active, key=lambda freeze: (freeze.since, freeze.name)))
