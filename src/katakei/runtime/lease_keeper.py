"""The lease in hand: how it is taken, also from a holder that fell silent, and how it is kept alive meanwhile.

Silence is timed by our own monotonic clock; whatever a wall clock says can only refuse (docs/adr/0011).
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from katakei.domain.errors import KatakeiError, LeaseHeldError, LeaseLostError, NoAnswerError
from katakei.domain.leases import HEARTBEAT_INTERVAL, LEASE_DURATION, SAFETY_MARGIN, Heartbeat, Lease
from katakei.domain.ports import Clock, Leases

SILENCE_LIMIT = LEASE_DURATION + SAFETY_MARGIN
POLL_INTERVAL = timedelta(seconds=2)


def acquire(
    leases: Leases,
    clock: Clock,
    ask: Callable[[frozenset[Heartbeat]], Lease],
    told: Callable[[str], None],
    *,
    sure: bool = False,
) -> "LeaseKeeper":
    """What `ask` takes (`Leases.acquire`). Raises Held: somebody holds one of the groups, and was heard of just now.

    A holder that may be gone is watched; it is taken over when no heartbeat of it moved for as long as a lease lives
    and as an act of its last moment may take. `told` hears that this is awaited. Who wants to be `sure` that the holder
    lives also watches one that was heard of just now, unless its process is seen: that may have been its last beat.
    """
    watched: frozenset[Heartbeat] = frozenset()
    since = clock.now()
    while True:
        asked = clock.now()
        try:
            return LeaseKeeper(leases, clock, ask(watched if asked - since >= SILENCE_LIMIT else frozenset()), asked)
        except LeaseHeldError as held:
            beats = held.unsure if sure else held.silent
            if not beats or (watched and beats != watched):
                raise
            if not watched:
                watched, since = beats, clock.now()
                told(f"{held}; it is watched for that long now")
        except NoAnswerError:  # one look without an answer spoils no watch
            if not watched or asked - since > 2 * SILENCE_LIMIT:
                raise
        clock.sleep(POLL_INTERVAL)


class LeaseKeeper:
    """A lease that is ours, and when it was last known to be."""

    def __init__(self, leases: Leases, clock: Clock, lease: Lease, proved: datetime) -> None:
        self.lease = lease
        self._leases = leases
        self._clock = clock
        self._proved = proved
        self._over = threading.Event()
        self._lock = threading.Lock()

    @property
    def proved(self) -> datetime:
        """It was ours at this moment at the least."""
        return self._proved

    @property
    def until(self) -> datetime:
        """No act begins later than this."""
        return self._proved + LEASE_DURATION - SAFETY_MARGIN

    def prove(self, at: datetime) -> None:
        """Something asked for at this moment was answered as only the holder is answered."""
        self._proved = max(self._proved, at)

    def renew(self) -> None:
        """One heartbeat. Raises LeaseLost."""
        with self._lock:
            asked = self._clock.now()
            self._leases.renew(self.lease)
            self.prove(asked)

    def keep(self) -> "LeaseKeeper":
        """From now on it beats by itself, also while a turn is long or rests."""
        threading.Thread(target=self._beat, name="katakei-lease", daemon=True).start()
        return self

    def stop(self) -> None:
        """It beats no more; the lease ends by itself, unless it is given back before."""
        self._over.set()

    def release(self) -> None:
        """Gives it back; one already lost is let go silently, and one that cannot be given back ends by itself."""
        self.stop()
        with self._lock, suppress(KatakeiError):
            self._leases.release(self.lease)

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_INTERVAL.total_seconds()):
            try:
                self.renew()
            except LeaseLostError:
                self._clock.wake()  # the next turn finds out by itself, at once
                return
            except KatakeiError:
                continue  # the turn meets the same trouble and tells it
