"""Tests of freezes as values: which are active, and which one holds up a rollout."""

from datetime import UTC, datetime, timedelta

from katakei.domain.freezes import Freeze, FreezeReading, freeze_of, still_active
from katakei.domain.model import Arn

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEB, API = Arn("arn:web"), Arn("arn:api")


def freeze(name: str, hours: int | None = None, since: datetime = NOON) -> Freeze:
    return Freeze(name, "ada", "the sale", since, NOON + hours * HOUR if hours is not None else None)


def test_active_freezes_are_listed_oldest_first() -> None:
    late, old = freeze("b", since=NOON + HOUR), freeze("a", 2)
    assert still_active([late, old], NOON) == (old, late)


def test_freeze_ends_at_its_moment() -> None:
    one = freeze(WEB, 1)
    assert still_active([one], NOON + HOUR - timedelta(microseconds=1)) == (one,)
    assert still_active([one], NOON + HOUR) == ()


def test_freeze_of_service_or_group_holds() -> None:
    reading = FreezeReading(NOON, NOON, (freeze(WEB), freeze("shop", 1)))
    assert reading.of("blog", [WEB]) == freeze(WEB)
    assert reading.of("shop", [API]) == freeze("shop", 1)
    assert reading.of("blog", [API]) is None


def test_freeze_that_ends_last_is_named() -> None:
    short, long, endless = freeze("shop", 1), freeze(WEB, 2), freeze(API)
    assert freeze_of([short, long], "shop", [WEB]) == long
    assert freeze_of([endless, long], "shop", [WEB, API]) == endless
