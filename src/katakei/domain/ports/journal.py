"""The ports of a journal: numbered events of every rollout, the leases of target groups, and the freezes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from katakei.domain.events import Event, UserCommand
from katakei.domain.freezes import Freeze
from katakei.domain.leases import Heartbeat, Lease, Owner
from katakei.domain.model import Arn, RolloutId


@dataclass(frozen=True, slots=True)
class RolloutHeader:
    """One rollout as the journal lists it.

    Attributes:
        finished: None while it is not finished.
        who: The person who began it.
    """

    rollout: RolloutId
    service: str
    groups: tuple[Arn, ...]
    begun: datetime
    finished: datetime | None
    who: str


def newest_first(listings: Iterable[Sequence[RolloutHeader]]) -> list[RolloutHeader]:
    """One list of all these rollouts, which contradicts none of the lists as far as they agree.

    The order of a journal is the order in which it recorded the rollouts. The clocks of the machines that began them
    decide only between rollouts whose order no list tells.

    Args:
        listings: Lists of the same journal, each newest first. One rollout may be in several, and is not finished if
            one of them says so.
    """
    headers: dict[RolloutId, RolloutHeader] = {}
    older: dict[RolloutId, list[RolloutId]] = {}
    newer: dict[RolloutId, int] = {}  # how many directly newer ones are not in the result yet
    for listing in listings:
        for header in listing:
            if header.rollout not in headers or header.finished is None:
                headers[header.rollout] = header
        for place, header in enumerate(listing[1:]):
            older.setdefault(listing[place].rollout, []).append(header.rollout)
            newer[header.rollout] = newer.get(header.rollout, 0) + 1
    latest = sorted(headers.values(), key=_latest)
    ready = {_latest(header) for header in latest if not newer.get(header.rollout)}
    ordered: dict[RolloutId, RolloutHeader] = {}
    while len(ordered) < len(headers):
        first = min(ready) if ready else next(_latest(each) for each in latest if each.rollout not in ordered)
        ready.discard(first)
        rollout = first[1]
        ordered[rollout] = headers[rollout]
        for each in older.get(rollout, ()):
            newer[each] -= 1
            if not newer[each] and each not in ordered:
                ready.add(_latest(headers[each]))
    return list(ordered.values())


def _latest(header: RolloutHeader) -> tuple[float, RolloutId]:
    """Sorts by the clock of the machine that began the rollout, the latest first."""
    return -header.begun.timestamp(), header.rollout


class Journal(Protocol):
    """Numbered events, counted from 1 in each rollout."""

    def read(self, rollout: RolloutId, after: int) -> Sequence[Event]:
        """The events after number `after`, in order; none for an unknown rollout."""
        ...

    def append(self, lease: Lease, rollout: RolloutId, after: int, events: Sequence[Event]) -> None:
        """Write all of these events, or none.

        Args:
            lease: The right to write; it must still be valid when the events are written.
            rollout: The rollout.
            after: The number of the last event that the caller knows.
            events: The events that get the next numbers.

        Raises:
            ConcurrentAppendError: Event `after` + 1 exists already.
            LeaseLostError: Another process has taken the lease over.
        """
        ...

    def tell(self, rollout: RolloutId, word: UserCommand) -> None:
        """Write a person's command at the next free number, from any process. It needs no lease."""
        ...

    def find(
        self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False
    ) -> Sequence[RolloutHeader]:
        """The rollouts of a service, of a group, or all; newest first.

        The order is that in which the store recorded them. Clocks of machines do not count, except between rollouts of
        different groups.
        """
        ...


class Liveness(Enum):
    """What is known of a lease's owner without watching it.

    ALIVE: its process runs, or a heartbeat is young. GONE: its process has ended, or it was silent for so long that the
    next process takes over at once. UNKNOWN: neither is known.
    """

    ALIVE = "alive"
    UNKNOWN = "unknown"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class LeaseStatus:
    """Who has the lease of a group now.

    Attributes:
        rollout: What the owner drives.
        owner: The process that took the lease and has not given it back.
        liveness: Whether it still runs.
        silent_for: The age of its newest heartbeat by the store's clock; None when the store cannot tell.
        beat: Its newest heartbeat. A process that sees the same one for long enough, by its own clock, may take over.
        watched: Whether an owner that is GONE must still be watched before the store hands the lease over: other
            machines use the store, and what this host knows of the process is not enough.
    """

    rollout: RolloutId
    owner: Owner
    liveness: Liveness
    silent_for: timedelta | None
    beat: Heartbeat | None = None
    watched: bool = False


class Leases(Protocol):
    """One lease for each target group, among all who share the journal (promise 6)."""

    def take(
        self, groups: frozenset[Arn], owner: Owner, rollout: RolloutId, silent: frozenset[Heartbeat] = frozenset()
    ) -> Lease:
        """Take the lease of all groups, or of none, in the order of their ARNs. It waits for nothing.

        Args:
            groups: The target groups.
            owner: The process that takes the lease.
            rollout: The rollout that it drives.
            silent: Heartbeats that the caller has watched for long enough, by its own clock, to know that their owners
                are gone. The store's clock may show that an owner is alive, never that it is gone.

        Raises:
            LeaseHeldError: An owner that is not known to be gone holds one of the groups; the error names it.
        """
        ...

    def renew(self, lease: Lease) -> None:
        """Confirm the lease: the heartbeat.

        Raises:
            LeaseLostError: Another process has taken the lease over.
        """
        ...

    def release(self, lease: Lease) -> None:
        """Give the lease back. A lease that was lost already is no error."""
        ...

    def holder(self, group: Arn) -> LeaseStatus | None:
        """Who has the lease of a group; None when nobody has. Changes nothing and waits for nothing."""
        ...

    def unlock(self, group: Arn) -> str | None:
        """Remove the lease of a group from any owner; this fences that owner.

        Returns:
            Who held it; None when nobody did.
        """
        ...


class Freezes(Protocol):
    """The freezes of groups and services, in the store of the journal. They may raise what its methods raise."""

    def active(self) -> Sequence[Freeze]:
        """The freezes that have not ended by the store's clock, the oldest first."""
        ...

    def read(self) -> tuple[datetime, Sequence[Freeze]]:
        """The time of the store (aware UTC), and what was active at that moment, with as few calls as possible."""
        ...

    def freeze(self, name: str, who: str, why: str, until: datetime | None) -> Freeze:
        """Freeze a group or a service. A freeze of the same name is replaced.

        Args:
            name: The ARN of a target group, or the name of a service.
            who: The person who freezes it.
            why: The reason in that person's words; '' for none.
            until: When it ends, in the store's time; None: when `unfreeze` lifts it.

        Returns:
            The freeze as recorded.

        Raises:
            UsageError: `until` is not later than the store's time. Nothing was changed.
        """
        ...

    def unfreeze(self, name: str, who: str) -> Freeze | None:
        """Lift a freeze.

        Args:
            name: As in `freeze`.
            who: The person who lifts it.

        Returns:
            The freeze that was lifted; None when the name is not frozen.
        """
        ...
