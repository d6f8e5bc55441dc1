"""The lease of a rollout: how it is acquired, also from an owner that fell silent, and how it is kept alive.

Silence is measured by the monotonic clock of this process. A wall clock can only refuse (docs/adr/0011).
"""

import logging
import threading
from contextlib import suppress
from datetime import datetime, timedelta

from katakei.domain.errors import KatakeiError, LeaseHeldError, LeaseLostError, NoAnswerError
from katakei.domain.leases import (
    HEARTBEAT_INTERVAL,
    LEASE_DURATION,
    SAFETY_MARGIN,
    SILENCE_LIMIT,
    STALL_LIMIT,
    Heartbeat,
    Lease,
)
from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import Clock, Leases
from katakei.runtime.drivers import Drivers

log = logging.getLogger(__name__)

POLL_INTERVAL = timedelta(seconds=2)


def acquire_lease(
    drivers: Drivers, groups: frozenset[Arn], rollout: RolloutId, *, confirm_alive: bool = False
) -> "LeaseKeeper":
    """The lease of all these groups, for this process.

    An owner that may be gone is watched. It is replaced when no heartbeat of it advanced for as long as a lease lives,
    plus the time that its last call may take. A message tells the user about this wait.

    Args:
        drivers: Leases, clock and identity of this process.
        groups: ARNs; the lease covers all of them or none.
        rollout: What the lease is taken for; other processes see its name.
        confirm_alive: Also watch an owner whose last heartbeat is fresh, unless its process is seen to run. That
            heartbeat may have been its last one. Takes up to 7 s where the owner is alive.

    Returns:
        The lease. Its heartbeat does not run yet (`LeaseKeeper.keep`).

    Raises:
        LeaseHeldError: A living owner has one of the groups; the sentence names its rollout.
        NoAnswerError: The store did not answer.
    """
    watched: frozenset[Heartbeat] = frozenset()
    since = drivers.clock.now()
    while True:
        asked = drivers.clock.now()
        try:
            return take_lease(drivers, groups, rollout, watched if asked - since >= SILENCE_LIMIT else frozenset())
        except LeaseHeldError as held:
            beats = held.unsure if confirm_alive else held.silent
            if not beats or (watched and beats != watched):
                log.info("lease held", extra={"facts": {"rollout": rollout, "why": str(held)}})
                raise
            if not watched:
                watched, since = beats, drivers.clock.now()
                drivers.tell(f"{held}; it is watched for that long now")
        except NoAnswerError:  # one question without an answer does not end the watch
            if not watched or asked - since > 2 * SILENCE_LIMIT:
                raise
        drivers.clock.sleep(POLL_INTERVAL)


def take_lease(
    drivers: Drivers, groups: frozenset[Arn], rollout: RolloutId, silent: frozenset[Heartbeat] = frozenset()
) -> "LeaseKeeper":
    """As `acquire_lease`, but waits for nothing.

    Args:
        drivers: Leases, clock and identity of this process.
        groups: ARNs; the lease covers all of them or none.
        rollout: What the lease is taken for.
        silent: Heartbeats that were watched for `SILENCE_LIMIT` without a change.

    Raises:
        LeaseHeldError: An owner that is not known to be gone has one of the groups; or this very process drives the
            rollout already, in another session.
        NoAnswerError: The store did not answer.
    """
    asked = drivers.clock.now()
    for group in sorted(groups):
        holder = drivers.leases.holder(group)
        ours = holder is not None and (holder.owner, holder.rollout) == (drivers.owner, rollout)
        if holder is not None and ours and holder.beat not in silent:
            raise LeaseHeldError(f"{group} is held by rollout {rollout} of this process, which drives it already")
    lease = drivers.leases.take(groups, drivers.owner, rollout, silent)
    log.info("lease acquired", extra={"facts": {"rollout": rollout, "epoch": lease.epoch}})
    return LeaseKeeper(drivers.leases, drivers.clock, lease, asked, rollout)


