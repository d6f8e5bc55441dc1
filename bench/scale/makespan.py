"""Duration of rollouts: the sliding window against the list-scheduling bound and lock-step batches.

All three use the same drawn times. Bound and batches have no overhead of observation, which no real tool reaches.
"""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from heapq import heapreplace
from statistics import quantiles

from bench.scale.simulated_aws import Shape, SimulatedAws
from bench.scale.simulated_rollout import MemoryJournal, roll
from katakei.domain.plan import Plan
from katakei.reconcile.context import PROOF_INTERVAL

TARGETS, WINDOW = 40, 10


@dataclass(frozen=True, slots=True)
class Makespans:
    """One seed: durations of the bound, Katakei and the batches in seconds."""

    bound: float
    katakei: float
    batches: float


def makespans(seed: int) -> Makespans:
    """Compute all three for one seed."""
    aws = SimulatedAws(Shape(TARGETS, seed))
    paper = MemoryJournal()
    figures = roll(aws, WINDOW, paper, paper)
    each = [fixed(figures.rollout.plan) + life.work + life.warmup for life in aws.lives.values()]
    return Makespans(
        bound=greedy(each, WINDOW).total_seconds(),
        katakei=figures.took.total_seconds(),
        batches=lock_step(each, WINDOW).total_seconds(),
    )


def fixed(plan: Plan) -> timedelta:
    """Returns the time that every target needs: settle, then two observations or the longer soak."""
    return plan.spec.drain.settle + max(PROOF_INTERVAL, plan.spec.soak)


def greedy(each: Iterable[timedelta], window: int) -> timedelta:
    """Returns the list-scheduling bound: the next target takes the first free place."""
    ends = [timedelta()] * window
    for length in each:
        heapreplace(ends, ends[0] + length)
    return max(ends)


def lock_step(each: Sequence[timedelta], window: int) -> timedelta:
    """Returns the duration of lock-step batches, each as long as its slowest target (`serial: 25%`)."""
    return sum((max(each[at : at + window]) for at in range(0, len(each), window)), timedelta())


def distribution(seeds: int) -> str:
    """Returns the ratios as Markdown: 5th percentile, median and 95th percentile."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(makespans, range(seeds), chunksize=10))
    rows = {
        "Katakei / list-scheduling bound": [one.katakei / one.bound for one in found],
        "lock-step batches / list-scheduling bound": [one.batches / one.bound for one in found],
        "lock-step batches / Katakei": [one.batches / one.katakei for one in found],
    }
    lines = [f"| {name} | {' | '.join(f'{one:.3f}' for one in _spread(ratios))} |" for name, ratios in rows.items()]
    return "\n".join(["| ratio | p5 | median | p95 |", "|---|---|---|---|", *lines])


def _spread(ratios: Sequence[float]) -> tuple[float, float, float]:
    cuts = quantiles(ratios, n=20)
    return cuts[0], cuts[9], cuts[18]
