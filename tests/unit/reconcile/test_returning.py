"""Tests of the handlers on the way in: the check, the registration, and the proof by two observations."""

from dataclasses import replace

import pytest
from tests.unit.given import (
    NOON,
    a_plan,
    brought,
    called,
    decided,
    deregistered,
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
    text,
    turn,
    why,
    whys,
)

from katakei.domain import events as e
from katakei.domain.actions import Record, Register, Wait
from katakei.domain.observation import CheckResult, HealthState
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.reasons import ReasonCode, reason, then
from katakei.domain.spec import Check

INITIAL, ABSENT, DRAINING, HEALTHY, DOWN = (
    HealthState.INITIAL,
    HealthState.ABSENT,
    HealthState.DRAINING,
    HealthState.HEALTHY,
    HealthState.UNHEALTHY,
)


# -- checking


def test_target_is_registered_after_passed_check() -> None:
    rollout = standing(a_plan(), Phase.CHECKING)
    actions = turn(rollout, 5, ABSENT, answer=CheckResult(passed=True, begun=NOON))
    assert moves(actions) == {t(rollout.plan): Phase.WARMING}
    assert registered(actions) == [t(rollout.plan)]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "no answer yet"),
        (CheckResult(passed=False, begun=later(1), why="503 instead of 200"), "503 instead of 200"),
        (CheckResult(passed=True, begun=later(-1)), "no answer yet"),
    ],
)
def test_missing_failed_or_early_answer_does_not_pass(answer: CheckResult | None, said: str) -> None:
    actions = turn(standing(a_plan(), Phase.CHECKING), 5, ABSENT, answer=answer)
    assert not moves(actions)
    assert said in whys(actions)


@pytest.mark.parametrize(("at", "due"), [(None, 5), (1, 5.625)])
def test_check_is_repeated_at_growing_intervals(at: float | None, due: float) -> None:
    answer = None if at is None else CheckResult(passed=False, begun=later(at), why="503 instead of 200")
    actions = turn(standing(a_plan(), Phase.CHECKING), 5, ABSENT, answer=answer)
    assert [action.until for action in actions if isinstance(action, Wait)] == [later(due)]


def test_failed_check_leaves_target_out() -> None:
    rollout = standing(a_plan(), Phase.CHECKING)
    bad = CheckResult(passed=False, begun=later(19), why="503 instead of 200")
    assert not moves(turn(rollout, 20, ABSENT, answer=bad))
    [move] = moved(turn(rollout, 21, ABSENT, answer=bad))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)
    assert move.reason == reason(ReasonCode.CHECK_FAILED, within=20.0, text="503 instead of 200")
    assert "503 instead of 200" in why(move)


def test_target_registered_while_checked_is_deregistered_again() -> None:
    rollout = standing(a_plan(), Phase.CHECKING)
    good = CheckResult(passed=True, begun=NOON)
    seen_in = e.FoundServing(later(5), t(rollout.plan))
    found = turn(rollout, 5, HEALTHY, answer=good)
    assert [action.event for action in found if isinstance(action, Record)] == [seen_in]
    again = turn(standing(a_plan(), Phase.CHECKING, seen_in), 7, HEALTHY, answer=good)
    assert deregistered(again) == [t(rollout.plan)]
    assert not moves(again)
    assert "in service before its check passed" in whys(again)


def test_second_registration_while_checked_leaves_target_out() -> None:
    twice = [e.FoundServing(later(5), t(a_plan()))] * 2
    [move] = moved(turn(standing(a_plan(), Phase.CHECKING, *twice), 7, HEALTHY))
    assert (move.to, move.cause, move.reason) == (
        Phase.LEFT_OUT,
        Cause.FAILED,
        reason(ReasonCode.REGISTERED_ELSEWHERE),
    )


def test_earlier_reason_is_kept() -> None:
    plan = a_plan()
    failed = e.PhaseChanged(NOON, t(plan), Phase.CHECKING, "exit code 7", Intent.RETURN, Cause.FAILED)
    move = moved(turn(standing(plan, Phase.WORKING, failed), 21, ABSENT))[0]
    assert move.reason == then(text("exit code 7"), reason(ReasonCode.CHECK_FAILED, within=20.0, text=None))
    assert why(move) == "exit code 7; the check did not pass within 20s: no answer yet"


