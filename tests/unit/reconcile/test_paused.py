"""Tests of a pause: targets in progress are finished, no other one is started until a person resumes."""

from tests.unit.given import (
    NOON,
    a_plan,
    brought,
    decided,
    deregistered,
    given,
    later,
    moves,
    seen,
    standing,
    t,
    turn,
    whys,
)

from katakei.domain import events as e
from katakei.domain.actions import Record
from katakei.domain.observation import HealthState
from katakei.domain.phases import Phase
from katakei.reconcile.observe import observation_request

PAUSE, RESUME = e.PauseAsked(later(10), "kim"), e.ResumeAsked(later(7200), "kim")


def test_paused_rollout_waits_and_names_resume() -> None:
    rollout = given(a_plan(), [PAUSE, e.CommandAcknowledged(later(10))])
    actions = decided(rollout, seen(rollout, later(70)), later(70))
    assert not moves(actions)
    assert not deregistered(actions)
    assert "paused by kim for 1m; to go on, run: katakei resume r-test" in whys(actions)


def test_paused_rollout_finishes_targets_in_progress() -> None:
    rollout = standing(a_plan(), Phase.DRAINING, PAUSE)
    assert moves(turn(rollout, 50, HealthState.ABSENT)) == {t(rollout.plan): Phase.OUT}


def test_paused_rollout_requests_no_take_out_observation() -> None:
    rollout = given(a_plan(), [PAUSE])
    wanted = observation_request(rollout, seen(rollout, later(70)), later(70))
    assert not wanted.attributes
    assert not wanted.baseline


def test_pause_does_not_count_as_waiting() -> None:
    rollout = given(a_plan(floor=2), [PAUSE, RESUME])
    held = decided(rollout, seen(rollout, later(7201)), later(7201))
    assert not moves(held)
    assert "is next and has waited for 0s" in whys(held)
    assert held[-1] == Record(e.CommandAcknowledged(later(7201)))


def test_command_with_wrong_clock_changes_no_wait() -> None:
    wrong = e.ResumeAsked(later(-9000), "kim")
    rollout = given(a_plan(floor=2), [PAUSE, wrong, e.CommandAcknowledged(later(100))])
    held = decided(rollout, seen(rollout, later(701)), later(701))
    assert set(moves(held).values()) == {Phase.SKIPPED}
    early = decided(rollout, seen(rollout, later(130)), later(130))
    assert "is next and has waited for 30s" in whys(early)


def test_pause_after_last_take_out_changes_nothing() -> None:
    plan = a_plan(1)
    rollout = given(plan, brought(plan, Phase.DONE), [PAUSE])
    (finish,) = decided(rollout, seen(rollout, NOON), NOON)
    assert finish == Record(e.Finished(NOON))


def test_abort_ends_a_pause() -> None:
    rollout = given(a_plan(), [PAUSE, e.AbortAsked(later(20), "kim")])
    assert set(moves(decided(rollout, seen(rollout, later(30)), later(30))).values()) == {Phase.SKIPPED}
