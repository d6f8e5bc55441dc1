"""Tests of a zonal shift that a person allowed: its targets are back once healthy, and never count as serving."""

from dataclasses import replace

import pytest
from tests.unit.given import NOON, a_plan, brought, called, decided, given, later, moves, notes, seen, t

from katakei.domain import events as e
from katakei.domain.observation import HealthState, Observation
from katakei.domain.phases import Phase
from katakei.domain.plan import Plan
from katakei.domain.replay import Rollout
from katakei.domain.spec import Membership, ZonalShift
from katakei.reconcile.capacity import count_serving


def shifted(zones: tuple[str, ...] = ("a",), policy: ZonalShift = ZonalShift.ALLOW) -> Plan:
    """Two targets in zones a and c, while a shift keeps traffic away from some zones."""
    plan = a_plan(2, membership=Membership(zonal_shift=policy))
    return replace(plan, groups=tuple(replace(group, zonal_shift=zones) for group in plan.groups))


def shown(rollout: Rollout, at: float, state: HealthState = HealthState.HEALTHY) -> Observation:
    """The first target is overridden."""
    observation = seen(rollout, later(at), {0: state})
    places = set(rollout.plan.targets[0].registrations)
    groups = {
        arn: replace(
            group,
            seen={place: replace(each, overridden=place in places) for place, each in group.seen.items()},
        )
        for arn, group in observation.groups.items()
    }
    return replace(observation, groups=groups)


def warm(plan: Plan) -> Rollout:
    """Registered, and observed healthy once."""
    back = [*called(plan), e.ObservedServing(later(3), t(plan))]
    return given(plan, brought(plan, Phase.WARMING, bare=True), back)


def test_target_under_an_allowed_shift_is_back_when_healthy() -> None:
    rollout = warm(shifted())
    assert moves(decided(rollout, shown(rollout, 8), later(8))) == {t(rollout.plan): Phase.SOAKING}


@pytest.mark.parametrize(
    "plan", [shifted(("c",)), shifted(policy=ZonalShift.REFUSE), shifted(())], ids=["elsewhere", "refused", "none"]
)
def test_target_under_another_shift_is_not_back(plan: Plan) -> None:
    rollout = warm(plan)
    actions = decided(rollout, shown(rollout, 8), later(8))
    assert not moves(actions)
    assert notes(actions) == [e.BecameUnhealthy]


def test_unhealthy_target_under_an_allowed_shift_is_not_back() -> None:
    rollout = warm(shifted())
    assert not moves(decided(rollout, shown(rollout, 8, HealthState.UNHEALTHY), later(8)))


def test_targets_under_a_shift_never_count_as_serving() -> None:
    rollout = given(shifted())
    assert sum(count_serving(rollout, shown(rollout, 0), NOON).groups.values()) == 1
