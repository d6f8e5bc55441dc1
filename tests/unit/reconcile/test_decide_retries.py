"""Tests of decide: targets that get another attempt, after a lost floor, a refusal, a retry or a revert."""

from collections.abc import Sequence

import pytest
from tests.unit.given import (
    NOON,
    OUTWARD,
    a_plan,
    brought,
    decided,
    facts,
    given,
    later,
    moved,
    moves,
    seen,
    t,
)

from katakei.domain import events as e
from katakei.domain.model import TargetId
from katakei.domain.observation import HealthState, WorkState, WorkStatus
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Plan
from katakei.domain.replay import Rollout, evolve, replay
from katakei.domain.spec import Command, OnFailure
from katakei.reconcile.decide import candidates

ABSENT, DRAINING, DOWN = HealthState.ABSENT, HealthState.DRAINING, HealthState.UNHEALTHY


REVERT = e.RevertAsked(NOON, "kim")


def failed(plan: Plan, number: int) -> list[e.Event]:
    """The events of a target whose work failed."""
    story = brought(plan, Phase.WORKING, number)
    ended = e.WorkEnded(NOON, replay([e.Planned(NOON, plan)]).key(t(plan, number)), 1, "")
    return [*story, ended, e.PhaseChanged(NOON, t(plan, number), Phase.LEFT_OUT, cause=Cause.FAILED)]


def lost(plan: Plan, number: int, *, times: int = 1) -> list[e.Event]:
    """The events of this many attempts that ended because a floor was lost."""
    who = t(plan, number)
    once: list[e.Event] = [
        e.PhaseChanged(NOON, who, Phase.DRAINING, intent=Intent.UPDATE),
        e.PhaseChanged(NOON, who, Phase.RETURNING, "", Intent.RETURN, Cause.FLOOR_LOST),
        e.PhaseChanged(NOON, who, Phase.RETURNED, cause=Cause.FLOOR_LOST),
    ]
    return once * times


def skipped(plan: Plan, *numbers: int) -> list[e.Event]:
    return [e.PhaseChanged(NOON, t(plan, number), Phase.SKIPPED) for number in numbers]


# -- another attempt


def test_floor_lost_target_is_retried_last() -> None:
    plan = a_plan(3)
    assert candidates(given(plan, lost(plan, 0))) == [t(plan, 1), t(plan, 2), t(plan, 0)]


def test_floor_lost_target_gets_three_attempts() -> None:
    plan = a_plan(1)
    assert candidates(given(plan, lost(plan, 0, times=2)))
    assert not candidates(given(plan, lost(plan, 0, times=3)))


def refused(plan: Plan, *, times: int = 1) -> list[e.Event]:
    """The events of this many attempts that ended because the work was refused."""
    who = t(plan)
    once: list[e.Event] = [e.PhaseChanged(NOON, who, phase, "", Intent.UPDATE) for phase in OUTWARD[:3]]
    once.append(e.PhaseChanged(NOON, who, Phase.CHECKING, "", Intent.RETURN, Cause.REFUSED))
    once += [e.PhaseChanged(NOON, who, phase) for phase in (*OUTWARD[4:], Phase.FAILED_SERVING)]
    return once * times


def at_work(plan: Plan) -> list[e.Event]:
    """The events of one more attempt at the first target, up to its work."""
    key = replay([e.Planned(NOON, plan)]).key(t(plan))
    return [*(e.PhaseChanged(NOON, t(plan), phase) for phase in OUTWARD[:3]), e.Started(NOON, key, "ticket")]


def test_refused_work_is_retried_with_new_key() -> None:
    plan = a_plan(1, floor=0)
    rollout = given(plan, refused(plan))
    [move] = moved(decided(rollout, seen(rollout, NOON), NOON))
    assert (move.to, move.intent) == (Phase.DRAINING, Intent.UPDATE)
    assert evolve(rollout, [move]).key(t(plan)).attempt == 2


def test_third_refusal_fails_the_target() -> None:
    plan = a_plan(1)
    rollout = given(plan, refused(plan, times=2), at_work(plan))
    [move] = moved(decided(rollout, seen(rollout, NOON, {0: ABSENT}, work=WorkStatus(WorkState.REFUSED)), NOON))
    assert (move.to, move.cause) == (Phase.CHECKING, Cause.FAILED)


