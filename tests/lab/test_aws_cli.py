"""The manual runbook that Katakei replaces: the real `aws` command against the lab."""

import json
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.lab.conftest import Cli, Clients

from katakei.lab import clock
from katakei.lab.options import Target
from katakei.lab.process import Lab

HEALTHY = {"State": "healthy"}
DRAINING = {
    "State": "draining",
    "Reason": "Target.DeregistrationInProgress",
    "Description": "Target deregistration is in progress",
}
REGISTERING = {
    "State": "initial",
    "Reason": "Elb.RegistrationInProgress",
    "Description": "Target registration is in progress",
}
CHECKING = {
    "State": "initial",
    "Reason": "Elb.InitialHealthChecking",
    "Description": "Initial health checks in progress",
}
FAILING = {
    "State": "unhealthy",
    "Reason": "Target.ResponseCodeMismatch",
    "Description": "Health checks failed with these codes: [503]",
}
NOT_REGISTERED = {
    "State": "unused",
    "Reason": "Target.NotRegistered",
    "Description": "Target is not registered to the target group",
}
NO_OVERRIDE = {
    "State": "no_override",
    "Reason": "AdministrativeOverride.NoOverride",
    "Description": "No override is currently active on target",
}

pytestmark = pytest.mark.lab


class Runbook:
    """The steps, one command each, with TARGET_GROUP_ARN from the lab's environment."""

    def __init__(self, aws: Cli, clients: Clients, lab: Lab) -> None:
        self.aws = aws
        self.clients = clients
        self.lab = lab
        self.group = ("--target-group-arn", lab.env["TARGET_GROUP_ARN"])

    def show(self, *targets: str) -> dict[str, Any]:
        named = ("--targets", *(f"Id={one}" for one in targets)) if targets else ()
        described = self.aws("elbv2", "describe-target-health", *self.group, *named)["TargetHealthDescriptions"]
        return {one["Target"]["Id"]: one for one in described}

    def health(self) -> dict[str, dict[str, str]]:
        return {target: one["TargetHealth"] for target, one in self.show().items()}

    def deregister(self, target: str) -> None:
        assert self.aws("elbv2", "deregister-targets", *self.group, "--targets", f"Id={target}") is None

    def register(self, target: str, port: int) -> None:
        assert self.aws("elbv2", "register-targets", *self.group, "--targets", f"Id={target},Port={port}") is None

    def work(self, target: str, script: str) -> dict[str, Any]:
        sent = self.aws(
            *("ssm", "send-command", "--instance-ids", target, "--document-name", "AWS-RunShellScript"),
            *("--timeout-seconds", "60", "--parameters", json.dumps({"commands": [script]})),
        )["Command"]
        assert (sent["Status"], sent["InstanceIds"]) == ("Pending", [target])
        listed = self.clients.get("ssm").list_command_invocations
        ended = {"CommandId": sent["CommandId"], "Filters": [{"key": "Status", "value": "Success"}]}
        assert clock.wait_for(lambda: listed(**ended)["CommandInvocations"], 10, 0.1)
        asked = ("--command-id", sent["CommandId"], "--instance-id", target)
        return dict(self.aws("ssm", "get-command-invocation", *asked))

    def becomes(self, target: str, state: str) -> None:
        """Wait without the command, which takes most of a second to start."""
        self.clients.becomes(self.lab.target_group_arn, target, state)

    def releases(self, requests: int = 10) -> Counter[str]:
        seen: Counter[str] = Counter()
        for _ in range(requests):
            with urllib.request.urlopen(self.lab.url, timeout=5) as answer:  # noqa: S310 - the lab's own http address
                seen[answer.headers["X-Release"]] += 1
        return seen


@pytest.fixture
def runbook(aws: Cli, clients: Clients, lab: Lab) -> Runbook:
    return Runbook(aws, clients, lab)


def starts(target: Target) -> int:
    return len((Path(target.folder) / "starts.log").read_text().splitlines())


