"""Roles that a server assumes for its services: external id, renewal, and errors that name the role."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contracts.fake_endpoint import Endpoint, endpoint, refusal

from katakei.adapters.aws import ELB, AssumedRole, AwsSession
from katakei.adapters.system.clock import SystemClock
from katakei.domain.errors import NoAnswerError, TemporarilyUnavailableError, UnreachableError

REGION = "ap-northeast-1"
ARN = "arn:aws:iam::210987654321:role/katakei"
GROUP = "arn:aws:elasticloadbalancing:ap-northeast-1:210987654321:targetgroup/web/0123456789abcdef"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Endpoint]:
    with endpoint() as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        yield served


def session(role: AssumedRole) -> AwsSession:
    return AwsSession(REGION, None, SystemClock(), role=role)


def health(session: AwsSession) -> object:
    return session.call(ELB, "DescribeTargetHealth", lambda elb: elb.describe_target_health(TargetGroupArn=GROUP))


def test_role_is_assumed_with_external_id(aws: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "katakei")
    health(session(AssumedRole(ARN, "the-external-id")))
    assumed, asked = aws.heard
    assert (assumed["Action"], assumed["RoleArn"], assumed["ExternalId"]) == ("AssumeRole", ARN, "the-external-id")
    assert assumed["RoleSessionName"] == "katakei"
    assert asked["Action"] == "DescribeTargetHealth"
    assert "Credential=own/" in aws.keys[0]
    assert "Credential=assumed/" in aws.keys[1]
    assert "the-external-id" not in caplog.text
    assert "the-external-id" not in repr(AssumedRole(ARN, "the-external-id"))


def test_role_is_assumed_once_while_it_lasts(aws: Endpoint) -> None:
    one = session(AssumedRole(ARN))
    for _ in range(3):
        health(one)
    actions = [call["Action"] for call in aws.heard]
    assert actions.count("AssumeRole") == 1
    assert "ExternalId" not in aws.heard[0]


def test_role_is_renewed_before_it_expires(aws: Endpoint) -> None:
    aws.role_lasts = timedelta(minutes=9)
    one = session(AssumedRole(ARN))
    health(one)
    aws.heard.clear()
    aws.role_lasts = timedelta(hours=1)
    health(one)
    health(one)
    assert [call["Action"] for call in aws.heard] == ["AssumeRole", "DescribeTargetHealth", "DescribeTargetHealth"]


def test_role_outlives_an_outage_of_sts_while_it_lasts(aws: Endpoint) -> None:
    aws.role_lasts = timedelta(minutes=12)  # renewed from 15 minutes before the end, required from 10 minutes before
    one = session(AssumedRole(ARN))
    health(one)
    aws.roles = False
    aws.body, body = refusal("ServiceUnavailable", "later"), aws.body
    aws.status = 503
    with pytest.raises(NoAnswerError, match="DescribeTargetHealth"):  # not the role, whose credentials still last
        health(one)
    aws.status, aws.body = 200, body


def test_denied_role_is_named_with_its_arn(aws: Endpoint) -> None:
    aws.status, aws.body, aws.roles = 403, refusal("AccessDenied", "not authorized to assume it"), False
    with pytest.raises(UnreachableError, match=rf"the role {ARN} gave no credentials .*trust policy .*external id"):
        health(session(AssumedRole(ARN, "wrong")))


def test_missing_own_credentials_are_reported(aws: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    with pytest.raises(TemporarilyUnavailableError, match="Unable to locate credentials"):
        health(session(AssumedRole(ARN)))
    assert aws.heard == []


def test_roles_of_two_accounts_do_not_mix(aws: Endpoint) -> None:
    other = "arn:aws:iam::111111111111:role/katakei"
    first, second = session(AssumedRole(ARN)), session(AssumedRole(other))
    health(first)
    health(second)
    assert [call.get("RoleArn") for call in aws.heard] == [ARN, None, other, None]
