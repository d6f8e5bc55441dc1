"""Durations and counts as text, for render and for adapters, which must not import render."""

from datetime import datetime, timedelta


def span(length: timedelta) -> str:
    """A duration in at most two units: '45s', '1m 30s', '2h 05m'. A negative one counts as '0s'."""
    seconds = max(0, round(length.total_seconds()))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02d}m"
    if minutes:
        return f"{minutes}m {seconds:02d}s" if seconds else f"{minutes}m"
    return f"{seconds}s"


def since(moment: datetime, now: datetime) -> str:
    """The time since a moment: 'for 41s'."""
    return f"for {span(now - moment)}"


def counted(number: int, thing: str) -> str:
    """A number with its noun: '1 connection', '3 connections'."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
