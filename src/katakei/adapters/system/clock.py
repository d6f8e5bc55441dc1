"""The system clock. This is the only module that may read the time, sleep, or draw a random name."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue

CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""CLOCK_BOOTTIME of Linux goes on while the machine is suspended, and so does CLOCK_MONOTONIC of macOS."""


JUMP = timedelta(seconds=5)
"""A smaller step of the wall clock is none: a lease outlives a pause as short as this, and NTP corrects seconds."""
READ_WITHIN = 1.0
"""Seconds within which both clocks must be read to be compared."""


class SystemClock:
    """The wall clock at the start of the process plus monotonic time since: `now` never jumps.

    Setting the wall clock forward or back by an hour therefore changes no time. The time of a suspend counts, so that
    a process does not go on with a lease that ended meanwhile. A hypervisor that pauses a virtual machine stops both
    clocks; when it then sets the wall clock right, that clock jumps against the other one, and `last_jump` tells.
    """

    def __init__(self) -> None:
        self._since = time.clock_gettime(CLOCK)
        self._born = datetime.now(UTC)
        self._wall_ahead = timedelta()  # the wall clock against `now`, when both were compared last
        self._jumped: datetime | None = None
        self._wakes: SimpleQueue[None] = (
            SimpleQueue()
        )  # its `put` is reentrant; an Event may deadlock in a signal handler

    def now(self) -> datetime:
        """Aware UTC."""
        return self._born + timedelta(seconds=time.clock_gettime(CLOCK) - self._since)

    def last_jump(self) -> datetime | None:
        """When a step of the wall clock by more than 5 s was seen last, in either direction; None: never."""
        before, wall, now = self.now(), datetime.now(UTC), self.now()
        if (now - before).total_seconds() < READ_WITHIN:
            if abs(wall - now - self._wall_ahead) > JUMP:
                self._jumped = now
            self._wall_ahead = wall - now
        return self._jumped

    def sleep(self, span: timedelta) -> None:
        """Returns after `span`, or early when `wake` was called."""
        _wait(self._wakes, span)

    def wake(self) -> None:
        """Ends the current sleep, or the next one; may be called from a signal handler or another thread."""
        self._wakes.put(None)


class SessionClock:
    """The time of another clock, with a sleep of its own: waking one session wakes no other.

    A second `SystemClock` would not do: a step of the wall clock between the births of two clocks sets them apart.
    """

    def __init__(self, time_of: SystemClock) -> None:
        self._time = time_of
        self._wakes: SimpleQueue[None] = SimpleQueue()

    def now(self) -> datetime:
        """Aware UTC, as the other clock says."""
        return self._time.now()

    def last_jump(self) -> datetime | None:
        """As the other clock says."""
        return self._time.last_jump()

    def sleep(self, span: timedelta) -> None:
        """Returns after `span`, or early when `wake` of this clock was called."""
        _wait(self._wakes, span)

    def wake(self) -> None:
        """Ends the current sleep of this clock, or the next one."""
        self._wakes.put(None)


def _wait(wakes: "SimpleQueue[None]", span: timedelta) -> None:
    try:
        wakes.get(timeout=max(0.0, span.total_seconds()))
        while True:  # several wake-ups end one sleep
            wakes.get_nowait()
    except Empty:
        return


def draw(letters: int) -> str:
    """A random name of lower-case letters and digits that are easy to tell apart, for rollout ids and idempotency."""
    return "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(letters))
