"""EC2 as load balancers and Run Command see it: instances, subnets and VPCs from moto, addresses from the servers.

`Region` implements `elb.environment.Environment`; `ManagedNodes` implements `ssm.agents.Machines`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.instances import Instance
from moto.ec2.models.subnets import Subnet as MotoSubnet

from katakei.lab.address import Block, BoundAddress
from katakei.lab.ec2.instances import Ec2, InstanceState, state_of, tags_of
from katakei.lab.elb.environment import Ec2Instance, Subnet
from katakei.lab.servers.fleet import Power, Servers
from katakei.lab.ssm.agents import Process
from katakei.lab.ssm.model import ManagedNode

IMAGE = "ami-0a887e401f7654935"
"""Any image that moto knows; the servers run the lab's own program."""


class Region:
    """One region of one account, over the lab's servers."""

    def __init__(self, servers: Servers, account: str, region: str) -> None:
        self._servers = servers
        self._account = account
        self._region = region

    @property
    def _backend(self) -> EC2Backend:
        return ec2_backends[self._account][self._region]

    def put_on_loopback(self, block: Block, zones: Sequence[str]) -> tuple[str, dict[str, str]]:
        """Replace the default VPC by one with the block's network and one subnet for each zone.

        Returns:
            The VPC id, and the subnet ids by zone.
        """
        backend = self._backend
        for old in backend.describe_subnets():
            backend.delete_subnet(old.id)
        backend.delete_vpc(backend.default_vpc.id)
        vpc = backend.default_vpc = backend.create_vpc(block.cidr, is_default=True)
        subnets: dict[str, str] = {}
        for number, zone in enumerate(zones):
            subnet = backend.create_subnet(vpc.id, block.zone_cidr(number), availability_zone=zone)
            subnet.default_for_az = True
            subnets[zone] = subnet.id
        return vpc.id, subnets

    def launch(self, name: str, subnet: str) -> str:
        """Launch one instance called `name`. Returns its id while it boots."""
        reservation = self._backend.run_instances(
            IMAGE,
            1,
            None,
            [],
            instance_type="t3.small",
            is_instance_type_default=False,
            region_name=self._region,
            subnet_id=subnet,
            tags={"instance": {"Name": name}},
        )
        return str(reservation.instances[0].id)

    def state(self, instance: str) -> str:
        """Returns the instance's state in EC2's terms."""
        return str(self._backend.get_instance(instance).state)

    def instance(self, instance: str) -> Ec2Instance | None:
        """Returns the instance with this id, also if it is stopped or terminated."""
        found = self._backend.get_instance_by_id(instance)
        return _ec2_instance(found) if found else None

    def instance_at(self, address: str) -> Ec2Instance | None:
        """Returns the instance with this private address."""
        living = (i for i in self._backend.all_instances() if i.state != "terminated")
        return next((_ec2_instance(one) for one in living if one.private_ip == address), None)

    def subnet(self, subnet: str) -> Subnet | None:
        """Returns the subnet with this id."""
        found = self._backend.describe_subnets(filters={"subnet-id": [subnet]})
        return _subnet(found[0]) if found else None

    def subnets(self, vpc: str) -> tuple[Subnet, ...]:
        """Returns all subnets of a VPC."""
        return tuple(_subnet(one) for one in self._backend.describe_subnets(filters={"vpc-id": [vpc]}))

    def vpc_cidrs(self, vpc: str) -> tuple[str, ...]:
        """Returns the networks of a VPC; none if the VPC does not exist."""
        found = self._backend.vpcs.get(vpc)
        return (str(found.cidr_block),) if found else ()

    def bound_address(self, target: str, port: int) -> BoundAddress:
        """Returns where a target (instance id or address) really listens for an API port."""
        for server in self._servers.all():
            if target == server.id or (target == server.address and server.power is not Power.CLIENT_LEFT):
                return self._servers.bound_address(server.id, port)
        return BoundAddress(target, port)


def _ec2_instance(instance: Instance) -> Ec2Instance:
    zone, address = str(instance.availability_zone), str(instance.private_ip)
    return Ec2Instance(instance.id, instance.state, zone, address, str(instance.vpc_id))


def _subnet(subnet: MotoSubnet) -> Subnet:
    return Subnet(subnet.id, subnet.availability_zone, subnet.vpc_id, str(subnet.cidr_block))


class ManagedNodes:
    """Every instance of one region that is not terminating, as a managed node of Run Command."""

    def __init__(self, ec2: Ec2, servers: Servers, account: str, region: str) -> None:
        self._ec2 = ec2
        self._servers = servers
        self._place = (account, region)

    def machines(self) -> list[ManagedNode]:
        """Returns all nodes with name, tags and whether they run."""
        return [
            ManagedNode(
                id=one.id,
                address=str(one.private_ip),
                name=tags_of(one).get("Name", ""),
                running=state_of(one) is InstanceState.RUNNING,
                tags=tuple(tags_of(one).items()),
            )
            for one in self._ec2.instances(*self._place)
        ]

    def folder(self, instance_id: str) -> Path:
        """Returns the server's folder."""
        return self._servers.get(instance_id).folder

    def boot(self, instance_id: str) -> str | None:
        """Returns the boot id, or None while the server is off."""
        server = self._servers.get(instance_id)
        return server.boot_id if server.power is Power.ON else None

    def spawn(self, instance_id: str, argv: Sequence[str], env: Mapping[str, str]) -> Process:
        """Start a command on the server."""
        return self._servers.spawn(instance_id, argv, env)

    def reboot(self, instance_id: str) -> None:
        """Reboot the instance; returns when it runs again."""
        self._ec2.reboot(instance_id)
