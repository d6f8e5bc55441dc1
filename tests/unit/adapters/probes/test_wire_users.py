"""The reader for users who are not root, as a program that comes by ssh: what is refused, and what is enough."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.unit.adapters.probes.world import Wire, needed

from katakei.adapters.executors.ssh import programs
from katakei.adapters.probes import program_rounds
from katakei.adapters.probes.reader_program import ask_program, start_program
from katakei.adapters.probes.requests import Answer, read_answer
from katakei.domain.model import TargetId

ONE = TargetId("i-1")
NEEDS_ROOT = "it needs root (CAP_NET_RAW) to read the packets of the port"


class User:
    """A user who is not root, and whose home is a folder of the test. The folders of pytest are closed to others."""

    def __init__(self, home: Path) -> None:
        self.home, self.capabilities = home, ""
        home.mkdir()
        shutil.chown(home, "nobody")

    def run(self, program: str, words: Sequence[str]) -> Answer:
        """What the program prints that comes by ssh."""
        text = programs.whole(program_rounds.text(program, {str(ONE): words}, programs.SELF), ONE)
        granted = [f"--inh-caps={self.capabilities}", f"--ambient-caps={self.capabilities}"]
        done = subprocess.run(
            [needed("setpriv"), "--reuid=nobody", "--clear-groups", *(granted if self.capabilities else []), "sh"],
            input=text,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.home)},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        answer = read_answer(done.stdout)
        assert answer is not None, done
        return answer

    def start(self, wire: Wire, mode: str = "start") -> Answer:
        return self.run(start_program(), [f"mode={mode}", "key=r-1", f"ports={wire.port}", "addresses=127.0.0.1"])


@pytest.fixture
def user() -> Iterator[User]:
    if os.geteuid():
        pytest.skip("only root may become another user")
    if not shutil.which("python3", path="/usr/bin:/usr/libexec"):
        pytest.skip("another user needs a Python that every user may run")
    made = User(Path("/tmp") / f"katakei-reader-{os.getpid()}")  # noqa: S108 - see the class
    yield made
    shutil.rmtree(made.home)


def test_a_user_without_capability_is_refused_before_anything_begins(user: User, wire: Wire) -> None:
    assert user.start(wire, "check").why == NEEDS_ROOT
    assert user.start(wire).why == NEEDS_ROOT


def test_a_capability_is_enough_and_the_folder_is_at_home(user: User, wire: Wire) -> None:
    user.capabilities = "+net_raw"
    assert user.start(wire, "check").why == ""
    assert list(user.home.iterdir()) == []
    begun = user.start(wire)
    assert begun.why == ""
    [folder] = user.home.glob(".local/state/katakei/ssh/*/r-1/requests")
    assert (folder / "pid").read_text().split()[0] == begun.words["pid"]
    words = ["key=r-1", "seconds=0", "idle=65000", "times=1"]
    assert user.run(ask_program(), ["mode=look", *words]).words["unknown"] == "1"
    wire.ask()
    wire.answer()
    assert user.run(ask_program(), ["mode=look", *words]).words["verdict"] == "quiet"
    user.run(ask_program(), ["mode=end", "key=r-1"])
    assert user.run(ask_program(), ["mode=look", *words]).why == "none runs there"


def test_a_folder_that_cannot_be_written_is_refused_too(user: User, wire: Wire) -> None:
    user.capabilities = "+net_raw"
    shutil.chown(user.home, "root")
    user.home.chmod(0o755)
    why = f"its folder cannot be written: no right to write to {user.home}"
    assert user.start(wire, "check").why == why
    assert user.start(wire).why.startswith("its folder cannot be written: ")
