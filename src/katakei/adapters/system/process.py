"""The door to /proc: who this process is, and what became of another one. It ends and changes no process."""

import getpass
import os
import socket
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from katakei.domain.leases import Owner

PROC = Path("/proc")
MACHINE_ID = Path("/etc/machine-id")


class ProcessFate(Enum):
    """What can be known from here of a process: UNKNOWN is neither of the other two."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """Where process ids and boot ids mean something: the machine (machine-id(5)) and the pid namespace on it."""

    machine: str
    pids: str


def current_owner() -> Owner:
    """This process. `boot` is '' and `started` 0 where there is no /proc: then nobody can know it dead."""
    started, _ = _stat(os.getpid()) or (0, "")
    return Owner(_user(), socket.gethostname(), os.getpid(), started, _read(PROC / "sys/kernel/random/boot_id"))


def current_place() -> Place:
    """Where this process is."""
    try:
        pids = str((PROC / "self/ns/pid").readlink())
    except OSError:
        pids = ""
    return Place(_read(MACHINE_ID), pids)


def fate(owner: Owner, place: Place) -> ProcessFate:
    """What became of a process that said to be `owner` in `place`.

    Containers share a boot id but not their process ids, and images share host names: a process counts as dead only
    when it can be missed (same boot, host and pid namespace), or when the very same machine was booted since.
    """
    self, mine = current_owner(), current_place()
    if not owner.boot or owner.host != self.host:
        return ProcessFate.UNKNOWN
    if owner.boot != self.boot:
        same = place.machine and place.machine == mine.machine
        return ProcessFate.DEAD if same else ProcessFate.UNKNOWN
    if place.pids != mine.pids or owner.pid <= 0:
        return ProcessFate.UNKNOWN
    return _alive(owner)


def _alive(owner: Owner) -> ProcessFate:
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return ProcessFate.DEAD
    except PermissionError:
        pass  # somebody else's process: there it is
    seen = _stat(owner.pid)
    if seen is None:  # /proc may hide the processes of others (hidepid): it exists, more cannot be known
        return ProcessFate.ALIVE
    started, state = seen
    return ProcessFate.DEAD if started != owner.started or state in "ZXx" else ProcessFate.ALIVE


def _stat(pid: int) -> tuple[int, str] | None:
    """Start time in clock ticks since boot, and the state letter: fields 22 and 3 of proc(5) stat."""
    line = _read(PROC / str(pid) / "stat")
    if not line:
        return None
    rest = line.rpartition(")")[2].split()  # the name in brackets may hold blanks and brackets
    return int(rest[19]), rest[0]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name; 3.13 raises OSError
        return str(os.getuid())
