"""All servers of a lab as real processes: each has a loopback address, a folder and an application.

This is the hardware behind the EC2 API. It knows nothing of AWS.
"""

import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from katakei.lab.address import BoundAddress
from katakei.lab.errors import LabError
from katakei.lab.reaper import Reaper
from katakei.lab.servers.machine import Machine

SHUTDOWN = 0.5
"""Seconds that processes have to end when their server is stopped, rebooted or terminated."""


class Power(Enum):
    """Whether a server is on."""

    ON = "on"
    OFF = "off"
    CLIENT_LEFT = "gone"


@dataclass(frozen=True, slots=True)
class Server:
    """One server as it is now. `ports` maps each API port to the port that is really bound on `address`."""

    id: str
    name: str
    zone: str
    address: str
    folder: Path
    ports: Mapping[int, int]
    power: Power
    boot_id: str


@dataclass(slots=True)
class _Entry:
    name: str
    zone: str
    machine: Machine
    gone: bool = False

    def server(self) -> Server:
        machine = self.machine
        power = Power.CLIENT_LEFT if self.gone else Power.ON if machine.on else Power.OFF
        return Server(
            id=machine.id,
            name=self.name,
            zone=self.zone,
            address=machine.address,
            folder=machine.folder,
            ports=machine.ports,
            power=power,
            boot_id=machine.boot_id,
        )


class Servers:
    """All servers of a lab. Thread-safe.

    Every method that takes an instance id raises LookupError for an unknown one.

    Args:
        root: holds a folder for each server.
        port: the port of their applications.
    """

    def __init__(self, root: Path, port: int) -> None:
        self._root = root.resolve()
        self._root.mkdir(parents=True, exist_ok=True)
        self._port = port
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._guard = Reaper(self._root)

    def launch(self, instance_id: str, address: str, name: str, zone: str) -> Server:
        """Switch a new server on. Returns at once; its application listens a moment later."""
        with self._lock:
            if instance_id in self._entries:
                raise LabError(f"{instance_id} was launched before; every instance needs an id of its own")
            entry = self._entries[instance_id] = _Entry(
                name, zone, Machine(instance_id, address, self._port, self._root)
            )
        entry.machine.boot()
        return entry.server()

    def stop(self, instance_id: str) -> Server:
        """End every process of the server, detached ones included. Returns when all have ended; the folder stays."""
        entry = self._entry(instance_id)
        entry.machine.halt(SHUTDOWN)
        return entry.server()

    def start(self, instance_id: str) -> Server:
        """Switch a stopped server on again, with a new boot id.

        Raises:
            LabError: it is terminated.
        """
        entry = self._entry(instance_id)
        if entry.gone:
            raise LabError(f"{instance_id} is terminated; launch another one")
        if not entry.machine.on:
            entry.machine.boot()
        return entry.server()

    def reboot(self, instance_id: str) -> Server:
        """Stop and start the server."""
        self.stop(instance_id)
        return self.start(instance_id)

    def terminate(self, instance_id: str) -> Server:
        """Stop the server for good. Its folder stays."""
        entry = self._entry(instance_id)
        entry.gone = True
        return self.stop(instance_id)

    def crash(self, instance_id: str) -> None:
        """Kill the application. It stays dead until `bin/restart`, `revive`, a reboot, or a stop and start."""
        self._entry(instance_id).machine.application.end()

    def revive(self, instance_id: str) -> None:
        """Start a dead application again if the server is on."""
        self._entry(instance_id).machine.revive()

    def get(self, instance_id: str) -> Server:
        """Returns the server as it is now."""
        return self._entry(instance_id).server()

    def all(self) -> tuple[Server, ...]:
        """Returns every server in order of launch, terminated ones included."""
        with self._lock:
            return tuple(entry.server() for entry in self._entries.values())

    def bound_address(self, instance_id: str, port: int) -> BoundAddress:
        """Returns where an API port of the server is bound, whether or not anything listens there."""
        return self._entry(instance_id).machine.bound_address(port)

    def listening(self, instance_id: str, within: float = 10) -> bool:
        """Wait until the application accepts connections on its main port. Returns False if it does not in time."""
        return self._entry(instance_id).machine.application.listening(within)

    def spawn(
        self, instance_id: str, argv: Sequence[str], env: Mapping[str, str], cwd: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process on the server, in its folder (or `cwd`) and with its environment.

        Stdin is empty. Stdout and stderr are pipes that the caller reads and closes. The process leads a process group.

        Raises:
            ConnectionError: the server is off.
        """
        machine = self._entry(instance_id).machine
        return machine.spawn(argv, env, cwd or machine.folder)

    def close(self) -> None:
        """End every process of every server."""
        with self._lock:
            machines = [entry.machine for entry in self._entries.values()]
        for machine in machines:
            machine.switch_off()
        self._guard.close()
        for machine in machines:
            machine.application.end()
            machine.close()

    def _entry(self, instance_id: str) -> _Entry:
        with self._lock:
            if instance_id not in self._entries:
                raise LookupError(f"no instance {instance_id} in this lab")
            return self._entries[instance_id]
