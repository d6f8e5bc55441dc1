"""Small acceptance runs, started together because each mostly waits: a minute and a half for all of them."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from tests.acceptance.judge import Verdict
from tests.acceptance.kill_test import roll_with_kills
from tests.acceptance.load_test import Scale, roll_under_load

TWO = Scale(2, delay=8, lag=3, settle=6, interval=1, soak=3, rate=115, least=100)
FOUR = replace(TWO, targets=4, window="50%", floor=2, close_idle=False)
BY_PROOF = replace(TWO, delay=300, until="proof")  # four minutes are too short for two timers of five


@dataclass(frozen=True, slots=True)
class SmallRuns:
    """The runs in progress: the main job by scale, and three kills."""

    main_job: Mapping[Scale, "Future[Verdict]"]
    kills: "Future[None]"


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallRuns]:
    """Start all runs when the first test asks for one."""
    new = tmp_path_factory.mktemp
    with ThreadPoolExecutor(4) as pool:
        main_job = {
            scale: pool.submit(roll_under_load, scale, new("small"), timedelta(minutes=4))
            for scale in (TWO, FOUR, BY_PROOF)
        }
        yield SmallRuns(main_job, pool.submit(roll_with_kills, new("kills"), 3, 3, 3))
