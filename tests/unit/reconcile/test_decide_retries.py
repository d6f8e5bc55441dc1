"""A target is taken again because the floor broke its drain off, or because a person says so."""

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
    """The work on this target failed."""
    story = brought(plan, Phase.WORKING, number)
    ended = e.WorkEnded(NOON, replay([e.Planned(NOON, plan)]).key(t(plan, number)), 1, "")
    return [*story, ended, e.PhaseChanged(NOON, t(plan, number), Phase.LEFT_OUT, cause=Cause.FAILED)]


def lost(plan: Plan, number: int, *, times: int = 1) -> list[e.Event]:
    """So often it was taken out, and went back because the floor was lost."""
    who = t(plan, number)
    once: list[e.Event] = [
        e.PhaseChanged(NOON, who, Phase.DRAINING, intent=Intent.UPDATE),
        e.PhaseChanged(NOON, who, Phase.RETURNING, "", Intent.RETURN, Cause.FLOOR_LOST),
        e.PhaseChanged(NOON, who, Phase.RETURNED, cause=Cause.FLOOR_LOST),
    ]
    return once * times


def skipped(plan: Plan, *numbers: int) -> list[e.Event]:
    return [e.PhaseChanged(NOON, t(plan, number), Phase.SKIPPED) for number in numbers]


# -- once more


def test_a_drain_broken_off_for_the_floor_is_tried_again_when_everybody_else_had_a_turn() -> None:
    plan = a_plan(3)
    assert candidates(given(plan, lost(plan, 0))) == [t(plan, 1), t(plan, 2), t(plan, 0)]


def test_a_drain_broken_off_for_the_floor_is_tried_three_times_in_all() -> None:
    plan = a_plan(1)
    assert candidates(given(plan, lost(plan, 0, times=2)))
    assert not candidates(given(plan, lost(plan, 0, times=3)))


def refused(plan: Plan, *, times: int = 1) -> list[e.Event]:
    """So often it was taken out, and refused to begin the work."""
    who = t(plan)
    once: list[e.Event] = [e.PhaseChanged(NOON, who, phase, "", Intent.UPDATE) for phase in OUTWARD[:3]]
    once.append(e.PhaseChanged(NOON, who, Phase.CHECKING, "", Intent.RETURN, Cause.REFUSED))
    once += [e.PhaseChanged(NOON, who, phase) for phase in (*OUTWARD[4:], Phase.FAILED_SERVING)]
    return once * times


def at_work(plan: Plan) -> list[e.Event]:
    """The first target is taken once more, and its work handed over."""
    key = replay([e.Planned(NOON, plan)]).key(t(plan))
    return [*(e.PhaseChanged(NOON, t(plan), phase) for phase in OUTWARD[:3]), e.Started(NOON, key, "ticket")]


def test_a_target_that_refused_its_work_is_tried_again_under_another_key() -> None:
    plan = a_plan(1, floor=0)
    rollout = given(plan, refused(plan))
    [move] = moved(decided(rollout, seen(rollout, NOON), NOON))
    assert (move.to, move.intent) == (Phase.DRAINING, Intent.UPDATE)
    assert evolve(rollout, [move]).key(t(plan)).attempt == 2


def test_who_refuses_three_times_has_failed() -> None:
    plan = a_plan(1)
    rollout = given(plan, refused(plan, times=2), at_work(plan))
    [move] = moved(decided(rollout, seen(rollout, NOON, {0: ABSENT}, work=WorkStatus(WorkState.REFUSED)), NOON))
    assert (move.to, move.cause) == (Phase.CHECKING, Cause.FAILED)


def test_who_refuses_the_work_of_a_retry_stays_out_as_it_was() -> None:
    plan = a_plan(1)
    rollout = given(plan, failed(plan, 0), [e.RetryAsked(NOON, "kim", (t(plan),))], at_work(plan))
    [move] = moved(decided(rollout, seen(rollout, NOON, {0: ABSENT}, work=WorkStatus(WorkState.REFUSED)), NOON))
    assert move.to is Phase.LEFT_OUT


def test_a_word_about_a_target_that_nobody_knows_breaks_nothing() -> None:
    plan, nobody = a_plan(1), TargetId("i-nobody")
    rollout = given(plan, failed(plan, 0), [e.RetryAsked(NOON, "kim", (nobody,)), e.Approved(NOON, "kim", nobody)])
    assert set(rollout.statuses) == {t(plan)}


def test_a_retry_that_comes_while_the_target_is_in_hand_asks_for_no_other_attempt() -> None:
    plan = a_plan(1)
    rollout = given(plan, brought(plan, Phase.DRAINING, 0), [e.RetryAsked(NOON, "kim", (t(plan),))])
    assert not rollout.statuses[t(plan)].retry


@pytest.mark.parametrize("word", [e.AbortAsked(NOON, "kim"), REVERT])
def test_a_drain_broken_off_is_not_tried_again_once_a_person_turned_the_rollout(word: e.Event) -> None:
    plan = a_plan(1, revert=Command("ssm", "undo"))
    assert not candidates(given(plan, lost(plan, 0), [word]))


