"""Tests of rollouts with readers of requests: one target ahead of the window, and none is left behind."""

from dataclasses import replace

import pytest
from tests.properties.broken_scenarios import read, runs
from tests.properties.judge import judged
from tests.properties.scenarios import Scenario
from tests.properties.simulation import Simulation

from katakei.runtime.observer import Observer


def calm(seed: int, window: int = 1) -> Scenario:
    return replace(read(seed), adversary=runs()(seed).adversary, window=window)


@pytest.mark.parametrize("window", [1, 2])
def test_no_reader_is_left_after_a_rollout(window: int) -> None:
    for seed in range(10):
        outcome = Simulation(calm(seed, window)).run()
        assert outcome.rollout.finished
        assert outcome.aws.readers == set()


def test_readers_that_are_never_ended_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Observer, "let_go", lambda *_: None)
    assert Simulation(calm(1)).run().aws.readers


def test_readers_begin_one_target_ahead_of_the_window() -> None:
    simulation = Simulation(calm(1))
    simulation._drive(simulation._take_up(), 1)
    assert len(simulation.aws.readers) == 2


@pytest.mark.parametrize("seed", range(40))
def test_promises_are_kept_with_dying_readers(seed: int) -> None:
    assert judged(Simulation(read(seed)).run()) == []
