"""Cleanup of processes by a mark in their environment, detached ones included, even if the lab is killed.

As a program it waits until its parent has ended, then ends every process with the mark. It never touches a process
without the mark, except descendants of a marked one. Linux only: it reads /proc.
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
"""The environment variable of every process of a lab. Its value is the lab's folder."""


class _Process(NamedTuple):
    pid: int
    parent: int
    group: int
    started: int  # clock ticks since boot; together with the pid it identifies one process


def marked(marks: frozenset[str]) -> set[int]:
    """Returns the running processes with all `marks` (NAME=value) in their environment, and their descendants."""
    return {process.pid for process in _marked(marks, list(_running_processes()))}


def group_members(leader: int) -> set[int]:
    """Returns the running members of a process group."""
    return {process.pid for process in _running_processes() if process.group == leader}


def end_marked(marks: frozenset[str], grace: float = 0) -> None:
    """End every process that carries the marks.

    Args:
        marks: NAME=value pairs; a process must have all of them.
        grace: seconds between SIGTERM and SIGKILL; 0: SIGKILL at once.

    Raises:
        LabError: a process is still running after 10 s of SIGKILL.
    """
    # Remember each process: once its parent has ended, a descendant without the mark cannot be recognized any more.
    known: set[tuple[int, int]] = set()
    if grace and _signal(marks, known, signal.SIGTERM):
        clock.wait_for(lambda: not _signal(marks, known, None), grace, every=0.05)
    if not clock.wait_for(lambda: not _signal(marks, known, signal.SIGKILL), 10, every=0.02):
        raise LabError(f"processes do not end: {sorted(pid for pid, _ in known)}; end them by hand")


def _signal(marks: frozenset[str], known: set[tuple[int, int]], what: signal.Signals | None) -> bool:
    """Send the signal to each known process. Returns whether any is still running."""
    running = list(_running_processes())
    known |= {(process.pid, process.started) for process in _marked(marks, running)}
    left = [process.pid for process in running if (process.pid, process.started) in known]
    for pid in left if what else ():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, what or 0)
    return bool(left)


def _running_processes() -> Iterator[_Process]:
    """Yields every process that is not a zombie."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if entry.name.isdigit():
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if fields[0] not in "ZX":
                    yield _Process(int(entry.name), int(fields[1]), int(fields[2]), int(fields[19]))


def _marked(marks: frozenset[str], running: list[_Process]) -> list[_Process]:
    found = {process.pid for process in running if _has_marks(process.pid, marks)}
    while more := {process.pid for process in running if process.parent in found} - found:
        found |= more
    return [process for process in running if process.pid in found - {os.getpid()}]


def _has_marks(pid: int, marks: frozenset[str]) -> bool:
    try:
        return {mark.encode() for mark in marks} <= set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
    except OSError:  # it has ended meanwhile, or belongs to another user
        return False


class Reaper:
    """A child process that ends everything of a lab as soon as it is closed or its parent is killed."""

    def __init__(self, root: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this project's program; the argument is data
            [sys.executable, "-P", "-m", "katakei.lab.reaper", str(root)],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C on the lab's terminal must not reach it
        )

    def close(self) -> None:
        """End every process with the mark; returns when all have ended."""
        with self._process:
            pipe: IO[bytes] | None = self._process.stdin
            if pipe:
                pipe.close()


def main(root: str) -> None:
    """Wait for the end of standard input, which is the end of the parent, then end everything with the mark."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_marked(frozenset({f"{ROOT}={root}"}))


if __name__ == "__main__":
    main(sys.argv[1])
