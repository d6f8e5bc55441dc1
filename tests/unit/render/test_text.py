"""Tests of the text helpers: durations, labels, lists, columns and output made harmless."""

from datetime import timedelta

import pytest
from tests.unit.given import a_target

from katakei.render.text import counted, grid, harmless, label, listed, span


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


def test_label_adds_the_name_of_a_target() -> None:
    target = a_target(1, [])
    assert label(target) == f"{target.id} (web1)"
    assert label(type(target)(target.id, "", "", "", ())) == target.id


def test_listed_fits_on_one_line() -> None:
    assert listed("abcde") == "a, b, c, d, e"
    assert listed("abcdefgh") == "a, b, c, d, e and 3 more"
    assert listed([]) == ""


def test_counted_knows_singular_and_plural() -> None:
    assert [counted(number, "request") for number in (0, 1, 2)] == ["0 requests", "1 request", "2 requests"]


def test_grid_aligns_columns_and_cuts_nothing() -> None:
    assert grid(("A", "LONG"), [("wide cell", "x"), ("", "")]) == "A          LONG\nwide cell  x\n"


@pytest.mark.parametrize(
    ("printed", "seen"),
    [
        ("\x1b[1;32mok\x1b[0m\r\n\tdone", "ok\n\tdone"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("50 %\r100 %", "50 %\\x0d100 %"),
        ("片系", "片系"),
    ],
)
def test_harmless_leaves_nothing_for_a_terminal(printed: str, seen: str) -> None:
    assert harmless(printed) == seen
