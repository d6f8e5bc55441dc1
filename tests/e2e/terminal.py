"""A terminal with nobody in front of it but a test: what is typed, what is drawn. Every wait has a bound."""

import os
import pty
import re
import select
import subprocess
import sys
from types import TracebackType
from typing import Self

from tests.e2e.command import PROGRAM, Katakei

from katakei.lab import clock

# The terminal is the session's own, so that Ctrl-C typed on it becomes SIGINT, and hanging up SIGHUP. Both are heard
# as at a login, whatever the tests themselves were told to ignore (a CI job in the background ignores them).
OWN_TERMINAL = (
    "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    " [signal.signal(each, signal.SIG_DFL) for each in (signal.SIGINT, signal.SIGHUP)];"
    " os.execv(sys.argv[1], sys.argv[1:])"
)
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\r")


class Terminal:
    """One command on a pseudo-terminal of 140 columns."""

    def __init__(self, katakei: Katakei, *words: str) -> None:
        self._ours, theirs = pty.openpty()
        self.raw = ""
        env = {**katakei.env, "TERM": "xterm-256color", "COLUMNS": "140", "LINES": "40"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWN_TERMINAL, *PROGRAM, *words],
            cwd=katakei.folder,
            env=env,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.hang_up()

    @property
    def screen(self) -> str:
        """Everything that was drawn, without the escapes."""
        return ESCAPES.sub("", self.raw)

    def until(self, text: str, within: float = 40) -> None:
        end = clock.monotonic() + within
        while text not in self.screen:
            assert clock.monotonic() < end, self.screen[-3000:]
            assert self._read(0.2) or self.process.poll() is None, self.screen[-3000:]

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def hang_up(self) -> None:
        """The window is closed."""
        if self._open:
            os.close(self._ours)
            self._open = False

    def end(self, within: float = 60) -> int:
        end = clock.monotonic() + within
        while self.process.poll() is None and clock.monotonic() < end:
            if self._open:
                self._read(0.1)
            else:
                clock.sleep(0.1)
        assert self.process.poll() is not None, self.screen[-3000:]
        while self._open and self._read(0):
            pass
        return self.process.returncode

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], seconds)
        try:
            data = os.read(self._ours, 65536) if ready else b""
        except OSError:  # EIO: nobody holds the other end any more
            return False
        self.raw += data.decode(errors="replace")
        return bool(data)
