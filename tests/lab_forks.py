"""Labs that are forks of one process that has imported everything: the imports cost more than all else of a short lab.

`install` makes every `Lab` of this process start so. What runs in the fork is the command `lab up` itself.
"""

import gc
import importlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Self

from katakei.lab import botocore_loader
from katakei.lab.process import Lab

LONGEST = 1 << 20
"""Bytes of one request: arguments and environment."""


class ForkedLab:
    """One forked lab, with what `Lab` needs of a `Popen`."""

    def __init__(self, pid: int, stdin: int, stdout: int) -> None:
        self.pid = pid
        self.stdin: IO[bytes] = os.fdopen(stdin, "wb")
        self.stdout: IO[bytes] = os.fdopen(stdout, "rb")
        self._alive: int | None = None
        if sys.platform == "linux":  # a lab runs nowhere else
            with suppress(ProcessLookupError):  # it has ended already
                self._alive = os.pidfd_open(pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdin.close()
        self.stdout.close()
        self.wait(None)
        if self._alive is not None:
            os.close(self._alive)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def wait(self, timeout: float | None) -> None:
        """Wait for its end. Its exit code stays with the process that forked it."""
        if self._alive is not None and not select.select([self._alive], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(["lab", "up"], timeout or 0)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            if sys.platform == "linux" and self._alive is not None:
                signal.pidfd_send_signal(self._alive, number)


class Forks:
    """The process that forks labs. It starts with the first lab."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._door: socket.socket | None = None

    def spawn(self, words: Sequence[str], stderr: IO[bytes]) -> ForkedLab:
        """Start a lab, as `Lab` does it otherwise by a command."""
        stdin, to_stdin = os.pipe()
        from_stdout, stdout = os.pipe()
        request = json.dumps({"words": words, "env": dict(os.environ), "folder": os.getcwd()}).encode()  # noqa: PTH109 - one word
        with self._lock:
            door = self._opened()
            socket.send_fds(door, [request], [stdin, stdout, stderr.fileno()])
            pid = int(door.recv(64))
        os.close(stdin)
        os.close(stdout)
        return ForkedLab(pid, to_stdin, from_stdout)

    def close(self) -> None:
        """End the process that forks. Labs that still run end with their standard input."""
        if self._door and self._process:
            self._door.close()
            self._process.wait(20)
        self._door = self._process = None

    def _opened(self) -> socket.socket:
        if self._door is None:
            self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            for end in (self._door, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LONGEST)
            command = [sys.executable, "-m", "tests.lab_forks", str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
            theirs.close()
        return self._door


FORKS = Forks()


def install() -> None:
    """Make every lab of this process a fork."""
    Lab.spawn = staticmethod(FORKS.spawn)  # type: ignore[arg-type]  # it is a Popen as far as a lab needs one


def serve(door: socket.socket) -> None:
    """Fork a lab for each request, until the other end is closed. Returns in each fork as well, when its lab has ended.

    Raises:
        SystemExit: in a fork, as the command ends.
    """
    botocore_loader.share()
    importlib.import_module("katakei.lab.assembly")
    assert threading.active_count() == 1  # a fork has only the thread that forked
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    while True:
        request, fds, _, _ = socket.recv_fds(door, LONGEST, 3)
        if not request:
            return
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            door.close()
            for number, fd in enumerate(fds):
                os.dup2(fd, number)
                os.close(fd)
            _become_lab(json.loads(request))
        for fd in fds:
            os.close(fd)
        door.send(str(pid).encode())


def _become_lab(request: dict[str, object]) -> None:
    from katakei.lab.__main__ import main  # noqa: PLC0415 - in a fork, not in the tests

    words, env = request["words"], request["env"]
    assert isinstance(words, list)
    assert isinstance(env, dict)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(str(request["folder"]))
    random.seed()
    main(words)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
