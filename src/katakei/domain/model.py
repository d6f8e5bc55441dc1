"""Registrations, targets and target groups as values: the facts that AWS gives about them."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import NewType

Arn = NewType("Arn", str)
TargetId = NewType("TargetId", str)
RolloutId = NewType("RolloutId", str)


class TargetType(Enum):
    """What a group's registrations name (ELBv2 `TargetType`); the other types are refused by the plan."""

    INSTANCE = "instance"
    IP = "ip"
    LAMBDA = "lambda"
    ALB = "alb"


@dataclass(frozen=True, slots=True)
class Registration:
    """One registration of a target in a group: (group, id, port, zone), the key that ELBv2 itself uses.

    Attributes:
        id: As the group knows it: an instance id, or an IP address.
        zone: Only where it was given at registration; ELBv2 does not find a target when asked with another zone.
    """

    group: Arn
    id: str
    port: int
    zone: str | None = None

    def __hash__(self) -> int:
        """By the id alone, which is enough to tell registrations apart. A turn looks up thousands of them."""
        return hash(self.id)

    @property
    def door(self) -> tuple[str, int]:
        """Where its group sends requests: id and port, whether or not a zone was given."""
        return self.id, self.port


@dataclass(frozen=True, slots=True)
class Target:
    """One machine, with every registration that it has in the configured groups.

    Attributes:
        name: Its Name tag; '' without one.
        address: Its private IP address.
        zone: The zone of the machine; floors are kept per zone.
    """

    id: TargetId
    name: str
    address: str
    zone: str
    registrations: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """The health check of the load balancer (ELBv2 `HealthCheck*`); `port` None means the traffic port."""

    protocol: str
    port: int | None
    path: str
    matcher: str
    interval: timedelta
    timeout: timedelta
    healthy_threshold: int
    unhealthy_threshold: int


@dataclass(frozen=True, slots=True)
class Minimum:
    """A group's own health minimum (`target_group_health.*.minimum_healthy_targets`): a count, a percentage, or off."""

    name: str
    count: int | None
    percent: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """A target group with the attributes on which a rollout depends; read from AWS, recorded in the plan.

    Attributes:
        delay: The deregistration delay.
        load_balancers: Empty when no listener or rule forwards to the group.
        balancer_type: ELBv2 `Type`, 'application' for an ALB; '' when no load balancer uses the group.
        autoscaling: The Auto Scaling groups that own a member.
        zonal_shift: The zones that a zonal shift keeps traffic away from now.
        sticky: How long the cookie of sticky sessions lasts; None without sticky sessions.
        target_control: An agent on each target takes its requests (the target optimizer of an ALB).
    """

    arn: Arn
    name: str
    port: int
    protocol: str
    protocol_version: str
    target_type: TargetType
    delay: timedelta
    idle_timeout: timedelta
    check: HealthCheck
    cross_zone: bool
    slow_start: timedelta
    minima: tuple[Minimum, ...]
    load_balancers: tuple[Arn, ...]
    balancer_type: str
    autoscaling: tuple[str, ...] = ()
    zonal_shift: tuple[str, ...] = ()
    sticky: timedelta | None = None
    target_control: bool = False

    @property
    def plain_http(self) -> bool:
        """Whether the load balancer is an ALB that speaks plain HTTP/1.1 to the targets, which never pipelines."""
        alb = self.balancer_type in {"application", ""}
        return alb and self.protocol == "HTTP" and self.protocol_version == "HTTP1"
