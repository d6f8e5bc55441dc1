"""Output that never holds the program up: a full pipe, Ctrl-S, a closed pipe, a full disk; the frame on a terminal."""

import fcntl
import os
import pty
import select
import sys
import termios
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TextIO

import pytest
from tests.unit.app.fakes import Stage
from tests.unit.cli.test_progress import session

from katakei.adapters.system.awake import SleepInhibitor
from katakei.cli import messages
from katakei.cli import output as module
from katakei.cli.output import FrameLine, Output
from katakei.cli.progress import Screen, drive
from katakei.domain.errors import ExitCode

SHORT = timedelta(milliseconds=200)


class Reader:
    """The other end of standard output. It reads nothing before it is asked to."""

    def __init__(self, ours: int, theirs: int) -> None:
        self.ours = ours
        self.stream: TextIO = os.fdopen(theirs, "w")

    def read(self) -> str:
        """Everything that is there, and what follows within a moment."""
        read = b""
        while select.select([self.ours], [], [], 0.2)[0]:
            try:
                more = os.read(self.ours, 65536)
            except OSError:  # EIO: a terminal without a program
                break
            if not more:
                break
            read += more
        return read.decode()

    def take(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Becomes the reader of standard output. In the test itself: pytest replaces the stream after the set-up."""
        monkeypatch.setattr(sys, "stdout", self.stream)

    def close(self) -> None:
        os.close(self.ours)
        self.stream.close()


@pytest.fixture
def pipe() -> Iterator[Reader]:
    reader = Reader(*os.pipe())
    yield reader
    reader.close()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    reader = Reader(*pty.openpty())
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    yield reader
    reader.close()


def fill(reader: Reader) -> int:
    """Fills the pipe, as a reader that stands still leaves it. Returns how many bytes are in it."""
    file = reader.stream.fileno()
    fcntl.fcntl(file, fcntl.F_SETFL, os.O_NONBLOCK)
    filled = 0
    try:
        while True:
            filled += os.write(file, b"x" * 4096)
    except BlockingIOError:
        fcntl.fcntl(file, fcntl.F_SETFL, 0)
    return filled


def missing(number: int) -> str:
    return f"({number} missing)"


def test_rollout_ends_although_nobody_reads(pipe: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe.take(monkeypatch)
    monkeypatch.setattr(module, "PATIENCE", SHORT)
    stage = Stage()
    fill(pipe)
    assert drive(session(stage), Screen(as_json=False), SleepInhibitor("linux")) is ExitCode.DONE
    assert stage.store.holders == {}
    messages.say("nothing waits for that reader any more")


def test_rollout_ends_on_a_terminal_stopped_by_ctrl_s(terminal: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.take(monkeypatch)
    monkeypatch.setattr(module, "PATIENCE", SHORT)
    stage = Stage()
    termios.tcflow(terminal.stream.fileno(), termios.TCOOFF)
    assert drive(session(stage), Screen(as_json=False), SleepInhibitor("linux")) is ExitCode.DONE
    assert stage.store.holders == {}


def test_output_drops_what_does_not_fit_and_says_how_much(pipe: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe.take(monkeypatch)
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    filled = fill(pipe)
    out = Output(missing)
    for number in range(50):
        out.write(f"line {number:04}\n")
    written = 0
    while written < filled:
        written += len(os.read(pipe.ours, filled - written))
    assert out.drain()
    out.write("the end\n")
    assert out.close()
    lines = pipe.read().splitlines()
    (note,) = (line for line in lines if "missing" in line)
    kept = [line for line in lines if line.startswith("line ")]
    assert note == missing(50 - len(kept))
    assert kept == [f"line {number:04}" for number in range(len(kept))]
    assert 0 < len(kept) < 50
    assert lines[-1] == "the end"


def test_output_keeps_the_order_of_its_lines(pipe: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe.take(monkeypatch)
    out = Output(missing)
    for number in range(3000):
        out.write(f"{number}\n")
    assert out.close()
    assert pipe.read().splitlines() == [str(number) for number in range(3000)]


def test_output_goes_on_without_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(*os.pipe())
    reader.take(monkeypatch)
    os.close(reader.ours)
    out = Output(missing)
    out.write("nobody\n")
    assert out.close()
    reader.stream.close()


def test_output_goes_on_with_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        monkeypatch.setattr(sys, "stdout", full)
        out = Output(missing)
        out.write("no space\n")
        assert out.close()


def test_output_waits_for_a_descriptor_that_does_not_block(pipe: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe.take(monkeypatch)
    filled = fill(pipe)
    fcntl.fcntl(pipe.stream.fileno(), fcntl.F_SETFL, os.O_NONBLOCK)
    out = Output(missing)
    out.write("after the rest\n")
    written = 0
    while written < filled:
        written += len(os.read(pipe.ours, 65536))
    assert out.close()
    assert pipe.read() == "after the rest\n"


def test_output_without_standard_output_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    out = Output(missing)
    out.write("nowhere\n")
    assert out.close()


def frame(*lines: str) -> module.Frame:
    def drawn(columns: int, rows: int) -> Sequence[FrameLine]:
        assert (columns, rows > 0) == (80, True)
        return [FrameLine(line, len(line)) for line in lines]

    return drawn


def test_frame_stays_below_the_lines_and_is_erased_at_the_end(
    terminal: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.take(monkeypatch)
    out = Output(missing)
    out.show(frame("one", "two"))
    assert out.drain()
    out.write("a line\n")
    assert out.drain()
    assert out.close()
    drawn = terminal.read().replace("\r\n", "\n")
    assert drawn == "one\ntwo\r\x1b[1A\x1b[Ja line\none\ntwo\r\x1b[1A\x1b[J"


def test_frame_counts_a_line_that_a_person_typed(terminal: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.take(monkeypatch)
    out = Output(missing)
    out.show(frame("one"))
    assert out.drain()
    out.line_typed()
    assert out.close()
    assert terminal.read().endswith("one\r\x1b[1A\x1b[J")


def test_frame_that_cannot_be_drawn_is_left_out(terminal: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(columns: int, rows: int) -> Sequence[FrameLine]:
        raise ZeroDivisionError((columns, rows))

    terminal.take(monkeypatch)
    out = Output(missing)
    out.show(broken)
    out.write("a line\n")
    assert out.close()
    assert terminal.read() == "a line\r\n"
