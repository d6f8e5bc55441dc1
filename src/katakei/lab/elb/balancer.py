"""Load balancers, listeners and rules as frozen values. Actions and conditions are kept as the API reads them back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from katakei.lab.address import Door

Wire = Mapping[str, Any]  # one structure in AWS's own words, as a read shows it


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone enabled on a load balancer, and the subnet that stands for it."""

    name: str
    subnet: str


@dataclass(frozen=True, slots=True)
class Balancer:
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
    door: Door
    actions: tuple[Wire, ...]
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
    conditions: tuple[Wire, ...]
    actions: tuple[Wire, ...]


def forwarded(actions: tuple[Wire, ...]) -> frozenset[str]:
    """The ARNs of every group these actions forward to, also with weight 0."""
    found: set[str] = set()
    for action in actions:
        if action["Type"] == "forward":
            found |= {group["TargetGroupArn"] for group in action["ForwardConfig"]["TargetGroups"]}
    return frozenset(found)
