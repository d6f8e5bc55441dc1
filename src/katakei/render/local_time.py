"""Moments for people: local time, always with its zone. Programs get ISO 8601 in UTC from `json_data`."""

from datetime import datetime


def local_minute(at: datetime) -> str:
    """A moment to the minute: '2026-11-28 09:12 JST'."""
    return f"{at.astimezone():%Y-%m-%d %H:%M %Z}"


def local_second(at: datetime) -> str:
    """A moment to the second: '2026-11-28 09:12:31 JST'."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S %Z}"


def zones(moments: list[datetime]) -> set[str]:
    """The local zones of these moments: two where daylight saving time began or ended between them."""
    return {f"{at.astimezone():%Z}" for at in moments}
