"""Tests of the soak, and of targets that return without work."""

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
    older,
    registered,
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


def test_target_is_done_after_its_soak() -> None:
    rollout = standing(a_plan(), Phase.SOAKING)
    assert not moves(turn(rollout, 9.9))
    assert "soaking" in whys(turn(rollout, 9))
    assert moves(turn(rollout, 10)) == {t(rollout.plan): Phase.DONE}


def test_soak_starts_at_newest_proof() -> None:
    plan = a_plan()
    rollout = standing(
        plan, Phase.SOAKING, e.BecameUnhealthy(later(5), t(plan), "unhealthy"), e.ObservedServing(later(8), t(plan))
    )
    assert not moves(turn(rollout, 17))
    assert moves(turn(rollout, 18)) == {t(plan): Phase.DONE}


def test_takeover_restarts_the_soak() -> None:
    assert notes(turn(standing(a_plan(), Phase.SOAKING, taken(9)), 11)) == [e.ObservedServing]


def test_unobserved_soak_waits() -> None:
    actions = turn(standing(a_plan(), Phase.SOAKING), 30, age=seconds(11))
    assert not moves(actions)
    assert "not observed recently" in whys(actions)


def fallen(times: int) -> list[e.Event]:
    """The events of a target that became unhealthy this often, and recovered each time but the last."""
    who = t(a_plan())
    story: list[e.Event] = []
    for number in range(times):
        story += [e.ObservedServing(later(number), who), e.BecameUnhealthy(later(number), who, "unhealthy")]
    return story


def test_unhealthy_soak_restarts_and_is_recorded_once() -> None:
    assert notes(turn(standing(a_plan(), Phase.SOAKING), 3, DOWN)) == [e.BecameUnhealthy]
    down = turn(standing(a_plan(), Phase.SOAKING, *fallen(1)), 4, DOWN)
    assert not notes(down)
    assert "became unhealthy while soaking" in whys(down)


def test_second_unhealthy_soak_is_recorded() -> None:
    again = standing(a_plan(), Phase.SOAKING, *fallen(1), e.ObservedServing(later(3), t(a_plan())))
    assert notes(turn(again, 5, DOWN)) == [e.BecameUnhealthy]


def test_third_unhealthy_soak_fails_target() -> None:
    assert not moves(turn(standing(a_plan(), Phase.SOAKING, *fallen(2)), 5, DOWN))
    [move] = moved(turn(standing(a_plan(), Phase.SOAKING, *fallen(3)), 5, DOWN))
    assert (move.to, move.intent, move.cause) == (Phase.DRAINING, Intent.KEEP_OUT, Cause.FAILED)


def test_soak_over_limit_fails_target() -> None:
    rollout = standing(a_plan(), Phase.SOAKING, *fallen(1))
    assert not moves(turn(rollout, 70, DOWN))
    assert moves(turn(rollout, 71, DOWN)) == {t(rollout.plan): Phase.DRAINING}


def test_failed_soak_stays_for_the_floor() -> None:
    [move] = moved(turn(standing(a_plan(), Phase.SOAKING, *fallen(3)), 5, DOWN, DOWN))
    assert (move.to, move.cause) == (Phase.FAILED_SERVING, Cause.FAILED)
    assert move.reason is not None
    assert move.reason.code == ReasonCode.KEPT_FOR_FLOOR
    assert "stays in service because the floor needs it" in why(move)


def test_failed_soak_leaves_only_with_groups_seen() -> None:
    plan = a_plan(groups=2)
    rollout = standing(plan, Phase.SOAKING, *fallen(3))
    observation = seen(rollout, later(5), {0: DOWN})
    unseen, seen_whole = plan.groups[0].arn, plan.groups[1].arn
    half = {unseen: replace(observation.groups[unseen], full_begun=None), seen_whole: observation.groups[seen_whole]}
    actions = decided(rollout, replace(observation, groups=half), later(5))
    assert not moves(actions)
    assert "stays in service until its groups have been observed" in whys(actions)


def test_only_one_of_two_failed_soaks_leaves() -> None:
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


