"""Targets that an earlier rollout left out: they go first, keep their place in the window, and need proof to serve."""

from dataclasses import replace

import pytest
from tests.unit.given import (
    NOON,
    a_group,
    a_plan,
    a_target,
    brought,
    deregistered,
    given,
    later,
    moved,
    moves,
    seen,
    t,
    turn,
    why,
)

from katakei.domain import events as e
from katakei.domain.model import RolloutId
from katakei.domain.observation import HealthState, WorkState, WorkStatus
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Floor, HeldTarget, Plan, PlanKind
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.results import Result, result
from katakei.domain.spec import Check, Command
from katakei.reconcile.decide import candidates, decide

ABSENT, HEALTHY = HealthState.ABSENT, HealthState.HEALTHY
BEFORE = RolloutId("r-before")
UNCHECKED = Check(asked=False)


def held(plan: Plan, *numbers: int) -> Plan:
    """The plan, whose targets of these numbers begin out of service."""
    return replace(plan, held=tuple(HeldTarget(t(plan, number), BEFORE) for number in numbers))


def held_at(plan: Plan, phase: Phase, *extra: e.Event) -> Rollout:
    """The rollout whose first target began out of service and is in this phase now."""
    return given(held(plan, 0), brought(plan, phase), extra)


def test_held_target_begins_left_out_with_a_reason() -> None:
    plan = held(a_plan(), 1)
    rollout = given(plan)
    status = rollout.statuses[t(plan, 1)]
    assert (status.phase, status.attempt, status.intent) == (Phase.LEFT_OUT, 0, Intent.UPDATE)
    assert status.reason == reason(ReasonCode.HELD_SINCE, rollout=BEFORE)
    assert rollout.held_waiting == [t(plan, 1)]
    assert candidates(rollout) == [t(plan, 1), t(plan, 0)]


def test_held_target_is_taken_first_whatever_the_floor() -> None:
    plan = held(a_plan(floor=1), 0)
    actions = turn(given(plan), 0, ABSENT)
    assert moves(actions) == {t(plan): Phase.DRAINING}
    assert deregistered(actions) == [t(plan)]
    first = given(plan, [e.PhaseChanged(NOON, t(plan), Phase.DRAINING, intent=Intent.UPDATE)])
    assert (first.key(t(plan)).attempt, first.held_waiting, first.statuses[t(plan)].was_out) == (1, [], True)


def test_held_target_keeps_its_place_in_the_window() -> None:
    """The held target cannot be taken yet, since the attributes of one of its groups are not known."""
    groups = (a_group("web"), a_group("api"))
    plan = held(replace(a_plan(), groups=groups, targets=(a_target(0, groups), a_target(1, groups[:1]))), 0)
    plan = replace(plan, floors={group.arn: Floor(0, 2) for group in groups})
    for window, goes in ((1, []), (2, [t(plan, 1)])):
        rollout = given(replace(plan, window=window))
        observation = seen(rollout, later(0), {0: ABSENT})
        known = {groups[0].arn: observation.attributes[groups[0].arn]}
        assert list(moves(decide(rollout, replace(observation, attributes=known), later(0)))) == goes


def test_held_target_that_waits_too_long_skips_the_others() -> None:
    plan = held(a_plan(), 0)
    observation = replace(seen(given(plan), later(601), {0: ABSENT}), attributes={})
    [move] = moved(decide(given(plan), observation, later(601)))
    assert (move.target, move.to, move.cause) == (t(plan, 1), Phase.SKIPPED, Cause.FAILED)
    assert "have not been read in the last minute" in why(move)


