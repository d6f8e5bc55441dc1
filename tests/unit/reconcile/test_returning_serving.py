"""In service again: a target must stay so for a while, and one that returns is proven like any other."""

from dataclasses import replace

import pytest
from tests.unit.given import (
    NOON,
    a_plan,
    brought,
    called,
    decided,
    facts,
    given,
    later,
    moved,
    moves,
    notes,
    seconds,
    seen,
    standing,
    t,
    taken,
    text,
    turn,
    why,
    whys,
)

from katakei.domain import events as e
from katakei.domain.observation import HealthState
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.reasons import ReasonCode, reason

INITIAL, ABSENT, DRAINING, HEALTHY, DOWN = (
    HealthState.INITIAL,
    HealthState.ABSENT,
    HealthState.DRAINING,
    HealthState.HEALTHY,
    HealthState.UNHEALTHY,
)


# -- soaking


def test_a_target_is_done_only_when_it_stayed_in_service() -> None:
    rollout = standing(a_plan(), Phase.SOAKING)
    assert not moves(turn(rollout, 9.9))
    assert "soaking" in whys(turn(rollout, 9))
    assert moves(turn(rollout, 10)) == {t(rollout.plan): Phase.DONE}


def test_the_soak_counts_from_the_newest_proof_of_service() -> None:
    plan = a_plan()
    rollout = standing(
        plan, Phase.SOAKING, e.BecameUnhealthy(later(5), t(plan), "unhealthy"), e.ObservedServing(later(8), t(plan))
    )
    assert not moves(turn(rollout, 17))
    assert moves(turn(rollout, 18)) == {t(plan): Phase.DONE}


def test_after_a_takeover_the_soak_begins_anew() -> None:
    assert notes(turn(standing(a_plan(), Phase.SOAKING, taken(9)), 11)) == [e.ObservedServing]


def test_a_soak_that_nobody_sees_waits() -> None:
    actions = turn(standing(a_plan(), Phase.SOAKING), 30, age=seconds(11))
    assert not moves(actions)
    assert "not observed recently" in whys(actions)


def fallen(times: int) -> list[e.Event]:
    """So many falls, each but the last with a recovery."""
    who = t(a_plan())
    story: list[e.Event] = []
    for number in range(times):
        story += [e.ObservedServing(later(number), who), e.BecameUnhealthy(later(number), who, "unhealthy")]
    return story


def test_unhealthy_in_the_soak_begins_it_anew_and_is_written_once() -> None:
    assert notes(turn(standing(a_plan(), Phase.SOAKING), 3, DOWN)) == [e.BecameUnhealthy]
    down = turn(standing(a_plan(), Phase.SOAKING, *fallen(1)), 4, DOWN)
    assert not notes(down)
    assert "became unhealthy while soaking" in whys(down)


def test_a_second_fall_is_written_too() -> None:
    again = standing(a_plan(), Phase.SOAKING, *fallen(1), e.ObservedServing(later(3), t(a_plan())))
    assert notes(turn(again, 5, DOWN)) == [e.BecameUnhealthy]


def test_the_third_fall_fails_the_target() -> None:
    assert not moves(turn(standing(a_plan(), Phase.SOAKING, *fallen(2)), 5, DOWN))
    [move] = moved(turn(standing(a_plan(), Phase.SOAKING, *fallen(3)), 5, DOWN))
    assert (move.to, move.intent, move.cause) == (Phase.DRAINING, Intent.KEEP_OUT, Cause.FAILED)


def test_a_soak_over_its_limit_fails_the_target() -> None:
    rollout = standing(a_plan(), Phase.SOAKING, *fallen(1))
    assert not moves(turn(rollout, 70, DOWN))
    assert moves(turn(rollout, 71, DOWN)) == {t(rollout.plan): Phase.DRAINING}


def test_a_failed_soak_stays_in_service_when_the_floor_forbids_it_to_leave() -> None:
    [move] = moved(turn(standing(a_plan(), Phase.SOAKING, *fallen(3)), 5, DOWN, DOWN))
    assert (move.to, move.cause) == (Phase.FAILED_SERVING, Cause.FAILED)
    assert move.reason is not None
    assert move.reason.code == ReasonCode.KEPT_FOR_FLOOR
    assert "stays in service because the floor needs it" in why(move)


def test_a_failed_soak_leaves_only_when_every_group_is_seen() -> None:
    plan = a_plan(groups=2)
    rollout = standing(plan, Phase.SOAKING, *fallen(3))
    observation = seen(rollout, later(5), {0: DOWN})
    unseen, seen_whole = plan.groups[0].arn, plan.groups[1].arn
    half = {unseen: replace(observation.groups[unseen], full_begun=None), seen_whole: observation.groups[seen_whole]}
    actions = decided(rollout, replace(observation, groups=half), later(5))
    assert not moves(actions)
    assert "stays in service until its groups have been observed" in whys(actions)


