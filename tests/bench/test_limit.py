"""The limit of a rollout: what safety asks, from what was seen, and not a second more."""

from dataclasses import replace

import pytest
from bench.limit import SafetyTerms, TargetTimes, TimeParts, parts, shortest

TERMS = SafetyTerms(settle=30, delay=300, soak=30)
WAY = TargetTimes(deregistered=10, pending=22, began=50, ended=51, registered=52, healthy=54)


def test_limit_is_drain_work_check_and_soak() -> None:
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
        ("requests", True, 45, 40),
        ("requests", False, 22, 30),
    ],
)
def test_drain_limit_is_settle_or_proof(until: str, *, keeps_idle: bool, pending: float, drain: float) -> None:
    times, terms = replace(WAY, pending=pending), replace(TERMS, until=until, keeps_idle=keeps_idle)
    assert parts(times, terms).drain == drain


def test_drain_limit_is_capped_by_the_timer() -> None:
    assert parts(WAY, replace(TERMS, delay=60)).drain == 60
    assert parts(WAY, replace(TERMS, delay=20)).drain == 30


def test_drain_limit_ignores_requests_before_deregistration() -> None:
    assert parts(replace(WAY, pending=3), replace(TERMS, settle=0, keeps_idle=False)).drain == 0


def test_soak_limit_covers_two_observations() -> None:
    assert parts(WAY, replace(TERMS, soak=0)).soak == 5


def test_limit_divides_by_the_window() -> None:
    assert shortest([TimeParts(10, 0, 0, 0)] * 4, 2, TERMS) == 20
    assert shortest([TimeParts(30, 0, 0, 0), *[TimeParts(1, 0, 0, 0)] * 3], 4, TERMS) == 30
    assert shortest([], 2, TERMS) == 0


def test_limit_gives_the_next_target_the_first_free_place() -> None:
    long, short = TimeParts(30, 0, 0, 0), TimeParts(20, 0, 0, 0)
    assert shortest([long, short, long], 2, TERMS) == 50


@pytest.mark.parametrize(
    ("settle", "drain", "whole"),
    [
        (30, 30, 2 * (30 + 1 + 2 + 5) - 5 + 30),  # the drain of the next target covers the soak
        (30, 10, (10 + 1 + 2 + 30) + (1 + 2 + 30)),  # its work waits for the end of the soak
        (3, 10, (10 + 1 + 2 + 30) - 3 + (10 + 1 + 2 + 30)),  # it is taken out at most settle before that end
    ],
)
def test_limit_lets_a_soak_overlap_the_next_drain(settle: float, drain: float, whole: float) -> None:
    terms = replace(TERMS, settle=settle, overlap=True)
    assert shortest([TimeParts(drain, 1, 2, 30)] * 2, 1, terms) == whole


def test_limit_without_overlap_waits_for_the_soak() -> None:
    assert shortest([TimeParts(30, 1, 2, 30)] * 2, 1, TERMS) == 2 * 63
