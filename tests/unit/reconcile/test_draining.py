"""Tests of the handlers on the way out: a target can go back until its work is decided."""

import pytest
from tests.unit.given import (
    ABORTED,
    NOON,
    a_plan,
    brought,
    facts,
    given,
    later,
    moved,
    moves,
    notes,
    seconds,
    standing,
    started,
    t,
    taken,
    text,
    turn,
    why,
)

from katakei.domain import events as e
from katakei.domain.observation import HealthState
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.spec import Drain, Limits

DRAINING, ABSENT, HEALTHY, DOWN = HealthState.DRAINING, HealthState.ABSENT, HealthState.HEALTHY, HealthState.UNHEALTHY


def test_drain_over_limit_returns_as_failed() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert not moves(turn(rollout, 100, DRAINING))
    [move] = moved(turn(rollout, 101, DRAINING))
    assert (move.to, move.intent, move.cause) == (Phase.RETURNING, Intent.RETURN, Cause.FAILED)


def test_drain_limit_may_be_fixed() -> None:
    rollout = standing(a_plan(limits=Limits(draining_extra=seconds(50), draining_from_delay=False)), Phase.DRAINING)
    assert moves(turn(rollout, 51, DRAINING)) == {t(rollout.plan): Phase.RETURNING}


def test_drain_limit_includes_long_settle() -> None:
    rollout = standing(a_plan(drain=Drain(settle=seconds(120))), Phase.DRAINING)
    assert not moves(turn(rollout, 119, ABSENT))
    assert moves(turn(rollout, 120, ABSENT)) == {t(rollout.plan): Phase.OUT}


def test_ineffective_deregister_ends_at_limit() -> None:
    rollout = standing(a_plan(), Phase.DRAINING, bare=True)
    assert not moves(turn(rollout, 100, HEALTHY))
    assert moves(turn(rollout, 101, HEALTHY)) == {t(rollout.plan): Phase.RETURNING}


def test_unseen_group_ends_no_drain() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert not moves(turn(rollout, 300, DRAINING, age=seconds(60)))


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.OUT])
def test_second_registration_elsewhere_leaves_target_out(phase: Phase) -> None:
    plan = a_plan()
    twice = [e.FoundServing(later(n), t(plan)) for n in (20, 30)]
    [move] = moved(turn(standing(plan, phase, *twice), 30, HEALTHY))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.OUT])
def test_abort_returns_draining_target(phase: Phase) -> None:
    rollout = standing(a_plan(), phase, e.AbortAsked(later(1), "kim"))
    move = moved(turn(rollout, 2, DRAINING))[0]
    assert (move.to, move.intent, move.cause, move.reason) == (
        Phase.RETURNING,
        Intent.RETURN,
        Cause.ABORTED,
        ABORTED,
    )


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.OUT])
def test_lost_floor_returns_draining_target(phase: Phase) -> None:
    rollout = standing(a_plan(), phase)
    [move] = moved(turn(rollout, 2, DRAINING, DOWN))
    assert (move.to, move.intent, move.cause) == (Phase.RETURNING, Intent.RETURN, Cause.FLOOR_LOST)


def test_unseen_group_is_not_a_lost_floor() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert not moves(turn(rollout, 20, DRAINING, DOWN, age=seconds(11)))


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.OUT])
def test_too_many_failures_return_draining_target(phase: Phase) -> None:
    plan = a_plan(3, window=2)
    failed = [*brought(plan, Phase.WORKING, 2), e.PhaseChanged(NOON, t(plan, 2), Phase.LEFT_OUT, cause=Cause.FAILED)]
    rollout = given(plan, brought(plan, phase), failed)
    move = moved(turn(rollout, 31, ABSENT))[0]
    assert (move.to, move.intent) == (Phase.RETURNING, Intent.RETURN)
    assert move.reason == reason(ReasonCode.TOO_MANY_FAILURES, failures=1, allowed=0)
    assert why(move) == "the rollout stopped: 1 target failed, 0 allowed"


def test_register_step_goes_straight_back() -> None:
    rollout = given(a_plan(1, kind=PlanKind.REGISTER, begin=Phase.OUT, floor=0))
    assert moves(turn(rollout, 0, ABSENT)) == {t(rollout.plan): Phase.RETURNING}