def test_a_person_may_ask_for_one_more_attempt() -> None:
    plan = a_plan(2, on_failure=OnFailure(max_failures=0))
    retry = e.RetryAsked(NOON, "kim", (t(plan, 0),))
    rollout = given(plan, failed(plan, 0), brought(plan, Phase.DONE, 1), [e.Finished(NOON), retry])
    [move] = moved(decided(rollout, seen(rollout, NOON, {0: ABSENT}), NOON))
    assert (move.target, move.to, move.intent) == (t(plan, 0), Phase.DRAINING, Intent.UPDATE)


def test_a_retry_is_a_persons_word_and_forgets_the_other_failures() -> None:
    plan = a_plan(3, window=2)
    retry = e.RetryAsked(NOON, "kim", (t(plan, 0),))
    rollout = given(plan, failed(plan, 0), failed(plan, 1), skipped(plan, 2), [e.Finished(NOON), retry])
    assert moves(decided(rollout, seen(rollout, NOON, {0: ABSENT, 1: ABSENT}), NOON)) == {t(plan, 0): Phase.DRAINING}


def test_what_had_been_left_out_is_not_put_back_by_an_abort_of_its_retry() -> None:
    plan = a_plan(2)
    retry: list[e.Event] = [e.RetryAsked(NOON, "kim", (t(plan, 0),)), e.PhaseChanged(NOON, t(plan, 0), Phase.DRAINING)]
    rollout = given(plan, failed(plan, 0), skipped(plan, 1), retry, [e.AbortAsked(NOON, "kim")])
    [move] = moved(decided(rollout, seen(rollout, later(1), {0: ABSENT}), later(1)))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.ABORTED)


def test_a_retry_of_what_was_left_out_goes_on_whoever_else_falls() -> None:
    plan = a_plan(2)
    retry: list[e.Event] = [e.RetryAsked(NOON, "kim", (t(plan, 0),)), e.PhaseChanged(NOON, t(plan, 0), Phase.DRAINING)]
    rollout = given(plan, failed(plan, 0), skipped(plan, 1), retry, facts(plan, Phase.DRAINING))
    assert not moves(decided(rollout, seen(rollout, later(1), {0: ABSENT, 1: DOWN}), later(1)))


# -- back to the former release


def reverting(plan: Plan, *stories: list[e.Event]) -> Rollout:
    return given(plan, *stories, [REVERT])


def test_a_revert_goes_only_to_the_touched_targets_the_last_one_first() -> None:
    plan = a_plan(4, revert=Command("ssm", "undo"))
    untouched = [*brought(plan, Phase.RETURNED, 2), *brought(plan, Phase.SKIPPED, 3)]
    rollout = reverting(plan, brought(plan, Phase.DONE, 0), failed(plan, 1), untouched)
    assert candidates(rollout) == [t(plan, 1), t(plan, 0)]


def test_who_waits_is_not_touched_by_a_revert() -> None:
    plan = a_plan(2, revert=Command("ssm", "undo"))
    rollout = reverting(plan, brought(plan, Phase.DONE, 0))
    assert moves(decided(rollout, seen(rollout, NOON), NOON)) == {t(plan, 1): Phase.SKIPPED}


def test_a_revert_after_an_abort_is_carried_out() -> None:
    plan = a_plan(2, revert=Command("ssm", "undo"))
    done: list[e.Event] = [e.AbortAsked(NOON, "kim"), e.Finished(NOON)]
    rollout = reverting(plan, brought(plan, Phase.DONE, 0), skipped(plan, 1), done)
    [move] = moved(decided(rollout, seen(rollout, NOON), NOON))
    assert (move.target, move.to, move.intent) == (t(plan, 0), Phase.DRAINING, Intent.REVERT)


def test_a_revert_is_not_stopped_by_the_failures_that_made_it_needed() -> None:
    plan = a_plan(2, revert=Command("ssm", "undo"))
    rollout = reverting(plan, failed(plan, 0), skipped(plan, 1))
    assert moves(decided(rollout, seen(rollout, NOON, {0: ABSENT}), NOON)) == {t(plan, 0): Phase.DRAINING}


def test_the_update_is_never_run_in_the_place_of_a_revert() -> None:
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
def test_each_target_is_reverted_once_however_that_ended(last: list[tuple[Phase, Intent | None]]) -> None:
    plan = a_plan(1, floor=0, revert=Command("ssm", "undo"))
    way = [(Phase.DRAINING, Intent.REVERT), (Phase.OUT, None), (Phase.WORKING, None), (Phase.CHECKING, None)]
    story = [e.PhaseChanged(NOON, t(plan), to, intent=intent) for to, intent in (*way, (Phase.WARMING, None), *last)]
    assert not candidates(given(plan, brought(plan, Phase.DONE), [REVERT], story))


def test_a_retry_after_a_revert_brings_the_update_once_more_and_is_not_reverted_again() -> None:
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


def test_a_revert_broken_off_for_the_floor_is_tried_again() -> None:
    plan = a_plan(1, floor=0, revert=Command("ssm", "undo"))
    back = e.PhaseChanged(NOON, t(plan), Phase.DRAINING, intent=Intent.REVERT)
    rollout = given(plan, brought(plan, Phase.DONE), [REVERT, back], lost(plan, 0)[1:])
    [move] = moved(decided(rollout, seen(rollout, NOON), NOON))
    assert move.intent is Intent.REVERT