def test_refused_retry_keeps_target_out() -> None:
    plan = a_plan(1)
    rollout = given(plan, failed(plan, 0), [e.RetryAsked(NOON, "kim", (t(plan),))], at_work(plan))
    [move] = moved(decided(rollout, seen(rollout, NOON, {0: ABSENT}, work=WorkStatus(WorkState.REFUSED)), NOON))
    assert move.to is Phase.LEFT_OUT


def test_command_for_unknown_target_is_ignored() -> None:
    plan, nobody = a_plan(1), TargetId("i-nobody")
    rollout = given(plan, failed(plan, 0), [e.RetryAsked(NOON, "kim", (nobody,)), e.Approved(NOON, "kim", nobody)])
    assert set(rollout.statuses) == {t(plan)}


def test_retry_of_target_in_progress_is_ignored() -> None:
    plan = a_plan(1)
    rollout = given(plan, brought(plan, Phase.DRAINING, 0), [e.RetryAsked(NOON, "kim", (t(plan),))])
    assert not rollout.statuses[t(plan)].retry


@pytest.mark.parametrize("word", [e.AbortAsked(NOON, "kim"), REVERT])
def test_floor_lost_target_is_not_retried_after_abort(word: e.Event) -> None:
    plan = a_plan(1, revert=Command("ssm", "undo"))
    assert not candidates(given(plan, lost(plan, 0), [word]))


def test_retry_command_gives_one_more_attempt() -> None:
    plan = a_plan(2, on_failure=OnFailure(max_failures=0))
    retry = e.RetryAsked(NOON, "kim", (t(plan, 0),))
    rollout = given(plan, failed(plan, 0), brought(plan, Phase.DONE, 1), [e.Finished(NOON), retry])
    [move] = moved(decided(rollout, seen(rollout, NOON, {0: ABSENT}), NOON))
    assert (move.target, move.to, move.intent) == (t(plan, 0), Phase.DRAINING, Intent.UPDATE)


def test_retry_command_resets_failure_count() -> None:
    plan = a_plan(3, window=2)
    retry = e.RetryAsked(NOON, "kim", (t(plan, 0),))
    rollout = given(plan, failed(plan, 0), failed(plan, 1), skipped(plan, 2), [e.Finished(NOON), retry])
    assert moves(decided(rollout, seen(rollout, NOON, {0: ABSENT, 1: ABSENT}), NOON)) == {t(plan, 0): Phase.DRAINING}


def test_aborted_retry_leaves_target_out() -> None:
    plan = a_plan(2)
    retry: list[e.Event] = [e.RetryAsked(NOON, "kim", (t(plan, 0),)), e.PhaseChanged(NOON, t(plan, 0), Phase.DRAINING)]
    rollout = given(plan, failed(plan, 0), skipped(plan, 1), retry, [e.AbortAsked(NOON, "kim")])
    [move] = moved(decided(rollout, seen(rollout, later(1), {0: ABSENT}), later(1)))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.ABORTED)


def test_retry_of_left_out_target_ignores_lost_floor() -> None:
    plan = a_plan(2)
    retry: list[e.Event] = [e.RetryAsked(NOON, "kim", (t(plan, 0),)), e.PhaseChanged(NOON, t(plan, 0), Phase.DRAINING)]
    rollout = given(plan, failed(plan, 0), skipped(plan, 1), retry, facts(plan, Phase.DRAINING))
    assert not moves(decided(rollout, seen(rollout, later(1), {0: ABSENT, 1: DOWN}), later(1)))


# -- revert


def reverting(plan: Plan, *stories: list[e.Event]) -> Rollout:
    return given(plan, *stories, [REVERT])


def test_revert_takes_touched_targets_in_reverse_order() -> None:
    plan = a_plan(4, revert=Command("ssm", "undo"))
    untouched = [*brought(plan, Phase.RETURNED, 2), *brought(plan, Phase.SKIPPED, 3)]
    rollout = reverting(plan, brought(plan, Phase.DONE, 0), failed(plan, 1), untouched)
    assert candidates(rollout) == [t(plan, 1), t(plan, 0)]


def test_revert_skips_waiting_targets() -> None:
    plan = a_plan(2, revert=Command("ssm", "undo"))
    rollout = reverting(plan, brought(plan, Phase.DONE, 0))
    assert moves(decided(rollout, seen(rollout, NOON), NOON)) == {t(plan, 1): Phase.SKIPPED}


