"""Tests of the judge of waves and limits: each clause finds code that is broken for it."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from tests.properties.adversary import Adversary
from tests.properties.broken_scenarios import Worlds
from tests.properties.builders import seconds
from tests.properties.judge import judged
from tests.properties.scenarios import Scenario, spec_of
from tests.properties.simulation import simulate
from tests.properties.test_mutations import Broken

from katakei.domain import replay
from katakei.domain.model import TargetId
from katakei.domain.rollout import Rollout
from katakei.domain.spec import Overlap, Share, Window
from katakei.reconcile import decide, waves

AS_IT_IS = 4  # scenarios that the code as it is passes without fault


def in_waves(seed: int, pause: float = 0) -> Scenario:
    window = Window(waves=(Share(count=1), Share(count=3)), pause_between=seconds(pause))
    spec = spec_of(window=window, soak=seconds(30), overlap=Overlap.AUTO)
    return Scenario(seed, Adversary(), targets=5, window=2, floor=1, delay=5, spec=spec)


def with_pauses(seed: int) -> Scenario:
    return in_waves(seed, pause=60)


def limited(seed: int) -> Scenario:
    return replace(in_waves(seed), limit=3)


def _all_waves(_: Rollout, targets: Iterable[TargetId]) -> list[TargetId]:
    return list(targets)


BROKEN = {
    "the next wave begins early": Broken([(decide, "in_waves", _all_waves)], "wave", in_waves),
    "no pause is kept": Broken(
        [(waves, "wave_begins", lambda *_: None), (decide, "wave_begins", lambda *_: None)], "wave", with_pauses
    ),
    "the limit is ignored": Broken([(replay.Rollout, "limit_left", None)], "limit", limited),
}


@pytest.mark.parametrize("part", BROKEN)
def test_judge_finds_broken_part(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = BROKEN[part]

    assert any(fault.startswith(f"{broken.promise}:") for fault in broken.faults(monkeypatch))


@pytest.mark.parametrize("runs", [in_waves, with_pauses, limited])
def test_judge_finds_nothing_in_working_parts(runs: Worlds) -> None:
    given = [runs(seed) for seed in range(AS_IT_IS)]

    assert [fault for each in given for fault in judged(simulate(each))] == []
