"""Finds and ends processes by a mark in their environment, also detached ones; also when the lab itself is killed.

As a program it waits until its parent is gone, then ends whatever carries the mark. It never touches an unmarked
process unless that descends from a marked one. Linux only: it reads /proc.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from katakei.lab import clock
from katakei.lab.errors import LabError

ROOT = "KATAKEI_LAB_ROOT"
"""The variable which everything that runs in a lab carries: the lab's own folder."""


class _Process(NamedTuple):
    pid: int
    parent: int
    group: int
    born: int  # clock ticks since boot; with the pid it names one process for ever


def marked(marks: frozenset[str]) -> set[int]:
    """The living processes with all of `marks` (NAME=value) in their environment, and their descendants."""
    return {process.pid for process in _marked(marks, list(_living()))}


def group_members(leader: int) -> set[int]:
    """The living members of a process group."""
    return {process.pid for process in _living() if process.group == leader}


def end_marked(marks: frozenset[str], grace: float = 0) -> None:
    """End everything that carries the marks: politely at first when `grace` seconds are given, then by force.

    Raises LabError when something is still there after 10 s of that.
    """
    # Remembered by name: a descendant without the mark is no descendant any more once its parent has ended.
    known: set[tuple[int, int]] = set()
    if grace and _signal(marks, known, signal.SIGTERM):
        clock.wait_for(lambda: not _signal(marks, known, None), grace, every=0.05)
    if not clock.wait_for(lambda: not _signal(marks, known, signal.SIGKILL), 10, every=0.02):
        raise LabError(f"processes do not end: {sorted(pid for pid, _ in known)}; end them by hand")


def _signal(marks: frozenset[str], known: set[tuple[int, int]], what: signal.Signals | None) -> bool:
    """Whether any is left, and the signal to each."""
    living = list(_living())
    known |= {(process.pid, process.born) for process in _marked(marks, living)}
    left = [process.pid for process in living if (process.pid, process.born) in known]
    for pid in left if what else ():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, what or 0)
    return bool(left)


def _living() -> Iterator[_Process]:
    """Every process that is no zombie."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # it has ended since
            if entry.name.isdigit():
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if fields[0] not in "ZX":
                    yield _Process(int(entry.name), int(fields[1]), int(fields[2]), int(fields[19]))


def _marked(marks: frozenset[str], living: list[_Process]) -> list[_Process]:
    found = {process.pid for process in living if _carries(process.pid, marks)}
    while more := {process.pid for process in living if process.parent in found} - found:
        found |= more
    return [process for process in living if process.pid in found - {os.getpid()}]


def _carries(pid: int, marks: frozenset[str]) -> bool:
    try:
        return {mark.encode() for mark in marks} <= set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
    except OSError:  # it has ended since, or is somebody else's
        return False


class Reaper:
    """A process of its own that ends everything of a lab as soon as we close it, or are killed."""

    def __init__(self, root: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program; the argument is data to it
            [sys.executable, "-P", "-m", "katakei.lab.reaper", str(root)],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C on the lab's terminal is not for the guard
        )

    def close(self) -> None:
        """End everything that carries the mark; returns when it is gone."""
        with self._process:
            pipe: IO[bytes] | None = self._process.stdin
            if pipe:
                pipe.close()


def main(root: str) -> None:
    """Wait for the end of our standard input, which is the end of our parent."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_marked(frozenset({f"{ROOT}={root}"}))


if __name__ == "__main__":
    main(sys.argv[1])
