"""Regions and accounts of one lab: each has resources of its own, and all of them work."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.lab.conftest import Clients
from tests.lab.credentials import client_of

from katakei.lab import clock
from katakei.lab.process import Lab

pytestmark = pytest.mark.lab
CHECK = {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2, "HealthCheckPath": "/health"}


@dataclass(frozen=True, slots=True)
class Place:
    """What was made in one region: a group in use with one healthy server."""

    clients: Clients
    group: str
    instance: str
    url: str


def role(lab: Lab, account: str) -> dict[str, str]:
    """Returns the variables of a person who assumed a role in another account."""
    sts = client_of(lab.env, "sts")
    made = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/deploy", RoleSessionName="kim")["Credentials"]
    return lab.env | {
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
        "AWS_SESSION_TOKEN": made["SessionToken"],
    }


@contextmanager
def place(lab: Lab, env: Mapping[str, str]) -> Iterator[Place]:
    clients = Clients(env)
    ec2, elb = clients.get("ec2"), clients.get("elbv2")
    subnets = ec2.describe_subnets()["Subnets"][:2]
    instance = ec2.run_instances(MinCount=1, MaxCount=1, SubnetId=subnets[0]["SubnetId"])["Instances"][0]["InstanceId"]
    port = lab.targets[0].port
    made = elb.create_target_group(Name="web", Protocol="HTTP", Port=port, VpcId=subnets[0]["VpcId"], **CHECK)
    group = made["TargetGroups"][0]["TargetGroupArn"]
    balancer = elb.create_load_balancer(Name="web", Subnets=[subnet["SubnetId"] for subnet in subnets])
    arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    listener = elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=8088, DefaultActions=forward)
    url = f"http://{balancer['LoadBalancers'][0]['DNSName']}:8088"
    try:
        ec2.get_waiter("instance_running").wait(InstanceIds=[instance], WaiterConfig={"Delay": 1})
        elb.register_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
        clients.becomes(group, instance, "healthy")
        yield Place(clients, group, instance, url)
    finally:
        elb.delete_listener(ListenerArn=listener["Listeners"][0]["ListenerArn"])
        elb.delete_load_balancer(LoadBalancerArn=arn)
        elb.delete_target_group(TargetGroupArn=group)
        ec2.terminate_instances(InstanceIds=[instance])


def served_by(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - the lab's own http address
        return str(json.load(answer)["instance"])


def ran(clients: Clients, instance: str, command: str) -> str:
    ssm = clients.get("ssm")
    sent = ssm.send_command(
        InstanceIds=[instance], DocumentName="AWS-RunShellScript", Parameters={"commands": [command]}
    )["Command"]["CommandId"]

    def ended() -> bool:
        found = ssm.list_command_invocations(CommandId=sent)["CommandInvocations"]
        return bool(found) and found[0]["Status"] == "Success"

    assert clock.wait_for(ended, 15, 0.1)
    return str(ssm.get_command_invocation(CommandId=sent, InstanceId=instance)["StandardOutputContent"])


@pytest.mark.parametrize("where", ["another region", "another account"])
def test_group_elsewhere_is_served_and_separate(lab: Lab, clients: Clients, where: str) -> None:
    env = lab.env | {"AWS_REGION": "us-east-1"} if where == "another region" else role(lab, "222233334444")
    with place(lab, env) as there:
        assert clock.wait_for(lambda: served_by(there.url) == there.instance, 5)
        assert ran(there.clients, there.instance, "echo $KATAKEI_LAB_INSTANCE").strip() == there.instance
        arn = there.group.split(":")
        expected = ("us-east-1", "123456789012") if where == "another region" else ("ap-northeast-1", "222233334444")
        assert (arn[3], arn[4]) == expected

        with pytest.raises(ClientError, match="TargetGroupNotFound"):
            clients.get("elbv2").describe_target_health(TargetGroupArn=there.group)
        with pytest.raises(ClientError, match="TargetGroupNotFound"):
            there.clients.get("elbv2").describe_target_health(TargetGroupArn=lab.target_group_arn)
        with pytest.raises(ClientError, match="InvalidInstanceId"):
            ran(clients, there.instance, "true")
        with pytest.raises(ClientError, match="InvalidInstanceId"):
            ran(there.clients, lab.targets[0].id, "true")
        nodes = there.clients.get("ssm").describe_instance_information()["InstanceInformationList"]
        assert [node["InstanceId"] for node in nodes] == [there.instance]
        assert len(there.clients.get("ssm").list_commands()["Commands"]) == 1
        assert there.instance in {entry.get("id") for entry in lab.history()}

        there.clients.get("ec2").stop_instances(InstanceIds=[there.instance])
        there.clients.becomes(there.group, there.instance, "unused")
        lab.faults(target_dead=[])


def test_region_that_does_not_exist_is_refused(lab: Lab) -> None:
    for service, call in (("elbv2", "describe_target_groups"), ("ssm", "list_commands")):
        client = client_of(lab.env, service, region_name="mars-north-1")
        with pytest.raises(ClientError, match="valid region") as caught:
            getattr(client, call)()
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500


def test_own_group_serves_while_others_exist(lab: Lab) -> None:
    assert {served_by(lab.url) for _ in range(10)} == {target.id for target in lab.targets}
    assert (Path(lab.targets[0].folder) / "release").exists()
