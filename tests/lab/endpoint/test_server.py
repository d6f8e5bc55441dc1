"""The endpoint: faults, call log, history, and errors in each service's format."""

from __future__ import annotations

import http.client
import json
import urllib.error
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore import parsers
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from tests.lab.credentials import client_of, signed_headers
from tests.lab.elb_harness import ONE, TWO, RunningElb, running_elb

from katakei.lab import clock

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def aws() -> Iterator[RunningElb]:
    with running_elb(timedelta(0)) as aws:
        yield aws


def client(aws: RunningElb, service: str, **more: Any) -> Any:
    config = Config(retries={"total_max_attempts": 1}, read_timeout=3, **more)
    return client_of(aws.env, service, config=config)


def refused(call: Any, **params: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_call_log_has_agent_status_and_targets(aws: RunningElb) -> None:
    group = aws.group()
    elb = aws.client(user_agent_extra="my-tool/1")
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": ONE, "Port": 81}, {"Id": TWO}])
    refused(elb.describe_target_health, TargetGroupArn="x")
    first, second = aws.lab("calls")
    assert (first["service"], first["action"], first["status"]) == ("elasticloadbalancing", "RegisterTargets", 200)
    assert (first["group"], first["targets"]) == (group, [{"id": ONE, "port": 81}, {"id": TWO}])
    assert "my-tool/1" in first["agent"]
    assert (second["action"], second["status"]) == ("DescribeTargetHealth", 400)
    assert first["bytes_in"] > second["bytes_in"] > 0
    assert first["bytes_out"] > 0


def test_faults_follow_seed_and_actions(aws: RunningElb) -> None:
    shown = aws.lab("faults", throttle=0.5, error=0.2, seed=1, actions=["DescribeTargetGroups"])
    assert (shown["throttle"], shown["error"], shown["timeout"]) == (0.5, 0.2, 0.0)
    aws.lab("switches", throttling=False)
    elb = aws.client()
    for _ in range(60):
        try:
            elb.describe_target_groups()
        except ClientError as error:
            assert error.response["Error"]["Code"] in {"Throttling", "InternalFailure"}  # noqa: PT017 - either may come
    elb.describe_account_limits()
    counts = {fault: sum(call["fault"] == fault for call in aws.lab("calls")) for fault in ("throttle", "pass")}
    assert 20 <= counts["throttle"] <= 40
    assert 8 <= counts["pass"] <= 30


@pytest.mark.parametrize(
    ("service", "method", "throttle", "error"),
    [
        ("ec2", "describe_instances", (503, "RequestLimitExceeded"), (500, "InternalError")),
        ("elbv2", "describe_target_groups", (400, "Throttling"), (500, "InternalFailure")),
        ("ssm", "list_commands", (400, "ThrottlingException"), (500, "InternalServerError")),
        ("sts", "get_caller_identity", (400, "Throttling"), (500, "InternalFailure")),
    ],
)
def test_errors_use_the_format_of_each_service(
    aws: RunningElb, service: str, method: str, throttle: tuple[int, str], error: tuple[int, str]
) -> None:
    call = getattr(client(aws, service), method)
    aws.lab("faults", throttle=1.0)
    assert refused(call) == throttle
    aws.lab("faults", throttle=0.0, error=1.0)
    assert refused(call) == error


def test_denied_call_changes_nothing(aws: RunningElb) -> None:
    group = aws.group()
    aws.lab("faults", deny=["RegisterTargets"])
    assert refused(aws.client().register_targets, TargetGroupArn=group, Targets=[{"Id": ONE}]) == (
        403,
        "AccessDenied",
    )
    assert aws.states(group) == {}


def test_timed_out_call_may_have_been_executed(aws: RunningElb) -> None:
    group = aws.group()
    aws.lab("faults", timeout=1.0, hold=30, seed=3)
    outcomes = set()
    for port in range(1, 7):
        config = Config(retries={"total_max_attempts": 1}, read_timeout=0.2)
        quick = client_of(aws.env, "elbv2", config=config)
        with pytest.raises(ReadTimeoutError):
            quick.register_targets(TargetGroupArn=group, Targets=[{"Id": ONE, "Port": port}])
        outcomes.add(f"{ONE}:{port}" in aws.states(group))
    assert outcomes == {True, False}
    assert {call["status"] for call in aws.lab("calls")} == {0}


def test_stale_answers_show_the_past(aws: RunningElb) -> None:
    group = aws.group()
    aws.client().register_targets(TargetGroupArn=group, Targets=[{"Id": ONE}])
    clock.sleep(0.6)
    aws.lab("faults", stale=0.5)
    aws.client().register_targets(TargetGroupArn=group, Targets=[{"Id": TWO}])
    assert aws.states(group) == {ONE: "unused"}
    assert clock.wait_for(lambda: set(aws.states(group)) == {ONE, TWO}, 3)


def test_invalid_faults_are_rejected_with_a_message(aws: RunningElb) -> None:
    for changes, part in (({"throttel": 1}, "no such fault: throttel"), ({"error": 3}, "fraction from 0 to 1")):
        with pytest.raises(urllib.error.HTTPError) as caught:
            aws.lab("faults", **changes)
        with caught.value as answer:
            assert answer.code == 400
            assert part in json.load(answer)["error"]
    assert aws.lab("faults")["error"] == 0.0


def test_fault_listeners_are_called_on_change(aws: RunningElb) -> None:
    heard: list[tuple[str, ...]] = []
    aws.endpoint.faults.listen(lambda before, after: heard.append((*before.agent_dead, *after.agent_dead)))
    aws.lab("faults", agent_dead=[ONE])
    assert heard == [(ONE,)]


def test_history_has_states_with_serving_counts(aws: RunningElb) -> None:
    group = aws.group(delay=1)
    aws.listener(group, aws.balancer())
    elb = aws.client()
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": ONE}, {"Id": TWO}])
    assert clock.wait_for(lambda: set(aws.states(group).values()) == {"healthy"}, 5)
    elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": ONE}])
    assert clock.wait_for(lambda: list(aws.states(group)) == [TWO], 5)
    assert clock.wait_for(lambda: "absent" in {entry.get("state") for entry in aws.lab("history")}, 5)
    told = [entry for entry in aws.lab("history") if entry["kind"] == "state" and entry["id"] == ONE]
    story = [entry["state"] for entry in told]
    assert story[-4:] == ["initial", "healthy", "draining", "absent"] or story[-3:] == ["healthy", "draining", "absent"]
    draining = next(entry for entry in told if entry["state"] == "draining")
    assert (draining["serving"], draining["zones"]) == (1, {"ap-northeast-1c": 1})
    assert draining["reason"] == "Target.DeregistrationInProgress"
    traffic = [e["traffic"] for e in aws.lab("history") if e["kind"] == "traffic" and e["id"] == ONE]
    assert traffic[-2:] in (["in_service", "draining"], ["draining", "cut"])


def test_moto_failures_become_readable_errors(aws: RunningElb) -> None:
    assert client(aws, "sts").get_caller_identity()["Account"] == "123456789012"
    assert refused(client(aws, "ec2").describe_trunk_interface_associations) == (400, "InvalidAction")


@pytest.mark.parametrize(
    ("service", "method", "params"),
    [
        ("cloudformation", "create_stack_set", {"StackSetName": "x", "TemplateBody": "{}"}),
        ("cloudformation", "list_stack_sets", {}),
        ("glue", "get_databases", {}),
        ("arc-zonal-shift", "list_zonal_shifts", {}),
        ("ssm", "describe_ops_items", {}),
    ],
)
def test_what_the_lab_does_not_implement_is_refused(
    aws: RunningElb, service: str, method: str, params: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="he lab does not implement") as caught:
        getattr(client(aws, service), method)(**params)
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["Error"]["Code"] in {"InvalidAction", "UnknownOperationException"}


def test_errors_follow_the_protocol_that_the_client_chose(aws: RunningElb) -> None:
    cloudwatch = client(aws, "cloudwatch")  # speaks JSON and CBOR
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    aws.lab("faults", throttle=1.0)
    assert refused(cloudwatch.describe_alarms) == (400, "ThrottlingException")

    chosen = {"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
    path = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms"
    headers = signed_headers(aws.env, "monitoring", "", chosen, path=path)
    connection = http.client.HTTPConnection(aws.endpoint.url.removeprefix("http://"), timeout=5)
    connection.request("POST", path, b"", headers)
    answer = connection.getresponse()
    raw = {"status_code": answer.status, "headers": dict(answer.headers), "body": answer.read()}
    connection.close()
    shape = cloudwatch.meta.service_model.operation_model("DescribeAlarms").output_shape
    parser: Any = parsers.create_parser("smithy-rpc-v2-cbor")
    assert parser.parse(raw, shape)["Error"] == {"Code": "ThrottlingException", "Message": "Rate exceeded"}


def test_unknown_action_and_missing_signature_are_xml_errors(aws: RunningElb) -> None:
    assert "InvalidAction" in raw(aws, "Action=Nonsense&Version=2015-12-01", signed=True)
    assert "MissingAuthenticationToken" in raw(aws, "Action=DescribeTargetGroups&Version=2015-12-01", signed=False)
    missing = raw(aws, "Action=DescribeTargetHealth&Version=2015-12-01", signed=True)
    assert "Value null at 'targetGroupArn' failed to satisfy constraint: Member must not be null" in missing


def test_other_regions_are_empty(aws: RunningElb) -> None:
    group = aws.group()
    elsewhere = client_of(aws.env, "elbv2", region_name="eu-north-1")
    assert elsewhere.describe_target_groups()["TargetGroups"] == []
    assert refused(elsewhere.describe_target_health, TargetGroupArn=group) == (400, "TargetGroupNotFound")


def test_endpoint_listens_on_loopback_only(aws: RunningElb) -> None:
    assert aws.endpoint.url.startswith("http://127.0.0.1:")


def raw(aws: RunningElb, form: str, *, signed: bool) -> str:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if signed:
        headers = signed_headers(aws.env, "elasticloadbalancing", form, headers)
    host, _, port = aws.endpoint.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    try:
        connection.request("POST", "/", form, headers)
        answer = connection.getresponse()
        assert answer.getheader("Content-Type") == "text/xml"
        return answer.read().decode()
    finally:
        connection.close()
