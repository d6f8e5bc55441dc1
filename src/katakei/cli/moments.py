"""The moments and durations that a person types as options: '90s', '1h30m', '2026-12-24T18:00+09:00'."""

import re
from datetime import datetime, timedelta
from typing import Any

import click

from katakei.cli.options import option

SPAN = re.compile(r"(?=\d)(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)


class Span(click.ParamType[timedelta]):
    """A duration: '30s', '1m30s', '2h', '3d'."""

    name = "duration"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The duration; click reports anything else as a fault of usage."""
        if isinstance(value, timedelta):
            return value
        return _span(value) or self.fail(f"{value!r} is not a duration; write 90s, 30m or 2h", param, ctx)


class Until(click.ParamType[datetime | timedelta]):
    """A duration from now on, or a moment in ISO 8601. A moment without a zone is in the zone of this machine."""

    name = "moment"

    def convert(
        self, value: str | datetime | timedelta, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime | timedelta:
        """The moment or duration; click reports anything else as a fault of usage."""
        if not isinstance(value, str):
            return value
        if length := _span(value):
            return length
        try:
            return datetime.fromisoformat(value).astimezone()
        except (ValueError, OverflowError, OSError):
            self.fail(f"{value!r} is no moment; write 2h, or 2026-12-24T18:00+09:00", param, ctx)


SPAN_OPTION, UNTIL = Span(), Until()


def lock_wait_option() -> Any:
    """The option `--lock-wait` of a command that begins a rollout on this machine."""
    return option(
        "--lock-wait",
        type=SPAN_OPTION,
        default=timedelta(),
        metavar="TIME",
        help="Wait this long (30m, 2h) while the group is frozen or another rollout holds it.",
    )


def _span(text: str) -> timedelta | None:
    """The duration; None where the text is none, or is zero."""
    match = SPAN.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds) or None
