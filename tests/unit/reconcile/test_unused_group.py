"""Tests of a group that no listener uses: a target is back there once it is registered, observed twice."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from tests.unit.given import NOON, a_plan, brought, called, decided, given, later, moves, notes, seen, t, whys

from katakei.domain import events as e
from katakei.domain.actions import Action
from katakei.domain.observation import HealthState, Observation
from katakei.domain.phases import Phase
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.replay import Rollout
from katakei.reconcile.capacity import count_serving
from katakei.reconcile.watching import UNHEALTHY_LIMIT


def idle(plan: Plan, groups: int = 1) -> Plan:
    """The same, with its first so many groups in use by nothing."""
    unused = [replace(group, load_balancers=(), balancer_type="") for group in plan.groups[:groups]]
    return replace(plan, groups=(*unused, *plan.groups[groups:]))


PLAN = idle(a_plan(2, floor=0))
LATE = UNHEALTHY_LIMIT.total_seconds()


def story(phase: Phase, *more: e.Event, plan: Plan = PLAN, bare: bool = True) -> Rollout:
    """A rollout whose first target has been in this phase since noon."""
    return given(plan, brought(plan, phase, bare=bare), more)


def shown(rollout: Rollout, at: float, reason: str = "Target.NotInUse") -> Observation:
    """An observation in which everything in a group without a load balancer is `unused`."""
    groups = [group.arn for group in rollout.plan.groups if not group.load_balancers] or [rollout.plan.groups[0].arn]
    observation = seen(rollout, later(at))
    unused = {
        arn: replace(
            observation.groups[arn],
            seen={
                place: replace(look, state=HealthState.UNUSED, reason=reason)
                for place, look in observation.groups[arn].seen.items()
            },
        )
        for arn in groups
    }
    return replace(observation, groups={**observation.groups, **unused})


def turn(rollout: Rollout, at: float, reason: str = "Target.NotInUse") -> Iterable[Action]:
    return decided(rollout, shown(rollout, at, reason), later(at))


def test_target_in_unused_group_becomes_done() -> None:
    warm = story(Phase.WARMING, *called(PLAN))
    assert notes(turn(warm, 3)) == [e.ObservedServing]
    once = story(Phase.WARMING, *called(PLAN), e.ObservedServing(later(3), t(PLAN)))
    assert "unused; it counts as in service after one more observation" in whys(turn(once, 7))
    assert moves(turn(once, 8)) == {t(PLAN): Phase.SOAKING}
    soaks = story(Phase.SOAKING)
    assert "unused, soaking" in whys(turn(soaks, 9))
    assert moves(turn(soaks, 10)) == {t(PLAN): Phase.DONE}


def test_manual_register_in_unused_group_returns() -> None:
    plan = idle(a_plan(1, kind=PlanKind.REGISTER, begin=Phase.OUT))
    back = [e.PhaseChanged(NOON, t(plan), Phase.RETURNING), *called(plan)]
    assert notes(turn(given(plan, back), 3)) == [e.ObservedServing]
    assert moves(turn(given(plan, back, [e.ObservedServing(later(3), t(plan))]), 8)) == {t(plan): Phase.RETURNED}


@pytest.mark.parametrize("reason", ["Target.InvalidState", "Target.IpUnusable", ""])
def test_other_unused_reason_does_not_serve(reason: str) -> None:
    assert not notes(turn(story(Phase.WARMING, *called(PLAN)), 3, reason))


def test_used_group_does_not_accept_unused() -> None:
    plan = a_plan(2)
    actions = turn(story(Phase.WARMING, *called(plan), plan=plan), 3)
    assert not notes(actions)
    assert "unused" in whys(actions)


def test_target_must_serve_in_its_used_group() -> None:
    plan = idle(a_plan(1, groups=2, floor=0))
    rollout = story(Phase.WARMING, *called(plan), plan=plan)
    observation = shown(rollout, 3)
    assert notes(decided(rollout, observation, later(3))) == [e.ObservedServing]
    used = plan.groups[1].arn
    [(place, look)] = observation.groups[used].seen.items()
    initial = replace(observation.groups[used], seen={place: replace(look, state=HealthState.INITIAL)})
    assert not notes(decided(rollout, replace(observation, groups={**observation.groups, used: initial}), later(3)))


def test_done_target_in_unused_group_is_healthy() -> None:
    assert moves(turn(story(Phase.DONE, bare=False), 5)) == {t(PLAN, 1): Phase.DRAINING}


def test_unused_group_target_recovers_when_registered() -> None:
    fell = story(Phase.DONE, e.BecameUnhealthy(later(5), t(PLAN), "absent"), bare=False)
    assert notes(turn(fell, 10)) == [e.ObservedServing]
    assert notes(turn(fell, 5 + LATE, "Target.InvalidState")) == [e.FailedAfterDone]


def test_unused_target_does_not_count_for_floor() -> None:
    rollout = story(Phase.DONE, bare=False)
    assert count_serving(rollout, shown(rollout, 5), later(5)).groups == {PLAN.groups[0].arn: 0}
