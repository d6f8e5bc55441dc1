"""Tests of the text helpers: labels, lists, columns and output made harmless."""

import pytest
from tests.unit.given import a_target

from katakei.render.text import grid, harmless, label, listed


def test_label_adds_the_name_of_a_target() -> None:
    target = a_target(1, [])
    assert label(target) == f"{target.id} (web1)"
    assert label(type(target)(target.id, "", "", "", ())) == target.id


def test_listed_fits_on_one_line() -> None:
    assert listed("abcde") == "a, b, c, d, e"
    assert listed("abcdefgh") == "a, b, c, d, e and 3 more"
    assert listed([]) == ""


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
