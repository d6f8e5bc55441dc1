"""Tests of promote, of answers to gates, and of freezes as a person gives them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.app.fakes import SPEC, Stage, proposed, started, until

from katakei.app.control import Control
from katakei.app.freezes import Freezing
from katakei.app.preflight import RolloutRequest
from katakei.app.rollouts import Proposal, Rollouts
from katakei.domain import events as e
from katakei.domain.errors import FrozenError, RefusedError, UsageError
from katakei.domain.gates import GateState
from katakei.domain.model import RolloutId
from katakei.domain.phases import Phase
from katakei.domain.replay import replay
from katakei.domain.spec import Approval, Gate

ID = RolloutId("r-new")
GATES = (Gate("first", 0, Approval(timedelta(minutes=10))), Gate("rest", 1, Approval()))
GATED, PLAIN = RolloutRequest(replace(SPEC, gates=GATES)), RolloutRequest(SPEC)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_approved_gate_lets_the_rollout_go_on(stage: Stage) -> None:
    with started(stage, GATED) as session:
        until(stage, session, e.ApprovalAsked)
        control = Control(stage.drivers, who="ada")
        with pytest.raises(UsageError, match="gate first waits"):
            control.approve(ID, ())
        control.answer_gate(ID, "first", approved=True)
        until(stage, session, e.Deregistered)
    assert replay(stage.events()).gates["first"].by == "ada"


def test_denied_gate_aborts_the_rollout(stage: Stage) -> None:
    with started(stage, GATED) as session:
        until(stage, session, e.ApprovalAsked)
        Control(stage.drivers).answer_gate(ID, "first", approved=False)
        until(stage, session, e.Finished)
    assert not stage.changes


def test_answers_that_make_no_sense_are_refused(stage: Stage) -> None:
    with started(stage, GATED) as session:
        until(stage, session, e.ApprovalAsked)
        control = Control(stage.drivers)
        for gate, said in (("nothing", "has no gate nothing"), ("rest", "is not due yet")):
            with pytest.raises(UsageError, match=said):
                control.answer_gate(ID, gate, approved=True)
        for why, said in (("  ", "for a reason"), ("x" * 501, "501 characters")):
            with pytest.raises(UsageError, match=said):
                control.skip_gate(ID, "first", why)
        with pytest.raises(UsageError, match=r"nothing to promote; .*--gate: first"):
            control.promote(ID)
        before = len(stage.events())
        control.skip_gate(ID, "first", "checked\nby phone")
        assert stage.events()[before:] == [e.GateSkipped(stage.clock.now(), "kim", "first", "checked by phone")]
        with pytest.raises(UsageError, match="was skipped already by kim"):
            control.answer_gate(ID, "first", approved=True)


def test_answer_after_the_expiry_is_refused(stage: Stage) -> None:
    with started(stage, GATED) as session:
        until(stage, session, e.ApprovalAsked)
        stage.clock.sleep(timedelta(minutes=10))
        control = Control(stage.drivers)
        with pytest.raises(RefusedError, match="too late"):
            control.answer_gate(ID, "first", approved=True)
        with pytest.raises(RefusedError, match="too late"):
            control.skip_gate(ID, "first", "by phone")
        until(stage, session, e.Finished)
    assert replay(stage.events()).gates["first"].state is GateState.EXPIRED


def test_promote_ends_the_soak_that_runs(stage: Stage) -> None:
    with started(stage, RolloutRequest(replace(SPEC, soak=timedelta(hours=1)))) as session:
        while not session.rollout.by_phase[Phase.SOAKING]:
            turn = session.step()
            stage.clock.sleep(turn.due - turn.now)
        began, [target] = stage.clock.now(), Control(stage.drivers).promote(ID)
        while session.rollout.statuses[target].phase is Phase.SOAKING:
            turn = session.step()
            stage.clock.sleep(turn.due - turn.now)
        assert session.rollout.statuses[target].phase is Phase.DONE
        assert stage.clock.now() - began < timedelta(minutes=1)


def test_freeze_refuses_a_new_rollout(stage: Stage) -> None:
    frozen = Freezing(stage.drivers, who="ada").freeze_group("web", "the sale")
    assert (frozen.freeze.who, frozen.rollouts) == ("ada", ())
    since = r"web is frozen by ada since 20.+: the sale\. To lift it, run: katakei unfreeze web"
    with pytest.raises(FrozenError, match=since):
        Rollouts(stage.drivers).open(PLAIN)
    assert not stage.store.events
    assert [notice.code for notice in Rollouts(stage.drivers).plan(PLAIN).notices] == ["frozen"]
    Freezing(stage.drivers).unfreeze("web")
    started(stage, PLAIN).close()


def test_freeze_before_the_start_refuses_the_plan(stage: Stage) -> None:
    proposal = proposed(stage, PLAIN)
    Freezing(stage.drivers).freeze_service("shop")
    with pytest.raises(FrozenError):
        Rollouts(stage.drivers).start(proposal)
    assert not stage.store.events


def test_roll_waits_for_the_end_of_a_freeze(stage: Stage) -> None:
    Freezing(stage.drivers).freeze_service("shop", until=timedelta(minutes=2))
    began = stage.clock.now()
    with pytest.raises(FrozenError):
        Rollouts(stage.drivers).open(RolloutRequest(SPEC, lock_wait=timedelta(minutes=1)))
    opened = Rollouts(stage.drivers).open(RolloutRequest(SPEC, lock_wait=timedelta(minutes=5)))
    assert isinstance(opened, Proposal)
    opened.discard()
    assert stage.clock.now() - began < timedelta(minutes=3)


def test_freeze_holds_a_running_rollout_until_it_is_lifted(stage: Stage) -> None:
    with started(stage, PLAIN) as session:
        frozen = Freezing(stage.drivers).freeze_service("shop")
        assert (frozen.rollouts, frozen.ignored_by) == ((ID,), ())
        until(stage, session, e.FreezeObserved)
        assert not stage.changes
        lifted = Freezing(stage.drivers).unfreeze("shop")
        assert lifted.name == "shop"
        until(stage, session, e.Deregistered)


def test_unfreeze_of_what_is_not_frozen_is_refused(stage: Stage) -> None:
    with pytest.raises(UsageError, match="web is not frozen; frozen: nothing"):
        Freezing(stage.drivers).unfreeze("web")


def test_freeze_with_a_long_reason_is_refused(stage: Stage) -> None:
    with pytest.raises(UsageError, match="501 characters"):
        Freezing(stage.drivers).freeze_service("shop", "x" * 501)
