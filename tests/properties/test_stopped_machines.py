"""Work that stops machines, in simulations with evidence, aborts, crashes and strangers; each clause finds a defect."""

import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.properties.adversary import Adversary
from tests.properties.builders import seconds
from tests.properties.judge import judged
from tests.properties.scenarios import Scenario, spec_of
from tests.properties.simulation import simulate
from tests.properties.test_mutations import Broken

from katakei.domain.actions import Action
from katakei.domain.instances import InstanceAction, InstanceActionKind
from katakei.domain.observation import WorkStatus
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.spec import Command, Drain, DrainUntil, Limits
from katakei.reconcile import context, working
from katakei.reconcile.context import TargetContext

WORLDS = 60
STOP = Command("ec2", "true", instance=InstanceAction(InstanceActionKind.STOP_START))
HINDRANCES: Mapping[str, float] = {
    "lost": 0.1,
    "wire": 0.1,
    "slow": 0.2,
    "crash": 0.02,
    "pause": 0.02,
    "stale": 0.2,
    "unseen": 0.1,
    "strangers": 0.01,
    "mute": 0.1,
    "refused": 0.1,
}


def stopping(seed: int) -> Scenario:
    """Half of them have a probe, whose evidence comes long before the timer; half of them are aborted."""
    rng = random.Random(f"stopping {seed}")  # noqa: S311 - a game, not a secret
    some = {name: size for name, size in HINDRANCES.items() if rng.random() < 0.3}
    probe = rng.random() < 0.5
    spec = spec_of(
        work=STOP,
        soak=seconds(5),
        drain=Drain(settle=seconds(10), until=DrainUntil.PROOF if probe else DrainUntil.DELAY, cut_after=seconds(20)),
        limits=Limits(working=seconds(60), warming=seconds(60), waiting=seconds(120)),
    )
    given = Scenario(seed, Adversary(**some), targets=3, floor=1, window=rng.choice((1, 2)), delay=60, spec=spec)
    return replace(given, probe=probe, abort=rng.uniform(40, 240) if rng.random() < 0.5 else None)


def aborted(seed: int) -> Scenario:
    return replace(stopping(seed), adversary=Adversary(), abort=62 + seed / 4)


def proven(seed: int) -> Scenario:
    given = stopping(seed)
    drain = replace(given.spec.drain, until=DrainUntil.PROOF)
    return replace(given, adversary=Adversary(), probe=True, abort=None, spec=replace(given.spec, drain=drain))


def strange(seed: int) -> Scenario:
    """Strangers register machines again, also while they are stopped."""
    return replace(stopping(seed), adversary=Adversary(strangers=0.1), abort=None)


def _by_evidence(this: TargetContext) -> bool:
    health = this.health or ()
    return bool(health) and all(each.out for each in health)


def _only_waits(this: TargetContext, work: WorkStatus) -> tuple[Action, ...]:
    del work
    return (this.wait(reason(ReasonCode.RECORDED_TEXT, text="for 1s")),)


def _goes_on_blindly(this: TargetContext, work: WorkStatus) -> tuple[Action, ...]:
    del work
    return (working.start(this), this.wait(reason(ReasonCode.RECORDED_TEXT, text="for 1s")))


BROKEN = {
    "evidence is enough for a stop": Broken(
        [(context.TargetContext, "absent", property(_by_evidence))], "stop absent", proven
    ),
    "a stopped machine is only waited for": Broken([(working, "_go_on", _only_waits)], "stop ends", aborted),
    "a machine is started although it is registered": Broken(
        [(working, "_go_on", _goes_on_blindly)], "stop absent", strange, within=80
    ),
}


@pytest.mark.parametrize("part", range(4))
def test_stopped_machines_keep_every_promise(part: int) -> None:
    seeds = range(part * WORLDS // 4, (part + 1) * WORLDS // 4)

    assert [(seed, fault) for seed in seeds for fault in judged(simulate(stopping(seed)))] == []


def test_machines_are_stopped_and_started_when_nobody_disturbs() -> None:
    outcome = simulate(replace(stopping(1), adversary=Adversary(), abort=None))

    assert [mark.fate for mark in outcome.aws.marks.values()] == ["good"] * 3
    assert len(outcome.aws.log.gone_on) == 3
    assert {status.phase.value for status in outcome.rollout.statuses.values()} == {"done"}


@pytest.mark.parametrize("defect", BROKEN)
def test_judge_finds_broken_stop(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = BROKEN[defect]

    assert any(fault.startswith(f"{broken.promise}:") for fault in broken.faults(monkeypatch))
