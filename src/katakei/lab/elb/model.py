"""Target groups, registrations, load balancers, listeners and rules as frozen values.

Actions and conditions are kept in the form in which the API shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from katakei.lab.address import BoundAddress
    from katakei.lab.elb.health_codes import Health


class TargetType(StrEnum):
    """What an Id of the group names."""

    INSTANCE = "instance"
    IP = "ip"
    LAMBDA = "lambda"
    ALB = "alb"


class InstancePower(Enum):
    """The part of an instance's state that a load balancer reacts to."""

    RUNNING = "running"
    STOPPED = "stopped"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class Check:
    """The health check of a group. `port` is a number or `traffic-port`."""

    protocol: str = "HTTP"
    port: str = "traffic-port"
    path: str | None = "/"
    interval: timedelta = timedelta(seconds=30)
    timeout: timedelta = timedelta(seconds=5)
    healthy: int = 5
    unhealthy: int = 2
    matcher: str | None = "200"
    enabled: bool = True


@dataclass(frozen=True, slots=True, order=True)
class TargetKey:
    """The identity of a registration: one Id may be registered once for each port. A lambda has no port."""

    id: str
    port: int | None


@dataclass(frozen=True, slots=True)
class Registration:
    """One registration.

    Attributes:
        since: when its health was last reset: registered, started again, or group taken into use.
        zone: where the target really is.
        shown_zone: the zone that the API shows (ip and lambda targets only).
        unusable: a permanent reason why it never gets traffic.
    """

    key: TargetKey
    since: datetime
    zone: str | None = None
    shown_zone: str | None = None
    power: InstancePower = InstancePower.RUNNING
    health: Health | None = None
    passes: int = 0
    failures: int = 0
    drain_until: datetime | None = None
    terminated_at: datetime | None = None
    unusable: Health | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A target group and its registrations in order of registration.

    Attributes:
        in_use: a listener or rule forwards to it, also with weight 0.
        zones: the zones enabled on its load balancer.
    """

    arn: str
    name: str
    port: int | None
    protocol: str | None
    vpc: str | None = None
    version: str | None = None
    target_type: TargetType = TargetType.INSTANCE
    ip_type: str | None = "ipv4"
    check: Check = Check()
    attributes: Mapping[str, str] = field(default_factory=dict)
    in_use: bool = False
    zones: frozenset[str] = frozenset()
    registrations: Mapping[TargetKey, Registration] = field(default_factory=dict)

    @property
    def delay(self) -> timedelta:
        """The deregistration delay of new deregistrations."""
        return timedelta(seconds=int(self.attributes.get("deregistration_delay.timeout_seconds", "300")))


ApiStructure = Mapping[str, Any]  # one structure as the API shows it


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone that is enabled on a load balancer, with its subnet."""

    name: str
    subnet: str


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """A load balancer. `node` is the loopback address of its listeners, and its DNSName."""

    arn: str
    name: str
    node: str
    scheme: str
    kind: str
    vpc: str
    created: datetime
    zones: tuple[Zone, ...]
    security_groups: tuple[str, ...] = ()
    ip_type: str = "ipv4"
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener: the API's port, the bound address, and the actions of its default rule."""

    arn: str
    balancer: str
    port: int
    protocol: str
    bound_address: BoundAddress
    actions: tuple[ApiStructure, ...]
    default_rule: str
    ssl_policy: str | None = None
    certificates: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a listener, other than the default rule."""

    arn: str
    listener: str
    priority: int
    conditions: tuple[ApiStructure, ...]
    actions: tuple[ApiStructure, ...]


def forwarded(actions: tuple[ApiStructure, ...]) -> frozenset[str]:
    """Returns the ARNs of every group that these actions forward to, also with weight 0."""
    found: set[str] = set()
    for action in actions:
        if action["Type"] == "forward":
            found |= {group["TargetGroupArn"] for group in action["ForwardConfig"]["TargetGroups"]}
    return frozenset(found)