def test_target_without_check_is_registered() -> None:
    rollout = standing(a_plan(check=Check(asked=False)), Phase.CHECKING)
    assert moves(turn(rollout, 1, ABSENT)) == {t(rollout.plan): Phase.WARMING}


# -- IP targets


def test_ip_target_is_registered_when_absent() -> None:
    rollout = standing(a_plan(ip=True, check=Check(asked=False)), Phase.CHECKING)
    actions = turn(rollout, 5, DRAINING)
    assert not moves(actions)
    assert "still draining" in whys(actions)
    assert moves(turn(rollout, 5, ABSENT)) == {t(rollout.plan): Phase.WARMING}


def test_unobserved_ip_target_may_still_drain() -> None:
    plan = a_plan(ip=True)
    way = [*brought(plan, Phase.DRAINING, bare=True), e.PhaseChanged(later(1), t(plan), Phase.RETURNING)]
    rollout = given(plan, way, [e.Deregistered(later(2), plan.groups[0].arn, (t(plan),))])
    assert not registered(turn(rollout, 3, HEALTHY, age=seconds(2.5)))  # observed before the abort
    assert not registered(turn(rollout, 3, HEALTHY, age=seconds(1.5)))  # observed before the call took effect
    assert registered(turn(rollout, 3, HEALTHY, age=seconds(0.5)))


def test_stale_ip_observation_may_still_drain() -> None:
    rollout = standing(a_plan(ip=True), Phase.RETURNING, bare=True)
    assert not registered(turn(rollout, 50, ABSENT, age=seconds(11)))
    nothing = replace(seen(rollout, later(50)), groups={})
    assert not registered(decided(rollout, nothing, later(50)))


def test_return_limit_includes_ip_delay() -> None:
    plan = a_plan(ip=True)
    rollout = standing(plan, Phase.RETURNING, bare=True)
    assert registered(turn(rollout, 61, ABSENT))
    begun = standing(plan, Phase.RETURNING, *called(plan, 62), bare=True)
    assert not moves(turn(begun, 100, INITIAL))
    assert moves(turn(begun, 101, INITIAL)) == {t(plan): Phase.LEFT_OUT}


def test_instance_target_is_registered_while_draining() -> None:
    rollout = standing(a_plan(), Phase.RETURNING, bare=True)
    assert registered(turn(rollout, 1, DRAINING)) == [t(rollout.plan)]


# -- warming


def test_recorded_registrations_are_restored_exactly() -> None:
    plan = a_plan(groups=2)
    [action] = [s for s in turn(standing(plan, Phase.WARMING, bare=True), 1, ABSENT) if isinstance(s, Register)]
    assert action.registrations == plan.targets[0].registrations


def test_register_repeats_only_unreturned_groups() -> None:
    plan = a_plan(groups=2)
    rollout = standing(plan, Phase.WARMING, called(plan)[0], bare=True)
    [action] = [s for s in turn(rollout, 1, ABSENT) if isinstance(s, Register)]
    assert [place.group for place in action.registrations] == [plan.groups[1].arn]


def test_returned_register_call_needs_observation() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.WARMING, *called(plan), bare=True)
    assert not registered(turn(rollout, 4, ABSENT))
    assert registered(turn(rollout, 5, ABSENT)) == [t(plan)]


def test_register_effective_in_one_group_is_repeated() -> None:
    plan = a_plan(groups=2)
    rollout = standing(plan, Phase.WARMING, *called(plan), bare=True)
    half = seen(rollout, later(5), places={plan.targets[0].registrations[1]: ABSENT})
    assert registered(decided(rollout, half, later(5))) == [t(plan)]


def test_slow_registration_is_not_repeated() -> None:
    plan = a_plan()
    actions = turn(standing(plan, Phase.WARMING, *called(plan), bare=True), 20, INITIAL)
    assert not registered(actions)
    assert "initial" in whys(actions)


def test_observation_before_register_return_proves_nothing() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.WARMING, *called(plan, 2), bare=True)
    actions = turn(rollout, 3, HEALTHY, age=seconds(2))
    assert not notes(actions)
    assert "registered, but not observed since" in whys(actions)


