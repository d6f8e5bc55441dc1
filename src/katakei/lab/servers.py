"""Instances as real processes: each has a loopback address, a folder, an application, and what was started on it.

It knows nothing of AWS's API; it is the hardware the API speaks about.
"""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from katakei.lab.address import Door


class Power(Enum):
    """Whether the machine is on."""

    ON = "on"
    OFF = "off"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Server:
    """One instance as it is now. `ports` maps the port the API says to the one really bound on `address`."""

    id: str
    name: str
    zone: str
    address: str
    folder: Path
    ports: Mapping[int, int]
    power: Power
    boot_id: str


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command on a server ended. `code` is negative when a signal ended it, as for subprocess."""

    code: int
    stdout: str  # the first 64 KiB
    stderr: str
    timed_out: bool = False


class Servers:
    """All instances of a lab, thread-safe. `root` holds a folder per instance; their applications listen on `port`."""

    def __init__(self, root: Path, port: int) -> None:
        raise NotImplementedError

    def launch(self, instance_id: str, address: str, name: str, zone: str) -> Server:
        """Switch a new instance on. Returns at once; its application listens a moment later."""
        raise NotImplementedError

    def stop(self, instance_id: str) -> Server:
        """End every process of the instance, detached ones too; returns when none is left. The folder stays."""
        raise NotImplementedError

    def start(self, instance_id: str) -> Server:
        """Switch a stopped instance on again, with a new boot id."""
        raise NotImplementedError

    def reboot(self, instance_id: str) -> Server:
        """Stop and start."""
        raise NotImplementedError

    def terminate(self, instance_id: str) -> Server:
        """Stop for good; the folder stays for whoever wants to look."""
        raise NotImplementedError

    def crash(self, instance_id: str) -> None:
        """Kill the application; it stays dead until `bin/restart`, `revive`, a reboot or a stop and start."""
        raise NotImplementedError

    def revive(self, instance_id: str) -> None:
        """Start a dead application again."""
        raise NotImplementedError

    def get(self, instance_id: str) -> Server:
        """Raises LabError for an instance that never was."""
        raise NotImplementedError

    def all(self) -> tuple[Server, ...]:
        """Every instance, terminated ones too, in the order of their launch."""
        raise NotImplementedError

    def listen(self, instance_id: str, port: int) -> Door:
        """Let the sample application listen on one more port."""
        raise NotImplementedError

    def door(self, instance_id: str, port: int) -> Door:
        """Where an API port of the instance really is, whether or not anything listens there."""
        raise NotImplementedError

    def listening(self, instance_id: str, within: float = 10) -> bool:
        """Wait until the application accepts connections on its main port."""
        raise NotImplementedError

    def run(
        self,
        instance_id: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        timeout: float,
    ) -> Ran:
        """Run a command on the instance, in its folder and with its environment, for at most `timeout` seconds.

        Waits for the command itself, not for what it detached. When the instance stops meanwhile the code is -9.
        """
        raise NotImplementedError

    def spawn(self, instance_id: str, argv: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """The same without waiting: stdin empty, stdout and stderr as pipes, a process group of its own."""
        raise NotImplementedError

    def close(self) -> None:
        """End every process of every instance."""
        raise NotImplementedError
