"""Tests of the age of a decision: each take-out and each start says when its oldest observation began."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import pytest
from tests.unit.given import (
    NOON,
    a_plan,
    called,
    decided,
    given,
    later,
    moved,
    older,
    seconds,
    seen,
    standing,
    t,
    turn,
    why,
)

from katakei.domain import events as e
from katakei.domain.actions import Action, Deregister, StartWork
from katakei.domain.observation import AttributesReading, DrainEvidence, HealthState, Observation, ProbeVerdict
from katakei.domain.phases import Cause, Phase
from katakei.domain.spec import Drain, DrainUntil, Limits

DRAINING, ABSENT, HEALTHY, DOWN = HealthState.DRAINING, HealthState.ABSENT, HealthState.HEALTHY, HealthState.UNHEALTHY


def observed(actions: Iterable[Action]) -> list[datetime]:
    return [action.observed for action in actions if isinstance(action, Deregister | StartWork)]


def one_group_older(observation: Observation, by: float) -> Observation:
    arn, group = list(observation.groups.items())[1]
    assert group.full_begun is not None
    return replace(
        observation, groups={**observation.groups, arn: replace(group, full_begun=group.full_begun - seconds(by))}
    )


def test_take_out_is_as_old_as_the_oldest_group() -> None:
    rollout = given(a_plan(2, groups=2))
    observation = one_group_older(seen(rollout, later(8)), 5)
    assert observed(decided(rollout, observation, later(8))) == [later(3)]


def test_repeated_take_out_is_as_old_as_the_oldest_group() -> None:
    rollout = standing(a_plan(2, groups=2), Phase.DRAINING, bare=True)
    observation = one_group_older(seen(rollout, later(8)), 5)
    assert observed(decided(rollout, observation, later(8))) == [later(3)]


def test_take_out_of_a_target_that_is_down_rests_on_its_health() -> None:
    rollout = standing(a_plan(2, floor=0), Phase.DRAINING, bare=True)
    observation = one_older = seen(rollout, later(8), {0: DOWN})
    for place in rollout.plan.targets[0].registrations:
        one_older = older(observation, place, 6)
    assert observed(decided(rollout, one_older, later(8))) == [later(2)]


def test_retry_of_a_target_that_is_out_rests_on_its_health() -> None:
    plan = a_plan(2)
    out = [e.PhaseChanged(NOON, t(plan), phase) for phase in (Phase.DRAINING, Phase.LEFT_OUT)]
    rollout = given(plan, out, [e.RetryAsked(NOON, "ops", (t(plan),)), e.CommandAcknowledged(NOON)])
    observation = older(seen(rollout, later(8), {0: ABSENT, 1: DOWN}), plan.targets[0].registrations[0], 6)
    assert later(2) in observed(decided(rollout, observation, later(8)))


@pytest.mark.parametrize("phase", [Phase.OUT, Phase.WORKING])
def test_start_after_the_timer_rests_on_the_health(phase: Phase) -> None:
    rollout = standing(a_plan(2, groups=2), phase, bare=True)
    observation = older(seen(rollout, later(45), {0: ABSENT}), rollout.plan.targets[0].registrations[1], 4)
    assert observed(decided(rollout, observation, later(45))) == [later(41)]


@pytest.mark.parametrize(("verdict", "attributes", "oldest"), [(36.0, 45.0, 36.0), (44.0, 38.0, 38.0), (44, 45, 43)])
def test_start_by_proof_rests_on_verdict_attributes_and_health(
    verdict: float, attributes: float, oldest: float
) -> None:
    plan = a_plan(2, drain=Drain(until=DrainUntil.PROOF))
    rollout = standing(plan, Phase.OUT, e.BaselineTaken(NOON, t(plan), ""))
    quiet = DrainEvidence(ProbeVerdict.QUIET, later(30), later(verdict))
    observation = replace(
        seen(rollout, later(43), {0: DRAINING}, evidence=quiet),
        attributes={group.arn: AttributesReading(later(attributes)) for group in plan.groups},
    )
    assert observed(decided(rollout, observation, later(45))) == [later(oldest)]


def test_start_after_a_cut_drain_rests_on_the_health() -> None:
    plan = a_plan(2, drain=Drain(until=DrainUntil.PROOF))
    rollout = standing(plan, Phase.OUT, e.DrainCutShort(later(40), t(plan), 3))
    busy = DrainEvidence(ProbeVerdict.BUSY, later(1), later(2))
    observation = seen(rollout, later(45), {0: DRAINING}, evidence=busy)
    assert observed(decided(rollout, observation, later(45))) == [later(45)]


@pytest.mark.parametrize("groups", [1, 2])
def test_take_out_that_never_returned_ends_after_the_waiting_limit(groups: int) -> None:
    plan = a_plan(2, groups=groups, limits=Limits(waiting=seconds(50)))
    rollout = standing(plan, Phase.DRAINING, bare=True)
    assert not moved(turn(rollout, 50))
    [move] = moved(turn(rollout, 51))
    assert (move.to, move.cause) == (Phase.RETURNING, Cause.FAILED)
    assert why(move) == "it went back because no call to deregister it returned within 51s"
    halfway = [e.Deregistered(later(1), plan.groups[0].arn, (t(plan),))]
    assert not moved(turn(standing(plan, Phase.DRAINING, *halfway, bare=True), 51))


@pytest.mark.parametrize("phase", [Phase.WARMING, Phase.RETURNING])
def test_serving_target_is_observed_once_more_after_its_limit(phase: Phase) -> None:
    plan = a_plan()
    rollout = standing(plan, phase, *called(plan), bare=True)
    assert not moved(turn(rollout, 61, HEALTHY))
    assert moved(turn(rollout, 61, DOWN))
    not_called = standing(plan, phase, bare=True)
    assert moved(turn(not_called, 61, HEALTHY))
