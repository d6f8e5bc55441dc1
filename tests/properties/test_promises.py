"""Tests of the promises: 500 random simulations, each judged independently.

`KATAKEI_WORLDS=20000` runs more of them, `KATAKEI_FIRST_WORLD` others. A failure shows the command that runs its seed
again. Promise 8 is tested with planning.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from tests.properties.judge import PROMISES, judged
from tests.properties.scenarios import drawn
from tests.properties.simulation import simulate

WORLDS = int(os.environ.get("KATAKEI_WORLDS", "500"))
FIRST = int(os.environ.get("KATAKEI_FIRST_WORLD", "0"))
SHOWN = 5
ENOUGH = ("crashes", "zombies", "taken over", "woke in time", "gave up")


@dataclass(frozen=True)
class Played:
    """The result of all simulations: faults by promise, figures, and how many targets ended in which phase."""

    faults: Mapping[str, list[str]]
    figures: Counter[str]
    ends: Counter[str]


@pytest.fixture(scope="module")
def played() -> Played:
    faults: dict[str, list[str]] = defaultdict(list)
    figures: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + WORLDS):
        outcome = simulate(drawn(seed))
        figures += outcome.figures
        ends.update(standing.phase.value for standing in outcome.rollout.statuses.values())
        for fault in judged(outcome):
            faults[fault.split(":")[0]].append(f"{fault}\n    python -m tests.properties.replay_seed {seed}")
    return Played(faults, figures, ends)


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
