"""Tests of rollouts that begin with targets out of service: random simulations, judged by every promise and by the
clauses of fix-forward.

An earlier rollout left some of the targets out. `KATAKEI_HELD_WORLDS` says how many simulations run.
"""

import os
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest
from tests.properties.builders import seconds
from tests.properties.ground_truth import begun_on, clock, put_in, reverts, short, stopped_for_good, words
from tests.properties.judge import PROMISES
from tests.properties.scenarios import Scenario, drawn
from tests.properties.simulated_aws import NOON, OUT, HealthChange, SimulatedAws
from tests.properties.simulation import ID, Outcome, Simulation

from katakei.domain import events as e
from katakei.domain.errors import ExitCode
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.observation import HealthState
from katakei.domain.phases import IN_PROGRESS, Intent, Phase
from katakei.domain.plan import HeldTarget, PlanKind
from katakei.domain.replay import replay
from katakei.reconcile.outcome import verdict

WORLDS = int(os.environ.get("KATAKEI_HELD_WORLDS", "150"))
BEFORE = RolloutId("r-before")
Faults = Iterator[str]


def scenario(seed: int) -> Scenario:
    """A random rollout; the floor is one that it can keep without the targets that are out."""
    return replace(drawn(seed), kind=PlanKind.ROLL, waits=True)


def held_of(given: Scenario, aws: SimulatedAws) -> tuple[TargetId, ...]:
    """The targets that begin out of service, at least one."""
    rng = random.Random(f"held {given.seed}")  # noqa: S311 - a game, not a secret
    return tuple(list(aws.targets)[: rng.randint(1, len(aws.targets))])


def simulated(given: Scenario) -> Outcome:
    """The outcome of a rollout whose first targets an earlier rollout left out; some still drain."""
    simulation = Simulation(given)
    aws, rng = simulation.aws, random.Random(f"draining {given.seed}")  # noqa: S311 - a game, not a secret
    held = held_of(given, aws)
    for place in [place for target in held for place in aws.targets[target].registrations]:
        draining = rng.random() < 0.3
        aws.past[place] = [HealthChange(NOON, HealthState.DRAINING if draining else HealthState.ABSENT)]
        if draining:
            aws.next[place] = (NOON + aws.group_of[place.group].delay, HealthState.ABSENT)
    (planned,) = simulation.store.events[ID]
    assert isinstance(planned, e.Planned)
    plan = replace(planned.plan, held=tuple(HeldTarget(target, BEFORE) for target in held))
    simulation.store.events[ID] = [replace(planned, plan=plan)]
    return simulation.run()


def held_go_first(outcome: Outcome) -> Faults:
    """A target that serves is taken out only where the window has room besides those that are out and not yet taken.

    Two targets that overlap share one place in the window: the judge of overlaps asks whether they may.
    Fair: not once a person reverts, and not after the end of the rollout, when a retry or a revert goes on.
    """
    events = outcome.store.events[ID]
    for number, event in enumerate(events):
        if reverts(event) or isinstance(event, e.Finished):
            return
        if isinstance(event, e.PhaseChanged) and event.to is Phase.DRAINING:
            before, after = replay(events[:number]), replay(events[: number + 1])
            status = before.statuses[event.target]
            leaves = status.phase not in IN_PROGRESS and (event.target not in before.held or status.attempt > 0)
            if leaves and after.free_places < len(after.held_waiting):
                yield f"{event.target} was taken out while {after.held_waiting} was out and not taken"


def never_registered_untouched(outcome: Outcome) -> Faults:
    """A target that was out is registered only after work of this rollout began on it.

    Fair: a person may say that work by hand is done before the process noted its begin.
    """
    for place, was in put_in(outcome):
        target = outcome.aws.owner_of[place].id
        begun = [mark.begins for intent in (Intent.UPDATE, Intent.REVERT) for mark in begun_on(outcome, target, intent)]
        if outcome.scenario.by_hand:
            begun += [word.at for word in outcome.store.events[ID] if _approves(word, target)]
        if target in outcome.rollout.held and not any(begins <= was.at for begins in begun):
            yield f"{short(place)} was registered at {clock(was.at)} as it was found"


def _approves(event: e.Event, target: TargetId) -> bool:
    return isinstance(event, e.Approved) and event.target == target


