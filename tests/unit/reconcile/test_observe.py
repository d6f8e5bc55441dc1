"""Tests of the observation request: as little as possible, never too old for the next decision."""

from dataclasses import replace

import pytest
from tests.unit.given import NOON, a_plan, given, later, seen, standing, t

from katakei.domain import events as e
from katakei.domain.observation import AttributesReading, GroupObservation, Observation, WorkState, WorkStatus
from katakei.domain.phases import Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.replay import Rollout
from katakei.domain.spec import Check
from katakei.reconcile.observe import ObservationRequest, observation_request

PLAN = a_plan(2)
ARN = PLAN.groups[0].arn


def at(rollout: Rollout, moment: float) -> ObservationRequest:
    """The request this many seconds after the last observation of the whole group."""
    return observation_request(rollout, seen(rollout, NOON), later(moment))


def test_take_out_requests_whole_group() -> None:
    assert at(given(PLAN), 0).groups == {ARN: None}


def test_first_observation_is_of_whole_group() -> None:
    rollout = standing(PLAN, Phase.DRAINING)
    assert observation_request(rollout, Observation(), NOON).groups == {ARN: None}
    assert observation_request(rollout, Observation({ARN: GroupObservation({}, None)}), NOON).groups == {ARN: None}


def test_only_changing_registrations_are_observed_between() -> None:
    rollout = standing(PLAN, Phase.DRAINING, bare=True)
    assert at(rollout, 4.9).groups == {ARN: frozenset(PLAN.targets[0].registrations)}
    assert at(rollout, 5).groups == {ARN: None}


@pytest.mark.parametrize(
    ("phase", "over"), [(Phase.DRAINING, 30), (Phase.WARMING, 5), (Phase.RETURNING, 5), (Phase.SOAKING, 10)]
)
def test_settling_target_is_observed_when_over(phase: Phase, over: float) -> None:
    rollout = standing(PLAN, phase)
    assert observation_request(rollout, seen(rollout, later(over - 1)), later(over - 0.1)).groups == {}
    assert observation_request(rollout, seen(rollout, later(over - 1)), later(over)).groups
    assert not observation_request(rollout, seen(rollout, later(over)), later(over + 2)).groups
    assert observation_request(rollout, seen(rollout, later(over)), later(over + 2.1)).groups


@pytest.mark.parametrize(("ip", "looked_at"), [(False, False), (True, True)])
def test_only_ip_target_is_observed_while_checked(*, ip: bool, looked_at: bool) -> None:
    rollout = standing(a_plan(2, ip=ip), Phase.CHECKING)
    assert bool(at(rollout, 1).groups) is looked_at


def test_idle_group_is_observed_every_15_seconds() -> None:
    rollout = given(PLAN, [e.Interrupted(NOON, "kim")])
    assert at(rollout, 14.9).groups == {}
    assert at(rollout, 15).groups == {ARN: None}


def test_no_whole_observation_when_none_can_leave() -> None:
    for rollout in (
        standing(PLAN, Phase.WORKING),
        given(PLAN, [e.AbortAsked(NOON, "kim")]),
        given(PLAN, [e.Interrupted(NOON, "kim")]),
    ):
        assert at(rollout, 1).groups == {}
        assert at(rollout, 50).attributes == ()


def test_attributes_are_requested_before_take_out() -> None:
    rollout = given(PLAN)
    assert at(rollout, 45).attributes == ()
    assert at(rollout, 46).attributes == (ARN,)
    assert observation_request(rollout, replace(seen(rollout, NOON), attributes={}), NOON).attributes == (ARN,)
    known = replace(seen(rollout, NOON), attributes={ARN: AttributesReading(later(40))})
    assert observation_request(rollout, known, later(46)).attributes == ()


def test_deleted_group_attributes_are_not_requested() -> None:
    plan = a_plan(2, groups=2)
    gone, there = (group.arn for group in plan.groups)
    unread = replace(seen(given(plan), NOON), attributes={}, deleted=frozenset({gone}))
    assert observation_request(given(plan), unread, NOON).attributes == (there,)


def test_started_work_is_requested_by_ticket() -> None:
    rollout = standing(PLAN, Phase.WORKING)
    assert at(rollout, 0).works == {rollout.key(t(PLAN)): "ticket"}


def test_overdue_unstarted_work_is_requested() -> None:
    rollout = standing(PLAN, Phase.WORKING, bare=True)
    assert at(rollout, 60).works == {}
    assert at(rollout, 61).works == {rollout.key(t(PLAN)): ""}


def test_called_off_unstarted_work_is_requested() -> None:
    rollout = standing(PLAN, Phase.WORKING, e.AbortAsked(NOON, "kim"), bare=True)
    assert at(rollout, 1).works == {rollout.key(t(PLAN)): ""}


@pytest.mark.parametrize(
    ("phase", "soon"), [(Phase.DRAINING, True), (Phase.OUT, True), (Phase.WAITING, False), (Phase.WORKING, False)]
)
def test_leaving_targets_are_prepared_soon(*, phase: Phase, soon: bool) -> None:
    assert at(standing(PLAN, phase), 0).soon == ((t(PLAN),) if soon else ())


def test_unstarted_work_is_prepared_soon() -> None:
    bare, taken = (standing(PLAN, Phase.WORKING, bare=bare) for bare in (True, False))
    assert at(bare, 1).soon == (t(PLAN),)
    for state, soon in ((WorkState.NOT_STARTED, (t(PLAN),)), (WorkState.UNKNOWN, ()), (WorkState.RUNNING, ())):
        assert observation_request(taken, seen(taken, NOON, work=WorkStatus(state)), later(1)).soon == soon


def test_called_off_work_is_not_prepared() -> None:
    assert at(standing(PLAN, Phase.WORKING, bare=True), 61).soon == ()
    assert at(standing(PLAN, Phase.WORKING, e.AbortAsked(NOON, "kim"), bare=True), 1).soon == ()


def test_kept_out_and_manual_targets_are_not_prepared() -> None:
    kept = e.PhaseChanged(NOON, t(PLAN), Phase.DRAINING, intent=Intent.KEEP_OUT)
    assert at(standing(PLAN, Phase.WARMING, kept), 0).soon == ()
    assert at(standing(a_plan(2, kind=PlanKind.DEREGISTER), Phase.DRAINING), 0).soon == ()


@pytest.mark.parametrize("asked", [True, False])
def test_checks_are_requested_only_if_configured(*, asked: bool) -> None:
    rollout = standing(a_plan(2, check=Check(asked=asked)), Phase.CHECKING)
    assert at(rollout, 0).checks == ((t(PLAN),) if asked else ())


def test_finished_rollout_requests_nothing() -> None:
    assert at(given(PLAN, [e.Finished(NOON)]), 99) == ObservationRequest()
