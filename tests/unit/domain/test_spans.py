"""Tests of spans from the journal: what people read is true after a takeover, a pause of the process and a retry."""

from tests.unit.given import NOON, a_plan, brought, decided, given, later, seconds, seen, standing, t, taken, whys

from katakei.domain import events as e
from katakei.domain.observation import HealthState, WorkState, WorkStatus
from katakei.domain.phases import Phase
from katakei.domain.replay import Rollout

PLAN = a_plan()


def test_rollout_is_driven_until_its_last_event() -> None:
    rollout = given(PLAN, [taken(0)], [e.BaselineTaken(later(41), t(PLAN), "")])
    assert rollout.driven_until() == seconds(41)
    assert rollout.driven_until(later(500)) == seconds(500)


def test_time_without_a_process_does_not_count() -> None:
    before: list[e.Event] = [taken(0), e.Interrupted(later(20), "kim"), e.BaselineTaken(later(30), t(PLAN), "")]
    rollout = given(PLAN, before, [taken(9000), e.Finished(later(9012))])
    assert rollout.driven_until() == seconds(42)


def test_time_before_a_retry_does_not_count() -> None:
    way = [*brought(PLAN, Phase.WORKING), e.PhaseChanged(later(30), t(PLAN), Phase.LEFT_OUT), e.Finished(later(31))]
    again: list[e.Event] = [e.RetryAsked(later(7000), "kim", (t(PLAN),)), taken(7001), e.Finished(later(7020))]
    assert given(PLAN, [taken(0)], way, again).driven_until() == seconds(31 + 19)


def test_command_by_another_clock_counts_for_nothing() -> None:
    rollout = given(PLAN, [taken(0), e.BaselineTaken(later(5), t(PLAN), ""), e.PauseAsked(later(7200), "kim")])
    assert rollout.driven_until() == seconds(5)


def test_clock_that_is_behind_takes_nothing_away() -> None:
    rollout = given(PLAN, [taken(0), e.BaselineTaken(later(30), t(PLAN), ""), taken(-3600)])
    assert rollout.driven_until() == seconds(30)
    assert rollout.driven_until(later(-3590)) == seconds(40)
    assert rollout.driven_until(later(-3700)) == seconds(30)


def working(*events: e.Event) -> Rollout:
    return standing(PLAN, Phase.WORKING, *events)


def said(rollout: Rollout, at: float, state: WorkState = WorkState.RUNNING) -> str:
    observation = seen(rollout, later(at), {0: HealthState.ABSENT}, work=WorkStatus(state))
    return whys(decided(rollout, observation, later(at)))


def test_work_is_said_to_run_since_it_was_started() -> None:
    rollout = working(taken(40))
    assert "the work has been running for 45s" in said(rollout, 45)
    assert "ready for manual work for 45s" in said(rollout, 45, WorkState.AWAITS_APPROVAL)


def test_repeated_start_does_not_move_the_beginning_of_work() -> None:
    rollout = working()
    again = working(e.Started(later(20), rollout.key(t(PLAN)), "again"))
    assert "the work has been running for 30s" in said(again, 30)


def test_clock_that_is_behind_says_what_it_measured() -> None:
    assert "the work has been running for 5s" in said(working(taken(-3600)), -3595)


def test_limit_of_work_counts_by_the_clock_of_the_owner() -> None:
    rollout = working(taken(59))
    assert "the work has been running for 1m 59s" in said(rollout, 119)
    assert "the work still runs after 2m" in said(rollout, 120)


def test_another_attempt_has_a_beginning_of_its_own() -> None:
    story = [
        e.PhaseChanged(later(10), t(PLAN), Phase.LEFT_OUT),
        e.PhaseChanged(later(100), t(PLAN), Phase.DRAINING),
        e.PhaseChanged(later(101), t(PLAN), Phase.OUT),
        e.PhaseChanged(later(102), t(PLAN), Phase.WORKING),
    ]
    assert working(*story).statuses[t(PLAN)].started is None
    assert working().statuses[t(PLAN)].started == NOON
