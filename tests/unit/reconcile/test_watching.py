"""Tests of the watch over targets that are done: a bad release may show late."""

import pytest
from tests.unit.given import NOON, a_plan, brought, deregistered, given, later, moves, notes, seen, t, taken, turn, whys

from katakei.domain import events as e
from katakei.domain.errors import ExitCode
from katakei.domain.observation import HealthState, Observation
from katakei.domain.phases import Phase
from katakei.domain.plan import Plan
from katakei.domain.replay import Rollout
from katakei.domain.spec import OnFailure
from katakei.reconcile.decide import decide
from katakei.reconcile.observe import observation_request
from katakei.reconcile.outcome import verdict
from katakei.reconcile.watching import UNHEALTHY_LIMIT

DOWN, INITIAL, HEALTHY, ABSENT = HealthState.UNHEALTHY, HealthState.INITIAL, HealthState.HEALTHY, HealthState.ABSENT
PLAN = a_plan(3)
LONG = UNHEALTHY_LIMIT.total_seconds()


def fell(at: float = 0, plan: Plan = PLAN) -> e.BecameUnhealthy:
    return e.BecameUnhealthy(later(at), t(plan), "unhealthy")


def back(at: float, plan: Plan = PLAN) -> e.ObservedServing:
    return e.ObservedServing(later(at), t(plan))


def lost(at: float, plan: Plan = PLAN) -> e.FailedAfterDone:
    return e.FailedAfterDone(later(at), t(plan), "left service after it was done: unhealthy")


def done(*story: e.Event, plan: Plan = PLAN) -> Rollout:
    """A rollout whose first target is done while the others wait."""
    return given(plan, brought(plan, Phase.DONE), story)


@pytest.mark.parametrize("state", [HealthState.UNHEALTHY, HealthState.UNUSED, HealthState.DRAINING, HealthState.ABSENT])
def test_unhealthy_done_target_blocks_next_take_out(state: HealthState) -> None:
    assert notes(turn(done(), 5, state)) == [e.BecameUnhealthy]
    actions = turn(done(fell()), 5, state)
    assert not moves(actions)
    assert not deregistered(actions)
    assert "left service 5s ago, after it was done: unhealthy; no other target is started meanwhile" in whys(actions)


@pytest.mark.parametrize("state", [HealthState.INITIAL, HealthState.UNAVAILABLE, HealthState.HEALTHY])
def test_initial_health_of_done_target_blocks_nothing(state: HealthState) -> None:
    assert moves(turn(done(), 5, state)) == {t(PLAN, 1): Phase.DRAINING}


def test_done_target_back_in_time_is_no_failure() -> None:
    assert notes(turn(done(fell()), 10)) == [e.ObservedServing]
    rollout = done(fell(), back(10))
    assert rollout.failures == 0
    assert moves(turn(rollout, 11)) == {t(PLAN, 1): Phase.DRAINING}


def test_initial_health_after_unhealthy_is_still_awaited() -> None:
    assert "no other target is started" in whys(turn(done(fell()), 10, INITIAL))


def test_lasting_unhealthy_done_target_fails_rollout() -> None:
    assert not notes(turn(done(fell()), LONG - 1, DOWN))
    assert notes(turn(done(fell()), LONG, DOWN)) == [e.FailedAfterDone]
    rollout = done(fell(), lost(LONG))
    assert rollout.failures == 1
    assert set(moves(turn(rollout, LONG, DOWN)).values()) == {Phase.SKIPPED}


def test_third_unhealthy_done_target_fails() -> None:
    assert notes(turn(done(fell(), back(5), fell(10), back(15), fell(20)), 21, DOWN)) == [e.FailedAfterDone]


def test_flapping_done_target_fails_once() -> None:
    rollout = done(fell(), lost(LONG), back(40), fell(50), back(60), fell(70))
    assert rollout.failures == 1
    assert e.FailedAfterDone not in notes(turn(rollout, 200, DOWN))
    assert not whys(turn(rollout, 200, DOWN)).count("no other target is started")


def test_allowed_late_failure_continues_rollout() -> None:
    plan = a_plan(3, on_failure=OnFailure(max_failures=1))
    rollout = done(fell(plan=plan), lost(LONG, plan), plan=plan)
    assert moves(turn(rollout, LONG, DOWN)) == {t(plan, 1): Phase.DRAINING}


def test_unobserved_done_target_keeps_its_state() -> None:
    rollout = done(fell())
    assert not notes(decide(rollout, Observation(), later(100)))
    assert "left service 1m 40s ago, after it was done, and was not observed recently (no answer yet)" in whys(
        decide(rollout, Observation(), later(100))
    )
    assert "not observed" not in whys(decide(done(), Observation(), later(100)))
    assert "not observed" not in whys(decide(done(fell(), lost(LONG)), Observation(), later(100)))


def test_rollout_ends_only_after_late_result() -> None:
    plan = a_plan(1)
    assert notes(turn(done(fell(plan=plan), plan=plan), 5, DOWN)) == []
    assert notes(turn(done(fell(plan=plan), lost(LONG, plan), plan=plan), LONG, DOWN)) == [e.Finished]


def test_takeover_restarts_unhealthy_span() -> None:
    rollout = done(fell(), taken(3600))
    assert notes(turn(rollout, 3610, DOWN)) == []
    assert notes(turn(rollout, 3600 + LONG, DOWN)) == [e.FailedAfterDone]


def test_unhealthy_is_seen_with_clock_behind() -> None:
    plan = a_plan(1)
    way = brought(plan, Phase.DONE, at=later(3600))
    assert notes(turn(given(plan, way, [taken(0)]), 5, DOWN)) == [e.BecameUnhealthy]


def test_unhealthy_done_target_is_observed_often() -> None:
    rollout = given(a_plan(1), brought(a_plan(1), Phase.DONE), [fell(plan=a_plan(1))])
    assert observation_request(rollout, seen(rollout, NOON), later(6)).groups == {rollout.plan.groups[0].arn: None}


@pytest.mark.parametrize(("story", "code"), [([], ExitCode.LEFT_OUT), ([back(50)], ExitCode.FAILED)])
def test_verdict_depends_on_service_at_end(story: list[e.Event], code: ExitCode) -> None:
    plan = a_plan(1)
    rollout = done(fell(plan=plan), lost(LONG, plan), *story, e.Finished(later(60)), plan=plan)
    assert rollout.lost == [t(plan)]
    assert verdict(rollout) is code


def test_recovered_done_target_is_done() -> None:
    plan = a_plan(1)
    assert verdict(done(fell(plan=plan), back(5, plan), e.Finished(later(60)), plan=plan)) is ExitCode.DONE


def test_retry_resets_unhealthy_done_target() -> None:
    asked = e.RetryAsked(later(61), "kim", (t(PLAN),))
    rollout = done(fell(), lost(LONG), e.Finished(later(60)), asked, e.PhaseChanged(later(62), t(PLAN), Phase.DRAINING))
    assert (rollout.lost, rollout.failures, rollout.statuses[t(PLAN)].unhealthy_since) == ([], 0, None)
