"""Tests of slow start: a target that was registered again counts for the floors only after it."""

from dataclasses import replace

import pytest
from tests.unit.given import NOON, a_plan, brought, facts, given, later, seconds, seen, standing, t

from katakei.domain import events as e
from katakei.domain.leases import Owner
from katakei.domain.phases import Phase
from katakei.domain.plan import Plan
from katakei.domain.replay import Rollout
from katakei.reconcile.capacity import count_serving


def slow(groups: int = 1, **plan: object) -> Plan:
    """Three targets; the last group has a slow start of 60 s."""
    made = a_plan(3, groups=groups, soak=seconds(60), **plan)  # type: ignore[arg-type]  # a test's own choice of values
    return replace(made, groups=(*made.groups[:-1], replace(made.groups[-1], slow_start=seconds(60))))


def counted(rollout: Rollout, at: float) -> list[int]:
    """How many registrations of each group serve."""
    count = count_serving(rollout, seen(rollout, later(at)), later(at))
    return [count.groups[group.arn] for group in rollout.plan.groups]


def test_soaking_target_does_not_count_in_its_slow_start() -> None:
    assert counted(standing(slow(), Phase.SOAKING), 30) == [2]
    assert counted(standing(a_plan(3), Phase.SOAKING), 30) == [3]


def test_slow_start_of_one_group_counts_for_the_whole_target() -> None:
    assert counted(standing(slow(2), Phase.SOAKING), 30) == [2, 2]


def test_done_target_counts_in_full() -> None:
    assert counted(standing(slow(), Phase.DONE), 30) == [3]


@pytest.mark.parametrize(("at", "counts"), [(59, 2), (60, 3)])
def test_returned_target_counts_after_its_slow_start(at: float, counts: int) -> None:
    plan = slow()
    back = [
        e.PhaseChanged(NOON, t(plan), Phase.DRAINING),
        e.PhaseChanged(NOON, t(plan), Phase.RETURNING),
        *facts(plan, Phase.RETURNING),
        e.PhaseChanged(NOON, t(plan), Phase.RETURNED),
    ]
    assert counted(given(plan, back), at) == [counts]


def test_takeover_takes_a_slow_start_to_begin_again() -> None:
    plan = slow()
    back = brought(plan, Phase.RETURNED)
    other = e.OwnerChanged(later(100), Owner("kim", "host", 2, 2, "boot"))
    assert counted(given(plan, back), 100) == [3]
    assert counted(given(plan, back, [other]), 130) == [2]
    assert counted(given(plan, back, [other]), 160) == [3]


def test_target_outside_the_slow_group_counts() -> None:
    plan = slow(2)
    bare = replace(plan.targets[0], registrations=plan.targets[0].registrations[:1])
    plan = replace(plan, targets=(bare, *plan.targets[1:]))
    assert counted(standing(plan, Phase.SOAKING), 30)[0] == 3
