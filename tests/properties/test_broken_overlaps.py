"""Tests of the judge of overlaps: each clause of the rule finds code that is broken for it."""

from dataclasses import replace

import pytest
from tests.properties.adversary import Adversary
from tests.properties.broken_scenarios import Worlds
from tests.properties.builders import seconds
from tests.properties.judge import judged
from tests.properties.scenarios import UNDO, Scenario, spec_of
from tests.properties.simulation import simulate
from tests.properties.test_mutations import Broken, _deaf_to_pauses, nothing

from katakei.domain.actions import Action, Record
from katakei.domain.events import PhaseChanged
from katakei.domain.model import Target, TargetId
from katakei.domain.phases import Cause, Phase
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.spec import Overlap
from katakei.reconcile import decide, draining, observe, overlap, returning
from katakei.reconcile.capacity import floor_violation
from katakei.reconcile.context import TargetContext, TurnContext

AS_IT_IS = 4  # scenarios that the code as it is passes without fault
WHY = reason(ReasonCode.RECORDED_TEXT, text="broken")


def wide(seed: int, soak: float = 30, **changes: object) -> Scenario:
    spec = spec_of(soak=seconds(soak), overlap=Overlap.AUTO)
    given = Scenario(seed, Adversary(), targets=5, window=1, floor=1, delay=5, spec=spec, wrong_clocks=False)
    return replace(given, **changes)  # type: ignore[arg-type]  # fields by name


def long_soak(seed: int) -> Scenario:
    return wide(seed, soak=120)


def paused(seed: int) -> Scenario:
    return wide(seed, pauses=0.1)


def tight(seed: int) -> Scenario:
    return wide(seed, targets=3, window=2)


def of_two(seed: int) -> Scenario:
    return wide(seed, targets=2, floor=0)


def taken_back(seed: int) -> Scenario:
    spec = spec_of(soak=seconds(30), overlap=Overlap.AUTO, revert=UNDO)
    return wide(seed, spec=spec, window=3, targets=8, reverts=(46.0 + seed,))


_offered, _go_back, _needed = overlap.offered, draining._go_back, decide._Left.needed
_soaking = returning.soaking


def _any_soak(turn: TurnContext) -> list[TargetId]:
    return [target for target in turn.rollout.by_phase[Phase.SOAKING] if target not in turn.rollout.overlapping]


def _nobody_overlaps(self: Rollout) -> dict[TargetId, TargetId]:
    del self
    return {}


def _goes_back_as_failed(context: TargetContext) -> Record | None:
    back = _go_back(context)
    if back and isinstance(back.event, PhaseChanged) and back.event.cause is Cause.OVERLAP_ENDED:
        return Record(replace(back.event, cause=Cause.FAILED))
    return back


def _leaves_first(self: decide._Left, target: Target, soaking: TargetId | None) -> Reason | None:
    why = _needed(self, target, soaking)
    if why and why.code == ReasonCode.KEPT_FOR_OVERLAP:
        return floor_violation(self.turn.rollout, self.without(target).serving, target)
    return why


def _done_once_its_place_is_taken(context: TargetContext) -> tuple[Action, ...]:
    taken = context.target.id in context.rollout.overlapping
    return (context.enter(Phase.DONE, WHY),) if taken else _soaking(context)


def _always(*_: object) -> bool:
    return True


def _any_stop(*_: object) -> list[Reason]:
    return []


BROKEN = {
    "a long soak gives its place": Broken([(decide, "offered", _any_soak)], "overlap soak", long_soak),
    "a pause stops no overlap": Broken(
        [(decide, "_next", _deaf_to_pauses), (overlap, "_stopped", _any_stop)], "overlap stop", paused
    ),
    "a place is given twice": Broken([(Rollout, "overlapping", property(_nobody_overlaps))], "overlap once", wide),
    "whoever serves is proven": Broken(
        [(decide, "not_allowed", nothing), (overlap, "unproven", nothing)], "overlap floor", tight
    ),
    "no work waits for a soak": Broken(
        [(decide, "offered", _any_soak), (overlap, "_broken", nothing), (draining, "unfinished", nothing)],
        "overlap work",
        long_soak,
    ),
    "a soak ends when its place is taken": Broken(
        [
            (decide, "offered", _any_soak),
            (observe, "_has_place", _always),
            (overlap, "_broken", nothing),
            (decide, "PHASE_HANDLERS", {**decide.PHASE_HANDLERS, Phase.SOAKING: _done_once_its_place_is_taken}),
        ],
        "overlap soaked",
        long_soak,
    ),
    "a target that goes back has failed": Broken(
        [(draining, "_go_back", _goes_back_as_failed)], "overlap untouched", paused
    ),
    "a target that overlaps ignores what stops": Broken([(draining, "ended", nothing)], "overlap back", paused),
    "the soaking target leaves first": Broken([(decide._Left, "needed", _leaves_first)], "overlap last", taken_back),
    "two targets overlap": Broken(
        [(decide, "not_allowed", nothing), (overlap, "unproven", nothing)], "overlap two", of_two
    ),
}


@pytest.mark.parametrize("clause", BROKEN)
def test_judge_finds_broken_overlap(clause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = BROKEN[clause]

    assert any(fault.startswith(f"{broken.promise}:") for fault in broken.faults(monkeypatch))


@pytest.mark.parametrize("runs", [wide, long_soak, paused, tight, of_two, taken_back])
def test_judge_finds_nothing_in_working_overlap(runs: Worlds) -> None:
    given = [runs(seed) for seed in range(AS_IT_IS)]

    assert [fault for each in given for fault in judged(simulate(each))] == []
