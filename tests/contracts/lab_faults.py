"""What the contract of balancers needs of a lab beyond the balancer: faults on demand, and a second group."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from tests.lab.credentials import keys_of

from katakei.domain.model import Arn
from katakei.lab.process import Lab


@contextmanager
def faults(lab: Lab, **wished: Any) -> Iterator[None]:
    """Sets these faults for as long as the context lasts."""
    calm: dict[str, Any] = {name: [] if isinstance(value, list) else 0.0 for name, value in wished.items()}
    lab.faults(**wished)
    try:
        yield
    finally:
        lab.faults(**calm)


@contextmanager
def ip_group(lab: Lab, like: Arn) -> Iterator[Arn]:
    """Makes a group of type ip in the same VPC, which no listener uses."""
    elb: Any = boto3.Session(region_name=lab.env["AWS_REGION"]).client("elbv2", **keys_of(lab.env))
    vpc = elb.describe_target_groups(TargetGroupArns=[like])["TargetGroups"][0]["VpcId"]
    made = elb.create_target_group(Name="by-address", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip")
    arn = Arn(made["TargetGroups"][0]["TargetGroupArn"])
    try:
        yield arn
    finally:
        elb.delete_target_group(TargetGroupArn=arn)
        elb.close()
