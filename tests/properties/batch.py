"""Many random simulations at once, in one process for each processor.

The simulations share nothing, so the result does not depend on how they are spread.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from tests.properties.judge import judged
from tests.properties.scenarios import drawn
from tests.properties.simulation import simulate

CHUNK = 25
"""Simulations that one process takes at a time."""


@dataclass(frozen=True)
class Played:
    """The result of many simulations: faults by promise, figures, and how many targets ended in which phase."""

    faults: Mapping[str, list[str]]
    figures: Counter[str]
    ends: Counter[str]


def play(seeds: Sequence[int]) -> Played:
    """Runs and judges the simulations of these seeds, in this process."""
    faults: dict[str, list[str]] = defaultdict(list)
    figures: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for seed in seeds:
        outcome = simulate(drawn(seed))
        figures += outcome.figures
        ends.update(status.phase.value for status in outcome.rollout.statuses.values())
        for fault in judged(outcome):
            faults[fault.split(":")[0]].append(f"{fault}\n    python -m tests.properties.replay_seed {seed}")
    return Played(faults, figures, ends)


def play_in_parallel(seeds: Sequence[int]) -> Played:
    """As `play`, spread over all processors. A simulation that raises an exception raises it here."""
    chunks = [seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        return _joined(pool.map(play, chunks))


def _joined(parts: Iterable[Played]) -> Played:
    faults: dict[str, list[str]] = defaultdict(list)
    figures: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for part in parts:
        figures += part.figures
        ends += part.ends
        for promise, found in part.faults.items():
            faults[promise] += found
    return Played(faults, figures, ends)
