"""The lab's only clock: the one file here that asks the time, sleeps, or draws a name that never comes twice.

It never decides anything; whoever can take the time as an argument does.
"""

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime


def now() -> datetime:
    """The wall clock, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds of a clock that never goes back; only differences mean something."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Let this thread rest."""
    time.sleep(seconds)


async def pause(seconds: float) -> None:
    """Let this task rest, and the others run."""
    import asyncio  # noqa: PLC0415 - 50 ms and 10 MB which the many small processes without tasks need not pay

    await asyncio.sleep(seconds)


def wait_for(predicate: Callable[[], object], within: float, every: float = 0.02) -> bool:
    """Ask `predicate` every `every` seconds until it is true; False when that took longer than `within` seconds.

    It is asked at least once, and once more at the very end.
    """
    until = time.monotonic() + within
    while not predicate():
        left = until - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(every, left))
    return True


def unique() -> str:
    """32 hexadecimal digits which nobody drew before."""
    return uuid.uuid4().hex


def unique_uuid() -> str:
    """The same as a UUID with its dashes, as request ids and command ids are written."""
    return str(uuid.uuid4())
