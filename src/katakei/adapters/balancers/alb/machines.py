"""EC2's instances as far as a balancer cares: names, zones, and the addresses by which a group may call them.

Asks nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import InstanceTypeDef


@dataclass(frozen=True, slots=True)
class Instance:
    """`addresses` are all of its private ones, the primary first."""

    id: str
    name: str
    zone: str
    vpc: str
    addresses: tuple[str, ...]
    tags: Mapping[str, str]

    @property
    def address(self) -> str:
        """The primary private IP: where an instance target gets its traffic. '' when it has none (terminated)."""
        return next(iter(self.addresses), "")

    @property
    def autoscaling(self) -> str:
        """The Auto Scaling group that owns it, or ''. It tags its instances so, and nobody else may use `aws:` tags;
        read here, it needs no right to ask Auto Scaling, and so cannot silently be missed.
        """
        return self.tags.get("aws:autoscaling:groupName", "")


class Machines:
    """Instances by what a registration may call them: the id, or a private IP.

    An IP is an instance only within the group's own VPC: in another one the same IP may be another machine.
    """

    def __init__(self, instances: Iterable[Instance]) -> None:
        self._by_id = {one.id: one for one in instances}
        self._by_ip = {(one.vpc, ip): one for one in self._by_id.values() for ip in one.addresses}

    def of(self, vpc: str, called: str) -> Instance | None:
        """The instance that a group of this VPC calls so; None where it is none of the account's."""
        return self._by_id.get(called) or self._by_ip.get((vpc, called))


def instance(raw: "InstanceTypeDef") -> Instance:
    """One instance of DescribeInstances."""
    tags = {tag["Key"]: tag["Value"] for tag in raw.get("Tags", [])}
    cards = raw.get("NetworkInterfaces", [])
    addresses = [raw.get("PrivateIpAddress", "")]
    addresses += [at.get("PrivateIpAddress", "") for card in cards for at in card.get("PrivateIpAddresses", [])]
    addresses += [at.get("Ipv6Address", "") for card in cards for at in card.get("Ipv6Addresses", [])]
    zone = raw.get("Placement", {}).get("AvailabilityZone", "")
    known = tuple(dict.fromkeys(filter(None, addresses)))
    return Instance(raw["InstanceId"], tags.get("Name", ""), zone, raw.get("VpcId", ""), known, tags)
