"""The wait reports in a real PostgreSQL, held to the promises of the port `WaitReports`."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from tests.contracts.ledgers import ID, NOON, OTHER
from tests.postgres import fresh_journal

from katakei.adapters.journals.postgres.waits import PostgresWaits
from katakei.adapters.journals.sql_store import wait_reports
from katakei.domain.errors import KatakeiError
from katakei.domain.model import TargetId
from katakei.domain.ports import WaitReport
from katakei.domain.reasons import ReasonCode, reason

WHY = reason(ReasonCode.RECORDED_TEXT, text="a wait, with ünïcode and 'quotes' %s :name")
REPORT = WaitReport(7, WHY, NOON, {TargetId("i-1"): "one\ntwo \x00 \ud800"})
YOUNG = timedelta(seconds=60)


@pytest.fixture
def url() -> Iterator[str]:
    with fresh_journal() as made:
        yield made


@pytest.fixture
def reports(url: str) -> Iterator[PostgresWaits]:
    made = wait_reports(url)
    assert made is not None
    with closing(made):
        yield made


def test_report_is_read_as_it_was_published(reports: PostgresWaits) -> None:
    assert reports.read([]) == reports.read([ID]) == {}
    reports.publish({ID: REPORT, OTHER: replace(REPORT, number=3)})
    read = reports.read([ID])
    assert read.keys() == {ID}
    assert timedelta() <= read[ID].age < YOUNG
    assert replace(read[ID], age=timedelta()) == REPORT
    assert reports.read([ID, OTHER])[OTHER].number == 3


def test_newer_report_replaces_and_an_older_one_does_not(reports: PostgresWaits) -> None:
    reports.publish({ID: REPORT})
    for number, stays in ((8, 8), (7, 8), (8, 8), (9, 9)):
        reports.publish({ID: replace(REPORT, number=number, outputs={TargetId("i-1"): str(number)})})
        assert reports.read([ID])[ID].number == stays
        assert reports.read([ID])[ID].outputs == {TargetId("i-1"): str(stays)}


def test_removed_report_is_gone(reports: PostgresWaits) -> None:
    reports.publish({ID: REPORT, OTHER: REPORT})
    reports.publish({ID: None})
    assert reports.read([ID, OTHER]).keys() == {OTHER}


def test_age_is_told_by_the_clock_of_the_store(reports: PostgresWaits, url: str) -> None:
    reports.publish({ID: REPORT})
    with psycopg.connect(url, options="-c search_path=katakei") as connection:
        connection.execute("UPDATE waits SET published = published - interval '90 seconds'")
    assert timedelta(seconds=90) <= reports.read([ID])[ID].age < timedelta(seconds=90) + YOUNG
    reports.publish({ID: REPORT})
    assert reports.read([ID])[ID].age < YOUNG


def test_locked_row_is_an_error_within_bounds(reports: PostgresWaits, url: str) -> None:
    """Another transaction holds the row. The publisher gets an error and repeats; nobody waits without end."""
    reports.publish({ID: REPORT})
    with psycopg.connect(url, options="-c search_path=katakei") as connection:
        connection.execute("SELECT 1 FROM waits FOR UPDATE")
        with pytest.raises(KatakeiError):
            reports.publish({ID: REPORT})
    reports.publish({ID: replace(REPORT, number=8)})
    assert reports.read([ID])[ID].number == 8


def test_unreadable_report_is_an_error_of_ours(reports: PostgresWaits, url: str) -> None:
    reports.publish({ID: REPORT})
    with psycopg.connect(url, options="-c search_path=katakei") as connection:
        connection.execute("UPDATE waits SET report = '{}'")
    with pytest.raises(KatakeiError):
        reports.read([ID])


def test_other_journals_have_none(tmp_path: Path) -> None:
    assert wait_reports(f"sqlite:///{tmp_path}/journal.db") is wait_reports("s3://bucket/prefix") is None
