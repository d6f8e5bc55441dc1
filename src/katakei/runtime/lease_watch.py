"""The watch over unfinished rollouts: which of them have no living owner, seen by the clock of this process.

A server or a worker sweeps every few seconds. An owner counts as alive only while its heartbeat advances. One whose
newest heartbeat stays the same for `SILENCE_LIMIT` is silent, even if its process exists (docs/adr/0011).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from katakei.domain.leases import SILENCE_LIMIT, Heartbeat
from katakei.domain.model import RolloutId
from katakei.domain.ports import Clock, Journal, Leases, LeaseStatus, Liveness, RolloutHeader

SWEEP_INTERVAL = timedelta(seconds=5)
"""How often the unfinished rollouts of the store are looked through, counted from the beginning of each sweep."""
SHORTEST_PAUSE = timedelta(seconds=0.25)
LONGEST_GAP = timedelta(seconds=15)
"""A store that did not answer for longer may not have answered the owners either: they are watched anew."""


@dataclass(frozen=True, slots=True)
class OwnerlessRollout:
    """An unfinished rollout that no living process drives.

    Attributes:
        rollout: The rollout.
        silent: Heartbeats of its last owner that were watched long enough without a change. The store hands the lease
            over only while each of them is still the newest.
    """

    rollout: RolloutId
    silent: frozenset[Heartbeat]


class LeaseWatch:
    """Watches the heartbeats of all rollouts that other processes drive."""

    def __init__(self, journal: Journal, leases: Leases, clock: Clock) -> None:
        self._journal = journal
        self._leases = leases
        self._clock = clock
        self._seen: dict[Heartbeat, datetime] = {}
        self._answered: datetime | None = None
        self._begun: datetime | None = None
        self._took = timedelta()

    def sweep(self, known: Collection[RolloutId]) -> Sequence[OwnerlessRollout]:
        """The unfinished rollouts without a living owner.

        Args:
            known: Rollouts that this process drives itself, or does not take: they are passed over.

        Raises:
            KatakeiError: The store did not answer. What was watched so far still counts, unless that lasts.
        """
        self._begun, self._took = self._clock.now(), timedelta()
        if self._answered is None or self._begun - self._answered > LONGEST_GAP:
            self._seen = {}
        seen: dict[Heartbeat, datetime] = {}
        found = [self._watched(header, seen) for header in self._others(known)]
        self._seen, self._answered = seen, self._clock.now()
        self._took = self._answered - self._begun
        return [each for each in found if each is not None]

    def due_in(self) -> timedelta:
        """How long until the next sweep: until a watched heartbeat is old enough, or the next regular sweep.

        A store that answers slowly is asked for half of the time at most.
        """
        now = self._clock.now()
        regular = (self._begun or now) + max(SWEEP_INTERVAL, min(2 * self._took, 2 * SWEEP_INTERVAL)) - now
        ends = [since + SILENCE_LIMIT - now for since in self._seen.values()]
        soon = [left for left in ends if left > timedelta()]
        return max(SHORTEST_PAUSE, min([regular, *soon]))

    def _others(self, known: Collection[RolloutId]) -> Sequence[RolloutHeader]:
        return [header for header in self._journal.find(unfinished=True) if header.rollout not in known]

    def _watched(self, header: RolloutHeader, seen: dict[Heartbeat, datetime]) -> OwnerlessRollout | None:
        silent: set[Heartbeat] = set()
        alive = False
        for group in header.groups:
            asked = self._clock.now()
            holder = self._leases.holder(group)
            if holder is None:
                continue
            if holder.beat is not None:
                since = seen[holder.beat] = self._seen.get(holder.beat, self._clock.now())
                if asked - since >= SILENCE_LIMIT:
                    silent.add(holder.beat)
            alive = alive or not (_may_be_taken(holder) or holder.beat in silent)
        return None if alive else OwnerlessRollout(header.rollout, frozenset(silent))


def _may_be_taken(holder: LeaseStatus) -> bool:
    """Whether it is worth asking the store for the lease. The store still refuses where the owner may be alive."""
    return holder.liveness is Liveness.GONE and not holder.watched
