"""Tests of wide windows: targets leave and come back in batches, which saves calls."""

import pytest
from tests.unit.given import NOON, a_plan, brought, decided, given, later, moves, seen, t, text, whys

from katakei.domain import events as e
from katakei.domain.actions import Wait
from katakei.domain.leases import Owner
from katakei.domain.observation import HealthState
from katakei.domain.phases import Phase
from katakei.domain.plan import Plan
from katakei.domain.replay import Rollout
from katakei.domain.spec import Check
from katakei.reconcile.decide import next_turn_due
from katakei.reconcile.observe import observation_request

OUT_FOR = 120  # seconds
UNASKED = Check(asked=False)


def wide(window: int = 100) -> Plan:
    return a_plan(2 * window, window=window, check=UNASKED)


def working(plan: Plan, many: int) -> list[e.Event]:
    """The events of this many targets in work, each taken out by its own call."""
    return [event for number in range(many) for event in brought(plan, Phase.WORKING, number)]


def checked(plan: Plan, *moments: float) -> list[e.Event]:
    """The events of the first targets: observed out at noon, each with its work ended at its moment."""
    return [e.PhaseChanged(later(at), t(plan, number), Phase.CHECKING) for number, at in enumerate(moments)]


def taken(rollout: Rollout) -> int:
    return list(moves(decided(rollout, seen(rollout, NOON), NOON)).values()).count(Phase.DRAINING)


def come_back(rollout: Rollout, at: float) -> int:
    out = dict.fromkeys(range(100), HealthState.DRAINING)
    return list(moves(decided(rollout, seen(rollout, later(at), out), later(at))).values()).count(Phase.WARMING)


@pytest.mark.parametrize(("in_progress", "leave"), [(100, 0), (93, 0), (92, 8), (90, 10)])
def test_wide_window_takes_out_in_batches(in_progress: int, leave: int) -> None:
    plan = wide()
    assert taken(given(plan, working(plan, in_progress))) == leave


def test_partial_batch_requests_no_whole_group() -> None:
    plan = wide()
    few, batch_size = (given(plan, working(plan, in_progress)) for in_progress in (93, 92))
    observation = seen(batch_size, NOON)
    assert observation_request(few, observation, later(1)).groups == {}
    assert observation_request(batch_size, observation, later(1)).groups == {plan.groups[0].arn: None}


def test_large_calls_need_no_batch() -> None:
    plan = wide()
    joined = [e.Deregistered(NOON, plan.groups[0].arn, tuple(target.id for target in plan.targets))] * 4
    assert taken(given(plan, working(plan, 99), joined)) == 1


def test_narrow_window_needs_no_batch() -> None:
    plan = wide(window=99)
    assert taken(given(plan, working(plan, 98))) == 1


def test_batch_size_is_limited_by_window() -> None:
    plan = a_plan(400, groups=30, window=192)
    assert given(plan, working(plan, 1)).batch_size == 16


def test_checked_target_waits_for_batch() -> None:
    plan = wide()
    rollout = given(plan, working(plan, 100), checked(plan, *range(OUT_FOR, OUT_FOR + 7)))
    actions = decided(
        rollout, seen(rollout, later(OUT_FOR + 7), dict.fromkeys(range(100), HealthState.DRAINING)), later(127)
    )
    assert Phase.WARMING not in moves(actions).values()
    assert "its check has passed; waiting for 7s to be registered with others in one call" in whys(actions)


def test_full_batch_returns_at_once() -> None:
    plan = wide()
    rollout = given(plan, working(plan, 100), checked(plan, *range(OUT_FOR, OUT_FOR + 8)))
    assert come_back(rollout, OUT_FOR + 7) == 8


def test_longest_waiting_target_ends_batch_wait() -> None:
    plan = wide()
    rollout = given(plan, working(plan, 100), checked(plan, OUT_FOR, OUT_FOR + 9))
    assert (come_back(rollout, OUT_FOR + 9.5), come_back(rollout, OUT_FOR + 9.6)) == (0, 2)


def test_unknown_time_out_needs_no_batch() -> None:
    plan = wide()
    taken_up = e.OwnerChanged(later(OUT_FOR - 1), Owner("deploy", "host", 7, 7, "boot"))
    seen_out = e.ObservedOut(later(OUT_FOR), t(plan))
    assert come_back(given(plan, working(plan, 100), [taken_up], checked(plan, OUT_FOR), [seen_out]), OUT_FOR) == 1


def test_many_waits_slow_the_turns() -> None:
    def due(many: int) -> float:
        return (next_turn_due((Wait(NOON, text("now")),) * many, NOON) - NOON).total_seconds()

    assert (due(49), due(50)) == (0.25, 2)
