"""A second target group of a running lab, with servers of its own and a listener that forwards to it."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.lab.credentials import client_of

from katakei.lab.options import REGION
from katakei.lab.process import Lab

ZONE = f"{REGION}a"
READY: Mapping[str, int] = {"Delay": 1, "MaxAttempts": 60}
SECONDS = 5
"""Between two health checks: the least that AWS allows."""


def add_group(lab: Lab, name: str, servers: int, *, listener_port: int | None, delay: int) -> str:
    """Starts servers and puts them into a new group of the lab's load balancer.

    Args:
        lab: The lab.
        name: The name of the group, and of its servers with their number.
        servers: How many.
        listener_port: The port on which the load balancer forwards to the group; None: no listener does.
        delay: The deregistration delay in seconds.

    Returns:
        The ARN of the group, as soon as all its targets are healthy; without a listener AWS does not check them.
    """
    ec2, elb = client_of(lab.env, "ec2"), client_of(lab.env, "elbv2")
    zone = {"AvailabilityZone": ZONE}
    made = ec2.run_instances(MinCount=servers, MaxCount=servers, Placement=zone)["Instances"]
    ids = [each["InstanceId"] for each in made]
    _name(ec2, ids, name)
    group = elb.create_target_group(
        Name=name,
        Protocol="HTTP",
        Port=lab.targets[0].port,
        VpcId=made[0]["VpcId"],
        HealthCheckPath="/health",
        HealthCheckIntervalSeconds=SECONDS,
        HealthCheckTimeoutSeconds=2,
        HealthyThresholdCount=2,
    )
    arn = str(group["TargetGroups"][0]["TargetGroupArn"])
    attributes = [{"Key": "deregistration_delay.timeout_seconds", "Value": str(delay)}]
    elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes)
    forward = [{"Type": "forward", "TargetGroupArn": arn}]
    if listener_port:
        elb.create_listener(
            LoadBalancerArn=lab.load_balancer_arn, Protocol="HTTP", Port=listener_port, DefaultActions=forward
        )
    ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig=READY)
    targets = [{"Id": each} for each in ids]
    elb.register_targets(TargetGroupArn=arn, Targets=targets)
    if listener_port:
        elb.get_waiter("target_in_service").wait(TargetGroupArn=arn, WaiterConfig=READY)
    return arn


def _name(ec2: Any, ids: Sequence[str], name: str) -> None:
    for number, each in enumerate(ids, 1):
        ec2.create_tags(Resources=[each], Tags=[{"Key": "Name", "Value": f"{name}-{number}"}])
