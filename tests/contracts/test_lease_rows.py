"""Lease rows as the version before wrote them, and as it will read those of this version.

The rows were recorded by that version; only who holds them is changed, as far as a test says so.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contracts.ledgers import ID, LEDGERS, OTHER, Ledger, PostgresLedger, S3Ledger, SqliteLedger, owner

from katakei.adapters.journals import lease_holders
from katakei.adapters.journals.s3.bucket import unchanged_since
from katakei.adapters.system import process
from katakei.adapters.system.process import Place
from katakei.domain.errors import LeaseHeldError
from katakei.domain.leases import Owner
from katakei.domain.model import Arn

GROUP = Arn("arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/working/0123456789abcdef")
SQLITE_ROW: dict[str, object] = {  # the columns in the recorded order
    "group_arn": GROUP,
    "held": 1,
    "epoch": 1,
    "beat": 158,
    "rollout": "r-working",
    "since": "2026-11-27T21:24:30.000000+00:00",
    "user_name": "kim",
    "host": "deploy-1",
    "pid": 20401,
    "started": 204010,
    "boot": "00000000-0000-4000-8000-000000000000",
    "machine": "00000000000000000000000000000000",
    "pids": "pid:[4026531836]",
    "beaten": "2026-11-27T21:24:31.000000+00:00",
}
S3_ROW = """{"held": true, "epoch": 1, "beat": 158, "rollout": "r-working", "since": "2026-11-27T21:24:30+00:00",
 "owner": {"user": "kim", "host": "deploy-1", "pid": 20401, "started": 204010,
 "boot": "00000000-0000-4000-8000-000000000000"}, "machine": "00000000000000000000000000000000",
 "pids": "pid:[4026531836]"}"""

RECORDED = Owner("kim", "deploy-1", 20401, 204010, "00000000-0000-4000-8000-000000000000")


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with LEDGERS[request.param](tmp_path) as made:
        yield made


def put(ledger: Ledger, held_by: Owner, place: Place) -> None:
    """The recorded row, held by this process instead, as the version before would have written it."""
    if isinstance(ledger, S3Ledger):
        plain = {"user": held_by.user, "host": held_by.host, "pid": held_by.pid, "started": held_by.started}
        row = json.loads(S3_ROW)
        row |= {"owner": plain | {"boot": held_by.boot}, "machine": place.machine, "pids": place.pids}
        key = f"leases/{GROUP}.json"
        there = ledger.bucket.get(key)
        assert ledger.bucket.put(key, json.dumps(row), unchanged_since(there))
        return
    row_now = SQLITE_ROW | {
        "held": True,
        "user_name": held_by.user,
        "host": held_by.host,
        "pid": held_by.pid,
        "started": held_by.started,
        "boot": held_by.boot,
        "machine": place.machine,
        "pids": place.pids,
    }
    insert = f"INSERT INTO leases ({', '.join(row_now)}) VALUES ({', '.join(['MARK'] * len(row_now))})"  # noqa: S608 - names above
    if isinstance(ledger, SqliteLedger):
        if not ledger.path.exists():
            ledger.leases().take(frozenset({GROUP}), owner(), ID)  # makes the file
        with closing(sqlite3.connect(ledger.path)) as connection, connection:
            connection.execute("DELETE FROM leases")
            connection.execute(insert.replace("MARK", "?"), tuple(row_now.values()))
    if isinstance(ledger, PostgresLedger):
        with ledger.connected() as session:
            session.execute("DELETE FROM leases")
            session.execute(insert.replace("MARK", "%s"), tuple(row_now.values()))


def recorded_row(ledger: Ledger) -> dict[str, object]:
    """What is stored for the group now."""
    if isinstance(ledger, S3Ledger):
        found = ledger.bucket.get(f"leases/{GROUP}.json")
        assert found
        row: dict[str, object] = json.loads(found.text)
        return row
    if isinstance(ledger, PostgresLedger):
        with ledger.connected() as session:
            kept = session.execute("SELECT * FROM leases")
            return dict(zip([column.name for column in kept.description or ()], kept.fetchone() or (), strict=True))
    assert isinstance(ledger, SqliteLedger)
    with closing(sqlite3.connect(ledger.path)) as connection:
        asked = connection.execute("SELECT * FROM leases")
        return dict(zip([column[0] for column in asked.description], asked.fetchone(), strict=True))


def living_before() -> Owner:
    """This very process, as the version before would have recorded it."""
    return replace(process.current_owner(), scheme="", nonce="")


def taken(ledger: Ledger) -> LeaseHeldError:
    with pytest.raises(LeaseHeldError) as held:
        ledger.leases().take(frozenset({GROUP}), process.current_owner(), OTHER)
    return held.value


def test_row_of_the_version_before_is_read_and_watched(ledger: Ledger) -> None:
    put(ledger, RECORDED, Place("0" * 32, "pid:[4026531836]"))
    held = taken(ledger)
    assert "rollout r-working of kim@deploy-1 (pid 20401)" in str(held)
    assert "whether that process still runs cannot be known from here" in str(held)
    assert {beat.group for beat in held.unsure} == {GROUP}


def test_living_owner_of_the_version_before_is_recognized(ledger: Ledger) -> None:
    put(ledger, living_before(), process.current_place())
    assert "wait until it has ended" in str(taken(ledger))


@pytest.mark.parametrize("change", [{"started": 1}, {"pid": 2**22 + 1}, {"boot": "another"}])
def test_owner_of_the_version_before_is_never_dead(ledger: Ledger, change: dict[str, str]) -> None:
    put(ledger, replace(living_before(), **change), process.current_place())  # type: ignore[arg-type]  # as in the table
    assert "cannot be known from here" in str(taken(ledger))


def test_silent_owner_of_the_version_before_is_replaced(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_holders, "FRESH_HEARTBEAT", timedelta(seconds=-60))
    put(ledger, RECORDED, Place("0" * 32, "pid:[4026531836]"))
    silent = taken(ledger).silent
    lease = ledger.leases().take(frozenset({GROUP}), process.current_owner(), OTHER, silent)
    assert lease.epoch == 2
    ledger.leases().renew(lease)


def test_row_of_this_version_has_the_shape_of_the_version_before(ledger: Ledger) -> None:
    me = process.current_owner()
    ledger.leases().take(frozenset({GROUP}), me, ID)
    row = recorded_row(ledger)
    if isinstance(ledger, S3Ledger):
        before = json.loads(S3_ROW)
        assert row.keys() == before.keys()
        owned = row["owner"]
        assert isinstance(owned, dict)
        assert list(owned) == list(before["owner"])
    else:
        assert list(row) == list(SQLITE_ROW)
    assert row["pids"] == f"{process.current_place().pids} {me.scheme} {me.nonce}"


def test_owner_of_this_version_is_read_back_whole(ledger: Ledger) -> None:
    me = process.current_owner()
    lease = ledger.leases().take(frozenset({GROUP}), me, ID)
    again = ledger.leases().take(frozenset({GROUP}), me, ID)
    assert again.epoch == lease.epoch + 1
    with pytest.raises(LeaseHeldError, match="wait until it has ended"):
        ledger.leases().take(frozenset({GROUP}), replace(me, nonce="other"), ID)


def test_row_that_the_version_before_took_over_has_no_nonce_left(ledger: Ledger) -> None:
    ledger.leases().take(frozenset({GROUP}), process.current_owner(), ID)
    put(ledger, living_before(), process.current_place())
    assert "wait until it has ended" in str(taken(ledger))


@pytest.mark.parametrize("pids", ["pid:[1] linux/2 nonce more", "pid:[1] linux/2", " darwin/1 nonce"])
def test_identity_text_of_another_format_equals_no_scheme_here(pids: str) -> None:
    read: Callable[[Owner, str], Owner] = lease_holders.recorded_owner
    assert read(living_before(), pids).scheme not in {"", "linux/1"}
    assert lease_holders.recorded_place("m", pids).pids in {"pid:[1]", ""}
