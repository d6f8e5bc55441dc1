"""Credentials that are lost for a while: the error says what to do, and the next call finds them again."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contracts.credentials import WAYS, SignOn, signed_on
from tests.contracts.fake_endpoint import NOTHING, Endpoint, endpoint, refusal
from tests.contracts.ledgers import ID, LEDGERS, S3Ledger, begun, bucket_at, fell, planned
from tests.contracts.workshops import BY, ByRunCommand, by_run_command, follow, hand_over, job, key, until

from katakei.adapters.aws import ELB, STS, AwsSession, session
from katakei.adapters.balancers.alb import AlbBalancer
from katakei.adapters.executors.ssm import SsmExecutor
from katakei.adapters.journals.s3 import S3Journal
from katakei.adapters.system.clock import SystemClock
from katakei.domain.errors import NoAnswerError, TemporarilyUnavailableError, UnreachableError
from katakei.domain.model import Arn
from katakei.domain.observation import WorkState

GROUP = Arn("arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/web/0123456789abcdef")
REGION = "ap-northeast-1"
LOST = r"AWS cannot be asked: the credential_process of profile default gave no credentials \(.*\); run that program"
NONE = r"AWS cannot be asked: Unable to locate credentials in .*profile default.*; give --profile"
ROLE = """\
[default]
role_arn = arn:aws:iam::123456789012:role/deploy
source_profile = source

