"""Port through which ELBv2 reads instances, subnets and addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from katakei.lab.address import BoundAddress


@dataclass(frozen=True, slots=True)
class Ec2Instance:
    """An EC2 instance. `state` is EC2's name for its state (pending, running, stopping, stopped, ...)."""

    id: str
    state: str
    zone: str
    address: str
    vpc: str


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet with its zone, VPC and network."""

    id: str
    zone: str
    vpc: str
    cidr: str


class Environment(Protocol):
    """One region of one account. Read only."""

    def instance(self, instance: str, /) -> Ec2Instance | None:
        """Returns the instance with this id, also if it is stopped or terminated."""

    def instance_at(self, address: str, /) -> Ec2Instance | None:
        """Returns the instance with this private address."""

    def subnet(self, subnet: str, /) -> Subnet | None:
        """Returns the subnet with this id."""

    def subnets(self, vpc: str, /) -> tuple[Subnet, ...]:
        """Returns all subnets of a VPC."""

    def vpc_cidrs(self, vpc: str, /) -> tuple[str, ...]:
        """Returns the networks of a VPC; none if the VPC does not exist."""

    def bound_address(self, target: str, port: int, /) -> BoundAddress:
        """Returns where a target (instance id or address) really listens for an API port."""
