"""Tests of a bad release that shows only while its targets soak, where soaks overlap."""

from dataclasses import replace

import pytest
from tests.properties.builders import seconds
from tests.properties.judge import judged
from tests.properties.scenarios import Scenario, spec_of
from tests.properties.simulated_aws import SimulatedAws
from tests.properties.simulation import ID, simulate

from katakei.domain import events as e
from katakei.domain.phases import Phase
from katakei.domain.spec import OnFailure, Overlap

SHOWS_AFTER = seconds(18)  # in the soak, after the next target was taken out
FLOORS = {3: 1, 4: 2, 8: 4}


def _bad(aws: SimulatedAws) -> None:
    """Every target that was worked on becomes unhealthy for good some seconds after it was healthy again."""
    for place, past in aws.past.items():
        healthy = aws.clock.time - past[-1].at
        if len(past) > 1 and healthy >= SHOWS_AFTER and aws.touched_by_work(aws.owner_of[place].id):
            aws.fall(place, lasting=100_000)


@pytest.mark.parametrize("allowed", [0, 1])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize("targets", [3, 4, 8])
def test_bad_release_that_shows_in_a_soak_stops(targets: int, window: int, groups: int, allowed: int) -> None:
    spec = spec_of(soak=seconds(30), overlap=Overlap.AUTO, on_failure=OnFailure(max_failures=allowed))
    given = Scenario(
        targets, targets=targets, window=window, groups=groups, floor=FLOORS[targets], delay=5, spec=spec, script=_bad
    )
    outcome = simulate(given)
    never = simulate(replace(given, spec=replace(spec, overlap=Overlap.NEVER)))
    statuses = outcome.rollout.statuses.values()
    worked = {key.target for key in outcome.aws.marks}
    assert judged(outcome) == []
    assert len(worked) == len({key.target for key in never.aws.marks})
    assert window > 1 or len(worked) <= allowed + 1
    assert {status.phase for status in statuses if not status.touched} <= {Phase.RETURNED, Phase.SKIPPED}
    taken = [event for event in outcome.store.events[ID] if isinstance(event, e.PhaseChanged) and event.overlaps]
    assert bool(taken) == (targets == 8 or (targets, window) == (4, 1))
