"""One AWS session per command: an assumed role with MFA costs one prompt and one AssumeRole call."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.contracts.fake_account import TurnedClock
from tests.contracts.fake_endpoint import Endpoint, endpoint, refusal
from tests.lab.credentials import keys_of

from katakei.adapters.aws import ELB, S3, SSM, STS, AwsSession, Service
from katakei.adapters.system.clock import SystemClock
from katakei.domain.errors import KatakeiError, NoAnswerError
from katakei.lab.options import LabOptions
from katakei.lab.process import Lab

REGION = "ap-northeast-1"
PROMPT = "Enter MFA code for "
PROFILE = """\
[profile source]
aws_access_key_id = {AWS_ACCESS_KEY_ID}
aws_secret_access_key = {AWS_SECRET_ACCESS_KEY}

[profile deploy]
role_arn = arn:aws:iam::123456789012:role/deploy
mfa_serial = arn:aws:iam::123456789012:mfa/kim
source_profile = source
region = {AWS_REGION}
"""
CALL_ALL = """\
from concurrent.futures import ThreadPoolExecutor
from katakei.adapters.aws import ELB, S3, SSM, STS, AwsSession
from katakei.adapters.system.clock import SystemClock

aws = AwsSession(None, "deploy", SystemClock())
calls = [
    lambda: aws.call(ELB, "DescribeTargetGroups", lambda elb: elb.describe_target_groups()),
    lambda: aws.call(SSM, "DescribeInstanceInformation", lambda ssm: ssm.describe_instance_information()),
    lambda: aws.call(S3, "ListObjectsV2", lambda s3: s3.list_objects_v2(Bucket="journals")),
    lambda: aws.call(STS, "GetCallerIdentity", lambda sts: sts.get_caller_identity()),
]
with ThreadPoolExecutor(8) as pool:
    for answer in [pool.submit(call) for call in calls * 2]:
        answer.result()
"""
SHOP = """\
service: shop
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
drain: {settle: 2s, until: delay}
work: {ssm: {run: 'echo "$KATAKEI_RELEASE" > release && ./bin/restart'}}
warm: {soak: 1s}
"""


class Person:
    """A person with an assumed role, who types an MFA code for every prompt and has no terminal."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder = lab, folder
        (folder / "config").write_text(PROFILE.format(**lab.env))
        (folder / "katakei.yml").write_text(SHOP)
        keys = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.env = keys | {
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder),
            "AWS_CONFIG_FILE": str(folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": lab.endpoint,
        }

    def run(self, *words: str) -> tuple[int, int]:
        """Returns the prompts and the AssumeRole calls of one process."""
        before = self._assumed()
        done = subprocess.run(
            [sys.executable, *words],
            input="123456\n" * 20,
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            start_new_session=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stderr.count(PROMPT), self._assumed() - before

    def _assumed(self) -> int:
        return sum(call["action"] == "AssumeRole" for call in self.lab.calls())


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    options = LabOptions(targets=2, delay=timedelta(seconds=2), interval=timedelta(seconds=1), port=8080)
    with Lab(options) as running:
        s3: Any = boto3.Session(region_name=REGION).client("s3", **keys_of(running.env))
        s3.create_bucket(Bucket="journals", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.close()
        yield running


@pytest.fixture
def person(lab: Lab, tmp_path: Path) -> Person:
    return Person(lab, tmp_path)


@pytest.mark.lab
def test_session_resolves_credentials_once_for_all_services(person: Person) -> None:
    assert person.run("-c", CALL_ALL) == (1, 1)


@pytest.mark.lab
@pytest.mark.parametrize(
    "words", [("status", "LaravelTargetGroup"), ("plan", "--release", "v2"), ("roll", "--release", "v2", "--yes")]
)
def test_command_with_mfa_prompts_once(person: Person, words: tuple[str, ...]) -> None:
    command, *more = words
    common = ("--profile", "deploy", "--journal", "s3://journals/katakei")
    assert person.run("-m", "katakei.cli", command, *common, *more) == (1, 1)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    with endpoint() as said:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            monkeypatch.setenv(name, os.devnull)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
        monkeypatch.setenv("AWS_ENDPOINT_URL", said.url)
        yield said


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(minutes=7), timedelta(minutes=-7)])
def test_clock_of_aws_is_compared_by_the_date_of_its_answers(aws: Endpoint, ahead: timedelta) -> None:
    session = AwsSession(REGION, None, SystemClock())
    asked = [session.clock_offset]
    for aws.ahead in (ahead, None):
        _identity(session)
        asked.append(session.clock_offset)
    before, known, after = asked
    assert before is None
    assert known is not None
    assert abs(known - ahead) < timedelta(minutes=1)
    assert after == known


