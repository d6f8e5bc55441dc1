"""The application process of one server, and the pipe through which `bin/restart` asks for a restart.

An application that died is not started again, as on a real server without a supervisor.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from katakei.lab import clock, reaper
from katakei.lab.address import BoundAddress
from katakei.lab.errors import LabError

STOP_TIMEOUTS = {signal.SIGTERM: 5.0, signal.SIGQUIT: 70.0}
"""Seconds that an application has to end after a signal, before SIGKILL."""


class Application:
    """At most one running process group, which listens on `bound_address`. Thread-safe."""

    def __init__(self, folder: Path, bound_address: BoundAddress) -> None:
        self._folder = folder
        self._bound_address = bound_address
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()

    @property
    def alive(self) -> bool:
        """Whether its first process is running."""
        with self._lock:
            return self._process is not None and self._process.poll() is None

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it unless it is running. Returns before it listens."""
        user_command = self._folder / "command"
        argv = (
            ["/bin/sh", str(user_command)]
            if user_command.exists()
            else [sys.executable, "-P", "-m", "katakei.lab.servers.sample_app"]
        )
        with self._lock, (self._folder / "app.log").open("ab") as log:
            if not self.alive:
                self._process = subprocess.Popen(  # noqa: S603 - the user's own program, or the sample application
                    argv,
                    cwd=self._folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to its process group, and SIGKILL if it does not end in time. Returns when it has ended."""
        with self._lock:
            process = self._process
        if process is None:
            return
        for each, timeout in ((how, STOP_TIMEOUTS.get(how, 5.0)), (signal.SIGKILL, 10.0)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, each)
            # The whole group, not only its leader: a shell may end before the server that it started.
            if clock.wait_for(lambda: process.poll() is not None and not reaper.group_members(process.pid), timeout):
                return

    def listening(self, within: float) -> bool:
        """Wait until it accepts connections. Returns False at once if it has ended."""
        return clock.wait_for(lambda: not self.alive or self._accepts(), within) and self.alive

    def _accepts(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(self._bound_address) == 0


LISTENING = "listening"
"""The answer to a successful restart. Every other answer is an error message."""

RESTART = f"""\
#!/bin/sh
# Restarts the application of this server and returns when the new process listens.
#   bin/restart            ends the old one at once: requests in flight are dropped
#   bin/restart graceful   lets them finish first (SIGQUIT)
cd "$(dirname "$0")/.." || exit 1
if [ ! -d "/proc/$(cat lab.pid)" ]; then echo "the lab of this server has ended" >&2; exit 1; fi
# A rehearsal of a deploy that hangs puts a file "hang" into this folder.
while [ -e hang ]; do sleep 0.2; done
answer="restarted.$$"
rm -f "$answer"
echo "${{1:-now}} $answer" > control
turns=0
while [ ! -e "$answer" ]; do
  turns=$((turns + 1))
  if [ "$turns" -gt 2400 ]; then echo "no answer from the lab within two minutes" >&2; exit 1; fi
  sleep 0.05
done
said="$(cat "$answer")"
rm -f "$answer"
if [ "$said" = "{LISTENING}" ]; then exit 0; fi
echo "$said" >&2
exit 1
"""


class RestartPipe:
    """The restart requests of one server. `restart(graceful)` returns LISTENING or an error message."""

    def __init__(self, folder: Path, restart: Callable[[bool], str]) -> None:
        self._folder = folder
        self._restart = restart
        (folder / "lab.pid").write_text(f"{os.getpid()}\n")
        (folder / "bin").mkdir(exist_ok=True)
        (folder / "bin/restart").write_text(RESTART)
        (folder / "bin/restart").chmod(0o755)
        os.mkfifo(folder / "control", 0o600)
        # Opened for reading and writing: a read never reaches the end, and a write never blocks while the lab runs.
        self._pipe = os.open(folder / "control", os.O_RDWR)
        self._thread = threading.Thread(target=self._read_requests, name=f"control of {folder.name}", daemon=True)
        self._thread.start()

    def _read_requests(self) -> None:
        with os.fdopen(os.dup(self._pipe), closefd=True) as lines:
            for line in lines:
                if line == "end\n":
                    return
                if asked := re.fullmatch(r"(now|graceful) (restarted\.\d+)\n", line):
                    self._answer(asked[2], self._restarted(graceful=asked[1] == "graceful"))

    def _restarted(self, *, graceful: bool) -> str:
        try:
            return self._restart(graceful)
        except (OSError, LabError) as error:
            return str(error)

    def _answer(self, name: str, text: str) -> None:
        (self._folder / f".{name}").write_text(text)
        (self._folder / f".{name}").rename(self._folder / name)

    def close(self) -> None:
        """Stop listening. A later `bin/restart` reports that the lab has ended."""
        os.write(self._pipe, b"end\n")
        self._thread.join(120)
        os.close(self._pipe)
        (self._folder / "control").unlink()
        (self._folder / "lab.pid").write_text("ended\n")
