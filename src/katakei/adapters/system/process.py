"""The identity of this process, and what can be known from here of another process.

An identity consists of raw values of the kernel, which no change of the wall clock moves:

* Linux: boot id, pid namespace, pid, and the start in clock ticks since that boot (proc(5), field 22 of `stat`).
* macOS: `kern.bootsessionuuid`, pid, and the start in microseconds as the kernel recorded it (`p_starttime`).

A random nonce is added, because two containers can agree in all of that. `psutil.Process.create_time` is never used:
it moves with the wall clock and differs between the processes that ask (psutil issues 2526 and 2541).
"""

import ctypes
import getpass
import os
import socket
import struct
import sys
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Protocol

from katakei.adapters.system.clock import draw
from katakei.domain.leases import Owner
from katakei.domain.outside_text import one_line

PROC = Path("/proc")
MACHINE_ID = Path("/etc/machine-id")
NONCE_LENGTH = 16


class ProcessFate(Enum):
    """What can be known from here of a process. UNKNOWN is neither of the other two: watch its heartbeat."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """Where process ids and boot ids mean something.

    Attributes:
        machine: The machine's own id (machine-id(5)); '' where it has none.
        pids: The pid namespace on that machine; '' where there are none (macOS) or none can be read.
    """

    machine: str
    pids: str


class Kernel(Protocol):
    """What one platform tells of processes."""

    @property
    def scheme(self) -> str:
        """The platform and the version of the format. Values are compared only within one scheme."""
        ...

    def boot(self) -> str:
        """What names this boot of the machine and no other one; '' where it cannot be read."""
        ...

    def namespace(self) -> str:
        """What names the set of process ids that this process sees; '' where there is only one, or none can be read."""
        ...

    def start(self, pid: int) -> int | None:
        """The raw start time of a live process; None for a dead one, a zombie, and where it cannot be read."""
        ...

    def zombie(self, pid: int) -> bool:
        """Whether the process has ended and only its parent does not know yet."""
        ...


class LinuxKernel:
    """Linux, by /proc."""

    scheme = "linux/1"

    def boot(self) -> str:
        """The boot id (random(4))."""
        return _read(PROC / "sys/kernel/random/boot_id")

    def namespace(self) -> str:
        """The pid namespace (pid_namespaces(7))."""
        try:
            return str((PROC / "self/ns/pid").readlink())
        except OSError:
            return ""

    def start(self, pid: int) -> int | None:
        """Field 22 of proc(5) `stat`. A process with /proc hidden (hidepid) has none."""
        seen = self._stat(pid)
        return int(seen[19]) if seen and seen[0] not in "ZXx" else None

    def zombie(self, pid: int) -> bool:
        """Field 3 of proc(5) `stat`."""
        seen = self._stat(pid)
        return bool(seen) and seen[0] in "ZXx"

    @staticmethod
    def _stat(pid: int) -> list[str]:
        """The fields from the third on: the name in brackets before them may hold blanks and brackets itself."""
        return _read(PROC / str(pid) / "stat").rpartition(")")[2].split()


class DarwinKernel:
    """macOS, by sysctl(3). The structures are those of 64-bit `sys/sysctl.h` and `sys/proc.h`."""

    scheme = "darwin/1"
    _KERN_PROC_PID = (1, 14, 1)  # CTL_KERN, KERN_PROC, KERN_PROC_PID
    _STARTED = struct.Struct("=qi")  # `struct timeval p_starttime` is the first member of `struct extern_proc`
    _STATE = 36  # offset of `p_stat`, behind p_starttime, two pointers and p_flag
    _SZOMB = 5
    _ROOM = 4096  # bytes; a `struct kinfo_proc` has 648

    def boot(self) -> str:
        """The UUID of the boot session, new at every boot."""
        library = _libc()
        if library is None or not hasattr(library, "sysctlbyname"):
            return ""
        buffer, size = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
        failed = library.sysctlbyname(b"kern.bootsessionuuid", buffer, ctypes.byref(size), None, ctypes.c_size_t(0))
        return "" if failed else buffer.value.decode("ascii", "replace").strip()

    def namespace(self) -> str:
        """There is only one."""
        return ""

    def start(self, pid: int) -> int | None:
        """Microseconds, as the kernel noted them when the process began; a later change of the clock leaves them."""
        entry = self._entry(pid)
        if len(entry) <= self._STATE or entry[self._STATE] == self._SZOMB:
            return None
        seconds, microseconds = self._STARTED.unpack_from(entry)
        return int(seconds) * 1_000_000 + int(microseconds)

    def zombie(self, pid: int) -> bool:
        """By `p_stat`."""
        entry = self._entry(pid)
        return len(entry) > self._STATE and entry[self._STATE] == self._SZOMB

    def _entry(self, pid: int) -> bytes:
        """The `struct kinfo_proc` of the process; empty when there is none."""
        library = _libc()
        if library is None or not hasattr(library, "sysctl"):
            return b""
        name = (ctypes.c_int * 4)(*self._KERN_PROC_PID, pid)
        buffer, size = ctypes.create_string_buffer(self._ROOM), ctypes.c_size_t(self._ROOM)
        failed = library.sysctl(name, ctypes.c_uint(4), buffer, ctypes.byref(size), None, ctypes.c_size_t(0))
        return b"" if failed else buffer.raw[: size.value]


@cache
def _libc() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(None, use_errno=True)
    except OSError:
        return None


def this_kernel(platform: str = sys.platform) -> Kernel:
    """The kernel that this process runs on. Any platform but macOS is asked as Linux is."""
    return DarwinKernel() if platform == "darwin" else LinuxKernel()


def current_owner(kernel: Kernel | None = None) -> Owner:
    """This process. Without a readable /proc `boot` is '' and `started` 0: then nobody can know it dead."""
    kernel, pid = kernel or this_kernel(), os.getpid()
    return Owner(
        user=one_line(_user()),
        host=one_line(socket.gethostname()),
        pid=pid,
        started=kernel.start(pid) or 0,
        boot=kernel.boot(),
        scheme=kernel.scheme,
        nonce=_nonce(pid),
    )


def current_place(kernel: Kernel | None = None) -> Place:
    """Where this process is."""
    return Place(_read(MACHINE_ID), (kernel or this_kernel()).namespace())


def fate(owner: Owner, place: Place, kernel: Kernel | None = None) -> ProcessFate:
    """What became of a process that recorded itself as `owner` in `place`.

    Containers share a boot id but not their process ids, and images share host names. A process therefore counts as
    dead only when it can be missed (same scheme, boot, host and pid namespace), or when the very same machine was
    booted since. The version before recorded no scheme: such an owner is recognized while it lives, and never dead.
    """
    kernel = kernel or this_kernel()
    mine, here = current_owner(kernel), current_place(kernel)
    if owner.nonce and owner.nonce == mine.nonce:
        return ProcessFate.ALIVE
    if owner.scheme not in {"", mine.scheme} or not owner.boot or owner.host != mine.host:
        return ProcessFate.UNKNOWN
    if owner.boot != mine.boot:
        found = ProcessFate.DEAD if place.machine and place.machine == here.machine else ProcessFate.UNKNOWN
    elif place.pids != here.pids or owner.pid <= 0:
        found = ProcessFate.UNKNOWN
    else:
        found = _fate_here(owner, kernel)
    before = not owner.scheme
    return ProcessFate.UNKNOWN if before and found is ProcessFate.DEAD else found


def _fate_here(owner: Owner, kernel: Kernel) -> ProcessFate:
    if not exists(owner.pid) or kernel.zombie(owner.pid):
        return ProcessFate.DEAD
    started = kernel.start(owner.pid)
    if started is None:  # the process exists, and more cannot be known where others' processes are hidden
        return ProcessFate.ALIVE
    return ProcessFate.ALIVE if started == owner.started else ProcessFate.DEAD


def exists(pid: int) -> bool:
    """Whether a process of this id exists now, of any user; a zombie counts."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@cache
def _nonce(pid: int) -> str:  # noqa: ARG001 - a forked process is another process
    return draw(NONCE_LENGTH)


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
