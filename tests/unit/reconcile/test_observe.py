"""What is looked at: as little as will do, and never too old for the next decision."""

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
    """What is wanted so many seconds after the last whole look."""
    return observation_request(rollout, seen(rollout, NOON), later(moment))


def test_a_whole_look_comes_before_each_take_out() -> None:
    assert at(given(PLAN), 0).groups == {ARN: None}


def test_without_an_earlier_look_the_whole_group_is_looked_at() -> None:
    rollout = standing(PLAN, Phase.DRAINING)
    assert observation_request(rollout, Observation(), NOON).groups == {ARN: None}
    assert observation_request(rollout, Observation({ARN: GroupObservation({}, None)}), NOON).groups == {ARN: None}


def test_between_whole_looks_only_what_is_in_flight_is_looked_at() -> None:
    rollout = standing(PLAN, Phase.DRAINING, bare=True)
    assert at(rollout, 4.9).groups == {ARN: frozenset(PLAN.targets[0].registrations)}
    assert at(rollout, 5).groups == {ARN: None}


@pytest.mark.parametrize(
    ("phase", "over"), [(Phase.DRAINING, 30), (Phase.WARMING, 5), (Phase.RETURNING, 5), (Phase.SOAKING, 10)]
)
def test_what_settles_or_has_to_go_on_serving_is_looked_at_by_itself_when_that_is_over(
    phase: Phase, over: float
) -> None:
    rollout = standing(PLAN, phase)
    assert observation_request(rollout, seen(rollout, later(over - 1)), later(over - 0.1)).groups == {}
    assert observation_request(rollout, seen(rollout, later(over - 1)), later(over)).groups
    assert not observation_request(rollout, seen(rollout, later(over)), later(over + 2)).groups
    assert observation_request(rollout, seen(rollout, later(over)), later(over + 2.1)).groups


@pytest.mark.parametrize(("ip", "looked_at"), [(False, False), (True, True)])
def test_only_an_ip_target_is_looked_at_by_itself_while_it_is_checked(*, ip: bool, looked_at: bool) -> None:
    rollout = standing(a_plan(2, ip=ip), Phase.CHECKING)
    assert bool(at(rollout, 1).groups) is looked_at


def test_a_group_with_nothing_in_flight_is_looked_at_every_15_seconds() -> None:
    rollout = given(PLAN, [e.Interrupted(NOON, "kim")])
    assert at(rollout, 14.9).groups == {}
    assert at(rollout, 15).groups == {ARN: None}


def test_nobody_can_be_taken_with_a_full_window_a_stop_or_an_interrupt() -> None:
    for rollout in (
        standing(PLAN, Phase.WORKING),
        given(PLAN, [e.AbortAsked(NOON, "kim")]),
        given(PLAN, [e.Interrupted(NOON, "kim")]),
    ):
        assert at(rollout, 1).groups == {}
        assert at(rollout, 50).attributes == ()


def test_attributes_are_read_again_in_time_for_the_take_out() -> None:
    rollout = given(PLAN)
    assert at(rollout, 45).attributes == ()
    assert at(rollout, 46).attributes == (ARN,)
    assert observation_request(rollout, replace(seen(rollout, NOON), attributes={}), NOON).attributes == (ARN,)
    known = replace(seen(rollout, NOON), attributes={ARN: AttributesReading(later(40))})
    assert observation_request(rollout, known, later(46)).attributes == ()


def test_a_deleted_group_is_not_asked_for_attributes_so_that_the_others_answer() -> None:
    plan = a_plan(2, groups=2)
    gone, there = (group.arn for group in plan.groups)
    unread = replace(seen(given(plan), NOON), attributes={}, deleted=frozenset({gone}))
    assert observation_request(given(plan), unread, NOON).attributes == (there,)


def test_work_that_was_taken_is_asked_after_by_its_ticket() -> None:
    rollout = standing(PLAN, Phase.WORKING)
    assert at(rollout, 0).works == {rollout.key(t(PLAN)): "ticket"}


def test_work_that_was_never_taken_is_asked_after_when_its_time_is_over() -> None:
    rollout = standing(PLAN, Phase.WORKING, bare=True)
    assert at(rollout, 60).works == {}
    assert at(rollout, 61).works == {rollout.key(t(PLAN)): ""}


def test_work_that_was_never_taken_is_asked_after_once_nothing_more_may_begin() -> None:
    rollout = standing(PLAN, Phase.WORKING, e.AbortAsked(NOON, "kim"), bare=True)
    assert at(rollout, 1).works == {rollout.key(t(PLAN)): ""}


@pytest.mark.parametrize(
    ("phase", "soon"), [(Phase.DRAINING, True), (Phase.OUT, True), (Phase.WAITING, False), (Phase.WORKING, False)]
)
def test_who_is_on_the_way_out_will_soon_be_worked_on(*, phase: Phase, soon: bool) -> None:
    assert at(standing(PLAN, phase), 0).soon == ((t(PLAN),) if soon else ())


def test_a_start_that_nobody_took_or_that_came_to_nothing_is_made_soon() -> None:
    bare, taken = (standing(PLAN, Phase.WORKING, bare=bare) for bare in (True, False))
    assert at(bare, 1).soon == (t(PLAN),)
    for state, soon in ((WorkState.NOT_STARTED, (t(PLAN),)), (WorkState.UNKNOWN, ()), (WorkState.RUNNING, ())):
        assert observation_request(taken, seen(taken, NOON, work=WorkStatus(state)), later(1)).soon == soon


def test_work_that_is_to_begin_no_more_is_not_made_soon() -> None:
    assert at(standing(PLAN, Phase.WORKING, bare=True), 61).soon == ()
    assert at(standing(PLAN, Phase.WORKING, e.AbortAsked(NOON, "kim"), bare=True), 1).soon == ()


def test_who_is_kept_out_or_taken_out_by_hand_will_not_be_worked_on() -> None:
    kept = e.PhaseChanged(NOON, t(PLAN), Phase.DRAINING, intent=Intent.KEEP_OUT)
    assert at(standing(PLAN, Phase.WARMING, kept), 0).soon == ()
    assert at(standing(a_plan(2, kind=PlanKind.DEREGISTER), Phase.DRAINING), 0).soon == ()


@pytest.mark.parametrize("asked", [True, False])
def test_targets_are_asked_only_where_a_check_is_wanted(*, asked: bool) -> None:
    rollout = standing(a_plan(2, check=Check(asked=asked)), Phase.CHECKING)
    assert at(rollout, 0).checks == ((t(PLAN),) if asked else ())


def test_after_the_end_nothing_is_looked_at() -> None:
    assert at(given(PLAN, [e.Finished(NOON)]), 99) == ObservationRequest()
