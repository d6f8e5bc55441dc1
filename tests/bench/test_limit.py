"""The limit of a rollout: what safety asks, from what was seen, and not a second more."""

from dataclasses import replace

import pytest
from bench.limit import Terms, Way, least, parts

TERMS = Terms(settle=30, delay=300, soak=30)
WAY = Way(deregistered=10, pending=22, began=50, ended=51, registered=52, healthy=54)


def test_a_target_needs_its_drain_its_work_its_first_check_and_its_soak() -> None:
    assert parts(WAY, replace(TERMS, keeps_idle=False)).whole == 30 + 1 + 2 + 30


@pytest.mark.parametrize(
    ("until", "keeps_idle", "pending", "drain"),
    [
        ("proof", False, 22, 30),
        ("proof", False, 75, 65),
        ("proof", True, 22, 77),
        ("answered", True, 22, 30),
        ("answered", True, 45, 40),
        ("answered", False, 45, 35),
        ("counter", True, 45, 40),
        ("counter", False, 45, 40),
    ],
)
def test_settle_or_what_was_pending_and_its_proof_is_waited_for(
    until: str, *, keeps_idle: bool, pending: float, drain: float
) -> None:
    way, terms = replace(WAY, pending=pending), replace(TERMS, until=until, keeps_idle=keeps_idle)
    assert parts(way, terms).drain == drain


def test_no_proof_is_waited_for_longer_than_the_timer_but_settle_is() -> None:
    assert parts(WAY, replace(TERMS, delay=60)).drain == 60
    assert parts(WAY, replace(TERMS, delay=20)).drain == 30


def test_what_was_pending_before_it_left_needs_no_time() -> None:
    assert parts(replace(WAY, pending=3), replace(TERMS, settle=0, keeps_idle=False)).drain == 0


def test_without_a_soak_the_two_looks_remain() -> None:
    assert parts(WAY, replace(TERMS, soak=0)).soak == 5


def test_the_window_divides_the_time_but_not_that_of_one_target() -> None:
    assert least([10, 10, 10, 10], 2) == 20
    assert least([30, 1, 1, 1], 4) == 30
    assert least([], 2) == 0