def one_side(runbook: Runbook, here: Target, other: Target, release: str) -> None:
    """Perform steps 1 to 5 of the runbook for one target."""
    shown = runbook.show()
    assert {target: one["TargetHealth"] for target, one in shown.items()} == {here.id: HEALTHY, other.id: HEALTHY}
    assert shown[here.id]["Target"] == {"Id": here.id, "Port": 80}
    assert (shown[here.id]["HealthCheckPort"], shown[here.id]["AdministrativeOverride"]) == ("80", NO_OVERRIDE)

    runbook.deregister(here.id)
    assert runbook.health() == {here.id: DRAINING, other.id: HEALTHY}
    runbook.becomes(here.id, "absent")
    assert runbook.show(here.id)[here.id]["TargetHealth"] == NOT_REGISTERED
    runbook.aws("elbv2", "wait", "target-deregistered", *runbook.group, "--targets", f"Id={here.id}")

    done = runbook.work(here.id, f"echo {release} > release && ./bin/restart")
    assert (done["Status"], done["ResponseCode"], done["StandardErrorContent"]) == ("Success", 0, "")

    # Not healthy at once: otherwise one fast check could be over before the command line has asked. On a slow machine
    # even the checks that make it unhealthy may be over by then.
    unwell = Path(here.folder) / "unhealthy"
    unwell.touch()
    try:
        runbook.register(here.id, here.port)
        assert runbook.health()[here.id] in (REGISTERING, CHECKING, FAILING)
    finally:
        unwell.unlink()
    runbook.becomes(here.id, "healthy")


def test_runbook_deploys_one_server_at_a_time(runbook: Runbook) -> None:
    first, second = runbook.lab.targets
    before = starts(first), starts(second)
    one_side(runbook, first, second, "v2")
    assert set(runbook.releases()) == {"v1", "v2"}
    one_side(runbook, second, first, "v2")
    assert runbook.health() == {first.id: HEALTHY, second.id: HEALTHY}
    assert set(runbook.releases()) == {"v2"}
    assert (starts(first), starts(second)) == (before[0] + 1, before[1] + 1)


def test_wrong_port_is_accepted_without_effect(runbook: Runbook) -> None:
    target = runbook.lab.targets[0].id
    runbook.aws("elbv2", "deregister-targets", *runbook.group, "--targets", f"Id={target},Port=81")
    assert runbook.health()[target] == HEALTHY


def test_objects_presigned_urls_and_roles_work(aws: Cli, tmp_path: Path) -> None:
    file = tmp_path / "a file"
    file.write_bytes(bytes(9_000_000))  # sent in parts
    aws.run("s3", "mb", "s3://by-command")
    assert aws.run("s3", "cp", "--no-progress", str(file), "s3://by-command/a file").returncode == 0
    signed = aws.run("s3", "presign", "s3://by-command/a file").stdout.strip()
    with urllib.request.urlopen(signed, timeout=10) as answer:  # noqa: S310 - the lab's own http address
        assert len(answer.read()) == 9_000_000
    role = ("--role-arn", "arn:aws:iam::222233334444:role/deploy", "--role-session-name", "kim")
    keys = aws("sts", "assume-role", *role)["Credentials"]
    names = {"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey"}
    names |= {"AWS_SESSION_TOKEN": "SessionToken"}
    assumed = Cli(aws.env | {name: keys[shown] for name, shown in names.items()})
    assert assumed("sts", "get-caller-identity")["Account"] == "222233334444"
    denied = Cli(aws.env | {"AWS_SECRET_ACCESS_KEY": "made-up"}).run("sts", "get-caller-identity")
    assert "(SignatureDoesNotMatch)" in denied.stderr


def test_error_has_awss_message_and_exit_code(runbook: Runbook, aws: Cli) -> None:
    failed = aws.run("elbv2", "register-targets", *runbook.group, "--targets", "Id=web-1")
    assert failed.returncode == 255
    assert "(ValidationError)" in failed.stderr
    assert "Instance ID 'web-1' is not valid" in failed.stderr
    arn = runbook.lab.env["TARGET_GROUP_ARN"].replace("Laravel", "Django")
    failed = aws.run("elbv2", "describe-target-health", "--target-group-arn", arn)
    assert "(TargetGroupNotFound)" in failed.stderr
    failed = aws.run(
        *("ssm", "send-command", "--instance-ids", "i-0123456789abcdef0", "--document-name", "AWS-RunShellScript"),
        *("--parameters", "commands=true"),
    )
    assert "(InvalidInstanceId)" in failed.stderr
    assert "[[i-0123456789abcdef0]] not in a valid state for account 123456789012" in failed.stderr
