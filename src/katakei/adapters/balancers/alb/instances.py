"""EC2 instances as far as a balancer needs them: names, zones, and the addresses that groups may list. No calls."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katakei.domain.outside_text import one_line

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

_AUTO_SCALING_TAG = "aws:autoscaling:groupName"


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance. `addresses` are all of its private ones, the primary first."""

    id: str
    name: str
    zone: str
    vpc: str
    addresses: tuple[str, ...]
    tags: Mapping[str, str]
    windows: bool = False

    @property
    def address(self) -> str | None:
        """The primary private IP, which gets an instance target's traffic. None when it has none (terminated)."""
        return next(iter(self.addresses), None)

    @property
    def auto_scaling_group(self) -> str | None:
        """The Auto Scaling group that owns it, or None.

        Auto Scaling tags its instances, and only AWS may set `aws:` tags. Reading the tag needs no permission for
        Auto Scaling, so a missing permission cannot hide the owner.
        """
        return self.tags.get(_AUTO_SCALING_TAG) or None


class InstanceIndex:
    """Instances by what a registration may call them: the id, or a private IP.

    An IP means an instance only within the group's own VPC. In another VPC the same IP may be another machine.
    """

    def __init__(self, instances: Iterable[Instance]) -> None:
        self._by_id = {one.id: one for one in instances}
        self._by_ip = {(one.vpc, ip): one for one in self._by_id.values() for ip in one.addresses}

    def find(self, vpc: str, name: str) -> Instance | None:
        """Returns the instance that a group of this VPC lists under `name`; None when the account has none such."""
        return self._by_id.get(name) or self._by_ip.get((vpc, name))


def read_instance(raw: "InstanceTypeDef") -> Instance:
    """Returns one instance of a DescribeInstances answer."""
    tags = {tag["Key"]: tag["Value"] for tag in raw.get("Tags", [])}
    interfaces = raw.get("NetworkInterfaces", [])
    addresses = [raw.get("PrivateIpAddress", "")]
    addresses += [ip.get("PrivateIpAddress", "") for one in interfaces for ip in one.get("PrivateIpAddresses", [])]
    addresses += [ip.get("Ipv6Address", "") for one in interfaces for ip in one.get("Ipv6Addresses", [])]
    zone = raw.get("Placement", {}).get("AvailabilityZone", "")
    known = tuple(dict.fromkeys(filter(None, addresses)))
    windows = raw.get("Platform", "").lower() == "windows"  # EC2 gives no other value, and none for Linux
    name = one_line(tags.get("Name", ""))
    return Instance(raw["InstanceId"], name, zone, raw.get("VpcId", ""), known, tags, windows)