def test_kept_out_target_is_left_out_once_out() -> None:
    plan = a_plan()
    kept = e.PhaseChanged(later(1), t(plan), Phase.DRAINING, "never healthy", Intent.KEEP_OUT, Cause.FAILED)
    rollout = standing(plan, Phase.WARMING, kept, *facts(plan, Phase.DRAINING, at=later(2)))
    [move, *_] = moved(turn(rollout, 3, DRAINING))
    assert (move.to, move.reason) == (Phase.LEFT_OUT, text("never healthy"))


def test_abort_does_not_return_kept_out_target() -> None:
    plan = a_plan()
    kept = e.PhaseChanged(later(1), t(plan), Phase.DRAINING, "never healthy", Intent.KEEP_OUT, Cause.FAILED)
    rollout = standing(plan, Phase.WARMING, kept, e.AbortAsked(later(1), "kim"))
    assert Phase.RETURNING not in moves(turn(rollout, 2, HEALTHY)).values()


def test_kept_out_target_is_left_out_at_limit() -> None:
    plan = a_plan()
    kept = e.PhaseChanged(later(1), t(plan), Phase.DRAINING, "never healthy", Intent.KEEP_OUT, Cause.FAILED)
    rollout = standing(plan, Phase.WARMING, kept)
    assert moves(turn(rollout, 102, HEALTHY))[t(plan)] is Phase.LEFT_OUT


def test_manual_deregister_leaves_target_out() -> None:
    rollout = standing(a_plan(1, floor=0, kind=PlanKind.DEREGISTER), Phase.DRAINING)
    assert moves(turn(rollout, 45, ABSENT)) == {t(rollout.plan): Phase.OUT}
    out = standing(rollout.plan, Phase.OUT)
    [move] = moved(turn(out, 46, ABSENT))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.BY_HAND)


def test_manual_deregister_over_limit_is_not_undone() -> None:
    rollout = standing(a_plan(1, floor=0, kind=PlanKind.DEREGISTER), Phase.DRAINING)
    [move] = moved(turn(rollout, 101, DRAINING))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)


def test_manual_deregister_ignores_other_failures() -> None:
    plan = a_plan(2, floor=0, window=2, kind=PlanKind.DEREGISTER)
    failed = [*brought(plan, Phase.DRAINING, 1), e.PhaseChanged(NOON, t(plan, 1), Phase.LEFT_OUT, cause=Cause.FAILED)]
    rollout = given(plan, brought(plan, Phase.DRAINING), failed)
    assert not moves(turn(rollout, 20, DRAINING))


def test_manual_deregister_without_wait_leaves_it_draining() -> None:
    rollout = standing(a_plan(1, floor=0, kind=PlanKind.DEREGISTER, waits=False), Phase.DRAINING)
    [move] = moved(turn(rollout, 1, DRAINING))
    assert (move.to, move.cause, move.reason) == (
        Phase.LEFT_OUT,
        Cause.BY_HAND,
        reason(ReasonCode.DEREGISTERED_BY_HAND_WITHOUT_WAIT),
    )


def test_work_is_recorded_and_started_in_one_turn() -> None:
    rollout = standing(a_plan(), Phase.OUT)
    actions = turn(rollout, 45, ABSENT)
    assert moves(actions) == {t(rollout.plan): Phase.WORKING}
    assert started(actions) == [e.WorkKey(rollout.plan.rollout, t(rollout.plan), 1, Intent.UPDATE)]


def test_takeover_restarts_settle_before_work() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.OUT, taken(100), e.ObservedOut(later(101), t(plan)))
    assert not started(turn(rollout, 130, ABSENT))
    assert started(turn(rollout, 131, ABSENT))


def test_target_found_serving_is_not_worked_on() -> None:
    rollout = standing(a_plan(), Phase.OUT)
    actions = turn(rollout, 45, HEALTHY)
    assert notes(actions) == [e.FoundServing]
    assert not started(actions)


def test_target_that_stays_in_service_returns_at_limit() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.OUT, e.FoundServing(later(45), t(plan)))
    assert moves(turn(rollout, 101, HEALTHY)) == {t(plan): Phase.RETURNING}
