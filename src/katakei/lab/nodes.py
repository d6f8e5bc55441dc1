"""The instances as Run Command's managed nodes: what EC2 says of them, and the servers on which commands run.
It is the one place where the two meet; nothing is decided here.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from katakei.lab.ec2 import Ec2, InstanceState, state_of, tags_of
from katakei.lab.servers import Power, Servers
from katakei.lab.ssm.model import Machine
from katakei.lab.ssm.runs import Process


class Nodes:
    """Every instance that is not on its way to termination; `ssm.agents.Machines` says what each method promises."""

    def __init__(self, ec2: Ec2, servers: Servers) -> None:
        self._ec2 = ec2
        self._servers = servers

    def machines(self) -> list[Machine]:
        """All of them, with name, tags and whether they run."""
        return [
            Machine(
                id=one.id,
                address=str(one.private_ip),
                name=tags_of(one).get("Name", ""),
                running=state_of(one) is InstanceState.RUNNING,
                tags=tuple(tags_of(one).items()),
            )
            for one in self._ec2.instances()
        ]

    def folder(self, instance_id: str) -> Path:
        """The server's folder."""
        return self._servers.get(instance_id).folder

    def boot(self, instance_id: str) -> str | None:
        """The boot id while it is on."""
        server = self._servers.get(instance_id)
        return server.boot_id if server.power is Power.ON else None

    def spawn(self, instance_id: str, argv: Sequence[str], env: Mapping[str, str]) -> Process:
        """Start a command on the server."""
        return self._servers.spawn(instance_id, argv, env)

    def reboot(self, instance_id: str) -> None:
        """As RebootInstances does."""
        self._ec2.reboot(instance_id)
