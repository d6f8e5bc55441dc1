"""EC2 instances through the API, over servers that only record whether they are on."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from katakei.lab import clock
from katakei.lab.address import Block, BoundAddress, reserve_block
from katakei.lab.ec2.instances import Ec2, InstanceState
from katakei.lab.ec2.region import ManagedNodes, Region
from katakei.lab.servers.fleet import Power, Server, Servers

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

ACCOUNT, REGION = "123456789012", "ap-northeast-1"
ZONES = ("ap-northeast-1a", "ap-northeast-1c")


@cache  # half a second each
def client() -> "EC2Client":
    secret = "lab"  # noqa: S105 - the lab knows no secrets
    return boto3.client("ec2", region_name=REGION, aws_access_key_id="lab", aws_secret_access_key=secret)


class FakeServers(Servers):
    """Servers that switch at once; each start is another boot."""

    def __init__(self, root: Path) -> None:  # the real one would start a reaper process
        self.root = root
        self.table: dict[str, Server] = {}
        self.slow = threading.Event()  # while cleared, waiting for an application blocks
        self.slow.set()

    def launch(self, instance_id: str, address: str, name: str, zone: str) -> Server:
        self.table[instance_id] = Server(
            instance_id, name, zone, address, self.root / instance_id, {80: 8080}, Power.ON, "boot-1"
        )
        return self.table[instance_id]

    def _turn(self, instance_id: str, power: Power, boot: str) -> Server:
        self.table[instance_id] = replace(self.get(instance_id), power=power, boot_id=boot)
        return self.table[instance_id]

    def stop(self, instance_id: str) -> Server:
        return self._turn(instance_id, Power.OFF, "")

    def start(self, instance_id: str) -> Server:
        return self._turn(instance_id, Power.ON, "boot-2")

    def reboot(self, instance_id: str) -> Server:
        return self._turn(instance_id, Power.ON, "boot-3")

    def terminate(self, instance_id: str) -> Server:
        return self._turn(instance_id, Power.CLIENT_LEFT, "")

    def get(self, instance_id: str) -> Server:
        return self.table[instance_id]

    def all(self) -> tuple[Server, ...]:
        return tuple(self.table.values())

    def listening(self, instance_id: str, within: float = 10) -> bool:
        return self.slow.wait(within) and self.get(instance_id).power is Power.ON

    def bound_address(self, instance_id: str, port: int) -> BoundAddress:
        server = self.get(instance_id)
        return BoundAddress(server.address, server.ports.get(port, port))


class Account:
    """An account with a default VPC on loopback, and every reported change of its instances."""

    def __init__(self, root: Path, block: Block) -> None:
        self.servers = FakeServers(root)
        self._changes: list[tuple[str, str]] = []
        self.block = block
        self.ec2 = Ec2(self.servers, block, lambda i, state: self._changes.append((i, state.value[0])))
        self.nodes = ManagedNodes(self.ec2, self.servers, ACCOUNT, REGION)
        self.region = Region(self.servers, ACCOUNT, REGION)
        self.vpc, self.subnets = self.region.put_on_loopback(block, ZONES)
        self.api = client()

    def changes(self, instance_id: str) -> list[str]:
        return [state for one, state in self._changes if one == instance_id]

    def run(self, zone: str = ZONES[0], name: str = "web-1") -> str:
        made = self.api.run_instances(
            MinCount=1,
            MaxCount=1,
            Placement={"AvailabilityZone": zone},
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}],
        )
        return made["Instances"][0]["InstanceId"]

    def state(self, instance_id: str) -> str:
        described = self.api.describe_instances(InstanceIds=[instance_id])
        return described["Reservations"][0]["Instances"][0]["State"]["Name"]

    def becomes(self, instance_id: str, state: str) -> None:
        assert clock.wait_for(lambda: self.state(instance_id) == state, 5), self.state(instance_id)


@pytest.fixture(scope="module")  # making an account takes half a second
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    block = reserve_block()
    with mock_aws():
        account = Account(tmp_path_factory.mktemp("hardware"), block)
        account.ec2.install()
        try:
            yield account
        finally:
            account.ec2.close()
            block.close()


def test_instance_is_a_server_at_its_private_address(account: Account) -> None:
    instance_id = account.run(ZONES[1], "web-2")
    account.becomes(instance_id, "running")
    server = account.servers.get(instance_id)
    shown = account.api.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    assert (server.power, server.name, server.zone) == (Power.ON, "web-2", ZONES[1])
    assert shown["PrivateIpAddress"] == server.address
    assert server.address.startswith(f"127.{account.block.number}.16.")
    assert (shown["VpcId"], shown["SubnetId"]) == (account.vpc, account.subnets[ZONES[1]])
    assert account.changes(instance_id) == ["pending", "running"]


def test_instance_outside_the_lab_network_gets_spare_address(account: Account) -> None:
    vpc = account.api.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = account.api.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    made = account.api.run_instances(MinCount=2, MaxCount=2, SubnetId=subnet)["Instances"]
    for instance in made:
        account.becomes(instance["InstanceId"], "running")
    addresses = {account.servers.get(instance["InstanceId"]).address for instance in made}
    assert len(addresses) == 2
    assert all(address.startswith(f"127.{account.block.number}.") for address in addresses)
    assert {instance["PrivateIpAddress"] for instance in made} == addresses


def test_instance_stop_and_start_switch_the_server(account: Account) -> None:
    instance_id = account.run()
    account.becomes(instance_id, "running")
    assert (
        account.api.stop_instances(InstanceIds=[instance_id])["StoppingInstances"][0]["CurrentState"]["Name"]
        == "stopping"
    )
    account.becomes(instance_id, "stopped")
    assert account.servers.get(instance_id).power is Power.OFF
    account.api.start_instances(InstanceIds=[instance_id])
    account.becomes(instance_id, "running")
    assert account.servers.get(instance_id).boot_id == "boot-2"
    assert account.changes(instance_id) == ["pending", "running", "stopping", "stopped", "pending", "running"]


def test_reboot_changes_the_boot_id_only(account: Account) -> None:
    instance_id = account.run()
    account.becomes(instance_id, "running")
    account.api.reboot_instances(InstanceIds=[instance_id])
    assert account.state(instance_id) == "running"
    assert clock.wait_for(lambda: account.servers.get(instance_id).boot_id == "boot-3", 5)


def test_terminated_instance_accepts_no_more_calls(account: Account) -> None:
    instance_id = account.run()
    account.becomes(instance_id, "running")
    account.api.terminate_instances(InstanceIds=[instance_id])
    account.becomes(instance_id, "terminated")
    assert account.servers.get(instance_id).power is Power.CLIENT_LEFT
    assert instance_id not in [machine.id for machine in account.nodes.machines()]
    with pytest.raises(ClientError, match="IncorrectInstanceState"):
        account.api.start_instances(InstanceIds=[instance_id])
    account.api.terminate_instances(InstanceIds=[instance_id])


def test_instance_terminated_during_boot_never_runs(account: Account) -> None:
    account.servers.slow.clear()
    instance_id = account.run()
    account.api.terminate_instances(InstanceIds=[instance_id])
    account.servers.slow.set()
    account.becomes(instance_id, "terminated")
    assert account.changes(instance_id) == ["pending", "shutting-down", "terminated"]


def test_reused_address_belongs_to_its_new_instance(account: Account) -> None:
    for number, power in enumerate((Power.CLIENT_LEFT, Power.ON)):
        server = account.servers.launch(f"i-{number}", "127.0.0.9", "web", ZONES[0])
        account.servers.table[server.id] = replace(server, power=power, ports={80: 8000 + number})
    assert account.region.bound_address("127.0.0.9", 80) == BoundAddress("127.0.0.9", 8001)


def test_stop_of_a_stopped_instance_changes_nothing(account: Account) -> None:
    instance_id = account.run()
    account.becomes(instance_id, "running")
    for _ in range(2):
        account.api.stop_instances(InstanceIds=[instance_id])
        account.becomes(instance_id, "stopped")
    assert account.changes(instance_id) == ["pending", "running", "stopping", "stopped"]


def test_unknown_instance_is_refused(account: Account) -> None:
    with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
        account.api.stop_instances(InstanceIds=["i-0123456789abcdef0"])


def test_managed_nodes_show_name_tags_and_power(account: Account) -> None:
    instance_id = account.run(name="web-1")
    account.becomes(instance_id, "running")
    machine = next(machine for machine in account.nodes.machines() if machine.id == instance_id)
    assert (machine.name, machine.running, dict(machine.tags)) == ("web-1", True, {"Name": "web-1"})
    assert account.nodes.boot(instance_id) == "boot-1"
    account.nodes.reboot(instance_id)
    assert account.nodes.boot(instance_id) == "boot-3"


def test_region_shows_instances_subnets_networks_and_addresses(account: Account) -> None:
    instance_id = account.run()
    account.becomes(instance_id, "running")
    machine = account.region.instance(instance_id)
    assert machine is not None
    assert (machine.state, machine.zone, machine.vpc) == ("running", ZONES[0], account.vpc)
    assert account.region.instance_at(machine.address) == machine
    assert (account.region.instance("i-0123456789abcdef0"), account.region.instance_at("10.0.0.9")) == (
        None,
        None,
    )
    assert account.region.vpc_cidrs(account.vpc) == (account.block.cidr,)
    assert account.region.vpc_cidrs("vpc-0") == ()
    assert {subnet.zone for subnet in account.region.subnets(account.vpc)} == set(ZONES)
    subnet = account.region.subnet(account.subnets[ZONES[1]])
    assert subnet is not None
    assert (subnet.zone, subnet.cidr) == (ZONES[1], account.block.zone_cidr(1))
    assert (
        account.region.bound_address(instance_id, 80)
        == account.region.bound_address(machine.address, 80)
        == BoundAddress(machine.address, 8080)
    )


def test_close_restores_moto(account: Account) -> None:
    account.ec2.close()
    before = len(account.servers.all())
    instance_id = account.run()
    assert (account.state(instance_id), len(account.servers.all())) == ("running", before)
    account.ec2.install()


def test_states_have_the_codes_of_ec2() -> None:
    assert {state.value for state in InstanceState} == {
        ("pending", 0),
        ("running", 16),
        ("shutting-down", 32),
        ("terminated", 48),
        ("stopping", 64),
        ("stopped", 80),
    }
