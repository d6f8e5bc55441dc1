"""The ports of the machine: its clock, and the threads in which calls run."""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """The time. `now` never jumps inside a process."""

    def now(self) -> datetime:
        """Aware UTC: the wall clock at the process's start plus the monotonic time since."""
        ...

    def sleep(self, span: timedelta) -> None:
        """Sleep for `span`, or until `wake` is called."""
        ...

    def last_jump(self) -> datetime | None:
        """When the wall clock was last seen to have jumped against `now`; None: never, in this process.

        A virtual machine that was paused looks like this. How long the pause was cannot be known, so that nothing
        which was known before the jump may be relied on.
        """
        ...

    def wake(self) -> None:
        """End the present sleep, or the next one. A signal handler or another thread may call it."""
        ...


class Pool(Protocol):
    """Where observations and acts run, so that one hanging call delays no other (as a ThreadPoolExecutor does)."""

    def submit(self, work: Callable[[], T], /) -> Future[T]:
        """Run it, now or soon."""
        ...
