"""A throttling storm with errors and time-outs: the rollout ends, nothing wrong is done, and it takes longer.

The same rollout in fair weather runs beside it, so that the two times are of one machine.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.acceptance.conftest import PROVED, TWO
from tests.acceptance.stage import CALM, Scale, roll_under_load

STORM = {"throttle": 0.3, "error": 0.1, "timeout": 0.05}
SCALES = {"by the timer": TWO, "by proof": replace(PROVED, delay=60)}


@pytest.mark.acceptance
@pytest.mark.parametrize("scale", SCALES.values(), ids=list(SCALES))
def test_a_storm_makes_a_rollout_slower_and_nothing_else(
    scale: Scale, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with ThreadPoolExecutor(2) as pool:
        fair, stormy = (
            pool.submit(roll_under_load, scale, tmp_path_factory.mktemp("storm"), timedelta(minutes=9), weather)
            for weather in (CALM, STORM)
        )
        calm, wild = fair.result(), stormy.result()
    longer = wild.measured.lasted - calm.measured.lasted
    sys.stdout.write(f"\n{wild.text()}\n{calm.measured.lasted:.0f} s without the storm, {longer:.0f} s more in it\n")
    assert (calm.faults, wild.faults) == ((), ())
