"""Tests of gates that read a condition: when they hold, let go, stop and revert, and what missing or old data does."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.given import (
    P,
    a_plan,
    brought,
    decided,
    deregistered,
    given,
    later,
    moves,
    records,
    seconds,
    seen,
    t,
    whys,
)

from katakei.domain import events as e
from katakei.domain.actions import Action
from katakei.domain.gate_conditions import GateMoment, GateOutcome, GateProbe
from katakei.domain.gates import GateReading, GateState, GateVerdict
from katakei.domain.observation import Observation
from katakei.domain.phases import Cause, Phase
from katakei.domain.plan import Plan
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.results import Result, result
from katakei.domain.spec import Approval, Command, Gate, Overlap
from katakei.reconcile.gating import room
from katakei.reconcile.observe import observation_request

BEFORE, SOAK, END = GateMoment
HOLD, STOP, REVERT = GateOutcome
PASSES, FAILS, UNKNOWN = GateVerdict
BUSY = reason(ReasonCode.GATE_REPORT, text="answered 503")


def quiet(*moments: GateMoment, outcome: GateOutcome = HOLD, after: int = 0) -> Gate:
    return Gate("quiet", after, probe=GateProbe("http://127.0.0.1/quiet"), moments=moments, outcome=outcome)


def gated(*gates: Gate, targets: int = 2, **more: Any) -> Plan:
    return a_plan(targets, gates=gates, revert=Command("ssm", "undo"), **more)


def read(rollout: Rollout, at: float, verdict: GateVerdict | None, age: float = 0) -> Observation:
    """All is well at this moment, and the gate says this."""
    said = GateReading(later(at - age), verdict, None if verdict is PASSES else BUSY) if verdict else None
    return replace(seen(rollout, later(at)), gates={"quiet": said} if said else {})


def turned(rollout: Rollout, verdict: GateVerdict | None, at: float = 60, age: float = 0) -> Sequence[Action]:
    return decided(rollout, read(rollout, at, verdict, age), later(at))


def held(why: ReasonCode, at: float = 60, told: Reason | None = BUSY) -> e.GateHeld:
    return e.GateHeld(later(at), "quiet", reason(why, gate="quiet", waited=seconds(0), why=told, rollout="r-test"))


HOLDS, DATA = ReasonCode.GATE_HOLDS, ReasonCode.GATE_WITHOUT_DATA


# -- before a target is taken out


def test_met_condition_lets_the_target_leave() -> None:
    plan = gated(quiet(BEFORE))
    assert deregistered(turned(given(plan), PASSES)) == [t(plan)]
    assert deregistered(turned(given(plan), PASSES, age=60)) == [t(plan)]


def test_unmet_condition_holds_the_target() -> None:
    actions = turned(given(gated(quiet(BEFORE))), FAILS)
    assert (records(actions), deregistered(actions)) == ([held(HOLDS)], [])
    assert whys(actions) == (
        "the gate quiet has held the rollout for 0s: answered 503; to skip it, run:"
        " katakei promote r-test --skip-gate quiet --reason TEXT"
    )


@pytest.mark.parametrize(("verdict", "age", "told"), [(UNKNOWN, 0, BUSY), (None, 0, None), (PASSES, 60.1, None)])
@pytest.mark.parametrize("outcome", GateOutcome)
def test_missing_and_old_data_only_hold(
    verdict: GateVerdict | None, age: float, told: Reason | None, outcome: GateOutcome
) -> None:
    actions = turned(given(gated(quiet(BEFORE, outcome=outcome))), verdict, age=age)
    assert (records(actions), deregistered(actions)) == ([held(DATA, told=told)], [])
    assert "has had no current data" in whys(actions)


@pytest.mark.parametrize("outcome", [STOP, REVERT])
def test_old_failure_stops_nothing(outcome: GateOutcome) -> None:
    actions = turned(given(gated(quiet(BEFORE, outcome=outcome))), FAILS, age=61)
    assert records(actions) == [held(DATA, told=None)]


def test_hold_is_recorded_once_for_each_reason() -> None:
    plan = gated(quiet(BEFORE))
    rollout = given(plan, [held(HOLDS)])
    assert records(turned(rollout, FAILS, 70)) == []
    assert "for 10s" in whys(turned(rollout, FAILS, 70))
    assert [type(event) for event in records(turned(rollout, UNKNOWN, 70))] == [e.GateHeld]
    again = given(plan, [held(HOLDS), held(DATA, 70)])
    assert again.gates["quiet"].since == later(60)


def test_released_gate_lets_the_rollout_go_on() -> None:
    plan = gated(quiet(BEFORE))
    rollout = given(plan, [held(HOLDS)])
    assert rollout.holding_gates == ("quiet",)
    assert records(turned(rollout, PASSES, 5000)) == [e.GateReleased(later(5000), "quiet")]
    free = given(plan, [held(HOLDS), e.GateReleased(later(5000), "quiet")])
    assert (free.holding_gates, free.moved) == ((), later(5000))
    assert deregistered(turned(free, PASSES, 5001)) == [t(plan)]


def test_held_time_is_no_waiting() -> None:
    """Unread freezes do not skip the targets of a rollout that a gate has held for long."""
    rollout = given(gated(quiet(BEFORE)), [held(HOLDS)])
    actions = decided(rollout, replace(read(rollout, 9000, FAILS), freezes=None), later(9000))
    assert moves(actions) == {}
    asked = given(a_plan(gates=(Gate("first", 0, Approval()),)), [e.ApprovalAsked(later(1), "first", later(99999))])
    actions = decided(asked, replace(seen(asked, later(9000)), freezes=None), later(9000))
    assert moves(actions) == {}


def test_gate_counts_only_from_its_number_on() -> None:
    plan = gated(quiet(BEFORE, after=1), targets=3)
    assert deregistered(turned(given(plan), FAILS)) == [t(plan)]
    assert deregistered(turned(given(plan, brought(plan, P.DONE)), FAILS)) == []
    assert room(given(plan)) == plan.window


def test_approval_and_freeze_come_before_conditions() -> None:
    plan = gated(Gate("first", 0, Approval()), quiet(BEFORE))
    assert [type(event) for event in records(turned(given(plan), FAILS))] == [e.ApprovalAsked]


def test_question_and_condition_are_waited_for_together() -> None:
    plan = gated(quiet(BEFORE), Gate("first", 0, Approval()))
    story: list[e.Event] = [held(HOLDS), e.ApprovalAsked(later(61), "first", later(7200))]
    assert given(plan, story).waiting_gates == ("first", "quiet")
    assert given(plan, story[:1]).waiting_gates == ("quiet",)
    assert given(plan, story, [e.Finished(later(62))]).waiting_gates == ()


def test_skipped_gate_holds_nothing_any_more() -> None:
    plan = gated(quiet(BEFORE))
    skips = e.GateSkipped(later(61), "kim", "quiet", "known")
    rollout = given(plan, [held(HOLDS), skips])
    assert (rollout.gates["quiet"].state, rollout.gates["quiet"].by) == (GateState.SKIPPED, "kim")
    assert deregistered(turned(rollout, FAILS, 70)) == [t(plan)]
    assert given(plan, [skips]).gates == {}
    answered = e.GateAnswered(later(61), "kim", "quiet", approved=True)
    assert given(plan, [held(HOLDS), answered]).holding_gates == ("quiet",)


def test_gate_holds_no_target_in_progress() -> None:
    plan = gated(quiet(BEFORE))
    rollout = given(plan, brought(plan, P.WARMING))
    assert moves(turned(rollout, FAILS, 10)) == {t(plan): Phase.SOAKING}


# -- stop and revert


def test_unmet_condition_stops_the_rollout() -> None:
    plan = gated(quiet(BEFORE, outcome=STOP))
    why = reason(ReasonCode.GATE_FAILED, gate="quiet", why=BUSY)
    stops = e.GateStopped(later(60), "quiet", why, reverts=False)
    assert records(turned(given(plan), FAILS)) == [stops]
    rollout = given(plan, brought(plan, P.DONE), [stops])
    assert (rollout.stopped, rollout.aborting, rollout.holding_gates) == (why, "gate quiet", ())
    [skipped] = records(turned(rollout, FAILS, 61))
    assert isinstance(skipped, e.PhaseChanged)
    assert (skipped.to, skipped.cause, skipped.reason) == (Phase.SKIPPED, Cause.ABORTED, why)
    over = given(plan, brought(plan, P.DONE), [stops, skipped, e.Finished(later(62))])
    assert result(over) is Result.ABORTED


def test_unmet_condition_reverts_the_rollout() -> None:
    plan = gated(quiet(BEFORE, outcome=REVERT))
    rollout = given(plan, brought(plan, P.DONE))
    [stops] = records(turned(rollout, FAILS))
    assert isinstance(stops, e.GateStopped)
    assert stops.reverts
    back = given(plan, brought(plan, P.DONE), [stops])
    assert (back.reverting, back.aborting, back.conditions) == ("gate quiet", None, [])
    gone = e.PhaseChanged(later(61), t(plan, 1), P.SKIPPED)
    actions = turned(given(plan, brought(plan, P.DONE), [stops, gone]), FAILS, 62)
    assert deregistered(actions) == [t(plan)]


# -- at the end of a soak


def soaked(gate: Gate) -> tuple[Plan, Rollout]:
    plan = gated(gate, soak=seconds(10))
    return plan, given(plan, brought(plan, P.SOAKING))


def test_gate_of_the_soak_keeps_the_target_soaking() -> None:
    plan, rollout = soaked(quiet(SOAK))
    assert moves(turned(rollout, PASSES, 10)) == {t(plan): Phase.DONE}
    actions = turned(rollout, FAILS, 10)
    assert (moves(actions), records(actions)) == ({}, [held(HOLDS, 10)])
    assert records(turned(rollout, None, 10)) == [held(DATA, 10, None)]
    assert records(turned(rollout, FAILS, 9)) == []


def test_gate_of_the_soak_stops_and_reverts() -> None:
    plan, rollout = soaked(quiet(SOAK, outcome=STOP))
    [stops] = records(turned(rollout, FAILS, 10))
    assert isinstance(stops, e.GateStopped)
    stopped = given(plan, brought(plan, P.SOAKING), [stops])
    assert moves(turned(stopped, FAILS, 11))[t(plan)] is Phase.DONE
    plan, rollout = soaked(quiet(SOAK, outcome=REVERT))
    [reverts] = records(turned(rollout, FAILS, 10))
    back = given(plan, brought(plan, P.SOAKING), [reverts])
    assert moves(turned(back, FAILS, 11))[t(plan)] is Phase.DONE


def test_gate_of_the_soak_asks_nothing_of_a_failed_target() -> None:
    plan, _ = soaked(quiet(SOAK))
    failed = e.PhaseChanged(later(0), t(plan), P.SOAKING, cause=Cause.FAILED)
    story = [*brought(plan, P.WARMING), failed]
    rollout = given(plan, story)
    assert moves(turned(rollout, FAILS, 10))[t(plan)] is Phase.FAILED_SERVING


def test_condition_stands_between_two_that_overlap() -> None:
    for gate in (quiet(BEFORE), quiet(SOAK)):
        plan = gated(gate, targets=4, soak=seconds(30), overlap=Overlap.AUTO)
        rollout = given(plan, brought(plan, P.SOAKING))
        calls = []
        for verdict in (PASSES, FAILS, None):
            watched = {group.arn: later(-100) for group in plan.groups}
            observation = replace(read(rollout, 10, verdict), watched=watched)
            calls.append(deregistered(decided(rollout, observation, later(10))))
        assert calls == [[t(plan, 1)], [], []]


# -- at the end of the rollout


def test_gate_of_the_end_holds_the_end() -> None:
    plan = gated(quiet(END), targets=1, floor=0)
    rollout = given(plan, brought(plan, P.DONE))
    assert records(turned(rollout, PASSES)) == [e.Finished(later(60))]
    actions = turned(rollout, FAILS)
    assert records(actions) == [held(HOLDS)]
    assert "quiet" in whys(actions)
    assert records(turned(rollout, None)) == [held(DATA, told=None)]
    later_on = given(plan, brought(plan, P.DONE), [held(HOLDS)])
    assert records(turned(later_on, PASSES, 70)) == [e.GateReleased(later(70), "quiet")]


def test_gate_of_the_end_stops_and_reverts() -> None:
    for outcome, aborting, reverting in ((STOP, "gate quiet", None), (REVERT, None, "gate quiet")):
        plan = gated(quiet(END, outcome=outcome), targets=1, floor=0)
        stops = records(turned(given(plan, brought(plan, P.DONE)), FAILS))
        assert [type(event) for event in stops] == [e.GateStopped]
        rollout = given(plan, brought(plan, P.DONE), stops)
        assert (rollout.aborting, rollout.reverting) == (aborting, reverting)
        assert (e.Finished(later(62)) in records(turned(rollout, FAILS, 62))) is (outcome is STOP)


def test_resume_keeps_a_holding_gate() -> None:
    plan = gated(quiet(BEFORE))
    story: list[e.Event] = [held(HOLDS), e.PauseAsked(later(61), "kim"), e.ResumeAsked(later(62), "kim")]
    assert given(plan, story).holding_gates == ("quiet",)
    assert given(plan, [held(HOLDS), e.Finished(later(61))]).holding_gates == ()


# -- what is read


def test_condition_is_read_every_15_seconds_where_it_matters() -> None:
    plan = gated(quiet(BEFORE))
    rollout = given(plan)
    assert observation_request(rollout, Observation(), later(60)).gates == ("quiet",)
    assert observation_request(rollout, read(rollout, 60, PASSES), later(74.9)).gates == ()
    assert observation_request(rollout, read(rollout, 60, PASSES), later(75)).gates == ("quiet",)


def test_condition_is_not_read_while_it_decides_nothing() -> None:
    plan = gated(quiet(BEFORE, SOAK, END))
    asked = {
        phase: observation_request(given(plan, brought(plan, phase)), Observation(), later(60)).gates
        for phase in (P.WORKING, P.WARMING, P.SOAKING)
    }
    assert asked == {P.WORKING: (), P.WARMING: ("quiet",), P.SOAKING: ("quiet",)}
    aborted = given(plan, [e.AbortAsked(later(1), "kim")])
    assert observation_request(aborted, Observation(), later(60)).gates == ()
    approvals = given(a_plan(gates=(Gate("first", 0, Approval()),)))
    assert observation_request(approvals, Observation(), later(60)).gates == ()


def test_store_is_read_while_a_condition_holds() -> None:
    rollout = given(gated(quiet(BEFORE)), [held(HOLDS), e.PauseAsked(later(61), "kim")])
    assert observation_request(rollout, seen(rollout, later(0)), later(60)).freezes
