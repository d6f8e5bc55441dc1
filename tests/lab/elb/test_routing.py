"""Load balancers made through the API: ports open, rules and weights route requests, and no request is lost."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from tests.lab.credentials import keys_of
from tests.lab.http_client import Client, address_of, get

from katakei.lab import clock
from katakei.lab.options import LabOptions
from katakei.lab.process import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(LabOptions(interval=timedelta(seconds=0.5), delay=timedelta(seconds=2))) as lab:
        yield lab


@pytest.fixture
def elb(lab: Lab) -> ElasticLoadBalancingv2Client:
    client: ElasticLoadBalancingv2Client = boto3.client("elbv2", **keys_of(lab.env))
    return client


class RepeatingClient:
    """A keep-alive client that sends requests until it is stopped and counts the statuses; 0: connection broken."""

    def __init__(self, url: str) -> None:
        self.counts: Counter[int] = Counter()
        self._url = url
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with Client(address_of(self._url)) as client:
            while not self._closing.is_set():
                self.counts[client.get().status] += 1

    def end(self) -> Counter[int]:
        self._closing.set()
        self._thread.join(10)
        return self.counts


def becomes(status: int, url: str, path: str = "/") -> bool:
    return clock.wait_for(lambda: get(url, path).status == status, 5, every=0.05)


def test_second_load_balancer_loses_no_request_of_the_first(lab: Lab, elb: ElasticLoadBalancingv2Client) -> None:
    load = RepeatingClient(lab.url)
    first = elb.describe_load_balancers(LoadBalancerArns=[lab.load_balancer_arn])["LoadBalancers"][0]
    subnets = [zone["SubnetId"] for zone in first["AvailabilityZones"]]
    made = elb.create_load_balancer(Name="second", Subnets=subnets)["LoadBalancers"][0]
    vpc = made["VpcId"]
    group = elb.create_target_group(Name="blue", Protocol="HTTP", Port=lab.targets[0].port, VpcId=vpc)
    blue = group["TargetGroups"][0]["TargetGroupArn"]
    elb.modify_target_group(TargetGroupArn=blue, HealthCheckPath="/health", HealthCheckIntervalSeconds=6)
    fixed: Any = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "418", "MessageBody": "tea"}}]
    listener = elb.create_listener(
        LoadBalancerArn=made["LoadBalancerArn"], Port=8088, Protocol="HTTP", DefaultActions=fixed
    )["Listeners"][0]["ListenerArn"]
    url = f"http://{made['DNSName']}:8088"
    assert becomes(418, url)
    forward: Any = [{"Type": "forward", "TargetGroupArn": blue}]
    path: Any = [{"Field": "path-pattern", "Values": ["/app/*"]}]
    rule = elb.create_rule(ListenerArn=listener, Priority=1, Conditions=path, Actions=forward)["Rules"][0]["RuleArn"]
    assert becomes(503, url, "/app/x")
    elb.register_targets(TargetGroupArn=blue, Targets=[{"Id": lab.targets[0].id}])
    assert clock.wait_for(lambda: lab.targets[0].id in get(url, "/app/x").body or get(url, "/app/x").status == 404, 8)
    moved: Any = [{"Field": "path-pattern", "Values": ["/other/*"]}]
    elb.modify_rule(RuleArn=rule, Conditions=moved)
    assert becomes(418, url, "/app/x")
    elb.modify_listener(ListenerArn=listener, Port=8089)
    assert becomes(418, f"http://{made['DNSName']}:8089")
    assert becomes(0, url)
    elb.delete_rule(RuleArn=rule)
    elb.delete_listener(ListenerArn=listener)
    assert becomes(0, f"http://{made['DNSName']}:8089")
    elb.delete_load_balancer(LoadBalancerArn=made["LoadBalancerArn"])
    elb.delete_target_group(TargetGroupArn=blue)
    counts = load.end()
    assert set(counts) == {200}
    assert counts[200] > 100


def test_weight_shift_loses_no_request(lab: Lab, elb: ElasticLoadBalancingv2Client) -> None:
    load = RepeatingClient(lab.url)
    one, two = lab.targets
    vpc = elb.describe_target_groups(TargetGroupArns=[lab.target_group_arn])["TargetGroups"][0]["VpcId"]
    made = elb.create_target_group(Name="green", Protocol="HTTP", Port=two.port, VpcId=vpc, HealthCheckPath="/health")
    green = made["TargetGroups"][0]["TargetGroupArn"]
    listener = elb.describe_listeners(LoadBalancerArn=lab.load_balancer_arn)["Listeners"][0]["ListenerArn"]

    def weigh(old: int, new: int) -> None:
        groups = [{"TargetGroupArn": lab.target_group_arn, "Weight": old}, {"TargetGroupArn": green, "Weight": new}]
        actions: Any = [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]
        elb.modify_listener(ListenerArn=listener, DefaultActions=actions)

    weigh(1, 0)
    elb.register_targets(TargetGroupArn=green, Targets=[{"Id": two.id}])
    waiter = elb.get_waiter("target_in_service")
    waiter.wait(TargetGroupArn=green, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    weigh(0, 1)
    assert clock.wait_for(lambda: all(two.id in get(lab.url).body for _ in range(10)), 5)
    weigh(1, 0)
    assert clock.wait_for(lambda: any(one.id in get(lab.url).body for _ in range(10)), 5)
    assert set(load.end()) == {200}
