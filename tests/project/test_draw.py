"""What is drawn from the code is what the code says."""

from itertools import pairwise
from pathlib import Path

import pytest
from tests.project import draw

from katakei.domain.phases import TRANSITIONS, Phase


@pytest.mark.parametrize("path", list(draw.drawings()), ids=lambda path: path.name)
def test_the_drawings_in_the_documents_are_those_of_the_table(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == draw.drawings()[path], "run `make docs`"


def test_every_road_is_drawn_once() -> None:
    drawn = list(pairwise(draw.main_road()))
    drawn += [(start, end) for starts, ends in draw.side_roads().items() for start in starts for end in ends]
    drawn += [(start, Phase.GONE) for start in Phase if Phase.GONE in TRANSITIONS[start]]
    assert sorted((a.value, b.value) for a, b in drawn) == sorted(
        (a.value, b.value) for a in TRANSITIONS for b in TRANSITIONS[a]
    )


def test_a_text_without_marks_is_left_as_it_is() -> None:
    assert draw.between_marks("a text", "x", "new") == "a text"
    assert draw.between_marks("a<!-- x -->old<!-- /x -->z", "x", "new") == "a<!-- x -->\nnew\n<!-- /x -->z"
