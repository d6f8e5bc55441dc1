"""The sleep inhibitor: it keeps a Mac from idle sleep while a target is out of service.

The command line starts it when the first target is taken out, and stops it when none is out any more.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress

GRACE_SECONDS = 2.0
"""How long `caffeinate` has to end after SIGTERM, before it is killed."""


class SleepInhibitor:
    """Runs `caffeinate -i -w PID` on macOS and does nothing on any other platform.

    `-w PID` ends `caffeinate` with this process, so that a killed process leaves nothing behind. It runs in a session
    of its own, so that Ctrl-C on the terminal does not end it early.
    """

    def __init__(self, platform: str = sys.platform, env: Mapping[str, str] | None = None) -> None:
        """Starts nothing yet.

        Args:
            platform: What `sys.platform` says.
            env: Where the PATH of `caffeinate` comes from; the environment of this process by default.
        """
        self._platform = platform
        self._env = env
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def active(self) -> bool:
        """Whether this object keeps the machine awake now."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> bool:
        """Keeps the machine awake from now on.

        Returns:
            True when this call began to keep it awake. False when it was awake already, on another platform, and where
            `caffeinate` cannot be started: a rollout never fails for that.
        """
        with self._lock:
            if self._platform != "darwin" or self.active:
                return False
            try:
                self._process = subprocess.Popen(  # noqa: S603 - constant words
                    ["caffeinate", "-i", "-w", str(os.getpid())],  # noqa: S607 - /usr/bin on every Mac; a test has another
                    env=self._env,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError:
                return False
            return True

    def stop(self) -> None:
        """Lets the machine sleep again; may be called at any time and more than once."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(GRACE_SECONDS)
