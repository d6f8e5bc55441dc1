"""What the load balancer asks of the world around it: instances, subnets, addresses, doors. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from katakei.lab.address import BoundAddress


@dataclass(frozen=True, slots=True)
class Ec2Instance:
    """An EC2 instance; `state` is EC2's word for it (pending, running, stopping, stopped, ...)."""

    id: str
    state: str
    zone: str
    address: str
    vpc: str


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet: its zone, its VPC, its addresses."""

    id: str
    zone: str
    vpc: str
    cidr: str


class Environment(Protocol):
    """One region of one account."""

    def instance(self, instance: str, /) -> Ec2Instance | None:
        """The instance of this id, also while it is stopped or terminated."""

    def instance_at(self, address: str, /) -> Ec2Instance | None:
        """The instance that holds this private address."""

    def subnet(self, subnet: str, /) -> Subnet | None:
        """The subnet of this id."""

    def subnets(self, vpc: str, /) -> tuple[Subnet, ...]:
        """All subnets of a VPC."""

    def vpc_cidrs(self, vpc: str, /) -> tuple[str, ...]:
        """The networks of a VPC; empty when there is no such VPC."""

    def bound_address(self, target: str, port: int, /) -> BoundAddress:
        """Where a target (instance id or address) really answers for the port the API says."""
