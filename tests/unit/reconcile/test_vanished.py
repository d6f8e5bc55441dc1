"""Somebody deletes a target group in the middle: nothing is waited for that can never come."""

from dataclasses import replace

import pytest
from tests.unit.given import NOON, a_plan, brought, decided, given, later, moved, moves, notes, seen, standing, t, why

from katakei.domain import events as e
from katakei.domain.observation import HealthState, Observation, WorkState, WorkStatus
from katakei.domain.phases import IN_PROGRESS, Cause, Intent, Phase
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.replay import Rollout


def without(rollout: Rollout, groups: int, work: WorkStatus | None = None) -> Observation:
    """A look that finds the first so many groups deleted."""
    observation = seen(rollout, later(100), work=work)
    arns = frozenset(group.arn for group in rollout.plan.groups[:groups])
    return replace(
        observation, groups={arn: look for arn, look in observation.groups.items() if arn not in arns}, deleted=arns
    )


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase in IN_PROGRESS - {Phase.WORKING}])
def test_a_target_without_any_group_is_gone(phase: Phase) -> None:
    rollout = standing(a_plan(1), phase)
    [move] = moved(decided(rollout, without(rollout, 1), later(100)))
    assert (move.to, move.cause) == (Phase.GONE, Cause.FAILED)
    assert "somebody deleted the target group web0" in why(move)
    assert move.reason == reason(ReasonCode.GROUP_DELETED, groups=("web0",))


@pytest.mark.parametrize(
    ("phase", "to"),
    [
        (Phase.WAITING, Phase.SKIPPED),
        (Phase.DRAINING, Phase.LEFT_OUT),
        (Phase.OUT, Phase.LEFT_OUT),
        (Phase.CHECKING, Phase.LEFT_OUT),
        (Phase.WARMING, Phase.DRAINING),
        (Phase.SOAKING, Phase.DRAINING),
        (Phase.RETURNING, Phase.LEFT_OUT),
    ],
)
def test_a_target_that_lost_one_of_its_groups_is_left_to_a_person(phase: Phase, to: Phase) -> None:
    rollout = standing(a_plan(1, groups=2), phase)
    assert moves(decided(rollout, without(rollout, 1), later(100))) == {t(rollout.plan): to}


def test_whoever_fails_in_another_group_leaves_without_waiting_for_it() -> None:
    plan = a_plan(3, groups=2)
    lone, *others = plan.targets
    others = [replace(target, registrations=target.registrations[1:]) for target in others]
    plan = replace(plan, targets=(lone, *others))
    falls = [e.BecameUnhealthy(NOON, t(plan, 1), "unhealthy")] * 3
    rollout = given(plan, brought(plan, Phase.SOAKING, 1), falls)
    observation = without(rollout, 1)
    bad = seen(rollout, later(100), {1: HealthState.UNHEALTHY}).groups[plan.groups[1].arn]
    actions = decided(rollout, replace(observation, groups={plan.groups[1].arn: bad}), later(100))
    assert moves(actions)[t(plan, 1)] is Phase.DRAINING


def test_what_is_kept_out_ends_outside() -> None:
    rollout = standing(a_plan(1, groups=2), Phase.SOAKING)
    [move] = moved(decided(rollout, without(rollout, 1), later(100)))
    assert (move.intent, move.cause) == (Intent.KEEP_OUT, Cause.FAILED)


def test_waiting_targets_are_gone_without_being_failures() -> None:
    rollout = standing(a_plan(2), Phase.WAITING)
    moves_ = moved(decided(rollout, without(rollout, 1), later(100)))
    assert {(move.to, move.cause) for move in moves_} == {(Phase.GONE, None)}


def test_work_is_followed_to_its_end_first() -> None:
    rollout = standing(a_plan(1), Phase.WORKING)
    running = without(rollout, 1, WorkStatus(WorkState.RUNNING))
    assert not moves(decided(rollout, running, later(30)))
    ended = without(rollout, 1, WorkStatus(WorkState.ENDED, exit=0))
    assert moves(decided(rollout, ended, later(30))) == {t(rollout.plan): Phase.CHECKING}


def test_what_was_done_there_is_lost_too_and_the_rest_has_no_turn() -> None:
    plan = a_plan(2)
    done = brought(plan, Phase.DONE)
    rollout = given(plan, done)
    assert notes(decided(rollout, without(rollout, 1), later(100))) == [e.BecameUnhealthy]
    fallen = given(plan, done, [e.BecameUnhealthy(later(100), t(plan), "deleted")])
    assert notes(decided(fallen, without(fallen, 1), later(100))) == [e.FailedAfterDone]
    lost = given(
        plan,
        done,
        [e.BecameUnhealthy(later(100), t(plan), "deleted"), e.FailedAfterDone(later(100), t(plan), "deleted")],
    )
    assert moves(decided(lost, without(lost, 1), later(100))) == {t(plan, 1): Phase.SKIPPED}
