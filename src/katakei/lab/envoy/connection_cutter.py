"""Reset of connections of a child process, for the end of a deregistration delay, which Envoy does not know.

A connection is found in /proc and reset through a copy of its socket (pidfd_getfd, Linux 5.6). The kernel allows this
for descendants of the caller. Only connections from one address to one target are touched.
"""

import contextlib
import ctypes
import os
import socket
import struct
import sys
from pathlib import Path

from katakei.lab.address import BoundAddress
from katakei.lab.errors import LabError

PIDFD_GETFD = 438  # the same number on every architecture
ESTABLISHED, CLOSE_WAIT = "01", "08"
_libc = ctypes.CDLL(None, use_errno=True)


def connections(pid: int, source: str, bound_address: BoundAddress) -> set[int]:
    """Returns the file descriptors in process `pid` of its connections from `source` to `bound_address`."""
    inodes = {f"socket:[{inode}]" for inode in _inodes(pid, source, bound_address)}
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir() if inodes else ():
        with contextlib.suppress(OSError):  # closed meanwhile
            if str(entry.readlink()) in inodes:
                found.add(int(entry.name))
    return found


def _inodes(pid: int, source: str, bound_address: BoundAddress) -> set[str]:
    ours, theirs = _hex(source), f"{_hex(bound_address.address)}:{bound_address.port:04X}"
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines if theirs in line]
    return {
        row[9] for row in rows if row[1].startswith(ours) and row[2] == theirs and row[3] in {ESTABLISHED, CLOSE_WAIT}
    }


def _hex(address: str) -> str:
    return f"{struct.unpack('=I', socket.inet_aton(address))[0]:08X}"


def reset_connections(pid: int, source: str, bound_address: BoundAddress) -> int:
    """Reset every such connection, so that both ends see an error.

    Returns:
        How many there were.

    Raises:
        LabError: the kernel or a container's rules forbid it.
    """
    fds = connections(pid, source, bound_address)
    if not fds:
        return 0
    if sys.platform != "linux":
        raise NotImplementedError("connections can be cut on Linux only")
    process = os.pidfd_open(pid)
    try:
        for fd in fds:
            _reset(process, fd)
    finally:
        os.close(process)
    return len(fds)


def _reset(process: int, fd: int) -> None:
    copy = _libc.syscall(PIDFD_GETFD, process, fd, 0)
    if copy < 0:
        error = ctypes.get_errno()
        if error == 9:  # EBADF: closed meanwhile
            return
        raise LabError(f"cutting a connection is not allowed here ({os.strerror(error)}); give the lab CAP_SYS_PTRACE")
    try:
        # Connecting to AF_UNSPEC resets a connection. A plain shutdown would look like the normal end of a body
        # that has neither a length nor chunks.
        _libc.connect(copy, struct.pack("=H14x", socket.AF_UNSPEC), 16)
    finally:
        os.close(copy)
