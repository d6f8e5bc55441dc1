"""Tests of harm in each phase: somebody disturbs a target, and the rollout ends and names it."""

from collections.abc import Callable, Mapping, Sequence

import pytest
from tests.properties.judge import judged
from tests.properties.scenarios import Scenario
from tests.properties.simulated_aws import By, SimulatedAws
from tests.properties.simulation import Outcome, Simulation

from katakei.domain import events as e
from katakei.domain.errors import ExitCode
from katakei.domain.model import Target
from katakei.domain.phases import Phase
from katakei.reconcile.outcome import verdict
from katakei.render import events

P = Phase
Harm = Callable[[SimulatedAws, Target], None]
WAY = (P.WAITING, P.DRAINING, P.WORKING, P.CHECKING, P.WARMING, P.SOAKING, P.RETURNING, P.DONE)


def terminated(aws: SimulatedAws, target: Target) -> None:
    aws._kill(target)


def deregistered(aws: SimulatedAws, target: Target) -> None:
    aws.take_out(target.registrations, By.STRANGER)


def fallen(aws: SimulatedAws, target: Target) -> None:
    for place in target.registrations:
        aws.fall(place, lasting=10_000)


OUT, BACK, STAYS = (P.LEFT_OUT, ExitCode.LEFT_OUT), (P.DONE, ExitCode.DONE), (P.DONE, ExitCode.LEFT_OUT)
UNTOUCHED, ABORTED = (P.SKIPPED, ExitCode.FAILED), (P.RETURNED, ExitCode.FAILED)
# In the order of the way: where the target ends, and the exit code.
ENDINGS: Mapping[Harm, Sequence[tuple[Phase, ExitCode]]] = {
    terminated: (UNTOUCHED, OUT, OUT, OUT, OUT, OUT, OUT, STAYS),
    deregistered: (UNTOUCHED, BACK, BACK, BACK, BACK, OUT, ABORTED, STAYS),
    fallen: (BACK, BACK, BACK, BACK, BACK, OUT, ABORTED, STAYS),
}


@pytest.mark.parametrize(
    ("harm", "phase", "ending"),
    [(harm, *each) for harm, ends in ENDINGS.items() for each in zip(WAY, ends, strict=True)],
)
def test_harmed_target_ends_and_is_named(harm: Harm, phase: Phase, ending: tuple[Phase, ExitCode]) -> None:
    outcome = harmed(harm, phase)
    first = next(iter(outcome.aws.targets))
    assert (outcome.rollout.statuses[first].phase, verdict(outcome.rollout)) == ending
    assert outcome.rollout.finished
    assert judged(outcome) == []
    assert ending[1] is not ExitCode.LEFT_OUT or first in events.summary(outcome.rollout)


def harmed(harm: Harm, phase: Phase) -> Outcome:
    """A rollout whose first target is harmed as soon as it enters this phase."""
    simulate = Simulation(Scenario(seed=5, delay=5, wrong_clocks=False, script=lambda _: None))
    process, first = simulate._take_up(), next(iter(simulate.aws.targets.values()))
    simulate.aws.bad = frozenset({first.id} if phase is P.CHECKING else ())
    while process.runner.rollout.statuses[first.id].phase is not phase:
        process.clock.sleep(process.runner.turn().due - process.clock.now())
        if phase is P.RETURNING and process.runner.rollout.by_phase[P.DRAINING]:
            simulate.users.tell(e.AbortAsked(simulate.aws.clock.time, "kim"))
    simulate.aws.bad = frozenset()
    harm(simulate.aws, first)
    return simulate.run()
