"""Tests of the judge of freezes, gates and promotions: each clause finds code that is broken for it."""

from collections.abc import Mapping
from datetime import datetime

import pytest
from tests.properties.adversary import Adversary
from tests.properties.broken_scenarios import Worlds
from tests.properties.builders import seconds
from tests.properties.holds import CONDITION, Holds
from tests.properties.judge import judged
from tests.properties.scenarios import Scenario, spec_of
from tests.properties.simulation import simulate
from tests.properties.test_mutations import Broken

from katakei.domain import replay
from katakei.domain.actions import Action
from katakei.domain.gate_conditions import GateProbe
from katakei.domain.gates import GateState
from katakei.domain.phases import Phase
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.spec import Approval, ExpiryDefault, Gate
from katakei.reconcile import conditions, decide, observe, returning
from katakei.reconcile.context import TargetContext

AS_IT_IS = 4  # scenarios that the code as it is passes without fault
WHY = reason(ReasonCode.RECORDED_TEXT, text="broken")
REST = (Gate("rest", 1, Approval(seconds(60), ExpiryDefault.ABORT)),)


def held(seed: int, holds: Holds, soak: float = 5) -> Scenario:
    spec = spec_of(soak=seconds(soak), gates=holds.gates)
    return Scenario(seed, Adversary(), targets=4, window=2, floor=1, delay=5, spec=spec, holds=holds)


def frozen(seed: int) -> Scenario:
    return held(seed, Holds(freezes=0.1))


def gated(seed: int) -> Scenario:
    return held(seed, Holds(answers=0.1, gates=REST))


def conditioned(seed: int) -> Scenario:
    probe = Gate(CONDITION, probe=GateProbe("http://127.0.0.1/quiet"))
    return held(seed, Holds(answers=0.0, gates=(probe,)), soak=60)


def promoted(seed: int) -> Scenario:
    return held(seed, Holds(promotes=0.5), soak=60)


_answer, _warming, _checking = replay._Draft._answer, returning.warming, returning.checking


def _nothing_holds(*_: object) -> list[Action]:
    return []


def _whole_window(rollout: replay.Rollout) -> int:
    return rollout.plan.window


def _always_approved(draft: replay._Draft, name: str, state: GateState, at: datetime, *by: str) -> None:
    del state
    _answer(draft, name, GateState.APPROVED, at, *by)


def _left_out_when_frozen(context: TargetContext) -> tuple[Action, ...]:
    return (context.enter(Phase.LEFT_OUT, WHY),) if context.rollout.frozen else _checking(context)


def _done_when_healthy_once(context: TargetContext) -> tuple[Action, ...]:
    healthy = bool(context.health) and not context.not_serving
    registered = not context.missing(context.status.registered)
    return (context.enter(Phase.SOAKING, WHY),) if healthy and registered else _warming(context)


def _without_soak(context: TargetContext) -> tuple[Action, ...]:
    return (context.enter(Phase.DONE, WHY),) if context.status.promoted else returning.soaking(context)


def _instead(handlers: Mapping[Phase, object]) -> Mapping[Phase, object]:
    return {**decide.PHASE_HANDLERS, **handlers}


BROKEN = {
    "a freeze stops nothing": Broken([(decide, "held_up", _nothing_holds)], "freeze", frozen),
    "a freeze keeps a target out": Broken(
        [(decide, "PHASE_HANDLERS", _instead({Phase.CHECKING: _left_out_when_frozen}))], "held", frozen
    ),
    "a wide window passes a gate": Broken([(decide, "room", _whole_window)], "gate", gated),
    "a condition is never asked": Broken([(decide, "held_by", _nothing_holds)], "condition", conditioned),
    "an old reading counts": Broken(
        [(conditions, "READING_MAX_AGE", seconds(900)), (observe, "CONDITIONS_INTERVAL", seconds(400))],
        "condition",
        conditioned,
    ),
    "a denied gate counts as approved": Broken([(replay._Draft, "_answer", _always_approved)], "gate refused", gated),
    "a promotion shortens the two observations": Broken(
        [
            (
                decide,
                "PHASE_HANDLERS",
                _instead({Phase.WARMING: _done_when_healthy_once, Phase.SOAKING: _without_soak}),
            )
        ],
        "promote",
        promoted,
    ),
}


@pytest.mark.parametrize("hold", BROKEN)
def test_judge_finds_broken_hold(hold: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = BROKEN[hold]

    assert any(fault.startswith(f"{broken.promise}:") for fault in broken.faults(monkeypatch))


@pytest.mark.parametrize("runs", [frozen, gated, conditioned, promoted])
def test_judge_finds_nothing_in_working_hold(runs: Worlds) -> None:
    given = [runs(seed) for seed in range(AS_IT_IS)]

    assert [fault for each in given for fault in judged(simulate(each))] == []
