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
from katakei.domain.spec import Overlap, Spec
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
    plan, lives = figures.rollout.plan, aws.lives.values()
    each = [fixed(plan) + life.work + life.warmup for life in lives]
    return Makespans(
        bound=overlapped([life.work + life.warmup for life in lives], WINDOW, plan.spec).total_seconds(),
        katakei=figures.took.total_seconds(),
        batches=lock_step(each, WINDOW).total_seconds(),
    )


def fixed(plan: Plan) -> timedelta:
    """Returns the time that every target needs: settle, then two observations or the longer soak."""
    return plan.spec.drain.settle + max(PROOF_INTERVAL, plan.spec.soak)


def overlapped(busy: Iterable[timedelta], window: int, spec: Spec) -> timedelta:
    """Returns the list-scheduling bound where soaks overlap.

    A place is held for the drain, the work, the check and two observations, or until at most `settle` of the soak is
    left. No work begins before the soak in the same place has ended. The last soak comes on top.

    Args:
        busy: The work and the check of each target, in order.
        window: How many places there are.
        spec: Settle and soak.
    """
    settle, soak = spec.drain.settle, max(PROOF_INTERVAL, spec.soak)
    held = max(PROOF_INTERVAL, soak - settle) if spec.overlap is Overlap.AUTO else soak
    places = [(timedelta(), timedelta())] * window  # when each is free, and when its last soak ends
    for length in busy:
        free, soaked = places[0]
        serving = max(free + settle, soaked) + length
        heapreplace(places, (serving + held, serving + soak))
    return max(soaked for _, soaked in places)


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
