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
from typing import IO

from katakei.lab import clock
from katakei.lab.problem import LabError

ROOT = "KATAKEI_LAB_ROOT"
"""The variable which everything that runs in a lab carries: the lab's own folder."""


def marked(marks: frozenset[str]) -> set[int]:
    """The living processes with all of `marks` (NAME=value) in their environment, and their descendants."""
    wanted = {mark.encode() for mark in marks}
    parents: dict[int, int] = {}
    found: set[int] = set()
    for pid, parent, _ in _living():
        parents[pid] = parent
        with contextlib.suppress(OSError):  # it has ended since, or is somebody else's
            if wanted <= set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")):
                found.add(pid)
    return _with_descendants(found, parents) - {os.getpid()}


def group(leader: int) -> set[int]:
    """The living members of a process group."""
    return {pid for pid, _, its in _living() if its == leader}


def _living() -> Iterator[tuple[int, int, int]]:
    """Every process that is no zombie: its id, its parent's, its group's."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # it has ended since
            if entry.name.isdigit():
                state, parent, its = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
                if state not in "ZX":
                    yield int(entry.name), int(parent), int(its)


def _with_descendants(found: set[int], parents: dict[int, int]) -> set[int]:
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found = found | more
    return found


def end(marks: frozenset[str], grace: float = 0) -> None:
    """End everything that carries the marks: politely at first when `grace` seconds are given, then by force.

    Raises LabError when something is still there after 10 s of that.
    """
    if grace:
        _signal(marked(marks), signal.SIGTERM)
        clock.wait_for(lambda: not marked(marks), grace, every=0.05)
    if not clock.wait_for(lambda: not _signal(marked(marks), signal.SIGKILL), 10, every=0.02):
        raise LabError(f"processes do not end: {sorted(marked(marks))}; end them by hand")


def _signal(pids: set[int], what: signal.Signals) -> set[int]:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, what)
    return pids


class Guard:
    """A process of its own that ends everything of a lab as soon as we close it, or are killed."""

    def __init__(self, root: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program; the argument is data to it
            [sys.executable, "-P", "-m", "katakei.lab.guard", str(root)],
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
    end(frozenset({f"{ROOT}={root}"}))


if __name__ == "__main__":
    main(sys.argv[1])
