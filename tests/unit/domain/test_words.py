"""Tests of text helpers: spans, labels, lists."""

from datetime import timedelta

import pytest
from tests.unit.given import NOON, a_target, later

from katakei.domain.words import counted, label, listed, since, span


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


def test_label_shows_the_name_if_any() -> None:
    target = a_target(1, [])
    assert label(target) == f"{target.id} (web1)"
    assert label(type(target)(target.id, "", "", "", ())) == target.id


def test_listed_is_limited_to_one_line() -> None:
    assert listed("abcde") == "a, b, c, d, e"
    assert listed("abcdefgh") == "a, b, c, d, e and 3 more"
    assert listed([]) == ""


def test_counted_uses_singular_for_one() -> None:
    assert [counted(number, "request") for number in (0, 1, 2)] == ["0 requests", "1 request", "2 requests"]