[profile source]
aws_access_key_id = source
aws_secret_access_key = secret
"""

each_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with endpoint() as said:
        monkeypatch.setenv("AWS_ENDPOINT_URL", said.url)
        yield said


@pytest.fixture
def balancer(aws: Endpoint) -> AlbBalancer:
    assert aws.heard == []
    clock = SystemClock()
    return AlbBalancer(AwsSession(REGION, None, clock), clock)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ByRunCommand]:
    with by_run_command(tmp_path, monkeypatch) as shop:
        yield shop


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[S3Ledger]:
    with LEDGERS["s3"](tmp_path) as made:
        assert isinstance(made, S3Ledger)
        made.bucket = bucket_at(made.bucket.place)
        yield made


@pytest.fixture
def sign_on(tmp_path: Path) -> Iterator[SignOn]:
    """Ask for it after the fixture that sets the environment."""
    with signed_on(tmp_path / "signed-on") as sign_on:
        yield sign_on


@each_way
def test_balancer_waits_for_lost_credentials(aws: Endpoint, balancer: AlbBalancer, sign_on: SignOn, way: str) -> None:
    assert balancer.look(GROUP, None).seen == {}
    sign_on.lost(way)
    for _ in range(2):  # the present credentials cannot be renewed; then there are none
        with pytest.raises(TemporarilyUnavailableError, match=LOST):
            balancer.look(GROUP, None)
    heard = len(aws.heard)
    sign_on.found()
    assert balancer.look(GROUP, None).seen == {}
    assert len(aws.heard) == heard + 1


@each_way
def test_executor_start_waits_for_lost_credentials(shop: ByRunCommand, sign_on: SignOn, way: str) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job("echo begun >> begun"))}
    until(shop, {key(whom): (whom, "")}, WorkState.NOT_STARTED, lambda: None)
    sign_on.lost(way)
    for _ in range(2):
        with pytest.raises(TemporarilyUnavailableError, match=LOST):
            shop.executor.start(jobs, BY)
    sign_on.found()
    assert follow(shop, jobs, hand_over(shop, jobs))[key(whom)].state is WorkState.ENDED
    assert (shop.folder(whom) / "begun").read_text() == "begun\n"


@each_way
def test_executor_ready_waits_for_lost_credentials(shop: ByRunCommand, sign_on: SignOn, way: str) -> None:
    assert shop.executor.ready(shop.targets, BY) == {}
    sign_on.lost(way)
    for _ in range(2):
        with pytest.raises(TemporarilyUnavailableError, match=LOST):
            shop.executor.ready(shop.targets, BY)
    sign_on.found()
    assert shop.executor.ready(shop.targets, BY) == {}


@each_way
def test_journal_waits_for_lost_credentials(ledger: S3Ledger, sign_on: SignOn, way: str) -> None:
    lease, journal = begun(ledger), ledger.journal()
    sign_on.lost(way)
    for _ in range(2):
        with pytest.raises(TemporarilyUnavailableError, match=LOST):
            journal.append(lease, ID, 1, [fell(2)])
        with pytest.raises(TemporarilyUnavailableError, match=LOST):
            ledger.leases().renew(lease)
    sign_on.found()
    ledger.leases().renew(lease)
    journal.append(lease, ID, 1, [fell(2)])
    assert journal.read(ID, 0) == [planned(), fell(2)]


def test_balancer_reads_renewed_keys_from_file(
    aws: Endpoint, balancer: AlbBalancer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
    keys.write_text("[default]\naws_access_key_id = OLD\naws_secret_access_key = secret\n")
    aws.status, aws.body = 403, refusal("ExpiredToken", "The security token included in the request is expired")
    with pytest.raises(TemporarilyUnavailableError, match="renew them"):
        balancer.look(GROUP, None)

    keys.write_text("[default]\naws_access_key_id = NEW\naws_secret_access_key = secret\n")
    aws.status, aws.body = 200, NOTHING

    assert balancer.look(GROUP, None).seen == {}
    assert ["OLD" in aws.keys[0], "NEW" in aws.keys[-1]] == [True, True]


def test_journal_reads_renewed_keys_from_file(
    ledger: S3Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun(ledger)
    keys = tmp_path / "keys"
    held = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    for name in held:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
    journal = S3Journal(bucket_at(ledger.bucket.place))
    with pytest.raises(TemporarilyUnavailableError, match=NONE):
        journal.read(ID, 0)
    keys.write_text("\n".join(["[default]", *(f"{name.lower()} = {value}" for name, value in held.items())]))
    assert journal.read(ID, 0) == [planned()]


def test_executor_names_invalid_endpoint_url(shop: ByRunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "not a url")
    executor = SsmExecutor(AwsSession(REGION, None, shop.clock), shop.clock)
    with pytest.raises(TemporarilyUnavailableError, match=r"not a url.*AWS_ENDPOINT_URL"):
        executor.ready(shop.targets, BY)


def _role(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AwsSession:
    """A session whose default profile assumes a role."""
    (tmp_path / "config").write_text(ROLE)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return AwsSession(REGION, None, SystemClock())


def _health(aws: AwsSession) -> object:
    return aws.call(ELB, "DescribeTargetHealth", lambda elb: elb.describe_target_health(TargetGroupArn=GROUP))


def test_denied_role_is_reported_as_such(aws: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    role = _role(monkeypatch, tmp_path)
    aws.status, aws.body, aws.roles = 403, refusal("AccessDenied", "not authorized to assume it"), False
    with pytest.raises(UnreachableError, match=r"AssumeRole: allow sts:AssumeRole .*not authorized to assume it"):
        _health(role)
    aws.body = refusal("ValidationError", "the role is too long a name")
    with pytest.raises(TemporarilyUnavailableError, match=r"cannot be asked: .*AssumeRole operation.*too long a name"):
        _health(role)
    assert {call["Action"] for call in aws.heard} == {"AssumeRole"}


def test_throttled_role_is_no_answer_without_advice(
    aws: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    role = _role(monkeypatch, tmp_path)
    aws.status, aws.body, aws.roles = 400, refusal("Throttling", "Rate exceeded"), False
    with pytest.raises(NoAnswerError) as raised:
        _health(role)
    assert str(raised.value) == (
        "AWS cannot be asked: the role of profile default gave no credentials"
        " (AWS throttled AssumeRole (Rate exceeded))"
    )


def test_outage_does_not_discard_credentials(aws: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    role = _role(monkeypatch, tmp_path)
    monkeypatch.setattr(session, "READ_TIMEOUT", timedelta(seconds=0.3))
    _health(role)
    aws.hangs = True
    with pytest.raises(NoAnswerError, match="did not answer DescribeTargetHealth"):
        _health(role)
    aws.hangs = False
    _health(role)
    role.call(STS, "GetCallerIdentity", lambda sts: sts.get_caller_identity())
    assert [call["Action"] for call in aws.heard].count("AssumeRole") == 1
