"""The real clock: the only file that may ask the time, sleep, or draw a random name."""

import secrets
import threading
import time
from datetime import UTC, datetime, timedelta

CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine is suspended, on Linux


class SystemClock:
    """Wall clock as it was when the process began, plus monotonic time since: it never jumps.

    A clock set forward or back by an hour in the middle therefore changes no decision. A machine that was suspended
    knows how long, so that it does not go on with a lease that was over meanwhile.
    """

    def __init__(self) -> None:
        self._born = datetime.now(UTC)
        self._since = time.clock_gettime(CLOCK)
        self._woken = threading.Event()

    def now(self) -> datetime:
        """Aware UTC."""
        return self._born + timedelta(seconds=time.clock_gettime(CLOCK) - self._since)

    def sleep(self, span: timedelta) -> None:
        """Returns after `span`, or early when `wake` was called."""
        self._woken.wait(max(0.0, span.total_seconds()))
        self._woken.clear()

    def wake(self) -> None:
        """Ends the current sleep, or the next one; may be called from a signal handler or another thread."""
        self._woken.set()


def draw(letters: int) -> str:
    """A random name of lower-case letters and digits without look-alikes, for rollout ids and idempotency."""
    return "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(letters))
