"""The forecast of a plan against rollouts of simulated AWS: random plans, each rolled by the real engine.

All targets take the same time, and a first check passes as late as the forecast takes it (15 s). What is left is the
time of observations. A target waits for six of them: its drain is over, its work was accepted, its work has ended, it
serves, it still serves, its soak is over. Each is at most 2 s late, the slowest pace of a turn. Hence the tolerance of
12 s for each round, and none below the forecast.
"""

import random
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from bench.scale.simulated_aws import Shape, SimulatedAws
from bench.scale.simulated_rollout import MemoryJournal, plan_of, roll

from katakei.domain.plan import Floor, Plan
from katakei.domain.spec import Drain, DrainUntil, Overlap
from katakei.planning.forecast import forecast
from katakei.planning.schedule import schedule

LATE = timedelta(seconds=12)
FIRST_CHECK = 15.0
SEEDS = range(12)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plan, the AWS in which it is rolled, and how long the work takes on each target."""

    plan: Plan
    aws: SimulatedAws
    work: timedelta


def drawn(seed: int, overlap: Overlap) -> Drawn:
    """A plan with drawn sizes, floors and times."""
    rng = random.Random(seed)  # noqa: S311 - a test's own choice of values
    targets = rng.randint(2, 14)
    window, per_zone = rng.randint(1, min(targets, 4)), int(rng.random() < 0.3)
    floor = rng.randint(0, rng.choice((targets - 1, targets // 3)))
    settle, soak, delay = rng.choice((0, 10, 30, 45)), rng.choice((0, 10, 30, 60, 90)), rng.choice((5, 60, 120))
    work = timedelta(seconds=rng.choice((0, 15, 60)))
    aws = SimulatedAws(Shape(targets, seed, median=work, sigma=0, first_check=(FIRST_CHECK, FIRST_CHECK)))
    aws.groups = tuple(replace(group, delay=timedelta(seconds=delay)) for group in aws.groups)
    aws.delays = {group.arn: group.delay for group in aws.groups}
    plan = plan_of(aws, window)
    drain = Drain(settle=timedelta(seconds=settle), until=rng.choice((DrainUntil.PROOF, DrainUntil.DELAY)))
    spec = replace(plan.spec, drain=drain, soak=timedelta(seconds=soak), overlap=overlap)
    floors = {arn: Floor(floor, targets, per_zone if targets > 3 else 0) for arn in plan.floors}
    return Drawn(replace(plan, groups=aws.groups, floors=floors, spec=spec), aws, work)


@pytest.mark.parametrize("overlap", Overlap)
@pytest.mark.parametrize("seed", SEEDS)
def test_forecast_is_what_a_rollout_takes(seed: int, overlap: Overlap) -> None:
    given = drawn(seed, overlap)
    paper = MemoryJournal()
    took = roll(given.aws, given.plan.window, paper, paper, given.plan).took
    found = forecast(given.plan)
    drain, back, _ = (part.length for part in found.parts)
    exact = schedule(given.plan, drain, back + given.work).length
    assert exact <= took <= exact + LATE * found.rounds
    assert found.total <= exact <= found.total + given.work * found.rounds
    assert found.total == exact or given.work


def test_drawn_plans_save_time_by_overlaps() -> None:
    """Else the test above would show nothing of them."""
    saved = [forecast(drawn(seed, Overlap.AUTO).plan).saved for seed in SEEDS]
    assert sum(bool(each) for each in saved) >= 4
