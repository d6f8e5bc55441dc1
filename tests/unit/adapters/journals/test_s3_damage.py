"""Objects in S3 that no Katakei wrote, or that were cut or changed since: one short sentence, and exit code 5."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.contracts.ledgers import BOTH, ID, LEDGERS, OTHER, WEB, S3Ledger, begun, fell, owner, planned, word
from tests.properties.simulated_aws import SimulatedClock

from katakei.adapters.journals.event_codec import encode
from katakei.adapters.journals.s3 import event_log
from katakei.adapters.journals.s3.bucket import _stored
from katakei.adapters.journals.s3.event_log import EventLog
from katakei.domain import events as e
from katakei.domain.errors import KatakeiError, UnreachableError
from katakei.domain.leases import Lease
from katakei.domain.model import RolloutId
from katakei.runtime.lease_keeper import LeaseKeeper


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[S3Ledger]:
    with LEDGERS["s3"](tmp_path) as made:
        assert isinstance(made, S3Ledger)
        yield made


def put(ledger: S3Ledger, key: str, body: bytes) -> None:
    s3: Any = boto3.Session().client("s3")
    s3.put_object(Bucket=ledger.bucket.place.bucket, Key=f"{ledger.bucket.place.prefix}{key}", Body=body)


def body(ledger: S3Ledger, key: str) -> bytes:
    found = ledger.bucket.get(key)
    assert found is not None
    return found.text.encode()


DIGITS = b"9" * 5000
DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _whole: b"",
    "cut": lambda whole: whole[: len(whole) // 2],
    "not text": lambda whole: b"\xff\xfe" + whole,
    "no JSON": lambda _whole: b"\x1b]52;c;AAAA\x07" * 500 + b"\n",
    "a list": lambda _whole: b"[]\n",
    "a number": lambda _whole: b"7\n",
    "null": lambda _whole: b"null\n",
    "nested": lambda _whole: b"[" * 100_000 + b"]" * 100_000 + b"\n",
    "another object": lambda _whole: b'{"a": 1}\n',
    "5,000 digits": lambda whole: whole.replace(b": 1", b": " + DIGITS, 1),
    "text for every number": lambda whole: whole.replace(b": 1", b': "1"'),
    "another year": lambda whole: whole.replace(b"2026-", b"99999-"),
}
KEYS = {
    "katakei.json": lambda ledger: ledger.journal().find(),
    f"groups/{WEB}.json": lambda ledger: ledger.journal().find(group=WEB),
    f"leases/{WEB}.json": lambda ledger: ledger.leases().take(BOTH, owner(2), OTHER),
    f"rollouts/{ID}/events/0000000001.jsonl": lambda ledger: ledger.journal().read(ID, 0),
    f"rollouts/{ID}/snapshot.jsonl": lambda ledger: ledger.journal().read(ID, 0),
}


def one_short_sentence(error: KatakeiError) -> bool:
    said = str(error)
    return len(said) < 500 and said.isprintable() and error.code == 5


@pytest.mark.parametrize("key", KEYS)
def test_damaged_object_is_one_short_sentence(ledger: S3Ledger, key: str) -> None:
    lease = begun(ledger)
    ledger.journal().append(lease, ID, 1, [fell(2)])
    if "snapshot" in key:
        EventLog(ledger.bucket).write_snapshot(ID)
    whole = body(ledger, key)
    for name, damage in DAMAGED.items():
        damaged = damage(whole)
        if damaged == whole:
            continue
        put(ledger, key, damaged)
        fresh = S3Ledger(ledger.aws, ledger.bucket.place)
        with pytest.raises(UnreachableError) as told:
            KEYS[key](fresh)
        assert one_short_sentence(told.value), (name, str(told.value))
    put(ledger, key, whole)
    assert S3Ledger(ledger.aws, ledger.bucket.place).journal().read(ID, 1) == [fell(2)]


@pytest.mark.parametrize("cut", [b"\n", b'"}\n', b"x" * 3])
def test_cut_last_event_is_not_taken_for_the_end(ledger: S3Ledger, cut: bytes) -> None:
    lease = begun(ledger)
    ledger.journal().append(lease, ID, 1, [fell(2), fell(3)])
    key = f"rollouts/{ID}/events/0000000002.jsonl"
    put(ledger, key, body(ledger, key)[: -len(cut)])
    fresh = S3Ledger(ledger.aws, ledger.bucket.place)
    with pytest.raises(UnreachableError, match="its last line is cut"):
        fresh.journal().append(lease, ID, 2, [fell(9)])


def test_foreign_object_among_the_events_is_named(ledger: S3Ledger) -> None:
    begun(ledger)
    put(ledger, f"rollouts/{ID}/events/copy of 1.jsonl", b"hello\n")
    with pytest.raises(UnreachableError, match=r"copy of 1.jsonl of the journal .* is damaged"):
        ledger.journal().read(ID, 0)


def test_heartbeat_survives_a_damaged_lease(ledger: S3Ledger) -> None:
    lease, leases = begun(ledger), ledger.leases()
    keeper = LeaseKeeper(leases, SimulatedClockThatWakes(), lease, SimulatedClockThatWakes().now())
    key = f"leases/{WEB}.json"
    whole = body(ledger, key)
    put(ledger, key, b"{")
    keeper._try_to_renew()  # the thread goes on; the turn meets the same error
    with pytest.raises(UnreachableError, match="is damaged"):
        keeper.renew()
    put(ledger, key, whole)
    keeper.renew()


class SimulatedClockThatWakes(SimulatedClock):
    def wake(self) -> None:
        """Nobody sleeps here."""

    def last_jump(self) -> None:
        return None


# -- the store's time


def stored(date: str | None) -> timedelta | None:
    from datetime import UTC, datetime  # noqa: PLC0415 - only here

    class Body:
        def read(self) -> bytes:
            return b"text"

    headers = {} if date is None else {"date": date}
    modified = datetime(2026, 11, 28, 10, 0, 0, tzinfo=UTC)
    return _stored(
        {"ResponseMetadata": {"HTTPHeaders": headers}, "LastModified": modified, "Body": Body(), "ETag": "e"}
    ).age


@pytest.mark.parametrize(
    ("date", "age"),
    [
        ("Sat, 28 Nov 2026 10:00:07 GMT", 7),
        ("Sat, 28 Nov 2026 10:00:07 -0000", 7),
        ("Sat, 28 Nov 2026 19:00:07 +0900", 7),
        ("Sat, 28 Nov 2026 10:00:07 GMT, Sat, 28 Nov 2026 10:00:07 GMT", None),
        ("Sat, 28 Nov 99999 10:00:07 GMT", None),
        ("now", None),
        ("", None),
        (None, None),
    ],
)
def test_age_needs_one_readable_date(date: str | None, age: int | None) -> None:
    seen = stored(date)
    assert seen == (None if age is None else timedelta(seconds=age))


# -- the chain


def test_every_line_has_the_hash_of_the_line_before(ledger: S3Ledger) -> None:
    lease = begun(ledger)
    ledger.journal().append(lease, ID, 1, [fell(2), fell(3)])
    ledger.journal().tell(ID, word(4))
    keys = ledger.bucket.keys(f"rollouts/{ID}/events/")
    lines = [json.loads(line) for key in keys for line in body(ledger, key).splitlines()]
    assert len({line["before"] for line in lines}) == len(lines) == 4
    assert ledger.journal().read(ID, 0) == [planned(), fell(2), fell(3), word(4)]


def changed(line: bytes) -> bytes:
    return line.replace(b"event 2", b"event 9")


def without_hash(line: bytes) -> bytes:
    return line[: line.index(b', "before"')] + b"}\n"


@pytest.mark.parametrize("change", [changed, without_hash])
@pytest.mark.parametrize("snapshot", [False, True])
def test_changed_event_breaks_the_chain(ledger: S3Ledger, *, change: Callable[[bytes], bytes], snapshot: bool) -> None:
    lease, journal = begun(ledger), ledger.journal()
    for number in (2, 3):
        journal.append(lease, ID, number - 1, [fell(number)])
    key = f"rollouts/{ID}/events/0000000002.jsonl"
    line = body(ledger, key)
    if snapshot:
        EventLog(ledger.bucket).write_snapshot(ID)
        key = f"rollouts/{ID}/snapshot.jsonl"
    put(ledger, key, body(ledger, key).replace(line, change(line)))
    fresh = S3Ledger(ledger.aws, ledger.bucket.place)
    for use in (lambda: fresh.journal().read(ID, 0), lambda: fresh.journal().tell(ID, word(4))):
        with pytest.raises(UnreachableError, match=r"event [23] of rollout r-one does not follow .* by hand; restore"):
            use()


def test_planted_event_without_the_hash_is_refused(ledger: S3Ledger) -> None:
    begun(ledger)
    put(ledger, f"rollouts/{ID}/events/0000000002.jsonl", f"{encode(word(2))}\n".encode())
    with pytest.raises(UnreachableError, match="event 2 of rollout r-one does not follow"):
        ledger.journal().read(ID, 0)


def test_log_of_another_rollout_is_refused(ledger: S3Ledger) -> None:
    begun(ledger)
    put(ledger, f"rollouts/{OTHER}/events/0000000001.jsonl", body(ledger, f"rollouts/{ID}/events/0000000001.jsonl"))
    with pytest.raises(UnreachableError, match="event 1 of rollout r-two does not follow"):
        ledger.journal().read(OTHER, 0)


def test_old_log_without_hashes_is_carried_on_without_them(ledger: S3Ledger) -> None:
    lease: Lease = ledger.leases().take(BOTH, owner(), ID)
    put(ledger, f"rollouts/{ID}/events/0000000001.jsonl", f"{encode(planned())}\n".encode())
    put(ledger, f"rollouts/{ID}/events/0000000002.jsonl", f"{encode(fell(2))}\n".encode())
    ledger.journal().append(lease, ID, 2, [fell(3)])
    assert ledger.journal().read(ID, 0) == [planned(), fell(2), fell(3)]
    assert b"before" not in body(ledger, f"rollouts/{ID}/events/0000000003.jsonl")


def test_text_that_looks_like_a_hash_is_kept(ledger: S3Ledger) -> None:
    lease = begun(ledger)
    odd = e.AbortAsked(fell(1).at, 'kim", "before": "' + "a" * 64)
    ledger.journal().append(lease, ID, 1, [odd, fell(3)])
    assert ledger.journal().read(ID, 1) == [odd, fell(3)]


def test_snapshot_is_read_through_the_chain(ledger: S3Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "SNAPSHOT_INTERVAL", 2)
    lease, rollout = begun(ledger), RolloutId(ID)
    ledger.journal().append(lease, rollout, 1, [fell(2)])
    EventLog(ledger.bucket).write_snapshot(rollout)
    ledger.journal().append(lease, rollout, 2, [fell(3)])
    assert ledger.journal().read(rollout, 0) == [planned(), fell(2), fell(3)]
