"""Duration of a thousand rollouts with work of very different lengths, against the list-scheduling bound.

Simulated AWS, the real engine, default settings: soaks overlap, in the rollout and in the bound. No real time is
measured.
"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from statistics import median, quantiles

import pytest
from bench.scale.makespan import makespans

SEEDS = 1000
MOST = 1.03


def ratio(seed: int) -> float:
    """Returns the duration of one rollout, as a multiple of the bound."""
    found = makespans(seed)
    return found.katakei / found.bound


@pytest.mark.acceptance
def test_median_rollout_is_near_the_bound() -> None:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        ratios = list(pool.map(ratio, range(SEEDS), chunksize=10))
    middle, high = median(ratios), quantiles(ratios, n=20)[-1]
    sys.stdout.write(f"\n{SEEDS} rollouts: median {middle:.4f} x the bound, p95 {high:.4f}, max {max(ratios):.4f}\n")
    assert min(ratios) >= 1  # else it would be no bound
    assert middle <= MOST
