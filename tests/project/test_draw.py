"""The drawings in the documents agree with the code."""

from itertools import pairwise
from pathlib import Path

import pytest
from tests.project import draw

from katakei.domain.phases import TRANSITIONS, Phase

DRAWN = draw.drawings()
PACKAGES = {path.name for path in (draw.ROOT / "src" / "katakei").iterdir() if (path / "__init__.py").exists()}


@pytest.mark.parametrize("path", list(DRAWN), ids=lambda path: str(path.relative_to(draw.ROOT)))
def test_drawings_agree_with_the_code(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == DRAWN[path], "run `make docs`"


def test_every_transition_is_drawn_once() -> None:
    drawn = list(pairwise(draw.main_path()))
    drawn += [(start, end) for starts, ends in draw.side_transitions().items() for start in starts for end in ends]
    drawn += [(start, Phase.GONE) for start in Phase if Phase.GONE in TRANSITIONS[start]]
    assert sorted((a.value, b.value) for a, b in drawn) == sorted(
        (a.value, b.value) for a in TRANSITIONS for b in TRANSITIONS[a]
    )


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (draw.README, "phases"),
        (draw.TWIN, "phases"),
        (draw.EVIDENCE, "sockets"),
        (draw.ARCHITECTURE, "layers"),
        (draw.JSON_OUTPUT, "kinds"),
        (draw.PYTHON_API, "api"),
        (draw.ACCESS, "rights"),
    ],
    ids=lambda each: each if isinstance(each, str) else each.name,
)
def test_every_drawing_has_its_marks(path: Path, name: str) -> None:
    assert draw.between_marks(path.read_text(encoding="utf-8"), name, "other").count("\nother\n") == 1


def test_figure_names_every_package() -> None:
    drawn = {name for layer in draw.layers() for name in layer} | {draw.LAB}
    assert PACKAGES | {"bootstrap", "remote_bootstrap"} == drawn


def test_text_without_marks_stays() -> None:
    assert draw.between_marks("a text", "x", "new") == "a text"
    assert draw.between_marks("a<!-- x -->old<!-- /x -->z", "x", "new") == "a<!-- x -->\nnew\n<!-- /x -->z"
