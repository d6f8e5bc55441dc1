"""The main job: a group is rolled under load without a dropped request."""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.acceptance.conftest import BY_PROOF, FOUR, TWO, SmallRuns
from tests.acceptance.judge import Verdict
from tests.acceptance.load_test import Scale, roll_under_load

FULL = Scale(2, delay=40, lag=15, settle=30, interval=10, soak=10, rate=210, least=200)
EIGHT = replace(FULL, targets=8, window="25%", floor=6, per_zone=2)
IDLE = pytest.mark.parametrize("close_idle", [True, False], ids=["idle closed", "idle kept"])


def proved(verdict: Verdict) -> None:
    sys.stdout.write(f"\n{verdict.text()}\n")
    assert verdict.faults == ()


@pytest.mark.lab
@pytest.mark.parametrize("scale", [TWO, FOUR, BY_PROOF], ids=["two targets", "four targets", "by proof"])
def test_small_group_rolls_under_load_without_drops(scale: Scale, small: SmallRuns) -> None:
    proved(small.main_job[scale].result())


@pytest.mark.acceptance
@IDLE
def test_two_targets_roll_one_at_a_time(tmp_path: Path, *, close_idle: bool) -> None:
    proved(roll_under_load(replace(FULL, close_idle=close_idle), tmp_path, timedelta(minutes=10)))


@pytest.mark.acceptance
@pytest.mark.parametrize("until", ["proof", "answered"])
@IDLE
def test_two_targets_roll_by_drain_evidence(tmp_path: Path, *, close_idle: bool, until: str) -> None:
    scale = replace(FULL, delay=300, until=until, close_idle=close_idle)
    proved(roll_under_load(scale, tmp_path, timedelta(minutes=9)))


@pytest.mark.acceptance
@IDLE
def test_eight_targets_roll_a_quarter_at_a_time(tmp_path: Path, *, close_idle: bool) -> None:
    proved(roll_under_load(replace(EIGHT, close_idle=close_idle), tmp_path, timedelta(minutes=20)))
