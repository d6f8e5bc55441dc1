"""A target group as a frozen value: its settings, who is registered, and what each registration has been through.

Only shapes live here; what happens to them is in `states`.
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
    """What an Id of this group names."""

    INSTANCE = "instance"
    IP = "ip"
    LAMBDA = "lambda"
    ALB = "alb"


class InstancePower(Enum):
    """As much of an instance's state as a load balancer cares for."""

    RUNNING = "running"
    STOPPED = "stopped"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class Check:
    """How the targets of a group are checked; `port` is a number or `traffic-port`."""

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
    """What makes a registration: the same Id may be registered once per port. A lambda has no port."""

    id: str
    port: int | None


@dataclass(frozen=True, slots=True)
class Registration:
    """One registration. `since` is when its health began anew: registered, started again, or group taken into use.

    `shown_zone` is what the API shows (ip and lambda targets only), `zone` where the target really is.
    `unusable` is a lasting reason why it never gets traffic.
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
    """A target group and its registrations in the order they came.

    `in_use`: a listener or rule forwards to it, also with weight 0. `zones`: the zones enabled on its load balancer.
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
        """The deregistration delay that new deregistrations get."""
        return timedelta(seconds=int(self.attributes.get("deregistration_delay.timeout_seconds", "300")))


ApiStructure = Mapping[str, Any]  # one structure in AWS's own words, as a read shows it


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone enabled on a load balancer, and the subnet that stands for it."""

    name: str
    subnet: str


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """A load balancer. `node` is the loopback address its listeners are bound to, and its DNSName too."""

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
    """A listener: the port the API says, the door really bound, and the actions of its default rule."""

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
    """A rule of a listener other than its default one."""

    arn: str
    listener: str
    priority: int
    conditions: tuple[ApiStructure, ...]
    actions: tuple[ApiStructure, ...]


def forwarded(actions: tuple[ApiStructure, ...]) -> frozenset[str]:
    """The ARNs of every group these actions forward to, also with weight 0."""
    found: set[str] = set()
    for action in actions:
        if action["Type"] == "forward":
            found |= {group["TargetGroupArn"] for group in action["ForwardConfig"]["TargetGroups"]}
    return frozenset(found)
