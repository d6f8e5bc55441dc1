"""Moments and durations as ISO 8601 text, exact to the microsecond."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

SPAN = re.compile(r"(-?)PT(\d+)(?:\.(\d{6}))?S", re.ASCII)


def iso(at: datetime) -> str:
    """An aware moment as text. Raises ValueError for a naive one, which means nothing on another machine."""
    if at.utcoffset() is None:
        raise ValueError(f"{at} has no time zone")
    return at.isoformat()


def sortable(at: datetime) -> str:
    """The moment in UTC, always of the same width, so that the texts sort in the order of time."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def moment(text: str) -> datetime:
    """The moment that `iso` or `sortable` wrote. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.utcoffset() is None:
        raise ValueError(f"{text!r} has no time zone")
    return at


def told_time(told: Any) -> datetime:
    """The time as a database tells it: SQLite as text in UTC, PostgreSQL as a moment."""
    now = told if isinstance(told, datetime) else datetime.fromisoformat(told)
    return now.astimezone(UTC) if now.tzinfo else now.replace(tzinfo=UTC)


def duration(length: timedelta) -> str:
    """A duration as text: 'PT300S', '-PT0.250000S'."""
    whole = abs(length)
    seconds = whole.days * 86400 + whole.seconds
    fraction = f".{whole.microseconds:06d}" if whole.microseconds else ""
    return f"{'-' if length < timedelta() else ''}PT{seconds}{fraction}S"


def span(text: str) -> timedelta:
    """The duration that `duration` wrote. Raises ValueError."""
    match = SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration")
    length = timedelta(seconds=int(match[2]), microseconds=int(match[3] or 0))
    return -length if match[1] else length