def test_two_targets_that_fail_at_once_do_not_both_leave_a_group_that_needs_one() -> None:
    plan = a_plan(3, groups=2, window=2)
    stories = [[*brought(plan, Phase.SOAKING, n), *_falls(plan, n)] for n in (0, 1)]
    rollout = given(plan, *stories)
    first, other = plan.groups
    down = {place: DOWN for who in plan.targets for place in who.registrations if place.group == first.arn}
    down |= {plan.targets[2].registrations[1]: DOWN}
    free = replace(
        rollout, plan=replace(plan, floors={**plan.floors, first.arn: replace(plan.floors[first.arn], count=0)})
    )
    actions = moves(decided(free, seen(free, later(5), places=down), later(5)))
    assert sorted(phase.value for phase in actions.values()) == ["draining", "failed_serving"]
    assert other.arn in free.plan.floors


def _falls(plan: Plan, number: int) -> list[e.Event]:
    return [e.BecameUnhealthy(later(n), t(plan, number), "unhealthy") for n in range(3)]


def test_a_target_put_back_after_a_failure_ends_as_failed_although_it_serves() -> None:
    plan = a_plan()
    failed = e.PhaseChanged(NOON, t(plan), Phase.CHECKING, "exit code 7", Intent.RETURN, Cause.FAILED)
    warm = [e.PhaseChanged(NOON, t(plan), Phase.WARMING, "exit code 7"), *facts(plan, Phase.WARMING)]
    rollout = standing(plan, Phase.WORKING, failed, *warm, e.PhaseChanged(NOON, t(plan), Phase.SOAKING, "exit code 7"))
    move = moved(turn(rollout, 10))[0]
    assert (move.to, move.cause, move.reason) == (Phase.FAILED_SERVING, Cause.FAILED, text("exit code 7"))


# -- back without work


def test_a_target_that_returns_is_registered_and_proven_like_any_other() -> None:
    rollout = standing(a_plan(), Phase.RETURNING)
    assert not moves(turn(rollout, 4))
    assert moves(turn(rollout, 5)) == {t(rollout.plan): Phase.RETURNED}


def test_why_it_returned_is_kept() -> None:
    plan = a_plan()
    back = e.PhaseChanged(NOON, t(plan), Phase.RETURNING, "aborted by kim", Intent.RETURN, Cause.ABORTED)
    rollout = standing(plan, Phase.DRAINING, back, *facts(plan, Phase.RETURNING))
    [move] = moved(turn(rollout, 5))
    assert (move.reason, move.cause) == (text("aborted by kim"), Cause.ABORTED)


def test_what_cannot_return_is_left_out_and_named() -> None:
    plan = a_plan()
    refused = standing(plan, Phase.RETURNING, e.RegistrationRejected(later(1), t(plan), "not running"), bare=True)
    [move] = moved(turn(refused, 2, ABSENT))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)
    assert move.reason == reason(ReasonCode.RETURN_REJECTED, text="not running")
    assert "not running" in why(move)


def test_a_return_over_its_limit_is_left_out() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.RETURNING, *called(plan), bare=True)
    assert not moves(turn(rollout, 60, DOWN))
    [move] = moved(turn(rollout, 61, DOWN))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)


def test_no_return_fails_because_nobody_can_see_it() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.RETURNING, *called(plan), bare=True)
    assert not moves(turn(rollout, 500, DOWN, age=seconds(60)))


@pytest.mark.parametrize(("state", "over"), [(INITIAL, True), (HEALTHY, True), (DRAINING, False), (ABSENT, False)])
def test_with_no_wait_it_is_enough_that_the_load_balancer_shows_it(*, state: HealthState, over: bool) -> None:
    plan = a_plan(1, floor=0, kind=PlanKind.REGISTER, waits=False, begin=Phase.OUT)
    back = e.PhaseChanged(NOON, t(plan), Phase.RETURNING)
    rollout = given(plan, [back, *called(plan)])
    assert (moves(turn(rollout, 1, state)) == {t(plan): Phase.RETURNED}) is over


def test_with_no_wait_the_call_must_have_returned_and_the_group_been_seen() -> None:
    plan = a_plan(1, floor=0, kind=PlanKind.REGISTER, waits=False, begin=Phase.OUT)
    back = e.PhaseChanged(NOON, t(plan), Phase.RETURNING)
    assert not moves(turn(given(plan, [back]), 1, INITIAL))
    assert not moves(turn(given(plan, [back, *called(plan)]), 30, INITIAL, age=seconds(20)))