class LeaseKeeper:
    """A lease of this process, and when the store last confirmed it.

    The heartbeat has a thread of its own, and a bound: a process whose loop stands still must lose its lease, although
    that thread runs on. Every sign of progress moves the bound. A heartbeat that was due after it is not sent; once
    there is progress again, the heartbeat goes on, if nobody took over meanwhile.
    """

    def __init__(
        self, leases: Leases, clock: Clock, lease: Lease, proved: datetime, rollout: RolloutId | None = None
    ) -> None:
        self.lease = lease
        self._facts = {"rollout": rollout, "epoch": lease.epoch}
        self._leases = leases
        self._clock = clock
        self._proved = proved
        self._beats_until = proved + STALL_LIMIT
        self._failure = ""
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._beat, name="katakei-lease", daemon=True)

    @property
    def proved(self) -> datetime:
        """The latest moment at which the lease is known to have been held."""
        return self._proved

    @property
    def until(self) -> datetime:
        """No call begins later than this. It is over at once when time jumped since the lease was confirmed."""
        jump = self._clock.last_jump()
        if self._failure or (jump is not None and jump >= self._proved):
            return self._proved - SILENCE_LIMIT
        return self._proved + LEASE_DURATION - SAFETY_MARGIN

    @property
    def beats_until(self) -> datetime:
        """No heartbeat is sent later than this, unless there is progress before."""
        return self._beats_until

    def prove(self, at: datetime) -> None:
        """Notes that a question of the loop, sent at this moment, was answered as only the owner is answered."""
        self._note_proof(at)
        self.progress()

    def renew(self) -> None:
        """Sends one heartbeat for the loop, which is progress. Raises LeaseLostError."""
        if self._failure:
            raise LeaseLostError(self._failure)
        self._renew()
        self.progress()

    def progress(self, due: datetime | None = None) -> None:
        """Notes that a turn began or ended: the heartbeat goes on for a minute.

        Args:
            due: When the next turn is due; the minute begins then.
        """
        now = self._clock.now()
        self.beat_until(max(now, due or now) + STALL_LIMIT)

    def keep(self, until: datetime | None = None) -> "LeaseKeeper":
        """Starts the heartbeat, in a thread of its own.

        Args:
            until: The heartbeat stops at this moment (`beat_until`); None: after a minute without progress.
        """
        self.progress()
        if until is not None:
            self.beat_until(until)
        self._thread.start()
        return self

    def beat_until(self, moment: datetime) -> None:
        """Bounds the heartbeat, so that others can take over from a process that waits without end.

        Args:
            moment: After it no heartbeat is sent.
        """
        self._beats_until = moment

    def stop(self) -> None:
        """Ends the heartbeat; the lease runs out by itself unless it is released before."""
        self._over.set()

    def release(self) -> None:
        """Gives the lease back. A lease that is lost, or cannot be given back, is no error: it runs out by itself."""
        self.stop()
        with self._lock, suppress(KatakeiError):
            self._leases.release(self.lease)
        log.info("lease released", extra={"facts": self._facts})

    def _renew(self) -> None:
        with self._lock:
            asked = self._clock.now()
            self._leases.renew(self.lease)
            self._note_proof(asked)
        log.debug("heartbeat", extra={"facts": self._facts})

    def _note_proof(self, at: datetime) -> None:
        self._proved = max(self._proved, at)

    def _beat(self) -> None:
        """The thread of the heartbeat. It ends with the lease; the loop then finds out at its next turn."""
        try:
            while not self._over.wait(HEARTBEAT_INTERVAL.total_seconds()):
                if self._clock.now() <= self._beats_until:
                    self._try_to_renew()
                else:
                    log.info("no heartbeat without progress", extra={"facts": self._facts})
        except LeaseLostError:
            log.info("lease lost", extra={"facts": self._facts})
        except Exception as error:
            log.exception("heartbeat failed", extra={"facts": self._facts})
            self._failure = (
                f"the heartbeat failed with an internal error ({type(error).__name__}), so the lease counts as lost:"
                " give the same command again"
            )
        else:
            return
        self._clock.wake()

    def _try_to_renew(self) -> None:
        try:
            self._renew()
        except LeaseLostError:
            raise
        except KatakeiError as error:  # the turn meets the same error and shows it
            log.info("heartbeat unanswered", extra={"facts": {**self._facts, "error": str(error)}})