def _identity(session: AwsSession) -> object:
    return session.call(STS, "GetCallerIdentity", lambda sts: sts.get_caller_identity())


def test_calls_are_logged_without_secrets(aws: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    session = AwsSession(REGION, None, TurnedClock())
    aws.status, aws.body = 403, refusal("AccessDenied", "not you")
    with caplog.at_level(logging.DEBUG, "katakei.aws"):
        _identity(session)
        with pytest.raises(KatakeiError):
            session.call(ELB, "DescribeTargetHealth", lambda elb: elb.describe_target_health(TargetGroupArn="a-group"))
    ours = [record for record in caplog.records if record.name == "katakei.aws"]
    assert [record.getMessage() for record in ours] == [
        "sts GetCallerIdentity: ok after 0 ms",
        "elbv2 DescribeTargetHealth: AccessDenied after 0 ms",
    ]
    facts = {"service": "elbv2", "action": "DescribeTargetHealth", "duration_ms": 0, "outcome": "AccessDenied"}
    assert facts.items() <= ours[1].__dict__.items()
    assert not any("a-group" in str(record.__dict__) or "secret" in str(record.__dict__) for record in ours)


def test_deadline_passed_by_slow_credentials_prevents_call(aws: Endpoint) -> None:
    clock = TurnedClock()
    session = AwsSession(REGION, None, clock)
    by = clock.now() + timedelta(seconds=10)
    session._credentials = lambda: _SlowCredentials(clock)  # type: ignore[assignment, method-assign, return-value]  # asks a person
    with pytest.raises(NoAnswerError, match="RegisterTargets was not called: no time was left for it"):
        session.call(ELB, "RegisterTargets", lambda elb: elb.register_targets(TargetGroupArn="g", Targets=[]), by=by)
    assert aws.heard == []


def test_call_whose_time_was_given_before_a_jump_is_not_made(aws: Endpoint) -> None:
    clock = TurnedClock()
    session = AwsSession(REGION, None, clock)

    def deregister(by: datetime | None) -> None:
        session.call(ELB, "DeregisterTargets", lambda elb: elb.describe_target_health(TargetGroupArn="g"), by=by)

    until = clock.now() + timedelta(seconds=10)  # of a lease that is confirmed now
    clock.time += timedelta(seconds=1)
    clock.jumped = clock.now()
    with pytest.raises(NoAnswerError, match="DeregisterTargets was not called: the clock of this machine jumped"):
        deregister(until)
    assert aws.heard == []
    deregister(None)  # a question without a time limit is asked
    deregister(clock.now() + timedelta(seconds=10))
    assert len(aws.heard) == 2


def test_call_of_a_process_that_stood_still_while_signing_is_not_sent(aws: Endpoint) -> None:
    clock = TurnedClock()
    session = AwsSession(REGION, None, clock)

    def deregister(elb: Any) -> None:
        elb.meta.events.register("before-sign", stand_still)
        elb.deregister_targets(TargetGroupArn="g", Targets=[])

    def stand_still(**_: object) -> None:
        clock.time += timedelta(minutes=1)

    with pytest.raises(NoAnswerError, match="DeregisterTargets was not called: no time was left for it"):
        session.call(ELB, "DeregisterTargets", deregister, by=clock.now() + timedelta(seconds=10))
    assert aws.heard == []


class _SlowCredentials:
    """Credentials that a person takes a minute to renew."""

    access_key, secret_key, token, method = "key", "secret", None, "person"

    def __init__(self, clock: TurnedClock) -> None:
        self._clock = clock

    def get_frozen_credentials(self) -> object:
        self._clock.time += timedelta(minutes=1)
        return self


@pytest.mark.parametrize("service", [ELB, SSM, S3, STS])
def test_every_service_takes_the_same_client_options(aws: Endpoint, service: Service[Any]) -> None:
    session = AwsSession(REGION, None, TurnedClock())
    config = session._connect(service).client.meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (3, 5, 1)
    assert config.user_agent_extra.endswith("katakei")
    assert aws.heard == []
