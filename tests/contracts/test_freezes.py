"""Every journal's freezes, held to the promises of the port `Freezes`."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from tests.contracts.ledgers import API, BOTH, ID, LEDGERS, WEB, Ledger, S3Ledger, SqliteLedger, owner, planned

from katakei.adapters.journals import rollout_headers
from katakei.adapters.journals.s3 import bucket
from katakei.adapters.system.clock import SystemClock
from katakei.domain.errors import UsageError

HOUR = timedelta(hours=1)


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    with LEDGERS[request.param](tmp_path) as made:
        yield made


def begin(ledger: Ledger) -> None:
    """Writes one rollout, as a journal in use has it."""
    lease = ledger.leases().take(BOTH, owner(), ID)
    ledger.journal().append(lease, ID, 0, [planned()])


def test_nothing_is_frozen_in_a_new_journal(ledger: Ledger) -> None:
    now, active = ledger.freezes().read()
    assert (active, now.tzinfo) == ((), UTC)


def test_reading_creates_nothing(tmp_path: Path) -> None:
    with LEDGERS["sqlite"](tmp_path) as ledger:
        assert ledger.freezes().active() == ()
    assert not list(tmp_path.rglob("journal.db"))


def test_freeze_is_read_by_another_process(ledger: Ledger) -> None:
    begin(ledger)
    made = ledger.freezes().freeze(WEB, "ada", "the sale 売り出し", None)
    now, active = ledger.freezes().read()
    assert active == (made,)
    assert (made.name, made.who, made.why, made.until) == (WEB, "ada", "the sale 売り出し", None)
    assert abs(now - made.since) < timedelta(minutes=1)


def test_store_time_is_that_of_now(ledger: Ledger) -> None:
    begin(ledger)
    assert abs(ledger.freezes().read()[0] - SystemClock().now()) < timedelta(minutes=1)


def test_later_freeze_of_the_same_name_replaces(ledger: Ledger) -> None:
    freezes = ledger.freezes()
    freezes.freeze(WEB, "ada", "the sale", None)
    until = freezes.read()[0] + HOUR
    second = freezes.freeze(WEB, "kim", "longer", until)
    assert freezes.active() == (second,)
    assert second.until == until


def test_groups_and_services_are_frozen_apart(ledger: Ledger) -> None:
    freezes = ledger.freezes()
    for name in (WEB, API, "shop"):
        freezes.freeze(name, "ada", "", None)
    assert freezes.unfreeze(API, "kim") is not None
    assert {freeze.name for freeze in freezes.active()} == {WEB, "shop"}


def test_unfreeze_returns_what_it_lifted_once(ledger: Ledger) -> None:
    freezes = ledger.freezes()
    assert freezes.unfreeze(WEB, "kim") is None
    made = freezes.freeze(WEB, "ada", "the sale", None)
    assert freezes.unfreeze(WEB, "kim") == made
    assert freezes.unfreeze(WEB, "kim") is None
    assert freezes.active() == ()


def test_lifted_name_can_be_frozen_again(ledger: Ledger) -> None:
    freezes = ledger.freezes()
    freezes.freeze(WEB, "ada", "", None)
    freezes.unfreeze(WEB, "kim")
    again = freezes.freeze(WEB, "kim", "again", None)
    assert freezes.active() == (again,)


def test_freeze_ends_by_the_clock_of_the_store(ledger: Ledger) -> None:
    freezes = ledger.freezes()
    begin(ledger)
    until = freezes.read()[0] + timedelta(seconds=2)
    freezes.freeze(WEB, "ada", "", until)
    clock = SystemClock()
    for _ in range(100):
        now, active = freezes.read()
        assert bool(active) == (now < until)
        if not active:
            break
        clock.sleep(timedelta(seconds=0.1))
    assert freezes.active() == ()
    assert freezes.unfreeze(WEB, "kim") is None


@pytest.mark.parametrize("back", [timedelta(0), HOUR], ids=["now", "past"])
def test_freeze_that_has_ended_already_is_refused(ledger: Ledger, back: timedelta) -> None:
    freezes = ledger.freezes()
    begin(ledger)
    until = freezes.read()[0] - back
    with pytest.raises(UsageError, match="has ended already"):
        freezes.freeze(WEB, "ada", "", until)
    assert freezes.active() == ()


def test_freezes_of_several_processes_are_all_kept(ledger: Ledger) -> None:
    begin(ledger)
    names = [f"service-{number}" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: ledger.freezes().freeze(name, "ada", "", None), names))
    assert {freeze.name for freeze in ledger.freezes().active()} == set(names)


def test_freezes_do_not_change_the_version_of_the_store(ledger: Ledger) -> None:
    """An older Katakei must still read the journal."""
    begin(ledger)
    ledger.freezes().freeze(WEB, "ada", "", None)
    assert (rollout_headers.VERSION, bucket.SCHEMA_VERSION) == (2, 1)
    assert ledger.journal().read(ID, 0) == [planned()]


def test_file_of_an_older_version_has_no_freezes(tmp_path: Path) -> None:
    with LEDGERS["sqlite"](tmp_path) as ledger:
        assert isinstance(ledger, SqliteLedger)
        begin(ledger)
        with sqlite3.connect(ledger.path) as connection:
            connection.execute("DROP TABLE freezes")
        assert ledger.freezes().active() == ()
        assert not ledger.freezes().active()
        made = ledger.freezes().freeze(WEB, "ada", "", None)
        assert ledger.freezes().active() == (made,)


def test_store_keeps_who_lifted_each_freeze(ledger: Ledger) -> None:
    freezes = ledger.freezes()
    for name in (WEB, API, "shop"):
        freezes.freeze(name, "ada", "", None)
    freezes.unfreeze(WEB, "kim")
    freezes.unfreeze("shop", "lin")
    freezes.unfreeze("shop", "mo")  # nothing to lift
    assert list(ledger.lifted()) == sorted([(WEB, "ada", "kim"), ("shop", "ada", "lin")])
    freezes.freeze(WEB, "ada", "again", None)
    assert list(ledger.lifted()) == [("shop", "ada", "lin")]
    freezes.unfreeze(WEB, "mo")
    assert list(ledger.lifted()) == sorted([(WEB, "ada", "mo"), ("shop", "ada", "lin")])


def test_object_of_an_older_version_is_read_and_kept(tmp_path: Path) -> None:
    """It has no list of lifted freezes."""
    with LEDGERS["s3"](tmp_path) as ledger:
        assert isinstance(ledger, S3Ledger)
        line = '{"name": "shop", "who": "ada", "why": "", "since": "2026-11-22T12:00:00+00:00", "until": null}'
        ledger.bucket.put("freezes.json", f'{{"freezes": [\n{line}\n]}}\n')
        [old] = ledger.freezes().active()
        assert ledger.freezes().unfreeze("shop", "kim") == old
        assert list(ledger.lifted()) == [("shop", "ada", "kim")]
