"""The tutorial in both languages and the runbook: their commands, played as a reader types them, from their own text.

`katakei lab up` is not played: the lab runs already, and its variables are the lines that the reader copies.
"""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage
from tests.project.reference import every_command

pytestmark = pytest.mark.lab
plays = Plays()
ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
QUOTED = re.compile(r"^    (\S.*)$", re.MULTILINE)
ENDS_WITH = re.compile(r"\s+# (?:exit code|終了コード) (\d+)$")
NOT_PLAYED = ("uv tool install", "katakei lab up")
PAGES = ("tutorial.md", "runbook.md")


@dataclass(frozen=True)
class Line:
    """A command of a page, and the exit code that the page names."""

    command: str
    code: int


def lines(page: Path) -> list[Line]:
    found = []
    for command in "".join(BLOCK.findall(page.read_text(encoding="utf-8"))).splitlines():
        ends = ENDS_WITH.search(command)
        found.append(Line(ENDS_WITH.sub("", command), int(ends[1]) if ends else 0))
    return found


def play_page(katakei: Katakei, page: Path, language: str) -> str:
    """Types every command of a page into one shell; returns all that they printed."""
    folder = katakei.folder / language / page.stem
    folder.mkdir(parents=True)
    played = [line for line in lines(page) if not line.command.startswith(NOT_PLAYED)]
    script = [
        f"{{ {line.command}\n}} >{n}.out 2>{n}.err </dev/null; echo $? >{n}.code" for n, line in enumerate(played)
    ]
    path = os.pathsep.join([str(Path(sys.executable).parent), str(ROOT / ".venv-aws" / "bin"), os.environ["PATH"]])
    env = {**katakei.env, "PATH": path, "KATAKEI_LANG": language, "XDG_STATE_HOME": str(folder)}
    subprocess.run(["bash", "-c", "\n".join(script)], cwd=folder, env=env, check=True, timeout=300)
    said = [(folder / f"{n}.out").read_text() + (folder / f"{n}.err").read_text() for n in range(len(played))]
    for number, line in enumerate(played):
        assert int((folder / f"{number}.code").read_text()) == line.code, f"{line.command}\n{said[number]}"
    return "".join(said)


def play_tutorial(katakei: Katakei, ground: Ground, page: Path, language: str) -> None:
    ground.set_delay(timedelta(seconds=30))  # as the page starts the lab
    said = play_page(katakei, page, language)
    quoted = QUOTED.findall(page.read_text(encoding="utf-8"))
    assert quoted
    assert not [text for text in quoted if text not in said], said
    assert ground.releases() == ["v4", "v4"]


@plays
def tutorial_and_runbook_work_as_they_are_written(katakei: Katakei, ground: Ground) -> None:
    play_tutorial(katakei, ground, DOCS / "tutorial.md", "en")
    ground.set_delay(timedelta(seconds=2))  # by hand, the whole delay is waited for
    said = play_page(katakei, DOCS / "runbook.md", "en")
    assert said.index("healthy") < said.index("2 of 2 serving") < said.index("1 of 2 must serve")
    assert set(ground.states().values()) == {"healthy"}


@plays
def japanese_tutorial_works_as_it_is_written(katakei: Katakei, ground: Ground) -> None:
    play_tutorial(katakei, ground, DOCS / "ja" / "tutorial.md", "ja")


@plays.each()
def test_it(stage: Stage, play: Play) -> None:
    stage.show(play)


@pytest.mark.parametrize("name", PAGES)
def test_both_languages_have_the_same_commands(name: str) -> None:
    english = lines(DOCS / name)
    assert len(english) >= 9
    assert lines(DOCS / "ja" / name) == english


@pytest.mark.parametrize("name", [f"{folder}{name}" for folder in ("", "ja/") for name in PAGES])
def test_every_command_in_the_text_is_one(name: str) -> None:
    """Commands between backquotes are not played, so that at least their words are compared."""
    known = {path[0] for path, _ in every_command()}
    text = re.sub(BLOCK, "", (DOCS / name).read_text(encoding="utf-8"))
    named = [shlex.split(each)[1] for each in re.findall(r"`(katakei [^`]+)`", text)]
    assert not set(named) - known


def test_tutorial_installs_as_the_readme_does() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (install,) = [line.command for line in lines(DOCS / "tutorial.md") if line.command.startswith(NOT_PLAYED[0])]
    assert f"\n{install} " in readme
