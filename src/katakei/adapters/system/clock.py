"""The system clock. This is the only module that may read the time, sleep, or draw a random name."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue

CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""CLOCK_BOOTTIME of Linux goes on while the machine is suspended, and so does CLOCK_MONOTONIC of macOS."""


class SystemClock:
    """The wall clock at the start of the process plus monotonic time since: it never jumps.

    Setting the wall clock forward or back by an hour therefore changes no decision. The time of a suspend counts, so
    that a process does not go on with a lease that ended meanwhile.
    """

    def __init__(self) -> None:
        self._born = datetime.now(UTC)
        self._since = time.clock_gettime(CLOCK)
        self._wakes: SimpleQueue[None] = (
            SimpleQueue()
        )  # its `put` is reentrant; an Event may deadlock in a signal handler

    def now(self) -> datetime:
        """Aware UTC."""
        return self._born + timedelta(seconds=time.clock_gettime(CLOCK) - self._since)

    def sleep(self, span: timedelta) -> None:
        """Returns after `span`, or early when `wake` was called."""
        try:
            self._wakes.get(timeout=max(0.0, span.total_seconds()))
            while True:  # several wake-ups end one sleep
                self._wakes.get_nowait()
        except Empty:
            return

    def wake(self) -> None:
        """Ends the current sleep, or the next one; may be called from a signal handler or another thread."""
        self._wakes.put(None)


def draw(letters: int) -> str:
    """A random name of lower-case letters and digits that are easy to tell apart, for rollout ids and idempotency."""
    return "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(letters))
