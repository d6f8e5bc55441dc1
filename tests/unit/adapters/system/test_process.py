"""Who this process is, and what can be known of another one."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from katakei.adapters.system import process
from katakei.adapters.system.process import Place, ProcessFate
from katakei.domain.leases import Owner

ASK = (
    "from katakei.adapters.system import process; import sys; o = process.current_owner(); "
    "print(o.pid, o.started, flush=True); sys.stdin.read()"
)


@pytest.fixture
def other() -> Iterator[tuple[subprocess.Popen[str], Owner]]:
    child = subprocess.Popen([sys.executable, "-c", ASK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    pid, started = map(int, child.stdout.readline().split())
    yield child, replace(process.current_owner(), pid=pid, started=started)
    child.kill()
    child.communicate()


def test_this_process_is_alive_and_knows_its_start_and_boot() -> None:
    me = process.current_owner()
    assert me.pid == os.getpid()
    assert me.started > 0
    assert me.boot
    assert process.fate(me, process.current_place()) is ProcessFate.ALIVE


def test_a_running_or_stopped_process_is_alive(other: tuple[subprocess.Popen[str], Owner]) -> None:
    child, owner = other
    assert process.fate(owner, process.current_place()) is ProcessFate.ALIVE
    child.send_signal(signal.SIGSTOP)
    assert process.fate(owner, process.current_place()) is ProcessFate.ALIVE


def test_a_killed_process_is_dead_even_before_its_parent_has_noticed(
    other: tuple[subprocess.Popen[str], Owner],
) -> None:
    child, owner = other
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process.fate(owner, process.current_place()) is ProcessFate.DEAD
    child.wait()
    assert process.fate(owner, process.current_place()) is ProcessFate.DEAD


def test_a_pid_that_another_process_has_got_since_is_no_sign_of_life() -> None:
    me = process.current_owner()
    assert process.fate(replace(me, started=me.started - 1), process.current_place()) is ProcessFate.DEAD


@pytest.mark.parametrize(
    ("change", "place", "fate"),
    [
        ({"boot": "another"}, {}, ProcessFate.DEAD),
        ({"boot": "another"}, {"machine": "another"}, ProcessFate.UNKNOWN),
        ({"boot": "another"}, {"machine": ""}, ProcessFate.UNKNOWN),
        ({"boot": ""}, {}, ProcessFate.UNKNOWN),
        ({"host": "elsewhere"}, {}, ProcessFate.UNKNOWN),
        ({"host": "elsewhere", "boot": "another"}, {}, ProcessFate.UNKNOWN),
        ({"started": 1}, {"pids": "pid:[1]"}, ProcessFate.UNKNOWN),
        ({"pid": -1}, {}, ProcessFate.UNKNOWN),
    ],
)
def test_dead_is_only_who_can_be_missed_from_here(
    change: dict[str, str], place: dict[str, str], fate: ProcessFate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "machine-id").write_text("0123\n")
    monkeypatch.setattr(process, "MACHINE_ID", tmp_path / "machine-id")
    owner = replace(process.current_owner(), **change)  # type: ignore[arg-type]  # names and types as in the table above
    assert process.fate(owner, replace(process.current_place(), **place)) is fate


def test_machines_without_an_id_are_not_the_same_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MACHINE_ID", tmp_path / "none")
    assert process.current_place().machine == ""
    assert (
        process.fate(replace(process.current_owner(), boot="another"), process.current_place()) is ProcessFate.UNKNOWN
    )


def test_where_there_is_no_proc_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PROC", tmp_path)
    me = process.current_owner()
    assert (me.started, me.boot) == (0, "")
    assert process.current_place().pids == ""
    assert process.fate(me, Place("", "")) is ProcessFate.UNKNOWN
