"""Tests of opening hours: time zones, midnight, and the days on which clocks change."""

from datetime import UTC, datetime

import pytest

from katakei.domain.freezes import FreezeReading
from katakei.domain.gate_conditions import Hours, OpenHours
from katakei.domain.gates import GateVerdict
from katakei.runtime.opening_hours import hours_reading, is_open, next_opening

WEEKDAYS, EVERY_DAY = (0, 1, 2, 3, 4), tuple(range(7))
OFFICE = OpenHours(WEEKDAYS, 9 * 60, 17 * 60)
NIGHT = OpenHours((4,), 22 * 60, 2 * 60)
"""Friday evening to Saturday morning."""


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "opened"),
    [
        ("2026-11-27T08:59", False),
        ("2026-11-27T09:00", True),
        ("2026-11-27T16:59", True),
        ("2026-11-27T17:00", False),
        ("2026-11-28T12:00", False),
    ],
)
def test_hours_open_and_close_on_the_minute(at: str, *, opened: bool) -> None:
    assert is_open(Hours((OFFICE,), "UTC"), utc(at)) is opened


def test_hours_are_those_of_their_zone() -> None:
    tokyo = Hours((OFFICE,), "Asia/Tokyo")
    assert is_open(tokyo, utc("2026-11-27T00:00"))
    assert not is_open(tokyo, utc("2026-11-27T08:00"))
    assert is_open(tokyo, utc("2026-11-30T00:00"))
    assert not is_open(tokyo, utc("2026-11-28T00:00"))


@pytest.mark.parametrize(
    ("at", "opened"),
    [
        ("2026-11-27T21:59", False),
        ("2026-11-27T22:00", True),
        ("2026-11-28T01:59", True),
        ("2026-11-28T02:00", False),
        ("2026-11-27T01:00", False),
        ("2026-11-28T22:30", False),
    ],
)
def test_hours_past_midnight_belong_to_the_day_they_begin(at: str, *, opened: bool) -> None:
    assert is_open(Hours((NIGHT,), "UTC"), utc(at)) is opened


def test_week_begins_again_after_sunday() -> None:
    sunday = Hours((OpenHours((6,), 23 * 60, 60),), "UTC")
    assert is_open(sunday, utc("2026-11-30T00:30"))
    assert not is_open(sunday, utc("2026-11-29T00:30"))


def test_whole_day_is_open_up_to_midnight() -> None:
    whole = Hours((OpenHours((5,), 0, 24 * 60),), "UTC")
    assert [is_open(whole, utc(at)) for at in ("2026-11-27T23:59", "2026-11-28T00:00", "2026-11-28T23:59")] == [
        False,
        True,
        True,
    ]


def test_hours_follow_the_wall_clock_when_clocks_change() -> None:
    """In Berlin clocks jump from 02:00 to 03:00 on 29 March 2026, and back from 03:00 to 02:00 on 25 October 2026."""
    berlin = Hours((OpenHours(EVERY_DAY, 2 * 60 + 30, 4 * 60),), "Europe/Berlin")
    assert not is_open(berlin, utc("2026-03-29T00:59"))
    assert is_open(berlin, utc("2026-03-29T01:00"))
    assert not is_open(berlin, utc("2026-03-29T02:00"))
    assert is_open(berlin, utc("2026-10-25T00:30"))
    assert not is_open(berlin, utc("2026-10-25T01:00"))
    assert is_open(berlin, utc("2026-10-25T01:30"))
    office = Hours((OpenHours(EVERY_DAY, 9 * 60, 17 * 60),), "Europe/Berlin")
    assert is_open(office, utc("2026-03-28T08:00"))
    assert is_open(office, utc("2026-03-29T07:00"))


def test_next_opening_is_the_first_one_ahead() -> None:
    assert next_opening(Hours((OFFICE,), "UTC"), utc("2026-11-27T17:00")) == utc("2026-11-30T09:00")
    assert next_opening(Hours((OFFICE, NIGHT), "UTC"), utc("2026-11-27T17:00")) == utc("2026-11-27T22:00")
    assert next_opening(Hours((OFFICE,), "Asia/Tokyo"), utc("2026-11-27T08:00")) == utc("2026-11-30T00:00")
    once = Hours((OpenHours((6,), 2 * 60 + 15, 2 * 60 + 45),), "Europe/Berlin")
    assert next_opening(once, utc("2026-03-27T00:00")) is None


def test_reading_is_by_the_time_of_the_store() -> None:
    hours = Hours((OFFICE,), "UTC")
    begun = utc("2001-01-01T00:00")
    shut = hours_reading(hours, FreezeReading(begun, utc("2026-11-28T12:00")))
    assert (shut.begun, shut.verdict) == (begun, GateVerdict.FAILS)
    assert shut.why is not None
    assert dict(shut.why.data) == {"zone": "UTC", "until": "2026-11-30T09:00:00+00:00"}
    opened = hours_reading(hours, FreezeReading(begun, utc("2026-11-27T12:00")))
    assert (opened.verdict, opened.why) == (GateVerdict.PASSES, None)
