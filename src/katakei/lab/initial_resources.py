"""The resources that a lab starts with: a VPC, servers, a load balancer and a target group with healthy targets.

They are made by ordinary API calls from inside the lab, which are neither counted nor throttled.
"""

import threading
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from katakei.lab import clock
from katakei.lab.address import Block
from katakei.lab.ec2.region import Region
from katakei.lab.elb.history import Timeline
from katakei.lab.elb.service import Elb
from katakei.lab.errors import LabError
from katakei.lab.options import BALANCER, GROUP, REGION, LabOptions

HEALTHY_WITHIN = 30.0
ZONES = tuple(f"{REGION}{letter}" for letter in "acd")
CHECK = {
    "HealthCheckProtocol": "HTTP",
    "HealthCheckPort": "traffic-port",
    "HealthCheckPath": "/health",
    "HealthyThresholdCount": 2,
    "UnhealthyThresholdCount": 2,
    "Matcher": {"HttpCode": "200"},
}


@dataclass(frozen=True, slots=True)
class InitialResources:
    """The resources that were made. `url` is where the load balancer listens; the ids are in order of launch."""

    target_group_arn: str
    load_balancer_arn: str
    url: str
    instance_ids: tuple[str, ...]


def create_resources(
    options: LabOptions, block: Block, region: Region, elb: Elb, ending: threading.Event
) -> InitialResources | None:
    """Make all resources and wait until the targets are healthy.

    Returns:
        The resources, or None if `ending` was set meanwhile.

    Raises:
        LabError: a step took too long.
    """
    normal = elb.target_state.switches
    elb.target_state.set_switches(propagation=timedelta(0), lag=timedelta(0))
    vpc, subnets = region.put_on_loopback(block, ZONES)
    ids = _launch(options, region, subnets)
    group, balancer, url = _balance(options, elb, vpc, subnets)
    steps: tuple[tuple[Callable[[], bool], str], ...] = (
        (lambda: all(region.state(one) == "running" for one in ids), "the servers did not start"),
        (lambda: _registered(elb, group, ids), "the servers could not be registered"),
        (lambda: _healthy(elb, group), "the targets did not become healthy"),
        (lambda: not ids or _answers(url), "the load balancer did not answer"),
    )
    for is_done, message in steps:
        if not _wait_until(is_done, ending):
            raise LabError(f"{message} within {HEALTHY_WITHIN:g} s")
    if ending.is_set():
        return None
    _backdate_registrations(elb)
    elb.target_state.set_switches(propagation=normal.propagation, lag=options.lag)
    return InitialResources(group, balancer, url, ids)


def _wait_until(is_done: Callable[[], bool], ending: threading.Event) -> bool:
    return clock.wait_for(lambda: ending.is_set() or is_done(), HEALTHY_WITHIN)


def _launch(options: LabOptions, region: Region, subnets: Mapping[str, str]) -> tuple[str, ...]:
    zones = options.zone_names
    return tuple(region.launch(f"web-{n + 1}", subnets[zones[n % len(zones)]]) for n in range(options.targets))


def _balance(options: LabOptions, elb: Elb, vpc: str, subnets: Mapping[str, str]) -> tuple[str, str, str]:
    """Returns the ARN of the group, the ARN of the load balancer and the URL of its listener."""
    zones = options.zone_names if len(options.zones) > 1 else ZONES  # an ALB needs at least two
    balancer = elb.call("CreateLoadBalancer", {"Name": BALANCER, "Subnets": [subnets[zone] for zone in zones]})
    balancer_arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    group_arn = _group(options, elb, vpc)
    listener = elb.call(
        "CreateListener",
        {
            "LoadBalancerArn": balancer_arn,
            "Protocol": "HTTP",
            "Port": 80,
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": group_arn}],
        },
    )
    return group_arn, balancer_arn, elb.url(listener["Listeners"][0]["ListenerArn"])


def _group(options: LabOptions, elb: Elb, vpc: str) -> str:
    interval = options.interval.total_seconds()
    made = elb.call(
        "CreateTargetGroup",
        {
            "Name": GROUP,
            "Protocol": "HTTP",
            "Port": options.port,
            "VpcId": vpc,
            "HealthCheckIntervalSeconds": interval,
            "HealthCheckTimeoutSeconds": min(5, interval / 2),
        }
        | CHECK,
    )
    arn = str(made["TargetGroups"][0]["TargetGroupArn"])
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": str(int(options.delay.total_seconds()))}
    elb.call("ModifyTargetGroupAttributes", {"TargetGroupArn": arn, "Attributes": [delay]})
    return arn


def _registered(elb: Elb, group: str, ids: Sequence[str]) -> bool:
    if ids:
        elb.call("RegisterTargets", {"TargetGroupArn": group, "Targets": [{"Id": one} for one in ids]})
    return True


def _healthy(elb: Elb, group: str) -> bool:
    shown = elb.call("DescribeTargetHealth", {"TargetGroupArn": group})["TargetHealthDescriptions"]
    return all(one["TargetHealth"]["State"] == "healthy" for one in shown)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2):  # noqa: S310 - an http address of this lab
            return True
    except OSError:  # refused, reset, or an error status
        return False


def _backdate_registrations(elb: Elb) -> None:
    """Date the registrations back by a day.

    With a lag the data plane sees the past. A new lab has no past, so its data plane would answer 503.
    """
    target_state = elb.target_state
    with target_state.locked() as now:
        for group in target_state.groups():
            aged = {key: replace(r, since=r.since - timedelta(days=1)) for key, r in group.registrations.items()}
            target_state.timelines[group.arn] = Timeline(replace(group, registrations=aged), now)
