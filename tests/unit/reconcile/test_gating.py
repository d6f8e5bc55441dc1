"""Tests of gates and freezes before a take-out: what holds, what ends the wait, and what they never stop."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.given import (
    NOON,
    P,
    a_plan,
    brought,
    decided,
    given,
    later,
    moves,
    records,
    seconds,
    seen,
    standing,
    t,
    whys,
)

from katakei.domain import events as e
from katakei.domain.actions import Deregister, Wait
from katakei.domain.freezes import Freeze, FreezeReading
from katakei.domain.observation import HealthState, Observation
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Plan
from katakei.domain.replay import Rollout
from katakei.domain.spec import Approval, Command, ExpiryDefault, Gate
from katakei.reconcile.gating import NOT_READ, Go, Hold, Stop, gate_decision, held_up, room
from katakei.reconcile.observe import observation_request

HOURS = timedelta(hours=4)
FIRST, REST = Gate("first", 0, Approval(HOURS)), Gate("rest", 1, Approval(HOURS, ExpiryDefault.PAUSE))
FREEZE = Freeze("shop", "ada", "the sale", NOON)


def gated(*gates: Gate, targets: int = 3, window: int = 1) -> Plan:
    return a_plan(targets, window=window, floor=1, gates=gates)


def asked(gate: str, at: float = 0) -> e.ApprovalAsked:
    return e.ApprovalAsked(later(at), gate, later(at) + HOURS)


def answered(gate: str, *, approved: bool = True) -> e.GateAnswered:
    return e.GateAnswered(later(1), "kim", gate, approved)


def taken(rollout: Rollout, at: float, *, store: float | None = None, freezes: tuple[Freeze, ...] = ()) -> set[Phase]:
    """The phases into which targets are moved."""
    sight = seen(rollout, later(at), freezes=freezes)
    if store is not None:
        sight = replace(sight, freezes=FreezeReading(later(at), later(store), freezes))
    return set(moves(decided(rollout, sight, later(at))).values())


# -- approval gates


def test_gate_before_the_first_target_is_asked() -> None:
    rollout = given(gated(FIRST))
    actions = decided(rollout, seen(rollout, NOON), NOON)
    assert records(actions) == [e.ApprovalAsked(NOON, "first", NOON + HOURS)]
    assert not moves(actions)


def test_expiry_is_by_the_clock_of_the_store() -> None:
    rollout = given(gated(FIRST))
    sight = replace(seen(rollout, NOON), freezes=FreezeReading(NOON, later(5000)))
    assert records(decided(rollout, sight, NOON)) == [e.ApprovalAsked(NOON, "first", later(5000) + HOURS)]


def test_asked_gate_is_waited_for_without_a_limit() -> None:
    rollout = given(gated(FIRST), [asked("first")])
    actions = decided(rollout, seen(rollout, later(7200)), later(7200))
    assert not records(actions)
    assert "waiting for an answer to the gate first for 2h 00m" in whys(actions)


def test_approved_gate_lets_the_target_pass() -> None:
    rollout = given(gated(FIRST), [asked("first"), answered("first")])
    assert taken(rollout, 5) == {Phase.DRAINING}


def test_skipped_gate_lets_the_target_pass() -> None:
    rollout = given(gated(FIRST), [asked("first"), e.GateSkipped(later(1), "kim", "first", "by phone")])
    assert taken(rollout, 5) == {Phase.DRAINING}


def test_denied_gate_ends_the_rollout() -> None:
    rollout = given(gated(FIRST), [asked("first"), answered("first", approved=False)])
    assert taken(rollout, 5) == {Phase.SKIPPED}
    assert rollout.aborting == "kim"
    assert rollout.stopped is not None
    assert rollout.stopped.code == "gate_denied"


def test_denial_of_the_second_gate_names_that_gate() -> None:
    story = [asked("first"), answered("first"), *brought(gated(FIRST, REST), P.DONE), asked("rest")]
    rollout = given(gated(FIRST, REST), [*story, answered("rest", approved=False)])
    assert rollout.stopped is not None
    assert dict(rollout.stopped.data)["gate"] == "rest"


def test_gate_is_asked_once_enough_targets_are_done() -> None:
    plan = gated(REST)
    assert taken(given(plan), 5) == {Phase.DRAINING}
    rollout = given(plan, brought(plan, P.DONE))
    assert records(decided(rollout, seen(rollout, later(5)), later(5))) == [
        e.ApprovalAsked(later(5), "rest", later(5) + HOURS)
    ]


def test_no_more_targets_leave_than_the_gate_lets_pass() -> None:
    plan = gated(REST, targets=4, window=3)
    rollout = given(plan)
    assert len(moves(decided(rollout, seen(rollout, NOON), NOON))) == 1
    in_progress = given(plan, brought(plan, P.DRAINING))
    assert (room(in_progress), taken(in_progress, 1)) == (0, set())


def test_done_targets_use_up_the_room_before_a_gate() -> None:
    plan = gated(replace(REST, after=2), targets=4, window=3)
    rollout = given(plan, brought(plan, P.DONE))
    assert room(rollout) == 1


def test_gates_that_are_due_are_asked_together() -> None:
    rollout = given(gated(FIRST, Gate("second", 0, Approval(HOURS))))
    due = records(decided(rollout, seen(rollout, NOON), NOON))
    assert [getattr(event, "gate", None) for event in due] == ["first", "second"]
    both = given(gated(FIRST, Gate("second", 0, Approval(HOURS))), [asked("first"), asked("second")])
    assert "1 other gate" in whys(decided(both, seen(both, later(1)), later(1)))


def test_gate_that_expires_aborts_by_default() -> None:
    rollout = given(gated(FIRST), [asked("first")])
    over = HOURS.total_seconds()
    sight = replace(seen(rollout, later(9)), freezes=FreezeReading(later(9), later(over)))
    assert records(decided(rollout, sight, later(9))) == [e.ApprovalExpired(later(9), "first")]
    early = replace(seen(rollout, later(9)), freezes=FreezeReading(later(9), later(over - 1)))
    assert not records(decided(rollout, early, later(9)))
    ended = given(gated(FIRST), [asked("first"), e.ApprovalExpired(later(9), "first")])
    assert taken(ended, 10) == {Phase.SKIPPED}
    assert ended.aborting == "gate first"


def test_gate_that_expires_pauses_where_the_plan_says_so() -> None:
    gate = replace(REST, after=0)
    rollout = given(gated(gate), [asked("rest"), e.ApprovalExpired(later(9), "rest")])
    assert (rollout.paused, rollout.aborting, taken(rollout, 10)) == ("gate rest", None, set())


def test_resume_asks_an_expired_gate_again() -> None:
    gate = replace(REST, after=0)
    events: list[e.Event] = [asked("rest"), e.ApprovalExpired(later(9), "rest"), e.ResumeAsked(later(10), "kim")]
    rollout = given(gated(gate), events)
    assert asked("rest", 11) in records(decided(rollout, seen(rollout, later(11)), later(11)))


def test_pause_does_not_stop_the_clock_of_a_gate() -> None:
    rollout = given(gated(FIRST), [asked("first"), e.PauseAsked(later(1), "kim")])
    sight = replace(seen(rollout, later(9)), freezes=FreezeReading(later(9), NOON + HOURS))
    assert e.ApprovalExpired(later(9), "first") in records(decided(rollout, sight, later(9)))


def test_expired_pause_keeps_the_person_who_paused() -> None:
    gate = replace(REST, after=0)
    events: list[e.Event] = [asked("rest"), e.PauseAsked(later(1), "kim"), e.ApprovalExpired(later(9), "rest")]
    assert given(gated(gate), events).paused == "kim"


@pytest.mark.parametrize("word", [answered("other"), answered("rest"), e.ApprovalExpired(later(2), "rest")])
def test_answer_to_a_gate_that_does_not_wait_changes_nothing(word: e.Event) -> None:
    before = given(gated(FIRST), [asked("first")])
    after = given(gated(FIRST), [asked("first"), word])
    assert (after.gates, after.aborting, after.paused) == (before.gates, None, None)


def test_answer_after_an_abort_changes_nothing() -> None:
    rollout = given(gated(FIRST), [asked("first"), e.AbortAsked(later(1), "kim"), answered("first")])
    assert (rollout.asked_gates, rollout.aborting) == ((), "kim")


def test_time_of_a_gate_does_not_count_as_waiting() -> None:
    rollout = given(gated(FIRST), [asked("first"), e.GateAnswered(later(4000), "kim", "first", approved=True)])
    assert rollout.unacknowledged
    assert taken(rollout, 4001) == {Phase.DRAINING}


def test_revert_passes_every_gate() -> None:
    plan = replace(gated(FIRST, REST), spec=replace(gated(FIRST, REST).spec, revert=Command("ssm", "undo")))
    others: list[e.Event] = [*brought(plan, P.SKIPPED, 1), *brought(plan, P.SKIPPED, 2)]
    rollout = given(plan, brought(plan, P.DONE), others, [asked("rest"), e.RevertAsked(later(1), "kim")])
    assert Phase.DRAINING in taken(rollout, 5, freezes=(FREEZE,))
    assert not observation_request(rollout, seen(rollout, later(1)), later(60)).freezes


def test_retry_asks_a_denied_gate_again() -> None:
    plan = gated(REST)
    story: list[e.Event] = [asked("rest"), answered("rest", approved=False), e.Finished(later(2))]
    again = e.RetryAsked(later(3), "kim", (t(plan),))
    rollout = given(plan, brought(plan, P.DONE), story, [again])
    assert (rollout.gates, rollout.stopped) == ({}, None)


def test_gate_decision_of_each_state() -> None:
    plan = gated(FIRST, REST)
    none, waits = given(plan), given(plan, [asked("first")])
    assert isinstance(gate_decision(none, FIRST, NOON, NOON), Hold)
    assert isinstance(gate_decision(none, REST, NOON, NOON), Go)
    assert isinstance(gate_decision(waits, FIRST, NOON, NOON), Hold)
    assert isinstance(gate_decision(waits, FIRST, NOON + HOURS, NOON), Stop)
    passed = given(plan, [asked("first"), answered("first")])
    assert isinstance(gate_decision(passed, FIRST, NOON + HOURS, NOON), Go)
    denied = given(plan, [asked("first"), answered("first", approved=False)])
    assert isinstance(gate_decision(denied, FIRST, NOON, NOON), Stop)
    over = given(plan, [asked("first"), e.ApprovalExpired(later(1), "first")])
    assert isinstance(gate_decision(over, FIRST, NOON, NOON), Stop)


# -- freezes


@pytest.mark.parametrize("name", ["shop", a_plan().groups[0].arn])
def test_freeze_stops_the_next_take_out(name: str) -> None:
    rollout = given(a_plan())
    freeze = replace(FREEZE, name=name)
    actions = decided(rollout, seen(rollout, NOON, freezes=(freeze,)), NOON)
    assert records(actions) == [e.FreezeObserved(NOON, freeze)]
    assert "is frozen by ada since 2026-11-22 " in whys(actions)
    assert whys(actions).endswith(": the sale")


def test_freeze_of_another_name_stops_nothing() -> None:
    assert taken(given(a_plan()), 0, freezes=(replace(FREEZE, name="blog"),)) == {Phase.DRAINING}


def test_freeze_is_recorded_once() -> None:
    rollout = given(a_plan(), [e.FreezeObserved(NOON, FREEZE)])
    actions = decided(rollout, seen(rollout, later(5), freezes=(FREEZE,)), later(5))
    assert (records(actions), whys(actions) != "") == ([], True)


def test_lifted_freeze_lets_the_rollout_go_on() -> None:
    rollout = given(a_plan(), [e.FreezeObserved(NOON, FREEZE)])
    assert records(decided(rollout, seen(rollout, later(5)), later(5))) == [e.FreezeLifted(later(5))]
    free = given(a_plan(), [e.FreezeObserved(NOON, FREEZE), e.FreezeLifted(later(5000))])
    assert (free.frozen, taken(free, 5001)) == (None, {Phase.DRAINING})


def test_frozen_time_does_not_count_as_waiting() -> None:
    rollout = given(a_plan(), [e.FreezeObserved(NOON, FREEZE)])
    actions = decided(rollout, seen(rollout, later(9000), freezes=(FREEZE,)), later(9000))
    assert not moves(actions)


def test_freeze_lets_targets_in_progress_go_on() -> None:
    rollout = standing(a_plan(3, window=2), P.WARMING)
    actions = decided(rollout, seen(rollout, later(6), freezes=(FREEZE,)), later(6))
    assert moves(actions) == {t(rollout.plan): Phase.SOAKING}
    assert e.FreezeObserved(later(6), FREEZE) in records(actions)
    assert "frozen" not in whys(actions)


def test_unread_freezes_hold_the_take_out() -> None:
    rollout = given(a_plan())
    for reading in (None, FreezeReading(later(-10.5), later(-10.5))):
        actions = decided(rollout, replace(seen(rollout, NOON), freezes=reading), NOON)
        assert not moves(actions)
        assert "freezes in the journal have not been read" in whys(actions)
    fresh = replace(seen(rollout, NOON), freezes=FreezeReading(later(-10), later(-10)))
    assert moves(decided(rollout, fresh, NOON))


def test_unread_freezes_keep_a_frozen_rollout_frozen() -> None:
    rollout = given(a_plan(), [e.FreezeObserved(NOON, FREEZE)])
    actions = decided(rollout, replace(seen(rollout, later(9000)), freezes=None), later(9000))
    assert "is frozen by ada" in whys(actions)
    assert not moves(actions)


def test_take_out_rests_on_the_age_of_the_freezes() -> None:
    rollout = given(a_plan())
    sight = replace(seen(rollout, later(10)), freezes=FreezeReading(later(3), later(3)))
    [call] = [each for each in decided(rollout, sight, later(10)) if isinstance(each, Deregister)]
    assert call.observed == later(3)


def test_target_whose_call_never_returned_goes_back() -> None:
    rollout = standing(a_plan(), P.DRAINING, bare=True)
    actions = decided(rollout, seen(rollout, later(2), freezes=(FREEZE,)), later(2))
    [event] = records(actions)
    assert isinstance(event, e.PhaseChanged)
    assert (event.to, event.cause) == (Phase.RETURNING, Cause.FROZEN)


def test_repeated_call_rests_on_the_age_of_the_freezes() -> None:
    rollout = standing(a_plan(), P.DRAINING, bare=True)
    sight = replace(seen(rollout, later(8)), freezes=FreezeReading(later(2), later(2)))
    [call] = [each for each in decided(rollout, sight, later(8)) if isinstance(each, Deregister)]
    assert call.observed == later(2)


def test_repeated_call_waits_for_unread_freezes() -> None:
    rollout = standing(a_plan(), P.DRAINING, bare=True)
    actions = decided(rollout, replace(seen(rollout, later(2)), freezes=None), later(2))
    assert not [each for each in actions if isinstance(each, Deregister)]
    assert "have not been read" in whys(actions)


def test_target_whose_call_returned_goes_on() -> None:
    rollout = standing(a_plan(), P.DRAINING)
    sight = seen(rollout, later(31), {0: HealthState.ABSENT}, freezes=(FREEZE,))
    assert moves(decided(rollout, sight, later(31))) == {t(rollout.plan): Phase.OUT}


@pytest.mark.parametrize("intent", [Intent.REVERT, Intent.KEEP_OUT])
def test_freeze_stops_no_revert_and_no_failed_target(intent: Intent) -> None:
    plan = a_plan(revert=Command("ssm", "undo"))
    leaves = e.PhaseChanged(later(1), t(plan), Phase.DRAINING, intent=intent)
    before = brought(plan, P.DONE) if intent is Intent.REVERT else brought(plan, P.WARMING)
    words: list[e.Event] = [e.RevertAsked(NOON, "kim")] if intent is Intent.REVERT else []
    rollout = given(plan, before, words, [leaves])
    actions = decided(rollout, seen(rollout, later(2), freezes=(FREEZE,)), later(2))
    assert [each.target for each in actions if isinstance(each, Deregister)] == [t(plan)]


def test_frozen_attempt_is_not_counted() -> None:
    plan = a_plan()
    back: list[e.Event] = [
        e.PhaseChanged(later(1), t(plan), Phase.RETURNING, intent=Intent.RETURN, cause=Cause.FROZEN),
        e.PhaseChanged(later(2), t(plan), Phase.RETURNED),
    ]
    rollout = given(plan, brought(plan, P.DRAINING), back, [e.PhaseChanged(later(3), t(plan), Phase.DRAINING)])
    assert rollout.statuses[t(plan)].tries == 1


# -- what is read


def test_freezes_are_read_where_a_target_could_leave() -> None:
    rollout = given(a_plan())
    assert observation_request(rollout, seen(rollout, NOON), later(5)).freezes
    assert not observation_request(rollout, seen(rollout, NOON), later(4.9)).freezes


def test_freezes_are_not_read_while_nothing_can_leave() -> None:
    working = standing(a_plan(), P.WORKING)
    assert not observation_request(working, seen(working, NOON), later(60)).freezes
    paused = given(a_plan(), brought(a_plan(), P.SOAKING), [e.PauseAsked(later(1), "kim")])
    assert not observation_request(paused, seen(paused, NOON), later(60)).freezes


def test_freezes_are_read_before_a_place_becomes_free() -> None:
    soaking = given(a_plan(2, soak=seconds(30)), brought(a_plan(2, soak=seconds(30)), P.SOAKING))
    assert not observation_request(soaking, seen(soaking, NOON), later(20)).freezes
    assert observation_request(soaking, seen(soaking, NOON), later(25)).freezes


def test_store_is_read_while_an_answer_is_awaited() -> None:
    rollout = given(gated(FIRST), [asked("first"), e.PauseAsked(later(1), "kim")])
    assert observation_request(rollout, seen(rollout, NOON), later(60)).freezes


# -- promote


def test_promoted_target_soaks_no_longer() -> None:
    plan = a_plan(soak=seconds(60))
    rollout = given(plan, brought(plan, P.SOAKING), [e.PromoteAsked(later(1), "kim")])
    assert moves(decided(rollout, seen(rollout, later(4.9)), later(4.9))) == {}
    assert moves(decided(rollout, seen(rollout, later(5)), later(5))) == {t(plan): Phase.DONE}


def test_promote_keeps_a_shorter_soak() -> None:
    plan = a_plan(soak=seconds(1))
    rollout = given(plan, brought(plan, P.SOAKING), [e.PromoteAsked(NOON, "kim")])
    assert moves(decided(rollout, seen(rollout, later(1)), later(1))) == {t(plan): Phase.DONE}


def test_promote_reaches_no_target_that_does_not_soak() -> None:
    plan = a_plan(soak=seconds(60))
    rollout = given(plan, brought(plan, P.WARMING), [e.PromoteAsked(NOON, "kim")])
    assert not rollout.statuses[t(plan)].promoted


def test_unhealthy_target_loses_its_promotion() -> None:
    plan = a_plan(soak=seconds(60))
    story: list[e.Event] = [e.PromoteAsked(NOON, "kim"), e.BecameUnhealthy(later(1), t(plan), "")]
    rollout = given(plan, brought(plan, P.SOAKING), story, [e.ObservedServing(later(2), t(plan))])
    assert moves(decided(rollout, seen(rollout, later(20)), later(20))) == {}


def test_done_target_is_promoted_no_more() -> None:
    plan = a_plan()
    rollout = given(plan, brought(plan, P.SOAKING), [e.PromoteAsked(NOON, "kim")])
    done = given(plan, brought(plan, P.SOAKING), [e.PromoteAsked(NOON, "kim"), e.PhaseChanged(NOON, t(plan), P.DONE)])
    assert (rollout.statuses[t(plan)].promoted, done.statuses[t(plan)].promoted) == (True, False)


def test_no_target_is_taken_out_while_a_weight_settles() -> None:
    state = given(replace(a_plan(), not_before=later(60)), [])
    waits = held_up(state, Observation(), None, later(50))
    assert isinstance(waits, list)
    assert [action.reason.code for action in waits if isinstance(action, Wait)] == ["weight_settling"]
    assert held_up(state, Observation(), None, later(60)) == NOT_READ