def test_put_back_target_ends_failed_serving() -> None:
    plan = a_plan()
    failed = e.PhaseChanged(NOON, t(plan), Phase.CHECKING, "exit code 7", Intent.RETURN, Cause.FAILED)
    warm = [e.PhaseChanged(NOON, t(plan), Phase.WARMING, "exit code 7"), *facts(plan, Phase.WARMING)]
    rollout = standing(plan, Phase.WORKING, failed, *warm, e.PhaseChanged(NOON, t(plan), Phase.SOAKING, "exit code 7"))
    move = moved(turn(rollout, 10))[0]
    assert (move.to, move.cause, move.reason) == (Phase.FAILED_SERVING, Cause.FAILED, text("exit code 7"))


# -- back without work


def test_returning_target_is_registered_and_proven() -> None:
    rollout = standing(a_plan(), Phase.RETURNING)
    assert not moves(turn(rollout, 4))
    assert moves(turn(rollout, 5)) == {t(rollout.plan): Phase.RETURNED}


def test_returned_target_keeps_its_reason() -> None:
    plan = a_plan()
    back = e.PhaseChanged(NOON, t(plan), Phase.RETURNING, "aborted by kim", Intent.RETURN, Cause.ABORTED)
    rollout = standing(plan, Phase.DRAINING, back, *facts(plan, Phase.RETURNING))
    [move] = moved(turn(rollout, 5))
    assert (move.reason, move.cause) == (text("aborted by kim"), Cause.ABORTED)


def test_rejected_return_leaves_target_out() -> None:
    plan = a_plan()
    refused = standing(plan, Phase.RETURNING, e.RegistrationRejected(later(1), t(plan), "not running"), bare=True)
    assert not moved(turn(refused, 60, ABSENT))
    [move] = moved(turn(refused, 61, ABSENT))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)
    assert move.reason == reason(ReasonCode.RETURN_REJECTED, text="not running")
    assert "not running" in why(move)


def test_return_over_limit_leaves_target_out() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.RETURNING, *called(plan), bare=True)
    assert not moves(turn(rollout, 60, DOWN))
    [move] = moved(turn(rollout, 61, DOWN))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)


def test_unobserved_return_does_not_fail() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.RETURNING, *called(plan), bare=True)
    assert not moves(turn(rollout, 500, DOWN, age=seconds(60)))


@pytest.mark.parametrize(("state", "over"), [(INITIAL, True), (HEALTHY, True), (DRAINING, False), (ABSENT, False)])
def test_return_without_wait_needs_listing_only(*, state: HealthState, over: bool) -> None:
    plan = a_plan(1, floor=0, kind=PlanKind.REGISTER, waits=False, begin=Phase.OUT)
    back = e.PhaseChanged(NOON, t(plan), Phase.RETURNING)
    rollout = given(plan, [back, *called(plan)])
    assert (moves(turn(rollout, 1, state)) == {t(plan): Phase.RETURNED}) is over


def test_return_without_wait_needs_call_and_observation() -> None:
    plan = a_plan(1, floor=0, kind=PlanKind.REGISTER, waits=False, begin=Phase.OUT)
    back = e.PhaseChanged(NOON, t(plan), Phase.RETURNING)
    assert not moves(turn(given(plan, [back]), 1, INITIAL))
    assert not moves(turn(given(plan, [back, *called(plan)]), 30, INITIAL, age=seconds(20)))


def test_return_needs_ip_observation_of_its_own_time() -> None:
    """A take-out whose answer is still on its way leaves no call to measure from."""
    rollout = standing(a_plan(ip=True), Phase.RETURNING, bare=True)
    before_the_return = seen(rollout, later(0), age=seconds(1))
    assert not registered(decided(rollout, before_the_return, later(1)))
    assert registered(decided(rollout, seen(rollout, later(1)), later(1)))


def test_soak_ends_by_the_oldest_observation() -> None:
    plan = a_plan(groups=2)
    rollout = standing(plan, Phase.SOAKING)
    observed = seen(rollout, later(10))
    assert not moves(decided(rollout, older(observed, plan.targets[0].registrations[1], 3), later(10)))
    assert moves(decided(rollout, observed, later(10))) == {t(plan): Phase.DONE}
