"""Who this process is, and what can be known of another one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from katakei.adapters.system import process
from katakei.adapters.system.process import Place, ProcessFate
from katakei.domain.leases import Owner

ASK = (
    "from katakei.adapters.system import process; import sys; o = process.current_owner(); "
    "print(o.pid, o.started, o.nonce, flush=True); sys.stdin.read()"
)


@pytest.fixture
def other() -> Iterator[tuple[subprocess.Popen[str], Owner]]:
    child = subprocess.Popen([sys.executable, "-c", ASK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    pid, started, nonce = child.stdout.readline().split()
    yield child, replace(process.current_owner(), pid=int(pid), started=int(started), nonce=nonce)
    child.kill()
    child.communicate()


def ended_unburied(pid: int) -> None:
    """Returns when the process has ended; its parent does not know yet."""
    until = time.monotonic() + 5
    while not process.this_kernel().zombie(pid):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_this_process_is_alive_with_start_and_boot() -> None:
    me = process.current_owner()
    assert me.pid == os.getpid()
    assert me.started > 0
    assert me.boot
    assert process.fate(me, process.current_place()) is ProcessFate.ALIVE


def test_running_or_stopped_process_is_alive(other: tuple[subprocess.Popen[str], Owner]) -> None:
    child, owner = other
    assert process.fate(owner, process.current_place()) is ProcessFate.ALIVE
    child.send_signal(signal.SIGSTOP)
    assert process.fate(owner, process.current_place()) is ProcessFate.ALIVE


def test_killed_process_is_dead_even_as_zombie(
    other: tuple[subprocess.Popen[str], Owner],
) -> None:
    child, owner = other
    child.kill()
    ended_unburied(child.pid)
    assert process.fate(owner, process.current_place()) is ProcessFate.DEAD
    child.wait()
    assert process.fate(owner, process.current_place()) is ProcessFate.DEAD


def test_reused_pid_is_dead() -> None:
    me = process.current_owner()
    other = replace(me, started=me.started - 1, nonce="other")
    assert process.fate(other, process.current_place()) is ProcessFate.DEAD


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
def test_process_is_dead_only_where_it_is_visible(
    change: dict[str, str], place: dict[str, str], fate: ProcessFate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "machine-id").write_text("0123\n")
    monkeypatch.setattr(process, "MACHINE_ID", tmp_path / "machine-id")
    owner = replace(process.current_owner(), nonce="other", **change)  # type: ignore[arg-type]  # names and types as in the table above
    assert process.fate(owner, replace(process.current_place(), **place)) is fate


def test_machines_without_id_are_not_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MACHINE_ID", tmp_path / "none")
    assert process.current_place().machine == ""
    owner = replace(process.current_owner(), boot="another", nonce="other")
    assert process.fate(owner, process.current_place()) is ProcessFate.UNKNOWN


def test_process_without_proc_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PROC", tmp_path)
    me = process.current_owner()
    assert (me.started, me.boot) == (0, "")
    assert process.current_place().pids == ""
    assert process.fate(replace(me, nonce="other"), Place("", "")) is ProcessFate.UNKNOWN


class Mac:
    """A kernel that tells what macOS tells, about one process."""

    scheme = "darwin/1"

    def __init__(self, *, started: int = 1_795_770_000_123_456, boot: str = "0E3A-SESSION") -> None:
        self.started, self.session = started, boot

    def boot(self) -> str:
        return self.session

    def namespace(self) -> str:
        return ""

    def start(self, pid: int) -> int | None:
        return self.started if process.exists(pid) else None

    def zombie(self, pid: int) -> bool:
        return process.this_kernel().zombie(pid)


def of_another_process(owner: Owner) -> Owner:
    return replace(owner, nonce="other")


def test_macos_identity_is_boot_session_and_raw_start() -> None:
    me = process.current_owner(Mac())
    assert (me.scheme, me.boot, me.started) == ("darwin/1", "0E3A-SESSION", 1_795_770_000_123_456)
    other = of_another_process(me)
    place = process.current_place(Mac())
    assert place.pids == ""
    assert process.fate(other, place, Mac()) is ProcessFate.ALIVE
    assert process.fate(replace(other, started=me.started - 1), place, Mac()) is ProcessFate.DEAD
    assert process.fate(replace(other, pid=2**22 + 1), place, Mac()) is ProcessFate.DEAD
    assert process.fate(other, Place("", ""), Mac(boot="NEXT-SESSION")) is ProcessFate.UNKNOWN


def test_nonce_recognizes_this_process_alone() -> None:
    me = process.current_owner()
    assert len(me.nonce) == process.NONCE_LENGTH
    assert me == process.current_owner()
    assert process.fate(replace(me, boot="", host="renamed"), Place("", "")) is ProcessFate.ALIVE
    assert of_another_process(me) != me


@pytest.mark.parametrize("scheme", ["darwin/1", "linux/2", "linux/1 later", "plan9/1"])
def test_identity_of_another_platform_or_format_is_unknown(scheme: str) -> None:
    me = of_another_process(process.current_owner())
    for changed in (me, replace(me, started=1), replace(me, pid=2**22 + 1)):
        assert process.fate(replace(changed, scheme=scheme), process.current_place()) is ProcessFate.UNKNOWN


def test_owner_of_the_version_before_is_recognized_alive(other: tuple[subprocess.Popen[str], Owner]) -> None:
    child, owner = other
    before = replace(owner, scheme="", nonce="")
    assert process.fate(before, process.current_place()) is ProcessFate.ALIVE
    child.kill()
    child.wait()
    assert process.fate(before, process.current_place()) is ProcessFate.UNKNOWN


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another"}, {"pid": 2**22 + 1}])
def test_owner_of_the_version_before_is_never_dead(
    change: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "machine-id").write_text("0123\n")
    monkeypatch.setattr(process, "MACHINE_ID", tmp_path / "machine-id")
    before = replace(process.current_owner(), scheme="", nonce="", **change)  # type: ignore[arg-type]  # as in the table
    assert process.fate(before, process.current_place()) is ProcessFate.UNKNOWN


@pytest.mark.parametrize("by", [3600, -3600], ids=["forward", "back"])
def test_stepped_wall_clock_changes_no_identity(
    by: int, other: tuple[subprocess.Popen[str], Owner], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process recorded itself before the step; it is asked about after the step."""
    _, owner = other
    mine = process.current_owner()
    real_time, real_gettime = time.time, time.clock_gettime
    monkeypatch.setattr(time, "time", lambda: real_time() + by)
    monkeypatch.setattr(
        time, "clock_gettime", lambda which: real_gettime(which) + (by if which == time.CLOCK_REALTIME else 0)
    )
    assert process.current_owner() == mine
    assert process.fate(owner, process.current_place()) is ProcessFate.ALIVE
    assert process.fate(replace(owner, started=owner.started + by * 100), process.current_place()) is ProcessFate.DEAD
