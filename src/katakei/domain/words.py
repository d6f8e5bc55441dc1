"""How spans, moments and targets are said, so that every sentence says them alike."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from katakei.domain.model import Target

MANY = 5


def span(length: timedelta) -> str:
    """'45s', '1m 30s', '2h 05m': two units at most, never negative."""
    seconds = max(0, round(length.total_seconds()))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02d}m"
    if minutes:
        return f"{minutes}m {seconds:02d}s" if seconds else f"{minutes}m"
    return f"{seconds}s"


def since(moment: datetime, now: datetime) -> str:
    """'for 41s'."""
    return f"for {span(now - moment)}"


def label(target: Target) -> str:
    """The id, with the name where there is one."""
    return f"{target.id} ({target.name})" if target.name else str(target.id)


def counted(number: int, thing: str) -> str:
    """'1 connection', '3 connections'."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def listed(things: Iterable[object]) -> str:
    """'a, b and 3 more': never longer than a line."""
    names = [str(thing) for thing in things]
    if len(names) <= MANY:
        return ", ".join(names)
    return f"{', '.join(names[:MANY])} and {len(names) - MANY} more"
