"""The things of the field as values: registrations, targets, groups.

Plain facts without behaviour that could surprise; nothing here knows how a fact was learnt.
"""

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
    """One place of a target in a group: (group, id, port, zone), the key ELBv2 itself uses.

    `id` is written as the group knows it (an instance id, or an IP); `zone` only where it was given at
    registration, because ELBv2 hides a target when asked with another zone.
    """

    group: Arn
    id: str
    port: int
    zone: str | None = None

    @property
    def door(self) -> tuple[str, int]:
        """Where its group sends requests, whether or not a zone was written down."""
        return self.id, self.port


@dataclass(frozen=True, slots=True)
class Target:
    """One machine, with every registration it has in the configured groups.

    `zone` is where the machine stands (floors are kept per zone), `address` its private IP, `name` its Name tag or ''.
    """

    id: TargetId
    name: str
    address: str
    zone: str
    registrations: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How the load balancer itself asks whether a target is well (ELBv2 `HealthCheck*`; `port` None = traffic port)."""

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
    """A group's own health minimum (`target_group_health.*.minimum_healthy_targets`): a count, a per cent, or off."""

    name: str
    count: int | None
    percent: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """A target group with the attributes that decide how it may be rolled; read from AWS, recorded in the plan.

    `load_balancers` is empty when no listener or rule forwards to the group. `balancer_type` is 'application' for an
    ALB (what ELBv2 calls `Type`), '' when no load balancer uses the group. `autoscaling` names the Auto Scaling
    groups that own a member, `zonal_shift` the zones shifted away now.
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
