"""The sleep inhibitor, with a `caffeinate` of the test's own on the PATH."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from katakei.adapters.system.awake import SleepInhibitor

CAFFEINATE = """#!/bin/sh
printf '%s\\n' "$$ $*" >>"$CALLS"
exec sleep 60
"""


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture
def env(tmp_path: Path, calls: Path) -> Mapping[str, str]:
    program = tmp_path / "bin" / "caffeinate"
    program.parent.mkdir()
    program.write_text(CAFFEINATE)
    program.chmod(0o755)
    return {"PATH": f"{program.parent}:{os.environ['PATH']}", "CALLS": str(calls)}


@pytest.fixture
def mac(env: Mapping[str, str]) -> Iterator[SleepInhibitor]:
    inhibitor = SleepInhibitor("darwin", env)
    yield inhibitor
    inhibitor.stop()


def started(calls: Path) -> tuple[int, str]:
    """The process id and the arguments of the first call."""
    until = time.monotonic() + 5
    while not (calls.exists() and calls.read_text().endswith("\n")):
        assert time.monotonic() < until
        time.sleep(0.01)
    pid, _, arguments = calls.read_text().splitlines()[0].partition(" ")
    return int(pid), arguments


def test_start_on_macos_runs_caffeinate_for_this_process(mac: SleepInhibitor, calls: Path) -> None:
    assert mac.start()
    assert mac.active
    assert started(calls)[1] == f"-i -w {os.getpid()}"


def test_start_puts_caffeinate_into_its_own_session(mac: SleepInhibitor, calls: Path) -> None:
    mac.start()
    pid, _ = started(calls)
    assert os.getsid(pid) == pid


def test_second_start_runs_nothing_more(mac: SleepInhibitor, calls: Path) -> None:
    assert mac.start()
    started(calls)
    assert not mac.start()
    assert len(calls.read_text().splitlines()) == 1


def test_stop_ends_caffeinate_and_may_be_repeated(mac: SleepInhibitor, calls: Path) -> None:
    mac.start()
    pid, _ = started(calls)
    mac.stop()
    mac.stop()
    assert not mac.active
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_start_replaces_a_caffeinate_that_ended(mac: SleepInhibitor, calls: Path) -> None:
    mac.start()
    pid, _ = started(calls)
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 5
    while mac.active:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert mac.start()


def test_linux_runs_nothing(env: Mapping[str, str], calls: Path) -> None:
    inhibitor = SleepInhibitor("linux", env)
    assert not inhibitor.start()
    inhibitor.stop()
    assert not calls.exists()


def test_missing_caffeinate_fails_nothing(tmp_path: Path) -> None:
    inhibitor = SleepInhibitor("darwin", {"PATH": str(tmp_path)})
    assert not inhibitor.start()
    assert not inhibitor.active
