"""Numbered test vectors of AWS's behavior, over HTTP with boto3 and real requests.

Delays are a few seconds instead of six; the behavior does not depend on their length.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.lab import http_client
from tests.lab.credentials import keys_of
from tests.lab.elb_harness import ONE, TWO, RunningElb, running_elb

from katakei.lab import clock
from katakei.lab.options import LabOptions
from katakei.lab.process import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

pytestmark = pytest.mark.lab
ONCE = Config(retries={"total_max_attempts": 1}, max_pool_connections=50)


@pytest.fixture
def aws() -> Iterator[RunningElb]:
    with running_elb(timedelta(milliseconds=200)) as aws:
        yield aws


def states(elb: ElasticLoadBalancingv2Client, group: str, *names: str) -> list[tuple[str, int, str, str | None]]:
    asked: Any = {"Targets": [{"Id": name} for name in names]} if names else {}
    shown = elb.describe_target_health(TargetGroupArn=group, **asked)["TargetHealthDescriptions"]
    for entry in shown:
        registered = entry["TargetHealth"].get("Reason") != "Target.NotRegistered"
        assert entry.get("AdministrativeOverride", {}).get("State") == ("no_override" if registered else None)
    return [
        (e["Target"]["Id"], e["Target"]["Port"], e["TargetHealth"]["State"], e["TargetHealth"].get("Reason"))
        for e in shown
    ]


# Vectors 1, 2, 4, 8, 9, 10 and 12: the API.


def test_vector_1_group_without_listener_is_unused(aws: RunningElb) -> None:
    elb, group = aws.client(), aws.group()
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": ONE}])
    assert states(elb, group) == [(ONE, 80, "unused", "Target.NotInUse")]
    forward: Any = [{"Type": "forward", "TargetGroupArn": group}]
    elb.create_listener(LoadBalancerArn=aws.balancer(), Port=8088, Protocol="HTTP", DefaultActions=forward)
    assert states(elb, group) == [(ONE, 80, "initial", "Elb.RegistrationInProgress")]
    assert clock.wait_for(lambda: states(elb, group) == [(ONE, 80, "healthy", None)], 5)
    assert len(aws.environment.application.seen) == 1


def test_vector_2_draining_lasts_the_whole_delay(aws: RunningElb) -> None:
    elb, group = aws.client(), in_service(aws, delay=2)
    elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": ONE, "Port": 80}])
    began = clock.monotonic()
    while clock.monotonic() < began + 1.8:
        assert states(elb, group) == [(ONE, 80, "draining", "Target.DeregistrationInProgress")]
        clock.sleep(0.2)
    assert clock.wait_for(lambda: not states(elb, group), 1)
    assert states(elb, group, ONE) == [(ONE, 80, "unused", "Target.NotRegistered")]


def test_vector_4_deregister_without_port_means_group_port(aws: RunningElb) -> None:
    elb, group = aws.client(), in_service(aws, port=8081)
    answer = elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": ONE}])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert states(elb, group) == [(ONE, 8081, "healthy", None)]
    elb.get_waiter("target_deregistered").wait(
        TargetGroupArn=group, Targets=[{"Id": ONE}], WaiterConfig={"Delay": 1, "MaxAttempts": 1}
    )
    assert states(elb, group) == [(ONE, 8081, "healthy", None)]


def test_vector_8_calls_are_throttled_until_the_refill(aws: RunningElb) -> None:
    elb, group = aws.client(), aws.group()

    def burst(calls: int, call: Any, **params: Any) -> list[str]:
        codes = []
        for _ in range(calls):
            try:
                call(TargetGroupArn=group, **params)
            except ClientError as error:
                said, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
                codes.append(f"{status} {said['Code']}: {said['Message']}")
            else:
                codes.append("ok")
        return codes

    throttled = "400 Throttling: Rate exceeded"
    began = clock.monotonic()
    registered = burst(25, elb.register_targets, Targets=[{"Id": ONE}])
    refilled = int((clock.monotonic() - began) * 4) + 1
    assert registered[:20] == ["ok"] * 20
    assert 5 - refilled <= registered[20:].count(throttled) <= 5
    clock.sleep(2.1)  # 20 tokens of the account are used; 10 a second come back
    began = clock.monotonic()
    described = burst(45, elb.describe_target_health)
    refilled = int((clock.monotonic() - began) * 10) + 1
    assert described[:39] == ["ok"] * 39
    assert described.count(throttled) >= 5 - refilled
    clock.sleep(0.3)
    assert burst(1, elb.describe_target_health) == ["ok"]


def test_vector_9_repeated_calls_are_not_errors(aws: RunningElb) -> None:
    elb, group = aws.client(), aws.group()
    for call in (elb.register_targets, elb.deregister_targets):
        for _ in range(2):
            answer: Any = call(TargetGroupArn=group, Targets=[{"Id": TWO}])
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_vector_10_ip_zone_is_required_outside_the_vpc(aws: RunningElb) -> None:
    elb, group = aws.client(), aws.group(TargetType="ip")
    inside = aws.environment.instances[ONE].address
    for target, text in (
        (
            {"Id": inside, "AvailabilityZone": "all"},
            f"The IP address '{inside}' is within the VPC, and cannot have its Availability Zone overridden",
        ),
        (
            {"Id": "10.1.2.3"},
            "The Availability Zone is required for IP address '10.1.2.3' because it is not in the VPC",
        ),
    ):
        with pytest.raises(ClientError, match="ValidationError") as caught:
            elb.register_targets(TargetGroupArn=group, Targets=[target])  # type: ignore[list-item]  # plain dicts
        assert caught.value.response["Error"]["Message"].startswith(text)


def test_vector_12_register_while_draining_clears_the_timer(aws: RunningElb) -> None:
    elb, group = aws.client(), in_service(aws, delay=1)
    elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": ONE}])
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": ONE}])
    assert states(elb, group) == [(ONE, 80, "initial", "Elb.RegistrationInProgress")]
    assert clock.wait_for(lambda: states(elb, group) == [(ONE, 80, "healthy", None)], 5)
    clock.sleep(1.3)
    assert states(elb, group) == [(ONE, 80, "healthy", None)]


def in_service(aws: RunningElb, *, delay: int = 300, port: int = 80) -> str:
    group = aws.group(delay=delay)
    aws.listener(group, aws.balancer())
    aws.client().register_targets(TargetGroupArn=group, Targets=[{"Id": ONE, "Port": port}])
    assert clock.wait_for(lambda: set(aws.states(group).values()) == {"healthy"}, 5)
    return group


# Vectors 3, 5, 6, 7 and 11: requests and instances, on a whole lab.


@dataclass(frozen=True, slots=True)
class Running:
    """A lab with two healthy targets and clients for it."""

    lab: Lab
    elb: ElasticLoadBalancingv2Client
    ec2: EC2Client

    @property
    def group(self) -> str:
        return self.lab.target_group_arn

    @property
    def ids(self) -> tuple[str, str]:
        first, second = self.lab.targets
        return first.id, second.id

    def delay(self, seconds: int) -> None:
        pair: Any = {"Key": "deregistration_delay.timeout_seconds", "Value": str(seconds)}
        self.elb.modify_target_group_attributes(TargetGroupArn=self.group, Attributes=[pair])

    def shows(self, wanted: dict[str, str], *names: str) -> bool:
        """Wait until exactly these targets have these states."""

        def matches() -> bool:
            return {one: state for one, _, state, _ in states(self.elb, self.group, *names)} == wanted

        return clock.wait_for(matches, 15, every=0.2)

    def both(self, state: str) -> bool:
        return self.shows(dict.fromkeys(self.ids, state))

    def register(self, *ids: str) -> None:
        self.elb.register_targets(TargetGroupArn=self.group, Targets=[{"Id": one} for one in ids])

    def deregister(self, *ids: str) -> None:
        self.elb.deregister_targets(TargetGroupArn=self.group, Targets=[{"Id": one} for one in ids])

    def get(self, path: str = "/") -> tuple[int, str]:
        """Returns the status and the instance that answered."""
        return self.seen(http_client.get(self.lab.url, path))

    def seen(self, answer: http_client.Answer) -> tuple[int, str]:
        return answer.status, next((one for one in self.ids if one in answer.body), "")

    def in_background(self, path: str) -> http_client.BackgroundRequest:
        return http_client.BackgroundRequest(lambda: http_client.get(self.lab.url, path, timeout=20))


@pytest.fixture(scope="module")
def lab() -> Iterator[Running]:
    options = LabOptions(interval=timedelta(seconds=0.5), delay=timedelta(seconds=2))
    with Lab(options) as lab:
        keys = keys_of(lab.env, config=ONCE)
        yield Running(lab, boto3.client("elbv2", **keys), boto3.client("ec2", **keys))


@pytest.fixture
def running(lab: Running) -> Running:
    """Both targets healthy, whatever the test before did."""
    lab.lab.faults(lag=0)
    lab.delay(2)
    lab.register(*lab.ids)
    assert lab.both("healthy")
    return lab


def test_vector_3_requests_are_cut_after_the_delay(running: Running) -> None:
    first, second = running.ids
    running.delay(3)
    running.deregister(second)
    assert clock.wait_for(lambda: {running.get()[1] for _ in range(4)} == {first}, 3)
    short, long = running.in_background("/slow?s=2"), running.in_background("/slow?s=9")
    running.register(second)
    clock.sleep(0.3)
    running.deregister(first)
    assert clock.wait_for(lambda: running.get()[1] == second, 5)
    assert running.seen(short.answer()) == (200, first)
    assert long.answer().status == 502
    assert 2.5 < long.seconds < 5
    assert {running.get() for _ in range(6)} == {(200, second)}


def test_vector_5_stopped_instance_returns_by_itself(running: Running) -> None:
    first, second = running.ids
    running.ec2.stop_instances(InstanceIds=[first])
    assert running.shows({first: "unused", second: "healthy"})
    shown = running.elb.describe_target_health(TargetGroupArn=running.group, Targets=[{"Id": first}])
    assert shown["TargetHealthDescriptions"][0]["TargetHealth"] == {
        "State": "unused",
        "Reason": "Target.InvalidState",
        "Description": "Target is in the stopped state",
    }
    running.elb.get_waiter("target_deregistered").wait(
        TargetGroupArn=running.group, Targets=[{"Id": first}], WaiterConfig={"Delay": 1, "MaxAttempts": 1}
    )
    with pytest.raises(ClientError, match="InvalidTarget") as caught:
        running.register(first)
    assert caught.value.response["Error"]["Message"] == (
        f"The following targets are not in a running state and cannot be registered: '{first}'"
    )
    running.ec2.get_waiter("instance_stopped").wait(InstanceIds=[first], WaiterConfig={"Delay": 1, "MaxAttempts": 15})
    running.ec2.start_instances(InstanceIds=[first])
    assert running.both("healthy")


def test_vector_6_terminated_instance_leaves_the_list(running: Running) -> None:
    first, _ = running.ids
    subnet = running.ec2.describe_instances(InstanceIds=[first])["Reservations"][0]["Instances"][0]["SubnetId"]
    made = running.ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, SubnetId=subnet)
    third = made["Instances"][0]["InstanceId"]
    running.ec2.get_waiter("instance_running").wait(InstanceIds=[third], WaiterConfig={"Delay": 1, "MaxAttempts": 15})
    running.register(third)
    assert running.shows({third: "healthy"}, third)
    running.ec2.terminate_instances(InstanceIds=[third])
    assert running.both("healthy")
    assert states(running.elb, running.group, third) == [(third, 80, "draining", "Target.DeregistrationInProgress")]


def test_vector_7_fail_open_uses_unhealthy_targets(running: Running) -> None:
    first, second = running.ids
    running.lab.faults(target_dead=[first, second])
    assert running.both("unhealthy")
    assert running.get()[0] == 502  # fail-open: the request is sent to a target that is not there
    running.lab.faults(target_dead=[])
    assert running.both("healthy")
    running.deregister(first, second)
    assert clock.wait_for(lambda: running.get()[0] == 503, 1.5)
    assert {s for _, _, s, _ in states(running.elb, running.group)} == {"draining"}
    assert clock.wait_for(lambda: not states(running.elb, running.group), 5, every=0.2)
    assert running.get()[0] == 503


def test_vector_7_fail_open_for_initial_is_a_switch(aws: RunningElb) -> None:
    group, elb = in_service(aws), aws.client()
    aws.lab("switches", propagation=60)
    elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": ONE}])
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": TWO}])
    traffic = {t["id"]: t["traffic"] for t in aws.lab("targets")}
    assert traffic == {ONE: "draining", TWO: "draining"}
    aws.lab("switches", fail_open_includes_initial=True)
    traffic = {t["id"]: t["traffic"] for t in aws.lab("targets")}
    assert traffic == {ONE: "draining", TWO: "in_service"}


def test_vector_11_stopping_at_draining_breaks_requests(running: Running) -> None:
    first, second = running.ids
    running.delay(20)
    running.lab.faults(lag=2)
    running.deregister(first)
    assert running.shows({first: "draining", second: "healthy"})
    assert {running.get()[1] for _ in range(6)} == {first, second}
    running.lab.faults(target_dead=[first])
    assert {running.get()[0] for _ in range(6)} == {200, 502}
    running.lab.faults(target_dead=[])
    assert clock.wait_for(lambda: {running.get() for _ in range(6)} == {(200, second)}, 5)
    assert {running.get() for _ in range(6)} == {(200, second)}
    running.lab.faults(target_dead=[first])
    assert {running.get() for _ in range(6)} == {(200, second)}
    running.lab.faults(target_dead=[])
