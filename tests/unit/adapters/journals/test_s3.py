"""The journal in S3: processes that die between two writes, failures of S3, and the number of calls."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.contracts.ledgers import (
    BOTH,
    ID,
    LEDGERS,
    NOON,
    OTHER,
    WEB,
    S3Ledger,
    begun,
    bucket_at,
    fell,
    owner,
    planned,
    taken_over,
    word,
)

from katakei.adapters.aws import S3, session
from katakei.adapters.aws.errors import BusyError, translate
from katakei.adapters.journals.event_codec import encode
from katakei.adapters.journals.locations import S3Location, s3_location_of
from katakei.adapters.journals.rollout_headers import header
from katakei.adapters.journals.s3 import S3Journal
from katakei.adapters.journals.s3.bucket import IfMatch, _Version
from katakei.adapters.journals.s3.catalog import Catalog
from katakei.adapters.journals.s3.event_log import SNAPSHOT_INTERVAL, EventLog
from katakei.adapters.system.process import ProcessFate
from katakei.domain import events as e
from katakei.domain.errors import (
    ConcurrentAppendError,
    KatakeiError,
    LeaseHeldError,
    NoAnswerError,
    TemporarilyUnavailableError,
    UnreachableError,
    UsageError,
)
from katakei.domain.model import TargetId

RETRY = e.RetryAsked(NOON, "kim", (TargetId("i-1"),))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[S3Ledger]:
    with LEDGERS["s3"](tmp_path) as made:
        assert isinstance(made, S3Ledger)
        yield made


def asked(ledger: S3Ledger, question: Callable[[], object]) -> list[str]:
    """Returns the calls that a question costs."""
    before = len(ledger.aws.lab("calls"))
    question()
    return [str(call["action"]) for call in ledger.aws.lab("calls")[before:]]


def whys(events: Sequence[e.Event]) -> list[str]:
    return [event.why for event in events if isinstance(event, e.BecameUnhealthy)]


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("s3://bucket", S3Location("bucket", "")),
        ("s3://bucket/", S3Location("bucket", "")),
        ("s3://my.bucket/team/katakei/", S3Location("my.bucket", "team/katakei/")),
    ],
)
def test_s3_url_names_bucket_and_prefix(url: str, place: S3Location) -> None:
    assert s3_location_of(url) == place


@pytest.mark.parametrize(
    "url", ["s3://", "s3://Bucket/x", "s3://b/x", "s3://bucket/a//b", "s3://bucket/a?b", "s3://a b"]
)
def test_invalid_s3_url_is_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="give s3://bucket/prefix"):
        s3_location_of(url)


# -- a process dies between two writes


def test_rollout_without_events_is_not_found(ledger: S3Ledger) -> None:
    Catalog(ledger.bucket).open(header(ID, planned()))
    assert ledger.journal().find() == []
    assert ledger.journal().find(group=WEB, unfinished=True) == []


def test_finished_event_overrules_catalog(ledger: S3Ledger) -> None:
    begun(ledger)
    assert EventLog(ledger.bucket).add(ID, 1, [encode(e.Finished(NOON))])
    assert ledger.journal().find(unfinished=True) == []
    assert ledger.journal().find(group=WEB)[0].finished == NOON


def test_unwritten_command_reopens_nothing(ledger: S3Ledger) -> None:
    ledger.journal().append(begun(ledger), ID, 1, [e.Finished(NOON)])
    Catalog(ledger.bucket).open(header(ID, planned()))
    assert ledger.journal().find(unfinished=True) == []


def test_close_ignores_rollout_opened_meanwhile(ledger: S3Ledger) -> None:
    begun(ledger)
    slow = Catalog(ledger.bucket)
    openings = slow.openings(ID, sorted(BOTH))
    assert EventLog(ledger.bucket).add(ID, 1, [encode(e.Finished(NOON))])
    ledger.journal().tell(ID, RETRY)
    slow.close(ID, NOON, openings)
    assert [each.rollout for each in ledger.journal().find(group=WEB, unfinished=True)] == [ID]


def test_old_owner_is_fenced_by_event_number(ledger: S3Ledger) -> None:
    begun(ledger)
    old = EventLog(ledger.bucket)
    assert old.end(ID) == 1
    taken = taken_over(ledger, BOTH, owner(2), ID)
    ledger.journal().append(taken, ID, 1, [e.OwnerChanged(NOON, owner(2))])
    assert not old.add(ID, 1, [encode(fell(2))])


def test_failed_take_leaves_no_group_taken(ledger: S3Ledger) -> None:
    leases, alive = ledger.leases(), ledger.leases(lambda *_: ProcessFate.ALIVE)
    ledger.aws.lab("faults", deny=["PutObject"])
    with pytest.raises(UnreachableError):
        leases.take(BOTH, owner(), ID)
    ledger.aws.lab("faults", deny=[])
    assert alive.take(BOTH, owner(2), OTHER).epoch == 1


# -- S3 fails


def test_doubtful_write_happens_once(ledger: S3Ledger) -> None:
    lease, journal = begun(ledger), ledger.journal()
    ledger.aws.lab("faults", error=0.5, seed=4, actions=["PutObject"])
    for number in range(2, 32):
        after = len(journal.read(ID, 0))
        try:
            journal.append(lease, ID, after, [fell(number)])
        except NoAnswerError:
            continue
    ledger.aws.lab("faults", error=0)
    written = journal.read(ID, 1)
    assert len(written) > 20
    numbers = [int(why.split()[1]) for why in whys(written)]
    assert numbers == sorted(set(numbers))


def test_unanswered_write_that_happened_succeeds(ledger: S3Ledger) -> None:
    lease, journal = begun(ledger), ledger.journal()
    journal.append(lease, ID, 1, [fell(2)])
    answers = set()
    for number in range(3, 6):
        ledger.aws.lab("faults", timeout=1.0, hold=0.1, seed=number, actions=["PutObject"])
        after = len(journal.read(ID, 0))
        try:
            journal.append(lease, ID, after, [fell(number)])
        except NoAnswerError:
            answers.add(False)
            assert len(journal.read(ID, 0)) == after
        else:
            answers.add(True)
            assert journal.read(ID, after) == [fell(number)]
    assert True in answers


@pytest.mark.parametrize("action", ["GetObject", "PutObject", "ListObjectsV2"])
def test_denied_call_says_what_to_allow(ledger: S3Ledger, action: str) -> None:
    lease, journal = begun(ledger), ledger.journal()
    ledger.aws.lab("faults", deny=[action])
    with pytest.raises(
        UnreachableError,
        match=rf"may not call {action} for the journal .* s3:GetObject and s3:PutObject .*\(AWS says: ",
    ):
        journal.append(lease, ID, len(journal.read(ID, 0)), [fell(2)])
    ledger.aws.lab("faults", deny=[])
    assert journal.read(ID, 0) == [planned()]


@pytest.mark.parametrize(
    ("code", "status", "error", "said"),
    [
        ("ExpiredToken", 400, TemporarilyUnavailableError, "credentials have expired: renew them"),
        ("InvalidAccessKeyId", 403, TemporarilyUnavailableError, "does not accept these credentials"),
        ("RequestTimeTooSkewed", 403, UnreachableError, "the clock of this machine is wrong"),
        (
            "PermanentRedirect",
            301,
            UnreachableError,
            "the bucket of the journal s3://bucket/ is in another region: give --region",
        ),
        ("NotImplemented", 501, UnreachableError, "it has no conditional writes"),
        ("SlowDown", 503, BusyError, "throttled PutObject for the journal s3://bucket/"),
        ("ConditionalRequestConflict", 409, BusyError, "had no answer to PutObject for the journal s3://bucket/"),
        ("Unheard", 502, BusyError, "had no answer to PutObject for the journal s3://bucket/"),
        ("Unheard", 400, UnreachableError, "AWS refused PutObject for the journal s3://bucket/: m"),
    ],
)
def test_s3_refusal_says_what_to_do(code: str, status: int, error: type[KatakeiError], said: str) -> None:
    answer: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    told = translate(S3, "PutObject", ClientError(answer, "PutObject"), "the journal s3://bucket/")
    assert isinstance(told, error)
    assert told.code == 5
    assert said in str(told)


USER = "User: arn:aws:sts::111122223333:assumed-role/deploy/ci is not authorized to perform: "
KEY = "arn:aws:kms:r:1:key/2"
ADVICE = "allow s3:ListBucket on the bucket and s3:GetObject and s3:PutObject below it"


@pytest.mark.parametrize(
    ("code", "said", "names", "not_said"),
    [
        (
            "AccessDenied",
            f"{USER}s3:PutObject because no identity-based policy allows the s3:PutObject action",
            ADVICE,
            "s3:if-none-match",
        ),
        (
            "AccessDenied",
            f"{USER}s3:PutObject with an explicit deny in a resource-based policy",
            "the bucket's policy denies it explicitly; its conditions may ask for an encryption",
            "allow s3:",
        ),
        (
            "AccessDenied",
            f"{USER}s3:GetObject with an explicit deny in a service control policy",
            "a service control policy of the organization denies it",
            "allow s3:",
        ),
        (
            "AccessDenied",
            f"{USER}s3:GetObject with an explicit deny in a VPC endpoint policy",
            "the policy of the VPC endpoint denies it",
            "allow s3:",
        ),
        (
            "AccessDenied",
            f"{USER}kms:GenerateDataKey on resource: {KEY} because no resource-based policy allows it",
            "allow kms:GenerateDataKey on that key, also in the key's own policy",
            "s3:ListBucket",
        ),
        (
            "KMS.DisabledException",
            "arn:aws:kms:r:1:key/2 is disabled.",
            "the KMS key of the bucket cannot be used; enable it",
            "s3:ListBucket",
        ),
        (
            "AccessDenied",
            "Access Denied",
            "if all that is allowed already, a policy refuses by a condition",
            "denies it explicitly",
        ),
    ],
)
def test_denied_call_passes_the_words_of_aws_on(code: str, said: str, names: str, not_said: str) -> None:
    answer: Any = {"Error": {"Code": code, "Message": said}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    told = translate(S3, "PutObject", ClientError(answer, "PutObject"), "the journal s3://bucket/")
    assert isinstance(told, UnreachableError)
    assert f"(AWS says: {said})" in str(told)
    assert (names in str(told), not_said in str(told)) == (True, False), str(told)


def test_denied_call_shows_long_words_cut_and_harmless() -> None:
    answer: Any = {"Error": {"Code": "AccessDenied", "Message": "\x1b]52;c;" + "x" * 5000}, "ResponseMetadata": {}}
    told = str(translate(S3, "PutObject", ClientError(answer, "PutObject"), "the journal s3://bucket/"))
    assert (len(told) < 1200, told.isprintable()) == (True, True)


@pytest.mark.parametrize(
    ("url", "owner", "place"),
    [
        ("s3://bucket/team?owner=123456789012", "", S3Location("bucket", "team/", "123456789012")),
        ("s3://bucket?owner=123456789012", "210987654321", S3Location("bucket", "", "123456789012")),
        ("s3://bucket/team", "123456789012", S3Location("bucket", "team/", "123456789012")),
    ],
)
def test_s3_location_names_the_owner_of_the_bucket(url: str, owner: str, place: S3Location) -> None:
    assert s3_location_of(url, owner) == place
    assert s3_location_of(str(place)) == place


@pytest.mark.parametrize(
    ("url", "owner"), [("s3://bucket?owner=", ""), ("s3://bucket?owner=12345678901a", ""), ("s3://bucket", "kim")]
)
def test_invalid_owner_of_the_bucket_is_usage_error(url: str, owner: str) -> None:
    with pytest.raises(UsageError, match="no account that can own the bucket of the journal: give its 12 digits"):
        s3_location_of(url, owner)


def test_every_call_names_the_owner_of_the_bucket(ledger: S3Ledger) -> None:
    seen: list[tuple[str, str]] = []

    class Client:
        """Notes the owner that each call names, and goes on to the lab."""

        def __init__(self, real: Any) -> None:
            self._real = real

        def __getattr__(self, name: str) -> Any:
            def call(**given: Any) -> Any:
                seen.append((name, given.pop("ExpectedBucketOwner")))
                return getattr(self._real, name)(**given)

            return call

    place = S3Location(ledger.bucket.place.bucket, ledger.bucket.place.prefix, "123456789012")
    owned = S3Ledger(ledger.aws, place)
    real = owned.bucket._aws._connect(S3).client
    owned.bucket._aws.use(S3, Client(real))
    begun(owned)
    owned.journal().find()
    assert {name for name, _ in seen} == {"get_object", "put_object", "list_objects_v2"}
    assert {account for _, account in seen} == {"123456789012"}


def test_missing_bucket_is_reported(ledger: S3Ledger) -> None:
    ledger.bucket.place = S3Location("nosuchbucket", "")
    with pytest.raises(UnreachableError, match="there is no bucket for the journal s3://nosuchbucket/: create it"):
        ledger.journal().find()


def test_closed_endpoint_is_no_answer(ledger: S3Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(NoAnswerError, match="did not answer"):
        ledger.journal().find()


def test_read_timeout_is_no_answer(ledger: S3Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "READ_TIMEOUT", timedelta(seconds=0.5))
    lease, journal = begun(ledger), S3Journal(bucket_at(ledger.bucket.place))
    journal.read(ID, 0)
    for action in ("GetObject", "PutObject"):
        ledger.aws.lab("faults", timeout=1.0, hold=2, seed=1, actions=["PutObject", action])  # no write happens
        with pytest.raises(NoAnswerError, match=f"did not answer {action}"):
            journal.append(lease, ID, 1, [fell(2)])


def test_missing_credentials_are_reported(ledger: S3Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(UnreachableError, match=r"Unable to locate credentials in .*; give --profile"):
        ledger.journal().find()


def test_lost_objects_are_reported(ledger: S3Ledger) -> None:
    lease, journal = begun(ledger), ledger.journal()
    for number in range(2, 5):
        journal.append(lease, ID, number - 1, [fell(number)])
    s3: Any = boto3.Session().client("s3")
    s3.delete_object(Bucket=ledger.bucket.place.bucket, Key=f"katakei/rollouts/{ID}/events/0000000003.jsonl")
    with pytest.raises(UnreachableError, match="has lost events of rollout r-one before 4"):
        ledger.journal().read(ID, 0)


def test_newer_schema_is_refused_untouched(ledger: S3Ledger) -> None:
    lease = begun(ledger)
    mark = ledger.bucket.get("katakei.json")
    assert mark is not None
    ledger.bucket.put("katakei.json", json.dumps({"schema": 2}), IfMatch(mark.etag))
    keys = ledger.bucket.keys("")
    ledger.bucket._version = _Version.NOT_READ
    attempts: list[Callable[[], object]] = [
        lambda: ledger.journal().read(ID, 0),
        lambda: ledger.leases().take(BOTH, owner(2), OTHER),
        lambda: ledger.journal().append(lease, ID, 1, [fell(2)]),
    ]
    for attempt in attempts:
        with pytest.raises(UnreachableError, match=r"newer Katakei \(schema 2, this one knows 1\): use that version"):
            attempt()
    ledger.bucket._version = _Version.PRESENT
    assert ledger.bucket.keys("") == keys


# -- the number of calls


def test_long_history_is_read_from_snapshot(ledger: S3Ledger) -> None:
    lease, journal = begun(ledger), ledger.journal()
    for _ in range(3):
        after = len(journal.read(ID, 0))
        journal.append(lease, ID, after, [fell(after + n) for n in range(SNAPSHOT_INTERVAL // 2 + 1)])
    costs = asked(ledger, lambda: ledger.journal().read(ID, 0))
    assert costs.count("GetObject") == 2
    assert whys(ledger.journal().read(ID, 1)) == [f"event {n}" for n in range(1, 3 * (SNAPSHOT_INTERVAL // 2 + 1) + 1)]


def test_turn_without_new_events_costs_one_call(ledger: S3Ledger) -> None:
    lease, journal = begun(ledger), ledger.journal()
    journal.append(lease, ID, len(journal.read(ID, 0)), [fell(2)])
    assert asked(ledger, lambda: journal.read(ID, 2)) == ["ListObjectsV2"]
    ledger.journal().tell(ID, word(3))
    assert journal.read(ID, 2) == [word(3)]


def test_finished_rollouts_are_found_by_one_call(ledger: S3Ledger) -> None:
    for hours in range(3):
        rollout = type(ID)(f"r-{hours}")
        lease = begun(ledger, rollout, BOTH, hours)
        ledger.journal().append(lease, rollout, 1, [e.Finished(NOON)])
        ledger.leases().release(lease)
    journal = ledger.journal()
    assert asked(ledger, lambda: journal.find(group=WEB, unfinished=True)) == ["GetObject"]
    assert asked(ledger, lambda: journal.read(type(ID)("r-1"), 0)) == ["GetObject", "ListObjectsV2"]


def test_event_text_may_hold_other_line_breaks(ledger: S3Ledger) -> None:
    lease, odd = begun(ledger), e.BecameUnhealthy(NOON, TargetId("i-1"), "a\u2028b\u0085c\nd\r\x1ce")
    ledger.journal().append(lease, ID, 1, [odd, odd])
    assert ledger.journal().read(ID, 1) == [odd, odd]


def test_conflicting_writes_name_the_holder(ledger: S3Ledger) -> None:
    lease = begun(ledger)
    journal = ledger.journal()
    journal.read(ID, 0)
    assert EventLog(ledger.bucket).add(ID, 1, [encode(word(2))])
    with pytest.raises(ConcurrentAppendError):
        journal.append(lease, ID, 1, [fell(2)])
    with pytest.raises(ConcurrentAppendError):
        ledger.journal().append(lease, ID, 1, [fell(2)])
    with pytest.raises(LeaseHeldError, match=r"r-one of kim@here .* heard of \ds ago") as held:
        ledger.leases(lambda *_: ProcessFate.UNKNOWN).take(BOTH, owner(2), OTHER)
    assert not held.value.silent
