"""Tests of a target that took the place of a soaking one: its work waits for that soak, or it goes back untouched."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.given import (
    NOON,
    brought,
    decided,
    deregistered,
    facts,
    given,
    later,
    moved,
    moves,
    notes,
    seconds,
    started,
    t,
    taken,
    why,
    whys,
)
from tests.unit.reconcile.test_overlap import DOWN, FREEZE, look, overlapping_plan, take_outs

from katakei.domain import events as e
from katakei.domain.actions import Action, Deregister
from katakei.domain.freezes import FreezeReading
from katakei.domain.observation import HealthState
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Plan
from katakei.domain.replay import Rollout, evolve
from katakei.domain.spec import Approval, Gate, OnFailure
from katakei.reconcile.decide import still_valid
from katakei.reconcile.observe import observation_request

OUT = {1: HealthState.ABSENT}


def pair(plan: Plan | None = None, *extra: e.Event, phase: Phase = Phase.OUT, called: bool = True) -> Rollout:
    """The first target soaks since noon, and the second one, taken out at noon, took its place and drains or is out."""
    plan = plan or overlapping_plan()
    out: list[e.Event] = [e.PhaseChanged(NOON, t(plan, 1), Phase.DRAINING, overlaps=t(plan))]
    out += facts(plan, Phase.DRAINING, 1) if called else []
    out += [e.PhaseChanged(later(5), t(plan, 1), Phase.OUT)] if phase is Phase.OUT else []
    return given(plan, brought(plan, Phase.SOAKING), out, extra)


def then(rollout: Rollout, at: float, states: dict[int, HealthState] | None = None, **more: Any) -> tuple[Action, ...]:
    return decided(rollout, look(rollout, at, {**OUT, **(states or {})}, **more), later(at))


def done(rollout: Rollout, at: float = 30) -> e.PhaseChanged:
    return e.PhaseChanged(later(at), t(rollout.plan), Phase.DONE)


def goes_back(rollout: Rollout, at: float, states: dict[int, HealthState] | None = None, **more: Any) -> str:
    """Why the second target goes back untouched; '' when it does not."""
    back = [event for event in moved(then(rollout, at, states, **more)) if event.target == t(rollout.plan, 1)]
    if not back or back[0].to is not Phase.RETURNING:
        return ""
    assert (back[0].cause, back[0].intent) == (Cause.OVERLAP_ENDED, Intent.RETURN)
    return why(back[0])


# -- the wait


def test_drained_target_waits_for_that_soak() -> None:
    rollout = pair()
    actions = then(rollout, 29)
    assert started(actions) == []
    assert whys(actions).startswith(
        "drained; its work waits for the soak of i-00000000000000000 (web0): 24s so far, 1s left, 31s at most"
    )


def test_work_begins_once_that_soak_is_over() -> None:
    rollout = pair()
    rollout = evolve(rollout, [done(rollout)])
    assert moves(then(rollout, 30)) == {t(rollout.plan, 1): Phase.WORKING}


def test_drain_goes_on_during_that_soak() -> None:
    rollout = pair(overlapping_plan(soak=60), phase=Phase.DRAINING)
    assert moves(then(rollout, 35)) == {t(rollout.plan, 1): Phase.OUT}


def test_wait_for_a_soak_does_not_count_as_draining() -> None:
    plan = overlapping_plan()
    plan = replace(
        plan,
        spec=replace(plan.spec, limits=replace(plan.spec.limits, draining_extra=seconds(1), draining_from_delay=False)),
    )
    assert moved(then(pair(plan), 29)) == []


def test_no_probe_is_asked_long_before_that_soak_ends() -> None:
    rollout = pair(overlapping_plan(soak=60))
    taker = t(rollout.plan, 1)
    early, late = (observation_request(rollout, look(rollout, at - 1), later(at)) for at in (40, 51))
    assert (taker in early.soon, taker in late.soon) == (False, True)
    rollout = pair(None, taken(6))
    assert taker not in observation_request(rollout, look(rollout, 7), later(8)).soon
    over = evolve(pair(), [done(rollout)])
    assert taker in observation_request(over, look(over, 30), later(31)).soon


def test_work_waits_for_freezes_that_were_not_read() -> None:
    rollout = pair()
    rollout = evolve(rollout, [done(rollout)])
    old = FreezeReading(later(10), later(10), ())
    observation = replace(look(rollout, 31, OUT), freezes=old)
    assert "freezes" in whys(decided(rollout, observation, later(31)))
    observation = replace(look(rollout, 61, OUT), freezes=old)
    (back,) = moved(decided(rollout, observation, later(61)))
    assert (back.to, back.cause) == (Phase.RETURNING, Cause.OVERLAP_ENDED)


# -- what brings it back


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.OUT])
@pytest.mark.parametrize("over", [False, True], ids=["soaking", "done"])
@pytest.mark.parametrize(
    ("word", "said"),
    [(e.PauseAsked(NOON, "kim"), "kim paused"), (e.Interrupted(NOON, "kim"), "interrupted")],
    ids=["pause", "interrupt"],
)
def test_stop_before_its_work_brings_it_back(word: e.Event, said: str, over: bool, phase: Phase) -> None:  # noqa: FBT001 - a row
    rollout = pair(None, word, phase=phase)
    rollout = evolve(rollout, [done(rollout, 9)]) if over else rollout
    assert said in goes_back(rollout, 10)


@pytest.mark.parametrize("word", [e.AbortAsked(NOON, "kim"), e.RevertAsked(NOON, "kim")], ids=["abort", "revert"])
def test_abort_and_revert_bring_it_back(word: e.Event) -> None:
    rollout = pair(None, word)
    back = next(event for event in moved(then(rollout, 10)) if event.target == t(rollout.plan, 1))
    assert (back.to, back.cause) in {(Phase.RETURNING, Cause.ABORTED), (Phase.RETURNING, None)}


def test_freeze_brings_it_back() -> None:
    assert "frozen" in goes_back(pair(), 10, freezes=(FREEZE,))


def test_gate_brings_it_back() -> None:
    plan = overlapping_plan(5, gates=(Gate("rest", 2, Approval()),))
    rollout = pair(plan, *brought(plan, Phase.DONE, 2), *brought(plan, Phase.DONE, 3))
    assert "gate rest" in goes_back(rollout, 10)
    unread = replace(look(rollout, 10, OUT), freezes=None)
    assert moves(decided(rollout, unread, later(10))) == {}


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.OUT])
def test_fall_of_the_soaking_target_brings_it_back(phase: Phase) -> None:
    rollout = pair(phase=phase)
    assert "did not stay in service" in goes_back(rollout, 10, {0: DOWN})
    fell = e.BecameUnhealthy(later(9), t(rollout.plan), "")
    assert "did not stay in service" in goes_back(evolve(rollout, [fell]), 10)
    recovered = e.ObservedServing(later(10), t(rollout.plan))
    assert "did not stay in service" in goes_back(evolve(rollout, [fell, recovered]), 11)


def test_fall_after_that_soak_brings_it_back() -> None:
    rollout = pair(overlapping_plan(on_failure=OnFailure(max_failures=1)))
    over = evolve(rollout, [done(rollout)])
    assert goes_back(over, 31, {0: DOWN})
    assert not goes_back(over, 31, {0: HealthState.INITIAL})
    fell = e.BecameUnhealthy(later(31), t(rollout.plan), "")
    assert goes_back(evolve(over, [fell]), 32)
    assert goes_back(evolve(over, [fell, e.FailedAfterDone(later(32), t(rollout.plan), "")]), 33)


def test_soaking_target_that_left_otherwise_brings_it_back() -> None:
    rollout = pair()
    failed = e.PhaseChanged(later(9), t(rollout.plan), Phase.FAILED_SERVING)
    assert goes_back(evolve(rollout, [failed]), 10)


def test_soak_that_another_process_counts_anew_brings_it_back() -> None:
    assert "began again and takes 59s more" in goes_back(pair(overlapping_plan(soak=60), taken(9)), 10)
    assert not goes_back(pair(None, taken(9)), 10)


def test_soak_whose_end_is_not_observed_brings_it_back() -> None:
    rollout = pair()
    place = rollout.plan.targets[0].registrations[0]
    assert not goes_back(rollout, 60)
    observation = look(rollout, 61, OUT)
    group = observation.groups[place.group]
    groups = {place.group: replace(group, seen={at: health for at, health in group.seen.items() if at != place})}
    (back,) = moved(decided(rollout, replace(observation, groups=groups), later(61)))
    assert "should have ended 31s ago" in why(back)


def test_group_that_is_deleted_brings_it_back() -> None:
    plan = overlapping_plan(groups=2)
    rollout = pair(plan)
    observation = look(rollout, 10, OUT)
    alone = replace(plan.targets[1], registrations=plan.targets[1].registrations[1:])
    plan = replace(plan, targets=(plan.targets[0], alone, *plan.targets[2:]))
    rollout = pair(plan)
    observation = replace(observation, deleted=frozenset({plan.groups[0].arn}))
    assert moves(decided(rollout, observation, later(10)))[t(plan, 1)] is Phase.RETURNING


def test_loss_of_a_proven_target_brings_it_back() -> None:
    rollout = pair(overlapping_plan(floor=2))
    assert goes_back(rollout, 10, {3: DOWN}).endswith(
        "1 of web0 would be proven to serve, and 2 are needed while another target soaks"
    )
    over = evolve(rollout, [done(rollout)])
    assert not goes_back(over, 31, {3: DOWN})


def test_what_is_not_observed_brings_nothing_back() -> None:
    rollout = pair(overlapping_plan(floor=2))
    assert moved(decided(rollout, look(rollout, 10, {**OUT, 3: DOWN}), later(21))) == []


def test_new_registrations_count_until_its_call_has_returned() -> None:
    assert not goes_back(pair(), 10, came=[2, 3])
    assert goes_back(pair(phase=Phase.DRAINING, called=False), 10, came=[2, 3])


def test_call_is_not_repeated_while_the_soak_is_unseen() -> None:
    plan = overlapping_plan(groups=2)
    rollout = pair(plan, phase=Phase.DRAINING, called=False)
    observation = look(rollout, 10)
    assert deregistered(decided(rollout, observation, later(10))) == [t(plan, 1)]
    place = plan.targets[0].registrations[1]
    group = observation.groups[place.group]
    groups = {
        **observation.groups,
        place.group: replace(group, seen={p: h for p, h in group.seen.items() if p != place}),
    }
    actions = decided(rollout, replace(observation, groups=groups), later(10))
    assert deregistered(actions) == []
    assert "soaking, but not observed" in whys(actions)


def test_repeated_call_rests_on_the_soak() -> None:
    rollout = pair(phase=Phase.DRAINING, called=False)
    place = rollout.plan.targets[0].registrations[0]
    observation = look(rollout, 12)
    group = observation.groups[place.group]
    early = {**group.seen, place: replace(group.seen[place], begun=later(8))}
    observation = replace(observation, groups={place.group: replace(group, seen=early)})
    (call,) = (action for action in decided(rollout, observation, later(12)) if isinstance(action, Deregister))
    assert call.observed == later(8)


# -- the soaking target stays until then


def test_soaking_target_leaves_only_when_the_other_one_is_back() -> None:
    plan = overlapping_plan()
    fell = [e.BecameUnhealthy(later(n), t(plan), "") for n in range(3)]
    back = e.PhaseChanged(later(4), t(plan, 1), Phase.RETURNING, intent=Intent.RETURN, cause=Cause.OVERLAP_ENDED)
    rollout = pair(plan, *fell, back)
    actions = then(rollout, 10, {0: DOWN})
    assert moves(actions) == {}
    assert "it stays until i-00000000000000001 (web1) is back in service" in whys(actions)
    returned = evolve(rollout, [e.PhaseChanged(later(11), t(plan, 1), Phase.RETURNED, cause=Cause.OVERLAP_ENDED)])
    assert moves(then(returned, 12, {0: DOWN, 1: HealthState.HEALTHY}))[t(plan)] is Phase.DRAINING


def test_soaking_target_of_a_deleted_group_stays_until_then() -> None:
    plan = overlapping_plan(groups=2)
    back = e.PhaseChanged(later(4), t(plan, 1), Phase.RETURNING, intent=Intent.RETURN, cause=Cause.OVERLAP_ENDED)
    alone = replace(plan.targets[1], registrations=plan.targets[1].registrations[1:])
    plan = replace(plan, targets=(plan.targets[0], alone, *plan.targets[2:]))
    rollout = pair(plan, back)
    observation = replace(look(rollout, 10, OUT), deleted=frozenset({plan.groups[0].arn}))
    assert t(plan) not in moves(decided(rollout, observation, later(10)))
    returned = evolve(rollout, [e.PhaseChanged(later(11), t(plan, 1), Phase.RETURNED)])
    assert moves(decided(returned, observation, later(10)))[t(plan)] is Phase.DRAINING


def test_revert_takes_it_only_when_the_other_one_is_back() -> None:
    plan = overlapping_plan(5, window=3, revert=overlapping_plan().spec.work)
    asked = e.RevertAsked(later(31), "kim")
    back = e.PhaseChanged(later(32), t(plan, 1), Phase.RETURNING, intent=Intent.RETURN)
    skipped = [e.PhaseChanged(later(41), t(plan, n), Phase.SKIPPED) for n in (2, 3, 4)]
    rollout = pair(plan, done(pair(plan)), asked, back, *skipped)
    assert deregistered(then(rollout, 42)) == []
    returned = evolve(rollout, [e.PhaseChanged(later(41), t(plan, 1), Phase.RETURNED)])
    assert deregistered(then(returned, 42, {1: HealthState.HEALTHY})) == [t(plan)]


# -- beside the pair


def test_two_that_overlap_share_one_place() -> None:
    rollout = pair()
    assert (rollout.in_progress, rollout.free_places) == (2, 0)
    over = evolve(rollout, [done(rollout)])
    assert (over.in_progress, over.free_places) == (1, 0)


def test_nobody_takes_away_what_a_pair_relies_on() -> None:
    plan = overlapping_plan(5, window=2, floor=2)
    rollout = pair(plan)
    assert take_outs(rollout, states=OUT) == [(2, None)]
    plan = overlapping_plan(4, window=2, floor=2)
    rollout = pair(plan)
    assert take_outs(rollout, states=OUT) == []
    back = e.PhaseChanged(later(6), t(plan, 1), Phase.RETURNING, intent=Intent.RETURN, cause=Cause.OVERLAP_ENDED)
    assert take_outs(evolve(rollout, [back]), states=OUT) == [(2, None)]


def test_nothing_is_guarded_once_that_soak_is_over() -> None:
    plan = overlapping_plan(5, window=3, floor=3)
    fell = (e.BecameUnhealthy(later(1), t(plan, 2), ""), e.ObservedServing(later(2), t(plan, 2)))
    rollout = pair(plan, *brought(plan, Phase.SOAKING, 2), *fell)
    assert take_outs(rollout, states=OUT) == []
    assert take_outs(evolve(rollout, [done(rollout, 9)]), states=OUT) == [(3, None)]


def test_answers_about_a_pair_are_asked_again() -> None:
    rollout = pair()
    actions = then(rollout, 10)
    assert still_valid(actions, rollout, rollout) == {}


def test_fall_and_return_take_one_turn() -> None:
    rollout = pair()
    assert notes(then(rollout, 10, {0: DOWN})) == [e.PhaseChanged, e.BecameUnhealthy]
