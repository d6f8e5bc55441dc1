"""Errors of AWS and botocore: each has one sentence with advice and one exit code."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contracts.fake_account import TurnedClock
from tests.contracts.fake_endpoint import NOTHING, Endpoint, endpoint, refusal

from katakei.adapters.aws import AwsSession, session
from katakei.adapters.balancers.alb import AlbBalancer
from katakei.adapters.system.clock import SystemClock
from katakei.domain.errors import (
    ExitCode,
    KatakeiError,
    NoAnswerError,
    RejectedError,
    TemporarilyUnavailableError,
    UnknownGroupError,
    UnreachableError,
    UsageError,
)
from katakei.domain.model import Arn, Registration
from katakei.domain.observation import GroupObservation
from katakei.domain.ports import Clock

GROUP = Arn("arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/web/0123456789abcdef")


@pytest.fixture(autouse=True)
def _no_user_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests use nothing of the configuration of the person who runs them."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    with endpoint() as said:
        monkeypatch.setenv("AWS_ENDPOINT_URL", said.url)
        yield said


def alb(region: str | None = "ap-northeast-1", profile: str | None = None, clock: Clock | None = None) -> AlbBalancer:
    clock = clock or SystemClock()
    return AlbBalancer(AwsSession(region, profile, clock), clock)


def look() -> GroupObservation:
    return alb().look(GROUP, None)


@pytest.mark.parametrize(
    ("status", "code", "error", "says"),
    [
        (400, "Throttling", NoAnswerError, "throttled DescribeTargetHealth"),
        (400, "ThrottlingException", NoAnswerError, "throttled"),
        (503, "RequestLimitExceeded", NoAnswerError, "throttled"),
        (429, "PriorRequestNotComplete", NoAnswerError, "throttled"),
        (429, "Whatever", NoAnswerError, "throttled"),
        (500, "InternalFailure", NoAnswerError, "no answer"),
        (503, "ServiceUnavailable", NoAnswerError, "no answer"),
        (500, "HealthUnavailable", NoAnswerError, "no answer"),
        (502, "Unheard", NoAnswerError, "no answer"),
        (400, "RequestTimeout", NoAnswerError, "no answer"),
        (403, "AccessDenied", UnreachableError, "allow elasticloadbalancing:DescribeTargetHealth"),
        (403, "AccessDeniedException", UnreachableError, "allow elasticloadbalancing:DescribeTargetHealth"),
        (403, "UnauthorizedOperation", UnreachableError, "allow elasticloadbalancing:DescribeTargetHealth"),
        (403, "ExpiredToken", TemporarilyUnavailableError, "have expired: renew them"),
        (400, "ExpiredTokenException", TemporarilyUnavailableError, "have expired: renew them"),
        (400, "RequestExpired", TemporarilyUnavailableError, "have expired: renew them"),
        (
            403,
            "InvalidClientTokenId",
            TemporarilyUnavailableError,
            "does not accept these credentials: check --profile",
        ),
        (403, "SignatureDoesNotMatch", TemporarilyUnavailableError, "does not accept these credentials"),
        (401, "AuthFailure", TemporarilyUnavailableError, "does not accept these credentials"),
        (400, "TargetGroupNotFound", UnknownGroupError, "no such target group"),
        (400, "LoadBalancerNotFound", NoAnswerError, "deleted just now"),
        (400, "ValidationError", RejectedError, "AWS refused DescribeTargetHealth"),
        (400, "InvalidTarget", RejectedError, "AWS refused DescribeTargetHealth"),
    ],
)
def test_error_code_becomes_katakei_error(
    aws: Endpoint, status: int, code: str, error: type[KatakeiError], says: str
) -> None:
    aws.status, aws.body = status, refusal(code, "In its own words")
    with pytest.raises(error) as raised:
        look()
    assert says in str(raised.value)
    assert "In its own words" in str(raised.value)
    assert type(raised.value) is error


def test_call_is_tried_once_with_our_user_agent(aws: Endpoint) -> None:
    aws.status, aws.body = 500, refusal("InternalFailure", "no")
    with pytest.raises(NoAnswerError):
        look()
    assert len(aws.heard) == 1
    assert "katakei" in aws.agents[0]


@pytest.mark.parametrize(("refused", "asked"), [(3, 4), (4, 4)])
def test_survey_question_is_retried_a_few_times(aws: Endpoint, refused: int, asked: int) -> None:
    aws.throttles, aws.body = (
        refused,
        NOTHING.replace("DescribeTargetHealth", "DescribeTargetGroups").replace(
            "<TargetHealthDescriptions/>", "<TargetGroups/>"
        ),
    )
    with suppress(NoAnswerError):
        assert alb(clock=TurnedClock()).groups(()) == ()  # how fast this machine is does not count
        assert refused < asked
    assert len(aws.heard) == asked


def test_proxy_page_is_no_answer(aws: Endpoint) -> None:
    aws.body = "<html>welcome"
    with pytest.raises(NoAnswerError, match="DescribeTargetHealth"):
        look()


def test_read_timeout_is_no_answer(aws: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "READ_TIMEOUT", timedelta(seconds=0.2))
    aws.hangs = True
    with pytest.raises(NoAnswerError, match=r"did not answer DescribeTargetHealth.*Read timeout"):
        look()


def test_closed_port_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(UnreachableError, match=r"cannot be reached for DescribeTargetHealth.*AWS_ENDPOINT_URL"):
            look()


def test_unresolved_name_is_temporarily_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elasticloadbalancing.nowhere.invalid")
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(
        TemporarilyUnavailableError, match=r"cannot be reached for DescribeTargetHealth.*check the network"
    ):
        look()


def test_invalid_endpoint_url_is_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "not a url")
    with pytest.raises(UsageError, match="AWS_ENDPOINT_URL"):
        look()


def test_group_of_another_account_is_not_gone(aws: Endpoint) -> None:
    aws.status, aws.body, aws.account = 400, refusal("TargetGroupNotFound", "not found"), "210987654321"
    with pytest.raises(TemporarilyUnavailableError, match="belong to account 210987654321, not to that of arn:aws"):
        look()


def test_missing_credentials_error_says_what_to_check(aws: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(UnreachableError, match=r"Unable to locate credentials in .*; give --profile") as raised:
        look()
    assert raised.value.code is ExitCode.UNREACHABLE
    assert aws.heard == []


def test_missing_region_prevents_calls(aws: Endpoint) -> None:
    with pytest.raises(UsageError, match="no AWS region is configured: give --region"):
        alb(region=None).groups(())
    assert aws.heard == []


def test_region_comes_from_environment_or_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert alb(region=None).region == "eu-west-1"
    assert alb(region="us-east-2").region == "us-east-2"


def test_aws_region_outranks_default_region_and_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The order of the AWS command line: --region, AWS_REGION, AWS_DEFAULT_REGION, the profile."""
    (tmp_path / "config").write_text("[profile deploy]\nregion = sa-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert alb(region=None, profile="deploy").region == "sa-east-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert alb(region=None, profile="deploy").region == "eu-west-1"
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert alb(region=None, profile="deploy").region == "eu-north-1"
    assert alb(region="us-east-2", profile="deploy").region == "us-east-2"
    monkeypatch.setenv("AWS_REGION", "")
    assert alb(region=None, profile="deploy").region == "eu-west-1"


def test_invalid_region_is_usage_error() -> None:
    with pytest.raises(UsageError, match="--region"):
        alb(region="no such place!").look(GROUP, None)


def test_unknown_profile_is_usage_error() -> None:
    with pytest.raises(UsageError, match=r"nobody.*--profile"):
        alb(profile="nobody").groups(())


def test_denied_registration_names_missing_permission(aws: Endpoint) -> None:
    aws.status, aws.body = 403, refusal("AccessDenied", "User: x is not authorized")
    with pytest.raises(UnreachableError, match="allow elasticloadbalancing:RegisterTargets"):
        alb().register(GROUP, frozenset({Registration(GROUP, "i-1", 80)}), timedelta(seconds=5))


def test_denied_ec2_call_names_missing_permission(aws: Endpoint) -> None:
    aws.status, aws.body = 403, "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message>"
    aws.body += "</Error></Errors><RequestID>r</RequestID></Response>"
    with pytest.raises(UnreachableError, match="allow ec2:DescribeInstances"):
        alb()._queries.instances(["i-1"])


@pytest.mark.parametrize(
    ("url", "lab"),
    [
        ("http://127.0.0.1:5000", True),
        ("http://127.8.9.10:5000", True),
        ("http://localhost:5000", True),
        ("http://[::1]:5000", True),
        ("https://elasticloadbalancing.ap-northeast-1.amazonaws.com", False),
        ("http://10.0.0.1", False),
        ("https://127.0.0.1.example.com", False),
    ],
)
def test_lab_is_an_endpoint_on_this_machine(monkeypatch: pytest.MonkeyPatch, url: str, *, lab: bool) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", url)
    assert alb().lab is lab


def test_importing_adapters_does_not_load_botocore() -> None:
    program = (
        "import sys, katakei.adapters.balancers.alb; sys.exit(any(name.startswith('boto') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


class Suspended(TurnedClock):
    """The machine is suspended for a minute at every sleep."""

    def sleep(self, span: timedelta) -> None:
        super().sleep(span + timedelta(minutes=1))


def test_call_delayed_beyond_deadline_is_not_made(aws: Endpoint) -> None:
    aws.body = "<DeregisterTargetsResponse><DeregisterTargetsResult/></DeregisterTargetsResponse>"
    clock = Suspended()
    door = AlbBalancer(AwsSession("ap-northeast-1", None, clock), clock)
    place = frozenset({Registration(GROUP, "i-1", 80)})
    for _ in range(10):
        door.deregister(GROUP, place, timedelta(seconds=10))
    with pytest.raises(NoAnswerError, match="DeregisterTargets was not called: no time was left for it"):
        door.deregister(GROUP, place, timedelta(seconds=10))
    assert len(aws.heard) == 10
