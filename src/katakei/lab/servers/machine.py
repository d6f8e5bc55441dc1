"""One server from the inside: folder, ports, power, and the processes that run while it is on."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from katakei.lab import clock, reaper
from katakei.lab.address import BoundAddress, bound_address
from katakei.lab.errors import LabError
from katakei.lab.servers.application import LISTENING, Application, RestartPipe

FROM_OUTSIDE = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME")
"""Variables that a server inherits from the lab's environment; never credentials."""


class Machine:
    """One server. `port` is the API's port of its application. Thread-safe."""

    def __init__(self, instance_id: str, address: str, port: int, root: Path) -> None:
        self.id = instance_id
        self.address = address
        self.folder = root / instance_id
        self.on = False
        self.boot_id = ""
        self._root = root
        self._lock = threading.RLock()
        self._bound_addresses: dict[int, BoundAddress] = {}
        self._main = self.bound_address(port)
        (self.folder / "state").mkdir(parents=True)
        (self.folder / "release").write_text("v1\n")
        self.application = Application(self.folder, self._main)
        self._control = RestartPipe(self.folder, self._restart)

    def bound_address(self, port: int) -> BoundAddress:
        """Returns where an API port is really bound, whether or not anything listens; the same answer every time."""
        with self._lock:
            if port not in self._bound_addresses:
                self._bound_addresses[port] = self._find(port)
            return self._bound_addresses[port]

    def _find(self, port: int) -> BoundAddress:
        if port >= 1024:
            return BoundAddress(self.address, port)
        try:
            return bound_address(self.address, port)
        except LabError:
            if not self._bound_addresses:  # the port of its own application
                raise
            return BoundAddress(self.address, port)  # another program of this server listens there already

    @property
    def ports(self) -> dict[int, int]:
        """The bound port of every API port asked for so far."""
        with self._lock:
            return {port: where.port for port, where in self._bound_addresses.items()}

    def environment(self) -> dict[str, str]:
        """Returns the environment of every process of this server."""
        inherited = {name: os.environ[name] for name in FROM_OUTSIDE if name in os.environ}
        return inherited | {
            "HOME": str(self.folder),
            "ADDRESS": self.address,
            "PORT": str(self._main.port),
            "KATAKEI_STATE": str(self.folder / "state"),
            "KATAKEI_BOOT_ID": self.boot_id,
            "KATAKEI_LAB_INSTANCE": self.id,
            reaper.ROOT: str(self._root),
        }

    def boot(self) -> None:
        """Switch it on with a new boot id."""
        with self._lock:
            self.on = True
            self.boot_id = clock.unique_uuid()
            self.application.start(self.environment())

    def switch_off(self) -> None:
        """Switch it off: nothing can start on it from now on."""
        with self._lock:
            self.on = False

    def halt(self, grace: float) -> None:
        """Switch it off and end every process of it, detached ones included."""
        self.switch_off()
        reaper.end_marked(frozenset({f"{reaper.ROOT}={self._root}", f"KATAKEI_LAB_INSTANCE={self.id}"}), grace)
        self.application.end()

    def spawn(self, argv: Sequence[str], env: Mapping[str, str], folder: Path) -> subprocess.Popen[bytes]:
        """Start a process on it.

        Raises:
            ConnectionError: it is off.
        """
        with self._lock:
            if not self.on:
                raise ConnectionError(f"{self.id} is off")
            return subprocess.Popen(  # noqa: S603 - the command that the user sent to this server
                argv,
                cwd=folder,
                env={**env, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )

    def revive(self) -> None:
        """Start the application if the server is on and the application is not running."""
        with self._lock:
            if self.on:
                self.application.start(self.environment())

    def _restart(self, graceful: bool) -> str:  # noqa: FBT001 - the signature that RestartPipe calls
        boot = self.boot_id
        self.application.end(signal.SIGQUIT if graceful else signal.SIGTERM)
        with self._lock:
            if not self.on or boot != self.boot_id:
                return "the server went down meanwhile"
            self.application.start(self.environment())
        if self.application.listening(20):
            return LISTENING
        return f"nothing listens on {self.address} port {self._main.port}; see {self.folder / 'app.log'}"

    def close(self) -> None:
        """Accept no more restarts."""
        self._control.close()
