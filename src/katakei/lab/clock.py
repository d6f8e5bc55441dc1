"""The lab's only clock: this module alone reads the time, sleeps and makes unique names.

Code that can take the time as an argument does so instead.
"""

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime


def now() -> datetime:
    """Returns the current time, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Returns seconds of a clock that never goes back. Only differences are meaningful."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Block this thread."""
    time.sleep(seconds)


async def pause(seconds: float) -> None:
    """Suspend this task and let others run."""
    import asyncio  # noqa: PLC0415 - costs 50 ms and 10 MB, which the many small processes without tasks need not pay

    await asyncio.sleep(seconds)


def wait_for(predicate: Callable[[], object], within: float, every: float = 0.02) -> bool:
    """Poll a condition until it holds.

    Args:
        predicate: the condition; called at least once, and once more at the very end.
        within: the limit in seconds.
        every: the interval in seconds.

    Returns:
        Whether the condition held in time.
    """
    until = time.monotonic() + within
    while not predicate():
        left = until - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(every, left))
    return True


def unique() -> str:
    """Returns 32 random hexadecimal digits."""
    return uuid.uuid4().hex


def unique_uuid() -> str:
    """Returns a random UUID with dashes, the form of request ids and command ids."""
    return str(uuid.uuid4())
