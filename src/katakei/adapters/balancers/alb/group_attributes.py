"""A target group as a `Group`: its attributes, and what its load balancers and members add. No calls.

Where an answer is silent the documented default holds (ELBv2 shapes TargetGroupAttribute and LoadBalancerAttribute).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from katakei.adapters.balancers.alb.target_health import GroupListing
from katakei.domain.model import Arn, Group, HealthCheck, Minimum, TargetType

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import TargetGroupTypeDef

Attributes = Mapping[str, str]
_MINIMA = tuple(
    f"target_group_health.{of}.minimum_healthy_targets" for of in ("unhealthy_state_routing", "dns_failover")
)


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """A load balancer: its `Type` and its attributes."""

    type: str
    attributes: Attributes


def read_group(
    raw: "TargetGroupTypeDef",
    attributes: Attributes,
    balancers: Sequence[LoadBalancer],
    listing: GroupListing,
) -> Group:
    """Returns one group.

    Args:
        raw: the group in the answer of DescribeTargetGroups.
        attributes: its attributes.
        balancers: the load balancers that use it.
        listing: its members.

    """
    return Group(
        arn=Arn(raw["TargetGroupArn"]),
        name=raw["TargetGroupName"],
        port=raw.get("Port", 0),
        protocol=raw.get("Protocol", ""),
        protocol_version=raw.get("ProtocolVersion", ""),
        target_type=TargetType(raw.get("TargetType", "instance")),
        delay=_seconds(attributes, "deregistration_delay.timeout_seconds", 300),
        idle_timeout=max((_idle(one) for one in balancers), default=timedelta(seconds=60)),
        check=_check(raw),
        cross_zone=_cross_zone(attributes, balancers),
        slow_start=_seconds(attributes, "slow_start.duration_seconds", 0),
        minima=tuple(_minima(attributes)),
        load_balancers=tuple(Arn(arn) for arn in raw.get("LoadBalancerArns", [])),
        balancer_type=next((b.type for b in sorted(balancers, key=lambda b: b.type == "application")), ""),
        autoscaling=listing.auto_scaling_groups,
        zonal_shift=listing.shifted_zones,
        sticky=_sticky(attributes),
        target_control="TargetControlPort" in raw,
    )


def _seconds(attributes: Attributes, name: str, default: int) -> timedelta:
    return timedelta(seconds=int(attributes.get(name, default)))


def _sticky(attributes: Attributes) -> timedelta | None:
    if attributes.get("stickiness.enabled") != "true":
        return None
    kind = attributes.get("stickiness.type", "lb_cookie")
    return _seconds(attributes, f"stickiness.{kind}.duration_seconds", 86400)


def _idle(balancer: LoadBalancer) -> timedelta:
    return _seconds(balancer.attributes, "idle_timeout.timeout_seconds", 60)


def _cross_zone(attributes: Attributes, balancers: Sequence[LoadBalancer]) -> bool:
    """`use_load_balancer_configuration` (the default) means always on for an ALB, its own attribute for the others."""
    own = attributes.get("load_balancing.cross_zone.enabled", "use_load_balancer_configuration")
    if own != "use_load_balancer_configuration":
        return own == "true"
    others = [one for one in balancers if one.type != "application"]
    return all(one.attributes.get("load_balancing.cross_zone.enabled") == "true" for one in others)


def _minima(attributes: Attributes) -> Iterator[Minimum]:
    for name in _MINIMA:
        count, percent = attributes.get(f"{name}.count", "off"), attributes.get(f"{name}.percentage", "off")
        if not count == percent == "off":
            yield Minimum(name, *(None if of == "off" else int(of) for of in (count, percent)))


def _check(raw: "TargetGroupTypeDef") -> HealthCheck:
    port, matcher = raw.get("HealthCheckPort", "traffic-port"), raw.get("Matcher", {})
    return HealthCheck(
        protocol=raw.get("HealthCheckProtocol", ""),
        port=None if port == "traffic-port" else int(port),
        path=raw.get("HealthCheckPath", ""),
        matcher=matcher.get("HttpCode", "") or matcher.get("GrpcCode", ""),
        interval=timedelta(seconds=raw.get("HealthCheckIntervalSeconds", 30)),
        timeout=timedelta(seconds=raw.get("HealthCheckTimeoutSeconds", 5)),
        healthy_threshold=raw.get("HealthyThresholdCount", 5),
        unhealthy_threshold=raw.get("UnhealthyThresholdCount", 2),
    )
