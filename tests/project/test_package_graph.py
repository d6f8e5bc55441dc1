"""Limits of the package structure, and the counting itself."""

from pathlib import Path

import pytest
from tests.project.structure import Structure, layer_order, measure

CONTRACT = "[importlinter:contract:layers]\nlayers =\n    cli | (web)\n    app\n    domain\n"
FILES = {
    "__init__.py": "from katakei.app import run\n",
    "cli/__init__.py": "from katakei import app\n\ndef main():\n    from katakei.domain.plan import Plan\n",
    "app.py": "import katakei.domain\nimport json\n",
    "domain/__init__.py": "",
    "domain/plan.py": "from katakei.domain import other\n",
}


def small_project(folder: Path, **changed: str) -> Structure:
    for name, text in {**FILES, **changed}.items():
        path = folder / "src" / "katakei" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / ".importlinter").write_text(CONTRACT)
    return measure(folder)


def test_structure_stays_within_limits() -> None:
    found = measure()
    assert len(found.rooms) <= 16, found.text()
    assert found.layers <= 7, found.text()
    assert len(found.arrows) <= 45, found.text()
    assert found.circles == ()
    assert found.back_up == ()


def test_every_room_but_the_lab_has_a_layer() -> None:
    assert set(measure().rooms) - {"lab"} <= set(layer_order(Path(__file__).parents[2] / ".importlinter"))


def test_rooms_arrows_and_layers_are_counted(tmp_path: Path) -> None:
    found = small_project(tmp_path)
    assert found.rooms == ("app", "cli", "domain")
    assert found.arrows == (("app", "domain"), ("cli", "app"), ("cli", "domain"))
    assert (found.layers, found.circles, found.back_up) == (3, (), ())


@pytest.mark.parametrize(
    ("text", "circles"),
    [
        ("from katakei.app import run\n", (("app", "domain"),)),
        ("import katakei.cli\n", (("app", "cli", "domain"),)),
    ],
)
def test_circles_and_arrows_back_up_are_counted(
    tmp_path: Path, text: str, circles: tuple[tuple[str, ...], ...]
) -> None:
    found = small_project(tmp_path, **{"domain/plan.py": text})
    assert found.circles == circles
    assert [importer for importer, _ in found.back_up] == ["domain"]
