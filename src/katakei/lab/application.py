"""The application of one server: the sample, or the user's own `command`; started, ended, looked at.

It never starts a dead one again by itself: a dead one stays dead, as on the servers it stands for.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from katakei.lab import clock, guard
from katakei.lab.address import Door

PATIENCE = {signal.SIGTERM: 5.0, signal.SIGQUIT: 70.0}
"""Seconds an application has to end after a signal before it is killed."""


class Application:
    """At most one living process group, which listens on `door`. Thread-safe."""

    def __init__(self, folder: Path, door: Door) -> None:
        self._folder = folder
        self._door = door
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()

    @property
    def alive(self) -> bool:
        """Whether its first process runs."""
        with self._lock:
            return self._process is not None and self._process.poll() is None

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it, unless it runs. Returns before it listens."""
        own = self._folder / "command"
        argv = ["/bin/sh", str(own)] if own.exists() else [sys.executable, "-P", "-m", "katakei.lab.sample"]
        with self._lock, (self._folder / "app.log").open("ab") as log:
            if not self.alive:
                self._process = subprocess.Popen(  # noqa: S603 - the user's own program, or the sample
                    argv,
                    cwd=self._folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Send the signal to its process group; by force when that takes too long. Returns when it has ended."""
        with self._lock:
            process = self._process
        if process is None:
            return
        for each, patience in ((how, PATIENCE.get(how, 5.0)), (signal.SIGKILL, 10.0)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, each)
            # The whole group, not only its leader: a shell in front may end before the server behind it.
            if clock.wait_for(lambda: process.poll() is not None and not guard.group(process.pid), patience):
                return

    def listening(self, within: float) -> bool:
        """Wait until it accepts connections; False at once when it has ended."""
        return clock.wait_for(lambda: not self.alive or self._answers(), within) and self.alive

    def _answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(self._door) == 0
