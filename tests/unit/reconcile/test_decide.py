"""Tests of decide: which targets are taken out next, how many at once, and why none is."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.unit.given import (
    ABORTED,
    NOON,
    a_plan,
    brought,
    decided,
    deregistered,
    given,
    later,
    moved,
    moves,
    notes,
    seconds,
    seen,
    standing,
    t,
    text,
    why,
    whys,
)

from katakei.domain import events as e
from katakei.domain.actions import Action, Deregister, Record, StartWork, Wait
from katakei.domain.model import TargetId
from katakei.domain.observation import (
    AttributesReading,
    GroupObservation,
    HealthState,
    RegistrationHealth,
    WorkState,
    WorkStatus,
)
from katakei.domain.phases import IN_PROGRESS, Cause, Intent, Phase
from katakei.domain.plan import Floor, Plan
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.spec import OnFailure
from katakei.reconcile.decide import next_turn_due, waiting_reason
from katakei.render.reasons import sentence

ABSENT, DRAINING, DOWN = HealthState.ABSENT, HealthState.DRAINING, HealthState.UNHEALTHY


def failed(plan: Plan, number: int) -> list[e.Event]:
    """The events of a target whose work failed."""
    return [
        *brought(plan, Phase.WORKING, number),
        e.PhaseChanged(NOON, t(plan, number), Phase.LEFT_OUT, cause=Cause.FAILED),
    ]


# -- window and order


def test_decide_fills_window_in_plan_order() -> None:
    plan = a_plan(5, window=2, floor=2)
    actions = decided(given(plan), seen(given(plan), NOON), NOON)
    assert moves(actions) == {t(plan, 0): Phase.DRAINING, t(plan, 1): Phase.DRAINING}
    assert deregistered(actions) == [t(plan, 0), t(plan, 1)]


def test_take_out_has_update_intent() -> None:
    rollout = given(a_plan(2))
    assert [move.intent for move in moved(decided(rollout, seen(rollout, NOON), NOON))] == [Intent.UPDATE]


def test_take_out_deregisters_all_registrations() -> None:
    plan = a_plan(2, groups=2)
    [act] = [s for s in decided(given(plan), seen(given(plan), NOON), NOON) if isinstance(s, Deregister)]
    assert act.registrations == plan.targets[0].registrations


def test_full_window_takes_no_target() -> None:
    rollout = standing(a_plan(4, floor=1), Phase.SOAKING)
    assert not moves(decided(rollout, seen(rollout, later(1)), later(1)))


def test_free_place_is_filled_at_once() -> None:
    plan = a_plan(4, window=2)
    rollout = given(plan, brought(plan, Phase.DONE, 0), brought(plan, Phase.WORKING, 1))
    actions = decided(rollout, seen(rollout, later(1), {1: ABSENT}), later(1))
    assert moves(actions) == {t(plan, 2): Phase.DRAINING}


def test_finished_rollout_has_no_actions() -> None:
    plan = a_plan(1, floor=0)
    rollout = given(plan, brought(plan, Phase.DONE), [e.Finished(NOON)])
    assert decided(rollout, seen(rollout, NOON), NOON) == ()


def test_rollout_finishes_when_all_targets_are_final() -> None:
    plan = a_plan(2)
    rollout = given(plan, brought(plan, Phase.DONE, 0), brought(plan, Phase.SKIPPED, 1))
    assert notes(decided(rollout, seen(rollout, NOON), NOON)) == [e.Finished]


def test_interrupt_takes_no_target_and_does_not_finish() -> None:
    rollout = given(a_plan(2), [e.Interrupted(NOON, "kim")])
    assert decided(rollout, seen(rollout, NOON), NOON) == ()


def test_interrupt_continues_targets_in_progress() -> None:
    rollout = standing(a_plan(2), Phase.SOAKING, e.Interrupted(NOON, "kim"))
    assert moves(decided(rollout, seen(rollout, later(10)), later(10))) == {t(rollout.plan): Phase.DONE}


def test_stopped_machine_is_skipped() -> None:
    rollout = given(a_plan(3))
    observation = seen(rollout, NOON)
    [place] = rollout.plan.targets[0].registrations
    words = "Target is in the stopped state"
    stopped = RegistrationHealth(HealthState.UNUSED, NOON, NOON, "Target.InvalidState", words)
    group = observation.groups[place.group]
    observation = replace(observation, groups={place.group: replace(group, seen={**group.seen, place: stopped})})
    actions = decided(rollout, observation, NOON)
    assert moves(actions) == {t(rollout.plan): Phase.SKIPPED, t(rollout.plan, 1): Phase.DRAINING}
    assert why(moved(actions)[0]) == f"skipped because AWS reports it as unused ({words})"


def test_interrupt_finishes_when_no_target_is_left() -> None:
    plan = a_plan(1)
    rollout = given(plan, brought(plan, Phase.DONE), [e.Interrupted(NOON, "kim")])
    assert notes(decided(rollout, seen(rollout, NOON), NOON)) == [e.Finished]


# -- the floor


def test_last_serving_target_is_not_taken_out() -> None:
    plan = a_plan(2)
    rollout = given(plan, brought(plan, Phase.RETURNED, 1))
    actions = decided(rollout, seen(rollout, NOON, {1: DOWN}), NOON)
    assert not deregistered(actions)
    assert "0 of web0 would serve, the floor is 1" in whys(actions)


def test_blocked_target_does_not_block_another() -> None:
    rollout = given(a_plan(3, per_zone=1, zones=("a", "c", "c")))
    assert moves(decided(rollout, seen(rollout, NOON), NOON)) == {t(rollout.plan, 1): Phase.DRAINING}


def test_take_outs_of_one_turn_share_the_floor() -> None:
    plan = a_plan(3, window=3, floor=2)
    assert len(deregistered(decided(given(plan), seen(given(plan), NOON), NOON))) == 1


def test_failed_soak_counts_against_floor_in_same_turn() -> None:
    plan = a_plan(3, groups=2, window=2, floor=1)
    first, other = plan.groups
    only_other = replace(plan.targets[1], registrations=plan.targets[1].registrations[1:])
    floors = {first.arn: Floor(0, 3), other.arn: Floor(1, 3)}
    plan = replace(plan, targets=(plan.targets[0], only_other), floors=floors)
    falls = [e.BecameUnhealthy(later(n), t(plan), "unhealthy") for n in range(3)]
    rollout = given(plan, brought(plan, Phase.SOAKING), falls)
    observation = seen(rollout, later(5), places={plan.targets[0].registrations[0]: DOWN})
    assert moves(decided(rollout, observation, later(5))) == {t(plan): Phase.DRAINING}


def test_take_out_requires_fresh_group_observation() -> None:
    rollout = given(a_plan(3))
    assert deregistered(decided(rollout, seen(rollout, NOON, age=seconds(10)), NOON))
    assert not deregistered(decided(rollout, seen(rollout, NOON, age=seconds(10.1)), NOON))


def test_blocked_rollout_skips_after_waiting_limit() -> None:
    rollout = given(a_plan(2))
    held = decided(rollout, seen(rollout, later(600), {0: DOWN, 1: DOWN}), later(600))
    assert "has waited for 10m" in whys(held)
    over = moved(decided(rollout, seen(rollout, later(601), {0: DOWN, 1: DOWN}), later(601)))
    assert [(move.to, move.cause) for move in over] == [(Phase.SKIPPED, Cause.FAILED)] * 2


def test_blocked_target_waits_while_others_progress() -> None:
    plan = a_plan(3, window=2, floor=2)
    rollout = given(plan, brought(plan, Phase.WORKING))
    observation = seen(rollout, later(700), {0: ABSENT, 2: DOWN}, work=WorkStatus(WorkState.AWAITS_APPROVAL))
    actions = decided(rollout, observation, later(700))
    assert not moves(actions)
    assert "is next" not in whys(actions)


# -- changes since the plan


def test_take_out_requires_fresh_attributes() -> None:
    rollout = given(a_plan(2))
    observation = seen(rollout, NOON)
    arn = rollout.plan.groups[0].arn
    for read in ({}, {arn: AttributesReading(later(-61))}):
        actions = decided(rollout, replace(observation, attributes=read), NOON)
        assert not deregistered(actions)
        assert "have not been read in the last minute" in whys(actions)


def test_changed_group_blocks_take_out() -> None:
    rollout = given(a_plan(2))
    change = reason(ReasonCode.ATTRIBUTE_CHANGED, attribute="delay", was="300", now="0")
    changed = {rollout.plan.groups[0].arn: AttributesReading(NOON, (change,))}
    actions = decided(rollout, replace(seen(rollout, NOON), attributes=changed), NOON)
    assert not deregistered(actions)
    assert "delay was 300, is 0" in whys(actions)


def test_target_draining_elsewhere_is_skipped() -> None:
    rollout = given(a_plan(2))
    actions = decided(rollout, seen(rollout, NOON, {0: DRAINING}), NOON)
    assert moves(actions) == {t(rollout.plan, 0): Phase.SKIPPED}


def test_target_absent_from_one_group_is_skipped() -> None:
    rollout = given(a_plan(2, groups=2))
    first = {rollout.plan.targets[0].registrations[0]: ABSENT}
    actions = decided(rollout, seen(rollout, NOON, places=first), NOON)
    assert moves(actions) == {t(rollout.plan, 0): Phase.SKIPPED}


def test_target_absent_everywhere_is_gone() -> None:
    rollout = given(a_plan(3))
    actions = decided(rollout, seen(rollout, NOON, {0: ABSENT}), NOON)
    assert moves(actions)[t(rollout.plan, 0)] is Phase.GONE


def test_unobserved_target_is_neither_gone_nor_taken() -> None:
    rollout = given(a_plan(2))
    blank = {group.arn: GroupObservation({}, None) for group in rollout.plan.groups}
    assert not moves(decided(rollout, replace(seen(rollout, NOON), groups=blank), NOON))


# -- stopping


def test_too_many_failures_skip_waiting_targets() -> None:
    plan = a_plan(4, floor=1)
    rollout = given(plan, failed(plan, 0))
    actions = moved(decided(rollout, seen(rollout, NOON, {0: ABSENT}), NOON))
    assert {move.target: move.to for move in actions} == {t(plan, n): Phase.SKIPPED for n in (1, 2, 3)}
    assert actions[0].reason == reason(ReasonCode.TOO_MANY_FAILURES, failures=1, allowed=0)
    assert why(actions[0]) == "the rollout stopped: 1 target failed, 0 allowed"
    assert actions[0].cause is None


def test_allowed_failures_do_not_stop_rollout() -> None:
    plan = a_plan(4, on_failure=OnFailure(max_failures=1))
    rollout = given(plan, failed(plan, 0))
    assert moves(decided(rollout, seen(rollout, NOON, {0: ABSENT}), NOON)) == {t(plan, 1): Phase.DRAINING}


def test_abort_skips_waiting_targets() -> None:
    rollout = given(a_plan(2), [e.AbortAsked(NOON, "kim")])
    actions = moved(decided(rollout, seen(rollout, NOON), NOON))
    assert [(move.to, move.reason, move.cause) for move in actions] == [(Phase.SKIPPED, ABORTED, Cause.ABORTED)] * 2


# -- reasons


def test_waiting_reason_is_one_sentence() -> None:
    rollout = standing(a_plan(), Phase.SOAKING)
    first, other = t(rollout.plan), t(rollout.plan, 1)
    one, more = Wait(NOON, text("it drains"), first), Wait(NOON, text("it drains too"), other)
    assert waiting(rollout, one) == f"{first} (web0): it drains"
    assert waiting(rollout, one, more, more) == f"{first} (web0): it drains (and 2 more)"
    assert waiting(rollout, Wait(NOON, text("all of it waits"))) == "all of it waits"
    assert waiting(rollout) == f"acting on {first}"
    assert waiting(given(a_plan())) == "nothing is in progress"
    assert waiting(given(a_plan(), [e.Finished(NOON)]), one) == "finished"


def waiting(rollout: Rollout, *actions: Action) -> str:
    return sentence(waiting_reason(rollout, actions))


def test_next_turn_is_due_at_soonest_wait() -> None:
    act = Deregister(t(a_plan()), (), NOON)
    note = Record(e.Finished(NOON))
    assert next_turn_due((Wait(later(9), text("")), Wait(later(1), text(""))), NOON) == later(1)
    assert next_turn_due((Wait(later(9), text("")), act), NOON) == later(0.25)
    assert next_turn_due((note,), NOON) == later(15)
    assert next_turn_due((Wait(NOON, text("its look has not come back")),), NOON) == later(0.25)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase in IN_PROGRESS])
def test_every_target_in_progress_acts_or_waits(phase: Phase) -> None:
    rollout = standing(a_plan(), phase)
    for at in (0.0, 1.0, 7.0, 100.0, 5000.0):
        for state in HealthState:
            assert t(rollout.plan) in spoken_of(decided(rollout, seen(rollout, later(at), {0: state}), later(at)))


def spoken_of(actions: Sequence[Action]) -> set[object]:
    """Every target that is recorded, acted on or waits."""
    rests = {action.target for action in actions if isinstance(action, Wait)}
    written = {
        action.event.target for action in actions if isinstance(action, Record) and hasattr(action.event, "target")
    }
    return rests | written | {*started_targets(actions)}


def started_targets(actions: Sequence[Action]) -> list[TargetId]:
    return [action.key.target for action in actions if isinstance(action, StartWork)]
