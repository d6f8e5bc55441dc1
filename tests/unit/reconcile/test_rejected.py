"""Tests of rejected registrations: the call is repeated while time may cure it, within `limits.warming`."""

import pytest
from tests.unit.given import (
    NOON,
    a_plan,
    called,
    given,
    later,
    moved,
    moves,
    registered,
    standing,
    t,
    taken,
    turn,
    whys,
)

from katakei.domain import events as e
from katakei.domain.observation import HealthState
from katakei.domain.phases import Cause, Phase
from katakei.domain.plan import PlanKind

ABSENT, HEALTHY = HealthState.ABSENT, HealthState.HEALTHY
DRAINING_TEXT = "deregistering and cannot be registered yet"


@pytest.mark.parametrize("phase", [Phase.WARMING, Phase.RETURNING])
def test_rejected_registration_is_repeated_every_5_seconds(phase: Phase) -> None:
    plan = a_plan(ip=True)
    rollout = standing(plan, phase, e.RegistrationRejected(later(1), t(plan), DRAINING_TEXT), bare=True)
    assert not registered(turn(rollout, 5.9, ABSENT))
    again = turn(rollout, 6, ABSENT)
    assert registered(again) == [t(plan)]
    assert "the load balancer rejected its registration; the call is repeated for 6s, at most 1m" in whys(again)
    assert DRAINING_TEXT in whys(again)


@pytest.mark.parametrize(("rejected", "at"), [(40, 53.4), (52, 65)])
def test_rejected_registration_is_repeated_less_often(rejected: float, at: float) -> None:
    plan = a_plan(ip=True)
    rollout = standing(plan, Phase.RETURNING, e.RegistrationRejected(later(rejected), t(plan), "no"), bare=True)
    assert not registered(turn(rollout, at - 0.1, ABSENT))
    assert registered(turn(rollout, at + 2, ABSENT)) == [t(plan)]


@pytest.mark.parametrize(("phase", "then"), [(Phase.WARMING, Phase.SOAKING), (Phase.RETURNING, Phase.RETURNED)])
def test_accepted_repetition_ends_the_rejection(phase: Phase, then: Phase) -> None:
    plan = a_plan(groups=2)
    story = [e.RegistrationRejected(later(1), t(plan), "no"), *called(plan, 7), e.ObservedServing(later(8), t(plan))]
    assert moves(turn(standing(plan, phase, *story, bare=True), 14)) == {t(plan): then}


def test_rejection_in_one_group_is_kept_while_another_accepts() -> None:
    plan = a_plan(groups=2)
    story = [e.RegistrationRejected(later(1), t(plan), "no"), called(plan, 1)[1]]
    [again] = [
        action for action in turn(standing(plan, Phase.WARMING, *story, bare=True), 6, ABSENT) if registered([action])
    ]
    assert [place.group for place in again.registrations] == [plan.groups[0].arn]  # type: ignore[union-attr]  # a Register


def test_takeover_repeats_a_rejected_registration() -> None:
    plan = a_plan()
    story: list[e.Event] = [e.RegistrationRejected(later(9000), t(plan), "no"), taken(100)]
    assert registered(turn(standing(plan, Phase.WARMING, *story, bare=True), 106, ABSENT)) == [t(plan)]


@pytest.mark.parametrize("ip", [True, False])
def test_manual_register_repeats_only_addresses(ip: bool) -> None:  # noqa: FBT001 - a parameter of the test
    plan = a_plan(1, floor=0, kind=PlanKind.REGISTER, begin=Phase.OUT, ip=ip)
    back = e.PhaseChanged(NOON, t(plan), Phase.RETURNING)
    rollout = given(plan, [back, e.RegistrationRejected(later(1), t(plan), "not in a running state")])
    ends = [] if ip else [(Phase.LEFT_OUT, Cause.FAILED)]
    assert [(move.to, move.cause) for move in moved(turn(rollout, 2, ABSENT))] == ends
