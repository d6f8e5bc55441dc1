"""Tests of the limit of a plan: how many targets are taken, and that the rest is left without failure."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.unit.given import P, a_plan, brought, decided, given, later, moved, moves, seen, t, why

from katakei.domain import events as e
from katakei.domain.actions import Deregister
from katakei.domain.errors import ExitCode
from katakei.domain.model import RolloutId
from katakei.domain.observation import HealthState
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import HeldTarget, Plan
from katakei.domain.replay import Rollout
from katakei.domain.results import Result, result
from katakei.domain.spec import Command
from katakei.reconcile.decide import candidates
from katakei.reconcile.outcome import verdict


def limited(limit: int | None, targets: int = 4, window: int = 3) -> Plan:
    return replace(a_plan(targets, window=window, floor=0, revert=Command("ssm", "undo")), limit=limit)


def taken(rollout: Rollout, at: float = 60) -> list[int]:
    """The numbers of the targets that are taken out now."""
    actions = decided(rollout, seen(rollout, later(at)), later(at))
    calls = [action.target for action in actions if isinstance(action, Deregister)]
    return [number for number, target in enumerate(rollout.plan.targets) if target.id in calls]


def skipped(rollout: Rollout, at: float = 60) -> Sequence[e.PhaseChanged]:
    actions = decided(rollout, seen(rollout, later(at)), later(at))
    return [event for event in moved(actions) if event.to is Phase.SKIPPED]


@pytest.mark.parametrize(("limit", "first"), [(None, [0, 1, 2]), (1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (9, [0, 1, 2])])
def test_limit_takes_no_more_targets(limit: int | None, first: list[int]) -> None:
    assert taken(given(limited(limit))) == first


def test_limit_counts_targets_in_progress_and_done() -> None:
    plan = limited(3)
    rollout = given(plan, brought(plan, P.DONE), brought(plan, P.WORKING, 1))
    assert rollout.limit_left == 1
    assert taken(rollout) == [2]


def test_reached_limit_skips_the_rest_at_once() -> None:
    plan = limited(2)
    skips = skipped(given(plan, brought(plan, P.DONE), brought(plan, P.WORKING, 1)))
    assert [(event.target, event.cause) for event in skips] == [(t(plan, n), Cause.LIMIT) for n in (2, 3)]
    assert why(skips[0]) == "left for a later rollout: this one was limited to 2 targets"


def test_target_that_was_never_taken_does_not_count() -> None:
    plan = limited(2)
    rollout = given(plan, brought(plan, P.SKIPPED), brought(plan, P.GONE, 1))
    assert rollout.limit_left == 2
    assert taken(rollout) == [2, 3]


def test_another_attempt_is_not_counted_again() -> None:
    plan = limited(1)
    back = [
        e.PhaseChanged(later(1), t(plan), Phase.RETURNING, intent=Intent.RETURN, cause=Cause.FROZEN),
        e.PhaseChanged(later(2), t(plan), Phase.RETURNED),
    ]
    skips = [e.PhaseChanged(later(3), t(plan, n), Phase.SKIPPED, cause=Cause.LIMIT) for n in (1, 2, 3)]
    assert taken(given(plan, brought(plan, P.DRAINING), back, skips)) == [0]


def test_another_attempt_uses_the_place_beside_the_last_new_target() -> None:
    plan = limited(2, targets=3)
    back = [
        e.PhaseChanged(later(1), t(plan), Phase.RETURNING, intent=Intent.RETURN, cause=Cause.FROZEN),
        e.PhaseChanged(later(2), t(plan), Phase.RETURNED),
    ]
    assert taken(given(plan, brought(plan, P.DRAINING), back)) == [0, 1]


def test_limited_rollout_ends_well() -> None:
    plan = limited(1, targets=3)
    skips = [e.PhaseChanged(later(3), t(plan, n), Phase.SKIPPED, cause=Cause.LIMIT) for n in (1, 2)]
    rollout = given(plan, brought(plan, P.DONE), skips, [e.Finished(later(4))])
    assert (result(rollout), verdict(rollout)) == (Result.DONE, ExitCode.DONE)
    other = given(plan, brought(plan, P.DONE), brought(plan, P.SKIPPED, 1), skips[1:], [e.Finished(later(4))])
    assert (result(other), verdict(other)) == (Result.FAILED, ExitCode.FAILED)
    unlimited = replace(plan, limit=None)
    assert result(given(unlimited, brought(plan, P.DONE), skips, [e.Finished(later(4))])) is Result.FAILED


def test_stopped_rollout_skips_as_before() -> None:
    plan = limited(1)
    rollout = given(plan, brought(plan, P.DONE), [e.AbortAsked(later(1), "kim")])
    assert {event.cause for event in skipped(rollout)} == {Cause.ABORTED}


def test_limit_counts_targets_that_were_left_out_before() -> None:
    held = tuple(HeldTarget(target.id, RolloutId("r-0")) for target in limited(1).targets[:2])
    for limit, first in ((1, [0]), (2, [0, 1]), (3, [0, 1, 2])):
        plan = replace(limited(limit), held=held)
        rollout = given(plan)
        out = {0: HealthState.ABSENT, 1: HealthState.ABSENT}
        actions = decided(rollout, seen(rollout, later(60), out), later(60))
        calls = [action.target for action in actions if isinstance(action, Deregister)]
        assert calls == [t(plan, n) for n in first]


def test_limit_holds_no_retry_and_no_revert() -> None:
    plan = limited(1, targets=2)
    held = replace(plan, held=(HeldTarget(t(plan, 1), RolloutId("r-0")),), limit=1)
    finished = given(held, brought(held, P.DONE), [e.Finished(later(4))])
    assert finished.limit_left == 0
    assert candidates(finished) == []
    again = given(held, brought(held, P.DONE), [e.Finished(later(4)), e.RetryAsked(later(5), "kim", (t(plan, 1),))])
    assert (again.limit_left, candidates(again)) == (None, [t(plan, 1)])
    back = given(plan, brought(plan, P.DONE), [e.RevertAsked(later(5), "kim")])
    assert back.limit_left is None
    assert {event.cause for event in skipped(back)} == {None}


def test_limit_leaves_the_pause_and_the_freeze_alone() -> None:
    plan = limited(2)
    rollout = given(plan, [e.PauseAsked(later(1), "kim")])
    assert moves(decided(rollout, seen(rollout, later(60)), later(60))) == {}
