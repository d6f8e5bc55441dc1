"""Throttling, errors, timeouts and stale answers: the rollout still ends correctly, only later.

The same rollout without faults runs at the same time, so that both times are from the same machine.
"""

import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.acceptance.conftest import BY_PROOF, TWO
from tests.acceptance.load_test import NO_FAULTS, Scale, roll_under_load

STORM = {"throttle": 0.3, "error": 0.1, "timeout": 0.05}
STALE = {"stale": 30}
BY_PROOF = replace(BY_PROOF, delay=60)


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("scale", "bad"),
    [(TWO, STORM), (BY_PROOF, STORM), (TWO, STALE)],
    ids=["storm by the timer", "storm by proof", "stale answers"],
)
def test_storm_only_slows_a_rollout_down(
    scale: Scale, bad: Mapping[str, float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with ThreadPoolExecutor(2) as pool:
        fair, foul = (
            pool.submit(roll_under_load, scale, tmp_path_factory.mktemp("storm"), timedelta(minutes=9), weather)
            for weather in (NO_FAULTS, bad)
        )
        calm, wild = fair.result(), foul.result()
    longer = wild.measured.lasted - calm.measured.lasted
    sys.stdout.write(
        f"\n{wild.text()}\n{calm.measured.lasted:.0f} s in fair weather, {longer:.0f} s more in this one\n"
    )
    assert (calm.faults, wild.faults) == ((), ())