def never_registered_broken(outcome: Outcome) -> Faults:
    """Without a check only an update that ended well brings a target back that was out.

    Fair: manual work is believed, and so is its end.
    """
    if outcome.scenario.spec.check.asked or outcome.scenario.by_hand:
        return
    for place, was in put_in(outcome):
        target = outcome.aws.owner_of[place].id
        if target not in outcome.rollout.held:
            continue
        marks = [
            (mark.ends, intent, mark.fate)
            for intent in (Intent.UPDATE, Intent.REVERT)
            for mark in begun_on(outcome, target, intent)
            if mark.ends is not None and mark.ends <= was.at
        ]
        last = max(marks, default=None, key=lambda mark: mark[0])
        if last is None or last[1:] != (Intent.UPDATE, "good"):
            yield f"{short(place)} was registered at {clock(was.at)} after {last and last[1:]}, unchecked"


def left_out_is_named(outcome: Outcome) -> Faults:
    """A target that was out and still is makes the exit code 3, with a reason; untouched ones stay as they were found.

    Fair: somebody else may have registered it, or terminated it.
    """
    if outcome.rollout.finished is None:
        return
    for target in outcome.rollout.held:
        status = outcome.rollout.statuses[target]
        out = all(outcome.aws.now(p).state in OUT for p in outcome.aws.targets[target].registrations)
        if status.phase is Phase.LEFT_OUT and (verdict(outcome.rollout) is not ExitCode.LEFT_OUT or not status.reason):
            yield f"{target} was left out, and the exit code is {verdict(outcome.rollout).value}"
        if status.attempt == 0 and status.phase is not Phase.LEFT_OUT:
            yield f"{target} was never taken, and is {status.phase.value}"
        undisturbed = not outcome.scenario.adversary.strangers
        if undisturbed and status.attempt == 0 and not out:
            yield f"{target} was never taken, and is in service"


def done_when_nobody_disturbs(outcome: Outcome) -> Faults:
    """Without an adversary and without a person's stop, every target is done, those that were out included.

    Fair: a gate that was denied, or expired, ends the update as a person does.
    """
    given = outcome.scenario
    stopped = stopped_for_good(outcome) or words(outcome, e.Interrupted, e.PauseAsked)
    keeps = given.floor + given.window <= len(outcome.aws.owner_of) // given.groups
    if given.calm and keeps and not given.per_zone and not stopped and not given.by_hand:
        missed = set(outcome.rollout.statuses) - set(outcome.rollout.by_phase[Phase.DONE])
        yield from (f"{target} is {outcome.rollout.statuses[target].phase.value}" for target in sorted(missed))


CLAUSES: Mapping[str, Callable[[Outcome], Faults]] = {
    "first": held_go_first,
    "untouched": never_registered_untouched,
    "broken": never_registered_broken,
    "named": left_out_is_named,
    "done": done_when_nobody_disturbs,
    **{f"promise {name}": promise for name, promise in PROMISES.items()},
}


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return [simulated(scenario(seed)) for seed in range(WORLDS)]


@pytest.mark.parametrize("clause", CLAUSES)
def test_rollout_with_held_targets_keeps_every_clause(outcomes: list[Outcome], clause: str) -> None:
    broken = [f"seed {each.scenario.seed}: {fault}" for each in outcomes for fault in CLAUSES[clause](each)]
    assert not broken, "\n".join([f"{len(broken)} times, in {WORLDS} simulations:", *broken[:5]])


def test_held_targets_reach_every_end(outcomes: list[Outcome]) -> None:
    ends = {each.rollout.statuses[target].phase for each in outcomes for target in each.rollout.held}
    assert {Phase.DONE, Phase.LEFT_OUT} <= ends
    untouched = [each for each in outcomes if any(each.rollout.statuses[t].attempt == 0 for t in each.rollout.held)]
    assert untouched
    assert sum(each.figures["crashes"] for each in outcomes) > WORLDS // 10
    assert any(each.rollout.reverting for each in outcomes)


def test_held_targets_are_done_before_a_serving_one_leaves() -> None:
    outcome = simulated(Scenario(seed=1, targets=2, floor=1, delay=5))
    moves = [event for event in outcome.store.events[ID] if isinstance(event, e.PhaseChanged)]
    taken = [move.target for move in moves if move.to is Phase.DRAINING]
    assert taken == list(outcome.aws.targets)
    assert verdict(outcome.rollout) is ExitCode.DONE
    assert outcome.ended - NOON < seconds(300)
