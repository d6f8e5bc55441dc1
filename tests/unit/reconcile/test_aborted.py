"""Tests of an abort: it returns every target in progress to service, or names it."""

import pytest
from tests.unit.given import (
    NOON,
    OUTWARD,
    a_plan,
    brought,
    deregistered,
    facts,
    given,
    later,
    moved,
    moves,
    t,
    text,
    turn,
)

from katakei.domain import events as e
from katakei.domain.observation import CheckResult, HealthState, WorkState, WorkStatus
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Plan
from katakei.domain.spec import Command

ABSENT, DRAINING = HealthState.ABSENT, HealthState.DRAINING
ABORT = e.AbortAsked(later(1), "kim")
PAUSE = e.PauseAsked(later(0), "kim")


def taking_back(plan: Plan, phase: Phase) -> list[e.Event]:
    """The events of a target that is being reverted, up to this phase."""
    ways = OUTWARD[: OUTWARD.index(phase) + 1]
    story: list[e.Event] = [*brought(plan, Phase.DONE), e.RevertAsked(NOON, "kim")]
    for number, way in enumerate(ways):
        story.append(e.PhaseChanged(NOON, t(plan), way, intent=None if number else Intent.REVERT))
        story += facts(plan, way) if way is not Phase.WORKING else []
    return story


def undoable() -> Plan:
    return a_plan(1, floor=0, revert=Command("ssm", "undo"))


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.OUT])
@pytest.mark.parametrize("paused", [[], [PAUSE]])
@pytest.mark.parametrize("story", [brought, taking_back])
def test_abort_returns_targets_not_worked_on(phase: Phase, paused: list[e.Event], story: object) -> None:
    plan = undoable()
    rollout = given(plan, story(plan, phase), paused, [ABORT])  # type: ignore[operator]  # one of two functions
    [move] = moved(turn(rollout, 2, DRAINING))
    assert (move.to, move.intent, move.cause) == (Phase.RETURNING, Intent.RETURN, Cause.ABORTED)


@pytest.mark.parametrize(("exit_code", "intent"), [(0, None), (1, Intent.RETURN)])
def test_abort_checks_targets_after_revert_work(exit_code: int, intent: Intent | None) -> None:
    plan = undoable()
    at_work = given(plan, taking_back(plan, Phase.WORKING))
    started = e.Started(NOON, at_work.key(t(plan)), "ticket")
    rollout = given(plan, taking_back(plan, Phase.WORKING), [started, ABORT])
    [move] = moved(turn(rollout, 2, ABSENT, work=WorkStatus(WorkState.ENDED, exit_code)))
    assert (move.to, move.intent) == (Phase.CHECKING, intent)


@pytest.mark.parametrize("story", [brought, taking_back])
def test_abort_registers_only_after_passed_check(story: object) -> None:
    plan = undoable()
    rollout = given(plan, story(plan, Phase.CHECKING), [ABORT])  # type: ignore[operator]  # one of two functions
    assert moves(turn(rollout, 2, ABSENT, answer=CheckResult(True, later(2)))) == {t(plan): Phase.WARMING}
    assert moves(turn(rollout, 21, ABSENT, answer=CheckResult(False, later(21), "503"))) == {t(plan): Phase.LEFT_OUT}


@pytest.mark.parametrize("story", [brought, taking_back])
def test_abort_leaves_serving_targets_in_service(story: object) -> None:
    plan = undoable()
    rollout = given(plan, story(plan, Phase.SOAKING), [e.ObservedServing(NOON, t(plan)), ABORT])  # type: ignore[operator]  # one of two functions
    assert moves(turn(rollout, 10)) == {t(plan): Phase.DONE}
    assert not deregistered(turn(rollout, 10))


def test_abort_keeps_reason_of_kept_out_target() -> None:
    plan = undoable()
    kept = e.PhaseChanged(NOON, t(plan), Phase.DRAINING, "never healthy", Intent.KEEP_OUT, Cause.FAILED)
    rollout = given(plan, brought(plan, Phase.WARMING), [kept, *facts(plan, Phase.DRAINING), ABORT])
    [move] = moved(turn(rollout, 2, DRAINING))
    assert (move.to, move.reason) == (Phase.LEFT_OUT, text("never healthy"))
