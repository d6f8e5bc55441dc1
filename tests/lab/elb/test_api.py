"""The API over HTTP with boto3: structures, codes and texts. No data plane; one application behind every address."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.lab.elb_harness import FAR, ONE, STOPPED, SUBNETS, TWO, VPC, RunningElb, running_elb

from katakei.lab import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def aws() -> Iterator[RunningElb]:
    with running_elb(timedelta(milliseconds=200)) as aws:
        yield aws


def error(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_describe_target_health_has_the_shape_of_aws(aws: RunningElb) -> None:
    group = aws.group()
    aws.client().register_targets(TargetGroupArn=group, Targets=[{"Id": ONE}])
    shown = aws.client().describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert shown == [
        {
            "Target": {"Id": ONE, "Port": 80},
            "HealthCheckPort": "80",
            "TargetHealth": {
                "State": "unused",
                "Reason": "Target.NotInUse",
                "Description": "Target group is not configured to receive traffic from the load balancer",
            },
            "AdministrativeOverride": {
                "State": "no_override",
                "Reason": "AdministrativeOverride.NoOverride",
                "Description": "No override is currently active on target",
            },
        }
    ]


def test_healthy_target_has_no_reason_or_description(aws: RunningElb) -> None:
    group = aws.group(HealthCheckPort="8081")
    aws.listener(group, aws.balancer())
    aws.client().register_targets(TargetGroupArn=group, Targets=[{"Id": ONE}])
    assert aws.states(group) == {ONE: "initial"}
    assert clock.wait_for(lambda: aws.states(group) == {ONE: "healthy"}, 5)
    shown = aws.client().describe_target_health(TargetGroupArn=group, Include=["AnomalyDetection"])
    assert shown["TargetHealthDescriptions"][0]["TargetHealth"] == {"State": "healthy"}
    assert shown["TargetHealthDescriptions"][0]["HealthCheckPort"] == "8081"
    assert shown["TargetHealthDescriptions"][0]["AnomalyDetection"]["Result"] == "normal"
    seen = aws.environment.application.seen[0]
    assert seen["User-Agent"] == "ELB-HealthChecker/2.0"
    assert seen["Host"].endswith(":8081")


def test_code_mismatch_is_unhealthy_with_the_code(aws: RunningElb) -> None:
    group = aws.group()
    aws.listener(group, aws.balancer())
    aws.environment.application.status = 404
    aws.client().register_targets(TargetGroupArn=group, Targets=[{"Id": ONE}])
    assert clock.wait_for(lambda: aws.states(group) == {ONE: "unhealthy"}, 5)
    health = aws.client().describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"][0]["TargetHealth"]
    assert health["Reason"] == "Target.ResponseCodeMismatch"
    assert health["Description"] == "Health checks failed with these codes: [404]"


def test_unknown_targets_are_not_registered(aws: RunningElb) -> None:
    group = aws.group(Port=8088)
    shown = aws.client().describe_target_health(TargetGroupArn=group, Targets=[{"Id": "i-ffffffffffffffff0"}])
    entry = shown["TargetHealthDescriptions"][0]
    assert entry["Target"] == {"Id": "i-ffffffffffffffff0", "Port": 8088}
    assert entry["HealthCheckPort"] == "8088"
    assert entry["TargetHealth"]["Reason"] == "Target.NotRegistered"
    assert set(entry) == {"Target", "HealthCheckPort", "TargetHealth"}
    assert aws.client().describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"] == []


def test_target_in_a_disabled_zone_has_its_text(aws: RunningElb) -> None:
    group = aws.group()
    aws.listener(group, aws.balancer())
    aws.client().register_targets(TargetGroupArn=group, Targets=[{"Id": FAR}])
    shown = aws.client().describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"][0]
    assert shown["TargetHealth"]["Description"] == (
        "Target is in an Availability Zone that is not enabled for the load balancer"
    )


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([{"Id": "not-an-instance"}], ("ValidationError", "Instance ID 'not-an-instance' is not valid")),
        (
            [{"Id": ONE}, {"Id": "i-ffffffffffffffff0"}, {"Id": "i-ffffffff"}],
            ("InvalidTarget", "The following instances do not exist: 'i-ffffffffffffffff0', 'i-ffffffff'"),
        ),
        (
            [{"Id": STOPPED}],
            (
                "InvalidTarget",
                f"The following targets are not in a running state and cannot be registered: '{STOPPED}'",
            ),
        ),
        ([{"Id": "10.0.0.1"}], ("ValidationError", "Instance ID '10.0.0.1' is not valid")),
    ],
)
def test_register_is_all_or_nothing(aws: RunningElb, targets: list[dict[str, str]], expected: tuple[str, str]) -> None:
    group = aws.group()
    assert error(aws.client().register_targets, TargetGroupArn=group, Targets=targets) == expected
    assert aws.states(group) == {}


def test_ip_target_zone_cannot_be_overridden(aws: RunningElb) -> None:
    group = aws.group(TargetType="ip")
    register = aws.client().register_targets
    inside = aws.environment.instances[ONE].address
    assert error(register, TargetGroupArn=group, Targets=[{"Id": inside, "AvailabilityZone": "all"}]) == (
        "ValidationError",
        (
            f"The IP address '{inside}' is within the VPC, and cannot have its Availability Zone overridden"
            " to 'all' from 'ap-northeast-1a'"
        ),
    )
    assert error(register, TargetGroupArn=group, Targets=[{"Id": "10.9.9.9"}]) == (
        "ValidationError",
        "The Availability Zone is required for IP address '10.9.9.9' because it is not in the VPC",
    )
    assert error(register, TargetGroupArn=group, Targets=[{"Id": "10.9.9.9", "AvailabilityZone": "moon"}])[1] == (
        "You must specify a valid Availability Zone or select 'all' for all enabled Availability zones,"
        " since the IP address '10.9.9.9' is outside the VPC"
    )
    assert error(register, TargetGroupArn=group, Targets=[{"Id": "8.8.8.8", "AvailabilityZone": "all"}])[0] == (
        "ValidationError"
    )
    register(TargetGroupArn=group, Targets=[{"Id": inside}])
    shown = aws.client().describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"][0]
    assert shown["Target"] == {"Id": inside, "Port": 80, "AvailabilityZone": "ap-northeast-1a"}


def test_draining_ip_registration_follows_the_switch(aws: RunningElb) -> None:
    group = aws.group(TargetType="ip", delay=60)
    aws.listener(group, aws.balancer())
    target: Any = [{"Id": aws.environment.instances[ONE].address}]
    aws.client().register_targets(TargetGroupArn=group, Targets=target)
    aws.client().deregister_targets(TargetGroupArn=group, Targets=target)
    assert error(aws.client().register_targets, TargetGroupArn=group, Targets=target)[0] == "InvalidTarget"


def test_drained_ip_registers_as_soon_as_draining_is_no_longer_shown(aws: RunningElb) -> None:
    group = aws.group(TargetType="ip", delay=1)
    aws.listener(group, aws.balancer())
    address = aws.environment.instances[ONE].address
    target: Any = [{"Id": address}]
    aws.client().register_targets(TargetGroupArn=group, Targets=target)
    aws.client().deregister_targets(TargetGroupArn=group, Targets=target)
    assert aws.states(group) == {address: "draining"}
    assert clock.wait_for(lambda: aws.states(group) == {}, 5)
    aws.client().register_targets(TargetGroupArn=group, Targets=target)
    assert aws.states(group)[address] in {"initial", "healthy"}


def test_lambda_has_no_port_and_is_unavailable(aws: RunningElb) -> None:
    made = aws.client().create_target_group(Name="l", TargetType="lambda")["TargetGroups"][0]
    assert (made["UnhealthyThresholdCount"], made["HealthCheckEnabled"]) == (5, False)
    name = "arn:aws:lambda:ap-northeast-1:123456789012:function:f"
    aws.client().register_targets(TargetGroupArn=made["TargetGroupArn"], Targets=[{"Id": name}])
    shown = aws.client().describe_target_health(TargetGroupArn=made["TargetGroupArn"])["TargetHealthDescriptions"][0]
    assert shown["Target"] == {"Id": name, "AvailabilityZone": "all"}
    assert shown["TargetHealth"]["State"] == "unavailable"


def test_invalid_and_unknown_group_arns_differ(aws: RunningElb) -> None:
    describe = aws.client().describe_target_health
    assert error(describe, TargetGroupArn="x") == ("ValidationError", "'x' is not a valid target group ARN")
    unknown = aws.group().rpartition("/")[0] + "/0123456789abcdef"
    assert error(describe, TargetGroupArn=unknown) == (
        "TargetGroupNotFound",
        "One or more target groups not found",
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("deregistration_delay.timeout_seconds", "3601"),
        ("deregistration_delay.timeout_seconds", "abc"),
        ("slow_start.duration_seconds", "5"),
        ("no.such.key", "1"),
    ],
)
def test_attributes_out_of_range_are_rejected(aws: RunningElb, key: str, value: str) -> None:
    wrong: Any = [{"Key": key, "Value": value}]
    modify = aws.client().modify_target_group_attributes
    assert error(modify, TargetGroupArn=aws.group(), Attributes=wrong)[0] == "ValidationError"


def test_attributes_are_complete_and_allow_an_hour(aws: RunningElb) -> None:
    group = aws.group()
    hour: Any = [{"Key": "deregistration_delay.timeout_seconds", "Value": "3600"}]
    aws.client().modify_target_group_attributes(TargetGroupArn=group, Attributes=hour)
    pairs = aws.client().describe_target_group_attributes(TargetGroupArn=group)["Attributes"]
    shown = {pair["Key"]: pair["Value"] for pair in pairs}
    assert shown["deregistration_delay.timeout_seconds"] == "3600"
    assert shown["target_group_health.unhealthy_state_routing.minimum_healthy_targets.count"] == "1"
    assert shown["stickiness.lb_cookie.duration_seconds"] == "86400"
    assert "waf.fail_open.enabled" not in shown
    balancer = aws.client().describe_load_balancer_attributes(LoadBalancerArn=aws.balancer())["Attributes"]
    balancer_shown = {pair["Key"]: pair["Value"] for pair in balancer}
    assert balancer_shown["idle_timeout.timeout_seconds"] == "60"
    assert balancer_shown["client_keep_alive.seconds"] == "3600"
    assert balancer_shown["load_balancing.cross_zone.enabled"] == "true"


def test_listener_shows_single_forward_both_ways(aws: RunningElb) -> None:
    group = aws.group()
    balancer = aws.balancer()
    made = aws.client().create_listener(
        LoadBalancerArn=balancer,
        Port=8088,
        Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )["Listeners"][0]
    assert made["DefaultActions"] == [
        {
            "Type": "forward",
            "TargetGroupArn": group,
            "ForwardConfig": {
                "TargetGroups": [{"TargetGroupArn": group, "Weight": 1}],
                "TargetGroupStickinessConfig": {"Enabled": False},
            },
        }
    ]
    assert "SslPolicy" not in made
    assert "AlpnPolicy" not in made


def test_forward_weights_and_groups_are_validated(aws: RunningElb) -> None:
    group, other = aws.group(), aws.group("other")
    listener = aws.listener(group, aws.balancer())

    def forward(arn: str, weight: int) -> list[dict[str, Any]]:
        tuples = [{"TargetGroupArn": group, "Weight": 1}, {"TargetGroupArn": arn, "Weight": weight}]
        return [{"Type": "forward", "ForwardConfig": {"TargetGroups": tuples}}]

    modify = aws.client().modify_listener
    assert error(modify, ListenerArn=listener, DefaultActions=forward(other, 1000))[0] == "ValidationError"
    unknown = other.rpartition("/")[0] + "/0123456789abcdef"
    assert error(modify, ListenerArn=listener, DefaultActions=forward(unknown, 1))[0] == "TargetGroupNotFound"
    weighted: Any = forward(other, 0)
    shown = modify(ListenerArn=listener, DefaultActions=weighted)["Listeners"][0]["DefaultActions"][0]
    assert "TargetGroupArn" not in shown
    users = aws.client().describe_target_groups(TargetGroupArns=[other])["TargetGroups"][0]["LoadBalancerArns"]
    assert len(users) == 1


def test_load_balancer_arns_follow_the_listeners(aws: RunningElb) -> None:
    group, balancer = aws.group(), aws.balancer()
    aws.listener(group, balancer)
    describe = aws.client().describe_target_groups
    assert describe(LoadBalancerArn=balancer)["TargetGroups"][0]["LoadBalancerArns"] == [balancer]
    assert error(aws.client().delete_target_group, TargetGroupArn=group)[0] == "ResourceInUse"
    aws.client().delete_load_balancer(LoadBalancerArn=balancer)
    aws.client().delete_load_balancer(LoadBalancerArn=balancer)
    assert describe(Names=["g"])["TargetGroups"][0]["LoadBalancerArns"] == []
    aws.client().delete_target_group(TargetGroupArn=group)
    assert error(describe, Names=["g"])[0] == "TargetGroupNotFound"


def test_create_again_succeeds_with_equal_settings_only(aws: RunningElb) -> None:
    create = aws.client().create_target_group
    first = create(Name="same", Protocol="HTTP", Port=80, VpcId=VPC)["TargetGroups"][0]
    again = create(Name="same", Protocol="HTTP", Port=80, VpcId=VPC)["TargetGroups"][0]
    assert first == again
    assert error(create, Name="same", Protocol="HTTP", Port=81, VpcId=VPC)[0] == "DuplicateTargetGroupName"
    balancer = aws.client().create_load_balancer
    subnets = [SUBNETS[0].id, SUBNETS[1].id]
    one = balancer(Name="lb", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    assert balancer(Name="lb", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"] == one
    assert error(balancer, Name="lb", Subnets=subnets, Scheme="internal")[0] == "DuplicateLoadBalancerName"


def test_health_checks_out_of_range_are_rejected(aws: RunningElb) -> None:
    create = aws.client().create_target_group
    known: Any = {"Name": "x", "Protocol": "HTTP", "Port": 80, "VpcId": VPC}
    slow = {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 5}
    assert error(create, **known, **slow)[1] == "Health check timeout '5' must be smaller than the interval '5'"
    assert error(create, **known, Matcher={"HttpCode": "999"})[0] == "ValidationError"
    made = create(**known)["TargetGroups"][0]
    assert (made["HealthCheckTimeoutSeconds"], made["HealthCheckIntervalSeconds"]) == (5, 30)
    modify = aws.client().modify_target_group
    changed = modify(TargetGroupArn=made["TargetGroupArn"], HealthCheckPath="/up")["TargetGroups"][0]
    assert (changed["HealthCheckPath"], changed["HealthCheckPort"]) == ("/up", "traffic-port")


def test_describe_groups_pages_and_limits_names(aws: RunningElb) -> None:
    for number in range(5):
        aws.group(f"g{number}")
    pages = aws.client().get_paginator("describe_target_groups").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["TargetGroups"]) for page in pages] == [2, 2, 1]
    names = [f"n{number}" for number in range(21)]
    assert error(aws.client().describe_target_groups, Names=names) == (
        "ValidationError",
        "You cannot describe more than '20' target groups at a time",
    )


def test_describe_rules_orders_by_priority(aws: RunningElb) -> None:
    group = aws.group()
    listener = aws.listener(group, aws.balancer())
    forward: Any = [{"Type": "forward", "TargetGroupArn": group}]
    client = aws.client()
    for priority in (20, 10):
        path: Any = [{"Field": "path-pattern", "Values": [f"/{priority}/*"]}]
        client.create_rule(ListenerArn=listener, Priority=priority, Conditions=path, Actions=forward)
    taken: Any = [{"Field": "host-header", "HostHeaderConfig": {"Values": ["x"]}}]
    again = {"ListenerArn": listener, "Priority": 10, "Conditions": taken, "Actions": forward}
    assert error(client.create_rule, **again)[0] == "PriorityInUse"
    rules = client.describe_rules(ListenerArn=listener)["Rules"]
    assert [rule["Priority"] for rule in rules] == ["10", "20", "default"]
    assert rules[0]["Conditions"][0] == {
        "Field": "path-pattern",
        "Values": ["/10/*"],
        "PathPatternConfig": {"Values": ["/10/*"]},
    }
    swapped = [{"RuleArn": rules[0]["RuleArn"], "Priority": 20}, {"RuleArn": rules[1]["RuleArn"], "Priority": 10}]
    client.set_rule_priorities(RulePriorities=swapped)  # type: ignore[arg-type]  # plain dicts are what it takes
    assert client.describe_rules(ListenerArn=listener)["Rules"][0]["RuleArn"] == rules[1]["RuleArn"]
    assert error(client.delete_rule, RuleArn=rules[2]["RuleArn"])[0] == "OperationNotPermitted"


def test_register_limits_targets_of_a_load_balancer(aws: RunningElb) -> None:
    group, other = aws.group(), aws.group("other")
    balancer = aws.balancer()
    aws.listener(group, balancer)
    aws.listener(other, balancer, port=8089)
    aws.elb.call("RegisterTargets", {"TargetGroupArn": other, "Targets": [{"Id": ONE, "Port": 1}]})
    many: Any = [{"Id": ONE, "Port": port} for port in range(1, 1001)]
    assert error(aws.client().register_targets, TargetGroupArn=group, Targets=many) == (
        "TooManyTargets",
        f"The maximum number of targets per load balancer '1000' has been reached on load balancer '{balancer}'",
    )


def test_tags_are_stored(aws: RunningElb) -> None:
    group = aws.group()
    client = aws.client()
    client.add_tags(ResourceArns=[group], Tags=[{"Key": "Role", "Value": "web"}, {"Key": "x"}])
    client.remove_tags(ResourceArns=[group], TagKeys=["x"])
    assert client.describe_tags(ResourceArns=[group])["TagDescriptions"] == [
        {"ResourceArn": group, "Tags": [{"Key": "Role", "Value": "web"}]}
    ]


def test_waiter_accepts_a_wrong_port_as_on_aws(aws: RunningElb) -> None:
    group = aws.group()
    aws.listener(group, aws.balancer())
    aws.client().register_targets(TargetGroupArn=group, Targets=[{"Id": TWO, "Port": 8081}])
    aws.client().deregister_targets(TargetGroupArn=group, Targets=[{"Id": TWO}])
    waiter = aws.client().get_waiter("target_deregistered")
    waiter.wait(TargetGroupArn=group, Targets=[{"Id": TWO}], WaiterConfig={"Delay": 1, "MaxAttempts": 1})
    assert clock.wait_for(lambda: aws.states(group) == {f"{TWO}:8081": "healthy"}, 5)
