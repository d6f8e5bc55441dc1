"""Builders of groups and targets like those of a typical first user."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from katakei.domain.model import Arn, Group, HealthCheck, Registration, Target, TargetId, TargetType


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def group(name: str = "web", *, delay: float = 40, ip: bool = False, slow_start: float = 0) -> Group:
    check = HealthCheck("HTTP", None, "/health", "200", seconds(10), seconds(5), 2, 2)
    return Group(
        arn=Arn(f"arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/{name}/0123456789abcdef"),
        name=name,
        port=80,
        protocol="HTTP",
        protocol_version="HTTP1",
        target_type=TargetType.IP if ip else TargetType.INSTANCE,
        delay=seconds(delay),
        idle_timeout=seconds(60),
        check=check,
        cross_zone=True,
        slow_start=seconds(slow_start),
        minima=(),
        load_balancers=(Arn("arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/lb/1"),),
        balancer_type="application",
    )


def target(number: int, groups: Iterable[Group], zones: Sequence[str] = ("a", "c")) -> Target:
    name = TargetId(f"i-{number:017x}")
    places = tuple(Registration(group.arn, name, group.port) for group in groups)
    return Target(name, f"web{number}", f"10.0.0.{number}", zones[number % len(zones)], places)
