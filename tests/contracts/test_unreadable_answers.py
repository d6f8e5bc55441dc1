"""Answers that are not AWS's (a proxy's page, half a text, another format): one short sentence and exit code 5."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from tests.contracts.fake_endpoint import Endpoint, endpoint

from katakei.adapters.aws import EC2, ELB, S3, SSM, AwsSession, Service
from katakei.adapters.system.clock import SystemClock
from katakei.domain.errors import ExitCode, NoAnswerError, UnreachableError

PAGE = "<html><head><title>Blocked</title></head><body>" + "<p>This site is blocked by policy.</p>" * 400
CALLS: Mapping[str, tuple[Service[Any], str, Callable[[Any], object]]] = {
    "query": (ELB, "DescribeTargetGroups", lambda elb: elb.describe_target_groups()),
    "ec2": (EC2, "DescribeInstances", lambda ec2: ec2.describe_instances()),
    "json": (SSM, "ListCommandInvocations", lambda ssm: ssm.list_command_invocations()),
    "s3 list": (S3, "ListObjectsV2", lambda s3: s3.list_objects_v2(Bucket="bucket")),
}
BODIES = {
    "page": f"<!DOCTYPE html>{PAGE}</body></html>",
    "page as XML": f"<?xml version='1.0'?><!-- proxy -->\n{PAGE}</body></html>",
    "half a page": PAGE,
    "half an answer": "<DescribeTargetGroupsResponse><DescribeTargetGroupsResult><TargetGr",
    "wrong answer": "<GetCallerIdentityResponse><Account>1</Account></GetCallerIdentityResponse>",
    "nothing": "",
    "text": "upstream connect error\n" * 50,
    "list": "[1, 2]",
    "null": "null",
    "half an object": '{"CommandInvocations": [{',
    "wrong type": '{"CommandInvocations": 5}',
    "wrong types": '{"CommandInvocations": ["x"]}',
    "bytes": "\x00\x01\x02" * 50,
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with endpoint() as said:
        monkeypatch.setenv("AWS_ENDPOINT_URL", said.url)
        yield said


@pytest.mark.parametrize("protocol", CALLS)
def test_foreign_answer_is_one_short_sentence(aws: Endpoint, protocol: str) -> None:
    session = AwsSession("ap-northeast-1", None, SystemClock())
    service, action, request = CALLS[protocol]
    for aws.status in (200, 302, 400, 403, 407, 502):
        for name, aws.body in BODIES.items():
            with pytest.raises((NoAnswerError, UnreachableError)) as raised:
                session.call(service, action, request)
            said = str(raised.value)
            assert raised.value.code is ExitCode.UNREACHABLE, name
            assert action in said
            assert len(said) < 450
            assert said.isprintable(), said
            assert "<p>" not in said


def test_page_of_a_proxy_is_named(aws: Endpoint) -> None:
    session = AwsSession("ap-northeast-1", None, SystemClock())
    for aws.status in (200, 403):
        aws.body = BODIES["page"]
        with pytest.raises(NoAnswerError) as raised:
            session.call(*CALLS["json"])
        assert str(raised.value) == (
            "AWS's answer to ListCommandInvocations could not be read:"
            f" HTTP {aws.status} with a page of HTML is no answer of AWS; check for a proxy"
        )


def test_defect_of_the_caller_is_not_hidden(aws: Endpoint) -> None:
    session = AwsSession("ap-northeast-1", None, SystemClock())
    assert aws.heard == []
    answer: dict[str, str] = {}
    with pytest.raises(KeyError):
        session.call(SSM, "ListCommandInvocations", lambda _ssm: answer["missing"])
