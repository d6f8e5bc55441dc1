"""Steps beside the work in random simulations; each clause of their judge finds a defect."""

from dataclasses import replace

import pytest
from tests.properties.adversary import Adversary
from tests.properties.builders import seconds
from tests.properties.judge import judged
from tests.properties.scenarios import Scenario, drawn_without_holds, spec_of
from tests.properties.simulation import simulate
from tests.properties.test_mutations import Broken

from katakei.domain import events as e
from katakei.domain import replay
from katakei.domain.model import TargetId
from katakei.domain.observation import WorkStatus
from katakei.domain.phases import Step
from katakei.domain.plan import PlanKind
from katakei.domain.spec import Command, OnFailure
from katakei.reconcile import working
from katakei.reconcile.context import TargetContext

WORLDS = 48
STEP = Command("ssm", "true")


def stepped(seed: int) -> Scenario:
    """The random scenario of this seed, with a step before the work, after it, or both."""
    given = drawn_without_holds(seed)
    before, after = ((STEP, None), (None, STEP), (STEP, STEP))[seed % 3]
    spec = replace(given.spec, before=before, after=after)
    return replace(given, kind=PlanKind.ROLL, waits=True, by_hand=False, spec=spec)


def failing(seed: int) -> Scenario:
    spec = spec_of(before=STEP, after=STEP, soak=seconds(0), on_failure=OnFailure(5))
    return Scenario(seed, Adversary(bad_work=0.5), targets=3, floor=1, delay=5, spec=spec)


_key = replay.Rollout.key


def _whatever_the_exit(context: TargetContext, work: WorkStatus) -> bool:
    del work
    return context.rollout.next_step(context.target.id) is not None


def _always_well(draft: replay._Draft, event: e.WorkEnded) -> None:
    _ended(draft, replace(event, exit=0))


def _of_the_work(self: replay.Rollout, target: TargetId) -> e.WorkKey:
    return replace(_key(self, target), step=Step.WORK)


_ended = replay._Draft._work_ended
BROKEN = {
    "the work begins though the step before it failed": Broken(
        [(working, "_goes_on", _whatever_the_exit), (replay._Draft, "_work_ended", _always_well)], "step order", failing
    ),
    "all steps share one mark": Broken([(replay.Rollout, "key", _of_the_work)], "step all", failing),
}


@pytest.mark.parametrize("part", range(4))
def test_steps_keep_every_promise(part: int) -> None:
    seeds = range(part * WORLDS // 4, (part + 1) * WORLDS // 4)

    assert [(seed, fault) for seed in seeds for fault in judged(simulate(stepped(seed)))] == []


@pytest.mark.parametrize("defect", BROKEN)
def test_judge_finds_broken_steps(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = BROKEN[defect]

    assert any(fault.startswith(f"{broken.promise}:") for fault in broken.faults(monkeypatch))
