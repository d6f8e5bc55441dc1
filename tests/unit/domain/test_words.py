"""Tests of durations and counts as text."""

from datetime import timedelta

import pytest
from tests.unit.given import NOON, later

from katakei.domain.words import counted, since, span


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (-3, "0s"),
        (0, "0s"),
        (45, "45s"),
        (59.6, "1m"),
        (60, "1m"),
        (90, "1m 30s"),
        (3600, "1h 00m"),
        (7500, "2h 05m"),
    ],
)
def test_span_has_two_units_and_is_never_negative(length: float, said: str) -> None:
    assert span(timedelta(seconds=length)) == said


def test_since_a_moment() -> None:
    assert since(NOON, later(41)) == "for 41s"


def test_counted_uses_singular_for_one() -> None:
    assert [counted(number, "request") for number in (0, 1, 2)] == ["0 requests", "1 request", "2 requests"]
