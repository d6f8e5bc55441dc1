"""Every way in which AWS can fail to answer has one sentence, one exit code, and an advice."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contracts.balancer_endpoint import NOTHING, Endpoint, endpoint, refusal
from tests.contracts.balancer_world import TurnedClock
from tests.contracts.credentials import WAYS, signed_on

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

GROUP = Arn("arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/web/0123456789abcdef")


@pytest.fixture(autouse=True)
def _strangers_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the configuration of whoever runs the tests is used."""
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


def alb(region: str | None = "ap-northeast-1", profile: str | None = None) -> AlbBalancer:
    clock = SystemClock()
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
def test_every_code_of_aws_becomes_one_of_our_errors(
    aws: Endpoint, status: int, code: str, error: type[KatakeiError], says: str
) -> None:
    aws.status, aws.body = status, refusal(code, "In its own words")
    with pytest.raises(error) as raised:
        look()
    assert says in str(raised.value)
    assert "In its own words" in str(raised.value)
    assert type(raised.value) is error


def test_a_call_is_tried_once_and_names_us(aws: Endpoint) -> None:
    aws.status, aws.body = 500, refusal("InternalFailure", "no")
    with pytest.raises(NoAnswerError):
        look()
    assert len(aws.heard) == 1
    assert "katakei" in aws.agents[0]


@pytest.mark.parametrize(("refused", "asked"), [(3, 4), (4, 4)])
def test_a_question_of_a_row_of_questions_is_asked_again_a_few_times(aws: Endpoint, refused: int, asked: int) -> None:
    aws.throttles, aws.body = (
        refused,
        NOTHING.replace("DescribeTargetHealth", "DescribeTargetGroups").replace(
            "<TargetHealthDescriptions/>", "<TargetGroups/>"
        ),
    )
    with suppress(NoAnswerError):
        assert alb().groups(()) == ()
        assert refused < asked
    assert len(aws.heard) == asked


def test_a_page_of_something_in_between_is_no_answer(aws: Endpoint) -> None:
    aws.body = "<html>welcome"
    with pytest.raises(NoAnswerError, match="DescribeTargetHealth"):
        look()


def test_no_answer_in_time_is_unseen(aws: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "READ_TIMEOUT", timedelta(seconds=0.2))
    aws.hangs = True
    with pytest.raises(NoAnswerError, match=r"did not answer DescribeTargetHealth.*Read timeout"):
        look()


def test_an_endpoint_where_nobody_listens_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(UnreachableError, match=r"cannot be reached for DescribeTargetHealth.*AWS_ENDPOINT_URL"):
            look()


def test_a_name_that_is_not_resolved_is_out_of_reach_and_may_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elasticloadbalancing.nowhere.invalid")
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(
        TemporarilyUnavailableError, match=r"cannot be reached for DescribeTargetHealth.*check the network"
    ):
        look()


def test_an_endpoint_that_is_no_url_is_a_fault_of_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "not a url")
    with pytest.raises(UsageError, match="AWS_ENDPOINT_URL"):
        look()


def test_renewed_credentials_in_a_file_are_found_by_the_next_call(
    aws: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    keys = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
    asked = alb()
    keys.write_text("[default]\naws_access_key_id = OLD\naws_secret_access_key = secret\n")
    aws.status, aws.body = 403, refusal("ExpiredToken", "The security token included in the request is expired")
    with pytest.raises(TemporarilyUnavailableError, match="renew them"):
        asked.look(GROUP, None)

    keys.write_text("[default]\naws_access_key_id = NEW\naws_secret_access_key = secret\n")
    aws.status, aws.body = 200, NOTHING

    assert asked.look(GROUP, None).seen == {}
    assert ["OLD" in aws.keys[0], "NEW" in aws.keys[-1]] == [True, True]


@pytest.mark.parametrize("way", [way for way in WAYS if way != "it tells something else"])
def test_credentials_that_cannot_be_read_are_out_of_reach_and_read_anew_by_the_next_call(
    aws: Endpoint, tmp_path: Path, way: str
) -> None:
    asked = alb()
    with signed_on(tmp_path / "signed-on") as sign_on:
        assert asked.look(GROUP, None).seen == {}
        sign_on.lost(way)
        for _ in range(2):  # the credentials at hand cannot be renewed; then there are none
            with pytest.raises(TemporarilyUnavailableError, match="check the credentials"):
                asked.look(GROUP, None)
        heard = len(aws.heard)
        sign_on.found()
        assert asked.look(GROUP, None).seen == {}
    assert len(aws.heard) == heard + 1


def test_a_group_is_gone_only_by_the_word_of_its_own_account(aws: Endpoint) -> None:
    aws.status, aws.body, aws.account = 400, refusal("TargetGroupNotFound", "not found"), "210987654321"
    with pytest.raises(TemporarilyUnavailableError, match="belong to account 210987654321, not to that of arn:aws"):
        look()


def test_missing_credentials_are_said_with_what_to_do(aws: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(
        UnreachableError, match=r"Unable to locate credentials; check the credentials \(--profile"
    ) as raised:
        look()
    assert raised.value.code is ExitCode.UNREACHABLE
    assert aws.heard == []


def test_without_a_region_nothing_is_asked(aws: Endpoint) -> None:
    with pytest.raises(UsageError, match="no AWS region is configured: give --region"):
        alb(region=None).groups(())
    assert aws.heard == []


def test_the_region_of_the_environment_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert alb(region=None).region == "eu-west-1"
    assert alb(region="us-east-2").region == "us-east-2"


def test_a_region_that_can_be_none_is_a_fault_of_usage() -> None:
    with pytest.raises(UsageError, match="--region"):
        alb(region="no such place!").look(GROUP, None)


def test_an_unknown_profile_is_a_fault_of_usage() -> None:
    with pytest.raises(UsageError, match=r"nobody.*--profile"):
        alb(profile="nobody").groups(())


def test_a_denied_registration_names_the_right_that_is_missing(aws: Endpoint) -> None:
    aws.status, aws.body = 403, refusal("AccessDenied", "User: x is not authorized")
    with pytest.raises(UnreachableError, match="allow elasticloadbalancing:RegisterTargets"):
        alb().register(GROUP, frozenset({Registration(GROUP, "i-1", 80)}), timedelta(seconds=5))


def test_denied_ec2_names_the_right_that_is_missing(aws: Endpoint) -> None:
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
def test_a_lab_is_what_answers_on_this_very_machine(monkeypatch: pytest.MonkeyPatch, url: str, *, lab: bool) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", url)
    assert alb().lab is lab


def test_naming_the_driver_loads_nothing_of_botocore() -> None:
    program = (
        "import sys, katakei.adapters.balancers.alb; sys.exit(any(name.startswith('boto') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


class Suspended(TurnedClock):
    """The machine is suspended for a minute wherever somebody waits."""

    def sleep(self, span: timedelta) -> None:
        super().sleep(span + timedelta(minutes=1))


def test_whoever_stood_still_while_it_waited_for_a_token_makes_no_call(aws: Endpoint) -> None:
    aws.body = "<DeregisterTargetsResponse><DeregisterTargetsResult/></DeregisterTargetsResponse>"
    clock = Suspended()
    door = AlbBalancer(AwsSession("ap-northeast-1", None, clock), clock)
    place = frozenset({Registration(GROUP, "i-1", 80)})
    for _ in range(10):
        door.deregister(GROUP, place, timedelta(seconds=10))
    with pytest.raises(NoAnswerError, match="DeregisterTargets was not called: no time was left for it"):
        door.deregister(GROUP, place, timedelta(seconds=10))
    assert len(aws.heard) == 10