def test_abort_leaves_held_targets_as_they_were() -> None:
    plan = held(a_plan(), 0)
    rollout = given(plan, [e.AbortAsked(NOON, "kim"), e.PhaseChanged(NOON, t(plan, 1), Phase.SKIPPED)])
    actions = turn(rollout, 1, ABSENT)
    assert not moves(actions)
    over = given(plan, [e.AbortAsked(NOON, "kim"), e.PhaseChanged(NOON, t(plan, 1), Phase.SKIPPED), e.Finished(NOON)])
    assert (result(over), over.by_phase[Phase.LEFT_OUT]) == (Result.ABORTED, {t(plan): None})
    assert over.held_waiting == []


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.OUT])
def test_abort_before_its_work_leaves_it_out(phase: Phase) -> None:
    [move] = moved(turn(held_at(a_plan(), phase, e.AbortAsked(NOON, "kim")), 1, ABSENT))[:1]
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.ABORTED)


def test_revert_takes_no_held_target_that_was_not_worked_on() -> None:
    plan = held(a_plan(revert=Command("ssm", "undo")), 0)
    rollout = given(plan, brought(plan, Phase.DONE, 1), [e.RevertAsked(NOON, "kim")])
    assert candidates(rollout) == [t(plan, 1)]


@pytest.mark.parametrize(("check", "phase"), [(Check(), None), (UNCHECKED, Phase.LEFT_OUT)])
def test_revert_brings_a_held_target_back_only_by_its_check(check: Check, phase: Phase | None) -> None:
    plan = a_plan(revert=Command("ssm", "undo"), check=check)
    back: list[e.Event] = [
        e.RevertAsked(NOON, "kim"),
        e.PhaseChanged(NOON, t(plan), Phase.DRAINING, intent=Intent.REVERT),
        e.PhaseChanged(NOON, t(plan), Phase.OUT),
        e.PhaseChanged(NOON, t(plan), Phase.WORKING),
        e.PhaseChanged(NOON, t(plan), Phase.CHECKING),
    ]
    actions = turn(held_at(plan, Phase.DONE, *back), 1, ABSENT)
    assert moves(actions).get(t(plan)) is phase
    if phase:
        assert why(moved(actions)[0]) == (
            f"out of service since rollout {BEFORE}, and without a check nothing shows that it can serve"
        )


def test_fixed_release_serves_without_a_check() -> None:
    rollout = held_at(a_plan(check=UNCHECKED), Phase.CHECKING)
    assert moves(turn(rollout, 1, ABSENT)) == {t(rollout.plan): Phase.WARMING}


def test_abort_before_approval_leaves_a_held_target_out() -> None:
    """Nobody said that the manual work is done, so nothing shows that the target can serve, whatever its check says."""
    rollout = held_at(a_plan(), Phase.WORKING, e.AbortAsked(NOON, "kim"))
    [move] = moved(turn(rollout, 1, ABSENT, work=WorkStatus(WorkState.AWAITS_APPROVAL)))[:1]
    assert (move.target, move.to, move.cause) == (t(rollout.plan), Phase.LEFT_OUT, Cause.ABORTED)
    approved = held_at(a_plan(), Phase.WORKING, e.Approved(NOON, "kim", t(rollout.plan)), e.AbortAsked(NOON, "kim"))
    [move] = moved(turn(approved, 1, ABSENT, work=WorkStatus(WorkState.AWAITS_APPROVAL)))[:1]
    assert (move.target, move.to) == (t(rollout.plan), Phase.CHECKING)


def test_refused_work_leaves_a_held_target_out() -> None:
    rollout = held_at(a_plan(), Phase.WORKING)
    [move] = moved(turn(rollout, 1, ABSENT, work=WorkStatus(WorkState.REFUSED)))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.REFUSED)


def test_manual_deregistration_keeps_a_held_target_out() -> None:
    plan = held(a_plan(1, kind=PlanKind.DEREGISTER, floor=0), 0)
    rollout = given(plan)
    assert (rollout.statuses[t(plan)].cause, candidates(rollout)) == (Cause.BY_HAND, [])
    assert [type(action.event) for action in turn(rollout, 0, ABSENT, ABSENT)] == [e.Finished]  # type: ignore[union-attr]  # a record
    assert result(given(plan, [e.Finished(NOON)])) is Result.DONE
