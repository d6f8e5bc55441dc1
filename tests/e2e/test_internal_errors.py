"""Internal errors: the exit code tells nothing false about the targets; names that the terminal cannot show."""

import os
import subprocess
import sys
from typing import Any, cast

import pytest
from tests.unit.given import a_plan, given

from katakei import cli
from katakei.adapters.system.awake import SleepInhibitor
from katakei.cli.progress import Screen, drive
from katakei.domain.errors import ExitCode
from katakei.runtime.session import RolloutSession

PRINTS = """
import contextlib, sys
from katakei import cli
from katakei.cli.messages import say
sys.argv = ["katakei", "--version"]
with contextlib.suppress(SystemExit):
    cli.main()
say("片系")
"""


class FailingSession:
    """A session that ends with an internal error in its first turn."""

    rollout = given(a_plan())
    plan = rollout.plan
    carried_on = False
    restore_lines = ()
    restore_held = ()

    def turns(self) -> None:
        raise ZeroDivisionError("division by zero")

    def __enter__(self) -> None:
        """As a session."""

    def __exit__(self, *_: object) -> None:
        """As a session."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def test_internal_error_in_a_rollout_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = cast("RolloutSession", FailingSession())
    monkeypatch.setattr(
        cli.katakei, "main", lambda *_, **__: drive(failing, Screen(as_json=False), SleepInhibitor("linux"))
    )
    assert cli.run(["roll"]) is ExitCode.INTERRUPTED
    said = capsys.readouterr().err
    assert "internal error: ZeroDivisionError: division by zero" in said
    assert "NOT FINISHED  v2 of shop on web0 (rollout r-test, " in said


def test_output_escapes_what_the_terminal_cannot_show() -> None:
    env = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([sys.executable, "-c", PRINTS], env=env, capture_output=True, text=True, check=True)
    assert "\\u7247\\u7cfb" in done.stdout
