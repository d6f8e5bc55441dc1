"""Tests of the pace: soon where something is about to change, never too often."""

import pytest
from tests.unit.given import NOON, later, seconds

from katakei.reconcile.pacing import Allowance, pace


@pytest.mark.parametrize(("waited", "rests"), [(0, 0.5), (4, 0.5), (8, 1), (16, 2), (3600, 2)])
def test_pace_slows_with_time_waited(waited: float, rests: float) -> None:
    assert pace(seconds(waited)) == seconds(rests)


def test_allowance_is_at_most_26_per_minute() -> None:
    allowed, looks = Allowance(NOON), []
    for tick in range(1200):
        allowed = allowed.now(later(tick / 10))
        if allowed.one_is_left:
            allowed = allowed.less()
            looks.append(tick / 10)
    assert max(sum(first <= look < first + 60 for look in looks) for first in looks) <= 26


def test_allowance_saves_unused_observations() -> None:
    spent = Allowance(NOON, 0)
    assert spent.next == later(2.7)
    assert not spent.now(later(2)).one_is_left
    assert spent.now(later(100)) == Allowance(later(100))
    assert Allowance(NOON).next == NOON
