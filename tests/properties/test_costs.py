"""Tests of costs, counted and never timed: calls, observations, events, turns, statements, work per target."""

import sqlite3
from cProfile import Profile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bench.scale.makespan import makespans
from bench.scale.simulated_aws import Shape, SimulatedAws
from bench.scale.simulated_rollout import MemoryJournal, RolloutFigures, roll

from katakei.adapters.journals.sql_journal import SqlJournal, SqlLeases
from katakei.domain.phases import Phase

SECOND = timedelta(seconds=1)


def figures(targets: int, window: int, **shape: Any) -> RolloutFigures:
    paper = MemoryJournal()
    return roll(SimulatedAws(Shape(targets, **shape)), window, paper, paper)


@pytest.fixture(scope="module")
def narrow() -> RolloutFigures:
    return figures(40, 4)


@pytest.fixture(scope="module")
def wide() -> RolloutFigures:
    """Work of different lengths, and groups so small that one call can hardly serve many."""
    return figures(300, 100, sigma=0.5)


def done(of: RolloutFigures) -> int:
    return len(of.rollout.by_phase[Phase.DONE])


def changing_calls(of: RolloutFigures) -> float:
    """Calls that change something, per target."""
    return len(of.aws.changing_calls) / of.aws.shape.targets


def test_target_costs_at_most_two_calls(narrow: RolloutFigures) -> None:
    assert done(narrow) == 40
    assert changing_calls(narrow) <= 2


def test_wide_window_costs_half_a_call(wide: RolloutFigures) -> None:
    assert done(wide) == 300
    assert changing_calls(wide) <= 0.5


def test_group_is_observed_at_most_30_per_minute(narrow: RolloutFigures, wide: RolloutFigures) -> None:
    assert max(*narrow.aws.observations.values(), *wide.aws.observations.values()) <= 30


def test_more_targets_than_one_call_keep_floor() -> None:
    assert done(figures(420, 205, sigma=0, median=SECOND)) == 420


def test_many_groups_use_half_the_api_bucket() -> None:
    many = figures(120, 60, sigma=0.5, members=10)
    assert done(many) == 120
    assert fullest(many.aws.changing_calls) <= 10


def fullest(moments: list[datetime], refill: float = 2) -> float:
    """How full a bucket that leaks two a second became."""
    full = most = 0.0
    for before, at in zip([moments[0], *moments], moments, strict=False):
        full = max(0.0, full - (at - before) / SECOND * refill) + 1
        most = max(most, full)
    return most


def test_target_costs_fourteen_events(narrow: RolloutFigures, wide: RolloutFigures) -> None:
    for one in (narrow, wide):
        assert one.rollout.number / one.aws.shape.targets <= 14


def test_at_most_one_turn_per_second(narrow: RolloutFigures, wide: RolloutFigures) -> None:
    for one in (narrow, wide):
        assert one.took / one.turns >= SECOND


@pytest.mark.parametrize("seed", range(5))
def test_rollout_is_near_optimal_schedule(seed: int) -> None:
    took = makespans(seed)
    assert took.bound <= took.katakei <= 1.08 * took.bound
    assert took.katakei <= took.batches


def test_cost_per_target_is_constant() -> None:
    few, many = (calls_of_python(targets) / targets for targets in (50, 200))
    assert many <= 1.05 * few


def calls_of_python(targets: int) -> int:
    """How many functions were called, window 25 %."""
    profile = Profile()
    profile.enable()
    figures(targets, targets // 4, sigma=0.3, median=10 * SECOND)
    profile.disable()
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.parametrize("targets", [8, 32])
def test_turn_costs_a_dozen_statements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, targets: int) -> None:
    told: list[str] = []
    connect = sqlite3.connect

    def listening(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)
        connection.set_trace_callback(told.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", listening)
    monkeypatch.setattr(sqlite3.dbapi2, "connect", listening)
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    one = roll(SimulatedAws(Shape(targets, median=SECOND)), targets // 4, SqlJournal(url), SqlLeases(url))
    assert len(told) > one.turns
    assert len(told) - one.rollout.number <= 12 * one.turns
