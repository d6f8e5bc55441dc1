"""What a rollout costs, counted and never timed: calls, looks, events, turns, statements, and work per target."""

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
    """Work that takes differently long, and groups so small that one call can hardly serve many."""
    return figures(300, 100, sigma=0.5)


def done(of: RolloutFigures) -> int:
    return len(of.rollout.by_phase[Phase.DONE])


def changing_calls(of: RolloutFigures) -> float:
    """Calls that change something, per target."""
    return len(of.aws.changing_calls) / of.aws.shape.targets


def test_a_target_costs_two_changing_calls_at_most(narrow: RolloutFigures) -> None:
    assert done(narrow) == 40
    assert changing_calls(narrow) <= 2


def test_in_a_wide_window_it_costs_half_a_call(wide: RolloutFigures) -> None:
    assert done(wide) == 300
    assert changing_calls(wide) <= 0.5


def test_a_group_is_looked_at_thirty_times_a_minute_at_most(narrow: RolloutFigures, wide: RolloutFigures) -> None:
    assert max(*narrow.aws.observations.values(), *wide.aws.observations.values()) <= 30


def test_more_in_hand_than_one_call_may_name_still_serve_their_floor() -> None:
    assert done(figures(420, 205, sigma=0, median=SECOND)) == 420


def test_many_groups_together_take_no_more_than_half_of_the_accounts_bucket() -> None:
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


def test_a_target_costs_fourteen_events(narrow: RolloutFigures, wide: RolloutFigures) -> None:
    for one in (narrow, wide):
        assert one.rollout.number / one.aws.shape.targets <= 14


def test_there_is_one_turn_a_second_at_most(narrow: RolloutFigures, wide: RolloutFigures) -> None:
    for one in (narrow, wide):
        assert one.took / one.turns >= SECOND


@pytest.mark.parametrize("seed", range(5))
def test_a_rollout_is_near_the_best_that_can_be_done_with_its_work(seed: int) -> None:
    took = makespans(seed)
    assert took.katakei <= 1.15 * took.bound
    assert took.katakei <= took.batches


def test_work_per_target_does_not_grow_with_their_number() -> None:
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
def test_a_turn_costs_the_journal_a_dozen_statements_and_one_for_each_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, targets: int
) -> None:
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