def test_revert_after_abort_is_carried_out() -> None:
    plan = a_plan(2, revert=Command("ssm", "undo"))
    done: list[e.Event] = [e.AbortAsked(NOON, "kim"), e.Finished(NOON)]
    rollout = reverting(plan, brought(plan, Phase.DONE, 0), skipped(plan, 1), done)
    [move] = moved(decided(rollout, seen(rollout, NOON), NOON))
    assert (move.target, move.to, move.intent) == (t(plan, 0), Phase.DRAINING, Intent.REVERT)


def test_revert_ignores_failures_of_update() -> None:
    plan = a_plan(2, revert=Command("ssm", "undo"))
    rollout = reverting(plan, failed(plan, 0), skipped(plan, 1))
    assert moves(decided(rollout, seen(rollout, NOON, {0: ABSENT}), NOON)) == {t(plan, 0): Phase.DRAINING}


def test_revert_never_runs_the_update() -> None:
    plan = a_plan(1, floor=0)
    assert not candidates(reverting(plan, brought(plan, Phase.DONE, 0)))


@pytest.mark.parametrize(
    "last",
    [
        [(Phase.SOAKING, None), (Phase.DONE, None)],
        [(Phase.SOAKING, Intent.RETURN), (Phase.FAILED_SERVING, None)],
        [(Phase.DRAINING, Intent.KEEP_OUT), (Phase.LEFT_OUT, None)],
    ],
)
def test_target_is_reverted_once(last: list[tuple[Phase, Intent | None]]) -> None:
    plan = a_plan(1, floor=0, revert=Command("ssm", "undo"))
    way = [(Phase.DRAINING, Intent.REVERT), (Phase.OUT, None), (Phase.WORKING, None), (Phase.CHECKING, None)]
    story = [e.PhaseChanged(NOON, t(plan), to, intent=intent) for to, intent in (*way, (Phase.WARMING, None), *last)]
    assert not candidates(given(plan, brought(plan, Phase.DONE), [REVERT], story))


def test_retry_after_revert_runs_the_update() -> None:
    plan = a_plan(1, floor=0, revert=Command("ssm", "undo"))
    back = [e.PhaseChanged(NOON, t(plan), Phase.DRAINING, intent=Intent.REVERT), *ways(plan, OUTWARD[1:]), done(plan)]
    retry = [*brought(plan, Phase.DONE), REVERT, *back, e.Finished(NOON), e.RetryAsked(NOON, "kim", (t(plan),))]
    [move] = moved(decided(given(plan, retry), seen(given(plan, retry), NOON), NOON))
    assert move.intent is Intent.UPDATE
    again = [*retry, move, *ways(plan, OUTWARD[1:]), done(plan)]
    assert not candidates(given(plan, again))


def ways(plan: Plan, phases: Sequence[Phase]) -> list[e.Event]:
    return [e.PhaseChanged(NOON, t(plan), phase) for phase in phases]


def done(plan: Plan) -> e.Event:
    return e.PhaseChanged(NOON, t(plan), Phase.DONE)


def test_floor_lost_revert_is_retried() -> None:
    plan = a_plan(1, floor=0, revert=Command("ssm", "undo"))
    back = e.PhaseChanged(NOON, t(plan), Phase.DRAINING, intent=Intent.REVERT)
    rollout = given(plan, brought(plan, Phase.DONE), [REVERT, back], lost(plan, 0)[1:])
    [move] = moved(decided(rollout, seen(rollout, NOON), NOON))
    assert move.intent is Intent.REVERT


def test_failed_retry_stops_the_other_retries() -> None:
    plan = a_plan(2, window=2)
    both = e.RetryAsked(NOON, "kim", (t(plan, 0), t(plan, 1)))
    again: list[e.Event] = [*at_work(plan), e.PhaseChanged(NOON, t(plan, 0), Phase.LEFT_OUT, cause=Cause.FAILED)]
    story: list[e.Event] = [*failed(plan, 0), *failed(plan, 1), e.Finished(NOON), both]
    rollout = given(plan, story)
    assert moves(decided(rollout, seen(rollout, NOON, {0: ABSENT, 1: ABSENT}), NOON)).keys() == {t(plan, 0), t(plan, 1)}
    stopped = given(plan, story, again)
    assert stopped.stopped
    assert not moves(decided(stopped, seen(stopped, NOON, {0: ABSENT, 1: ABSENT}), NOON))