def test_two_observations_apart_prove_service() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.WARMING, *called(plan), bare=True)
    assert notes(turn(rollout, 3)) == [e.ObservedServing]
    once = standing(plan, Phase.WARMING, *called(plan), e.ObservedServing(later(3), t(plan)), bare=True)
    assert not moves(turn(once, 7.9))
    assert "one more observation" in whys(turn(once, 7.9))
    assert moves(turn(once, 8)) == {t(plan): Phase.SOAKING}


def test_proof_in_two_groups_uses_later_times() -> None:
    plan = a_plan(groups=2)
    first, other = plan.targets[0].registrations
    rollout = standing(plan, Phase.WARMING, *called(plan), bare=True)
    observation = older(seen(rollout, later(9)), first, 3)
    assert decided(rollout, observation, later(9))[0] == Record(e.ObservedServing(later(9), t(plan)))
    once = standing(plan, Phase.WARMING, *called(plan), e.ObservedServing(later(3), t(plan)), bare=True)
    assert not moves(decided(once, older(seen(once, later(9)), other, 2), later(9)))
    assert moves(decided(once, older(seen(once, later(9)), other, 1), later(9)))


def test_soak_wait_ends_with_the_soak() -> None:
    rollout = standing(a_plan(), Phase.SOAKING, e.ObservedServing(later(2), t(a_plan())))
    for at, due in ((9.0, 11.0), (11.5, 12.0)):
        [rest] = [action for action in turn(rollout, at) if isinstance(action, Wait)]
        assert rest.until == later(due)


def test_unhealthy_between_observations_restarts_proof() -> None:
    plan = a_plan()
    once = standing(plan, Phase.WARMING, *called(plan), e.ObservedServing(later(3), t(plan)), bare=True)
    assert notes(turn(once, 8, DOWN)) == [e.BecameUnhealthy]
    fell = standing(
        plan,
        Phase.WARMING,
        *called(plan),
        e.ObservedServing(later(3), t(plan)),
        e.BecameUnhealthy(later(8), t(plan), ""),
        bare=True,
    )
    assert notes(turn(fell, 9)) == [e.ObservedServing]


def test_overridden_target_does_not_serve() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.WARMING, *called(plan), bare=True)
    observation = seen(rollout, later(3))
    [place] = plan.targets[0].registrations
    group = observation.groups[place.group]
    shifted = replace(group, seen={**group.seen, place: replace(group.seen[place], overridden=True)})
    actions = decided(rollout, replace(observation, groups={place.group: shifted}), later(3))
    assert not notes(actions)
    assert "healthy, but an administrative override keeps traffic away" in whys(actions)


def test_target_must_serve_in_all_groups() -> None:
    plan = a_plan(groups=2)
    rollout = standing(plan, Phase.WARMING, *called(plan), bare=True)
    slow = seen(rollout, later(3), places={plan.targets[0].registrations[1]: INITIAL})
    assert not notes(decided(rollout, slow, later(3)))


def test_warming_over_limit_keeps_target_out() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.WARMING, *called(plan), bare=True)
    assert not moves(turn(rollout, 60, DOWN))
    [move] = moved(turn(rollout, 61, DOWN))
    assert (move.to, move.intent, move.cause) == (Phase.DRAINING, Intent.KEEP_OUT, Cause.FAILED)


def test_unobserved_target_does_not_fail_warming() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.WARMING, *called(plan), bare=True)
    assert not moves(turn(rollout, 500, DOWN, age=seconds(60)))


def test_rejected_registration_keeps_target_out() -> None:
    plan = a_plan()
    rollout = standing(
        plan, Phase.WARMING, e.RegistrationRejected(later(1), t(plan), "not in a running state"), bare=True
    )
    assert not moved(turn(rollout, 60, ABSENT))
    [move] = moved(turn(rollout, 61, ABSENT))
    assert (move.to, move.intent) == (Phase.DRAINING, Intent.KEEP_OUT)
    assert move.reason == reason(ReasonCode.REGISTRATION_REJECTED, text="not in a running state")
    assert "not in a running state" in why(move)
