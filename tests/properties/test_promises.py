"""Tests of the promises: 500 random simulations, each judged independently.

`KATAKEI_WORLDS=20000` runs more of them, `KATAKEI_FIRST_WORLD` others. A failure shows the command that runs its seed
again. Promise 8 is tested with planning.
"""

import os

import pytest
from tests.properties.batch import Played, play_in_parallel
from tests.properties.judge import PROMISES
from tests.properties.scenarios import drawn
from tests.properties.simulation import simulate

WORLDS = int(os.environ.get("KATAKEI_WORLDS", "500"))
FIRST = int(os.environ.get("KATAKEI_FIRST_WORLD", "0"))
SHOWN = 5
ENOUGH = ("crashes", "zombies", "taken over", "woke in time", "gave up", "stopped")


@pytest.fixture(scope="module")
def played() -> Played:
    return play_in_parallel(range(FIRST, FIRST + WORLDS))


@pytest.mark.parametrize("promise", PROMISES)
def test_promise_is_kept_in_every_simulation(played: Played, promise: str) -> None:
    broken = played.faults.get(promise, [])

    assert not broken, "\n".join([f"{len(broken)} times, in {WORLDS} simulations:", *broken[:SHOWN]])


def test_simulations_contain_every_fault(played: Played) -> None:
    each = {name: played.figures[name] / WORLDS for name in ENOUGH}

    assert all(often > 0.5 for often in each.values()), each


def test_every_final_phase_is_reached(played: Played) -> None:
    assert set(played.ends) == {"done", "returned", "left_out", "failed_serving", "skipped", "gone"}
    assert played.ends["done"] > max(number for end, number in played.ends.items() if end != "done")


def test_simulation_is_deterministic() -> None:
    one, other = (simulate(drawn(FIRST + 7)) for _ in range(2))

    assert (one.aws.past, one.store.appends) == (other.aws.past, other.store.appends)
