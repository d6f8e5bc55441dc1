"""Somebody harms a target in each phase of its way: the rollout ends, and says how it was, whatever phase it was in."""

from collections.abc import Callable, Mapping, Sequence

import pytest
from tests.properties.judge import judged
from tests.properties.play import Outcome, Play
from tests.properties.settings import Setting
from tests.properties.world import By, SmallWorld

from katakei.domain import events as e
from katakei.domain.errors import ExitCode
from katakei.domain.model import Target
from katakei.domain.phases import Phase
from katakei.reconcile.outcome import verdict
from katakei.render import events

P = Phase
Harm = Callable[[SmallWorld, Target], None]
WAY = (P.WAITING, P.DRAINING, P.WORKING, P.CHECKING, P.WARMING, P.SOAKING, P.RETURNING, P.DONE)


def terminated(world: SmallWorld, target: Target) -> None:
    world._kill(target)


def deregistered(world: SmallWorld, target: Target) -> None:
    world.take_out(target.registrations, By.STRANGER)


def fallen(world: SmallWorld, target: Target) -> None:
    for place in target.registrations:
        world.fall(place, lasting=10_000)


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
def test_a_target_that_is_harmed_ends_and_is_named(harm: Harm, phase: Phase, ending: tuple[Phase, ExitCode]) -> None:
    outcome = harmed(harm, phase)
    first = next(iter(outcome.world.targets))
    assert (outcome.rollout.statuses[first].phase, verdict(outcome.rollout)) == ending
    assert outcome.rollout.finished
    assert judged(outcome) == []
    assert ending[1] is not ExitCode.LEFT_OUT or first in events.summary(outcome.rollout)


def harmed(harm: Harm, phase: Phase) -> Outcome:
    """A rollout whose first target is harmed as soon as it is in this phase."""
    play = Play(Setting(seed=5, delay=5, wrong_clocks=False, script=lambda _: None))
    process, first = play._take_up(), next(iter(play.world.targets.values()))
    play.world.bad = frozenset({first.id} if phase is P.CHECKING else ())
    while process.runner.rollout.statuses[first.id].phase is not phase:
        process.clock.sleep(process.runner.turn().due - process.clock.now())
        if phase is P.RETURNING and process.runner.rollout.by_phase[P.DRAINING]:
            play.people.tell(e.AbortAsked(play.world.clock.time, "kim"))
    play.world.bad = frozenset()
    harm(play.world, first)
    return play.run()
