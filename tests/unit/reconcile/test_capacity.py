"""Tests of capacity: which registrations serve, believing the worse of journal and observation."""

from dataclasses import replace

import pytest
from tests.unit.given import NOON, a_plan, a_target, given, later, seconds, seen, standing, t

from katakei.domain.model import Registration
from katakei.domain.observation import HealthState
from katakei.domain.phases import MAY_SERVE, Phase
from katakei.domain.reasons import ReasonCode, reason
from katakei.reconcile.capacity import ServingCount, count_serving, floor_violation


def serving(count: ServingCount) -> int:
    return sum(count.groups.values())


@pytest.mark.parametrize("state", list(HealthState))
def test_count_serving_counts_healthy_registrations_only(state: HealthState) -> None:
    rollout = given(a_plan(1))
    assert serving(count_serving(rollout, seen(rollout, NOON, {0: state}), NOON)) == (state is HealthState.HEALTHY)


@pytest.mark.parametrize("phase", list(Phase))
def test_count_serving_excludes_targets_out_by_journal(phase: Phase) -> None:
    rollout = standing(a_plan(1), phase)
    assert serving(count_serving(rollout, seen(rollout, NOON), NOON)) == (phase in MAY_SERVE)


def test_count_serving_includes_bystanders_and_unknown_registrations() -> None:
    plan = a_plan(1, per_zone=1)
    plan = replace(plan, bystanders=(a_target(5, plan.groups),))
    rollout = given(plan)
    stranger = Registration(plan.groups[0].arn, "i-unknown", 80)
    [place] = plan.bystanders[0].registrations
    count = count_serving(
        rollout, seen(rollout, NOON, places={place: HealthState.HEALTHY, stranger: HealthState.HEALTHY}), NOON
    )
    assert count.groups[plan.groups[0].arn] == 3
    assert count.zones == {(place.group, "a"): 1, (place.group, "c"): 1, (place.group, ""): 1}


def test_stale_or_partial_group_is_unseen() -> None:
    rollout = given(a_plan(2))
    arn = rollout.plan.groups[0].arn
    observation = seen(rollout, NOON)
    partly = replace(observation, groups={arn: replace(observation.groups[arn], full_begun=None)})
    for look, now in ((replace(observation, groups={}), NOON), (partly, NOON), (observation, later(10.1))):
        count = count_serving(rollout, look, now)
        assert count.unseen == {arn}
        unseen = reason(ReasonCode.GROUP_NOT_OBSERVED, group=rollout.plan.groups[0].name)
        assert floor_violation(rollout, count, rollout.plan.targets[0]) == unseen
    assert not count_serving(rollout, observation, later(10)).unseen


def test_without_removes_all_registrations_of_one_target() -> None:
    rollout = given(a_plan(3, groups=2, per_zone=1, zones=("a",)))
    count = count_serving(rollout, seen(rollout, NOON), NOON).without(rollout.plan.targets[0])
    for group in rollout.plan.groups:
        assert count.groups[group.arn] == 2
        assert count.zones[group.arn, "a"] == 2
    assert count.without(rollout.plan.targets[0]).groups == count.groups


def test_floor_counts_registrations_not_machines() -> None:
    plan = a_plan(2, floor=2)
    arn = plan.groups[0].arn
    twice = replace(plan.targets[1], registrations=tuple(Registration(arn, plan.targets[1].id, p) for p in (80, 81)))
    rollout = given(replace(plan, targets=(plan.targets[0], twice)))
    count = count_serving(rollout, seen(rollout, NOON), NOON)
    assert not floor_violation(rollout, count.without(plan.targets[0]), plan.targets[0])
    assert floor_violation(rollout, count.without(twice), twice)


def test_floor_is_checked_per_group_of_target() -> None:
    rollout = given(a_plan(2, groups=2, floor=1))
    other = rollout.plan.groups[1]
    down = {place: HealthState.UNHEALTHY for n in (0, 1) for place in rollout.plan.targets[n].registrations[1:]}
    count = count_serving(rollout, seen(rollout, NOON, places=down), NOON)
    one = rollout.plan.targets[0]
    assert floor_violation(rollout, count.without(one), one) == reason(
        ReasonCode.GROUP_FLOOR, group=other.name, serving=0, floor=1
    )
    only_first = replace(one, registrations=one.registrations[:1])
    assert not floor_violation(rollout, count.without(only_first), only_first)


def test_floor_is_checked_per_zone() -> None:
    rollout = given(a_plan(4, per_zone=1))
    observation = seen(rollout, NOON, {2: HealthState.UNHEALTHY}, age=seconds(1))
    count = count_serving(rollout, observation, NOON)
    in_a, in_c = rollout.plan.targets[0], rollout.plan.targets[1]
    assert floor_violation(rollout, count.without(in_a), in_a) == reason(
        ReasonCode.ZONE_FLOOR, group="web0", zone="a", serving=0, floor=1
    )
    assert not floor_violation(rollout, count.without(in_c), in_c)
    assert t(rollout.plan, 0) == in_a.id
