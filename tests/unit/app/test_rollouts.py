"""The way of a rollout: proposal, confirmation, session; and the lease on that way."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contracts.ledgers import LEDGERS, Ledger, owner, planned
from tests.properties.builders import group, seconds
from tests.properties.simulated_aws import By
from tests.unit.app.fakes import OTHER, REQUEST, SPEC, Stage, proposed, started
from tests.unit.given import a_plan

from katakei.adapters.journals import lease_holders
from katakei.adapters.system.process import ProcessFate
from katakei.app import rollouts as app_rollouts
from katakei.app.manual_steps import manual_step
from katakei.app.recorded_commands import RecordedByOtherError
from katakei.app.rollouts import Proposal, RolloutRequest, Rollouts, changes
from katakei.domain import events as e
from katakei.domain.errors import (
    KatakeiError,
    LeaseHeldError,
    LeaseLostError,
    NoAnswerError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from katakei.domain.model import RolloutId
from katakei.domain.phases import Phase
from katakei.domain.plan import PlanKind
from katakei.domain.spec import Check, Command, HttpCheck
from katakei.runtime import lease_keeper
from katakei.runtime.session import RolloutSession

RIVAL = RolloutId("r-rival")
ARNS = frozenset([group("web").arn])


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with LEDGERS["sqlite"](tmp_path) as made:
        yield made


def rival_takes(stage: Stage) -> None:
    """Raises LeaseHeldError while the lease is held."""
    stage.store.take(stage.groups, OTHER, RIVAL, frozenset(), stage.aws.clock.time)


# -- request to session


def test_open_proposes_and_changes_nothing(stage: Stage) -> None:
    proposal = proposed(stage)
    assert [target.id for target in proposal.plan.targets] == list(stage.aws.targets)
    assert proposal.restore_lines == tuple(f"register {target}:80" for target in stage.aws.targets)
    assert (stage.events(), stage.changes) == ([], [])
    with pytest.raises(LeaseHeldError):
        rival_takes(stage)


def test_start_records_the_plan_and_steps_to_the_end(stage: Stage) -> None:
    with started(stage) as session:
        assert not session.carried_on
        assert [type(event) for event in stage.events()] == [e.Planned]
        turns = list(session.turns())
    assert turns[-1].over
    assert all(turn.due >= turn.now for turn in turns)
    assert set(turns[-1].rollout.by_phase[Phase.DONE]) == set(stage.aws.targets)
    assert stage.changes == ["deregister", "start", "register"] * 2
    rival_takes(stage)


def test_step_takes_one_turn_and_says_when_the_next_is_due(stage: Stage) -> None:
    session = started(stage)
    before = stage.clock.now()
    turn = session.step()
    assert (turn.over, turn.due > before) == (False, True)
    assert [type(event) for event in stage.events()[:2]] == [e.Planned, e.OwnerChanged]


def test_interrupt_ends_the_session_between_targets(stage: Stage) -> None:
    with started(stage) as session:
        for turn in session.turns():
            if turn.rollout.by_phase[Phase.WORKING]:
                session.interrupt("SIGINT")
    assert session.rollout.interrupted
    assert (len(session.rollout.by_phase[Phase.DONE]), len(session.rollout.by_phase[Phase.WAITING])) == (1, 1)


def test_open_carries_an_unfinished_rollout_on(stage: Stage) -> None:
    with started(stage) as session:
        session.step()
    again = Rollouts(stage.drivers).open(REQUEST)
    assert isinstance(again, RolloutSession)
    assert (again.carried_on, again.plan) == (True, session.plan)


def test_open_refuses_another_request_while_one_is_unfinished(stage: Stage) -> None:
    with started(stage) as session:
        session.step()
    with pytest.raises(RefusedError, match=r"differs: release v2, now v3\. Carry it on as planned with --as-recorded"):
        Rollouts(stage.drivers).open(replace(REQUEST, release="v3"))
    with pytest.raises(RefusedError, match="carry it on with `katakei roll` as you began it, or end it with"):
        Rollouts(stage.drivers).open(manual_step(PlanKind.DEREGISTER, "web", ("web0",)))
    assert isinstance(Rollouts(stage.drivers).open(replace(REQUEST, release="v3", as_recorded=True)), RolloutSession)


def test_open_shows_the_commands_of_another_person_first(stage: Stage) -> None:
    with started(stage) as session:
        session.step()
    away = stage.drivers_of(OTHER)
    assert isinstance(Rollouts(away).open(REQUEST), RolloutSession)  # the very command that was recorded
    stage.store.holders.clear()
    other = replace(REQUEST, spec=replace(SPEC, work=Command("ssm", "./other")), as_recorded=True)
    with pytest.raises(RecordedByOtherError, match=r"work ssm: \./deploy\. To run them, add --yes"):
        Rollouts(away).open(other)
    assert stage.store.holders == {}
    assert isinstance(Rollouts(away).open(replace(other, accept_others=True)), RolloutSession)
    stage.store.holders.clear()
    stage.drivers.journal.tell(RolloutId("r-new"), e.AbortAsked(stage.clock.now(), "kim"))
    assert isinstance(Rollouts(away).open(other), RolloutSession)


def test_plan_takes_no_lease_and_names_the_unfinished_rollout(stage: Stage) -> None:
    plan = Rollouts(stage.drivers).plan(REQUEST)
    assert (plan.rollout, stage.store.holders, stage.events()) == ("plan", {}, [])
    with started(stage) as session:
        session.step()
    assert Rollouts(stage.drivers).plan(REQUEST).rollout == "r-new"
    assert stage.store.holders == {}


@pytest.mark.parametrize("kind", [PlanKind.DEREGISTER, PlanKind.REGISTER])
def test_manual_step_goes_the_same_way(stage: Stage, kind: PlanKind) -> None:
    request = manual_step(kind, "web", ("web0",))
    with started(stage, request) as session:
        plan = list(session.turns())[-1].rollout.plan
    assert (plan.kind, plan.spec.service, len(plan.targets)) == (kind, "web", 1)


def test_unknown_target_gives_the_lease_back(stage: Stage) -> None:
    with pytest.raises(UsageError, match="web9"):
        Rollouts(stage.drivers).open(manual_step(PlanKind.DEREGISTER, "web", ("web9",)))
    rival_takes(stage)


# -- changes


def test_changes_is_empty_for_the_same_request() -> None:
    plan = a_plan()
    assert changes(plan, RolloutRequest(plan.spec, plan.release)) == ()


def test_changes_names_release_and_configuration() -> None:
    plan = a_plan()
    other = replace(plan.spec, groups=("other",))
    told = changes(replace(plan, release="v2"), RolloutRequest(other, "v3"))
    assert told[0].startswith("balancer.alb.target_groups ")
    assert told[1] == "release v2, now v3"
    assert changes(replace(plan, release="v2"), RolloutRequest(plan.spec)) == ("release v2, now none",)


def test_changes_ignores_a_dropped_health_check() -> None:
    plan = a_plan(check=Check(asked=False))
    assert changes(plan, RolloutRequest(replace(plan.spec, check=Check()), plan.release)) == ()
    asked = replace(plan.spec, check=Check(HttpCheck("/health")))
    assert changes(plan, RolloutRequest(asked, plan.release)) != ()


@pytest.mark.parametrize(("slow", "asked", "same"), [(60, 10, True), (60, 90, False), (0, 10, False), (30, 10, False)])
def test_changes_ignores_a_soak_of_the_slow_start(slow: int, asked: int, same: bool) -> None:  # noqa: FBT001 - a row
    plan = a_plan(soak=seconds(60))
    plan = replace(plan, groups=tuple(replace(group, slow_start=seconds(slow)) for group in plan.groups))
    spec = replace(plan.spec, soak=seconds(asked))
    assert (changes(plan, RolloutRequest(spec, plan.release)) == ()) is same


def test_changes_ignores_name_or_arn_of_a_group() -> None:
    plan = a_plan()
    by_name = replace(plan, spec=replace(plan.spec, groups=(plan.groups[0].name,)))
    by_arn = replace(plan.spec, groups=(plan.groups[0].arn,))
    assert changes(by_name, RolloutRequest(by_arn, plan.release)) == ()


# -- confirmation


def test_error_while_asking_gives_the_lease_back(stage: Stage) -> None:
    with pytest.raises(KeyboardInterrupt), proposed(stage):
        raise KeyboardInterrupt
    assert stage.events() == []
    rival_takes(stage)


def test_start_after_fifteen_minutes_is_refused(stage: Stage) -> None:
    proposal = proposed(stage)
    stage.clock.sleep(seconds(15 * 60 + 1))
    with pytest.raises(RefusedError, match="not confirmed within 15m; nothing was changed"):
        Rollouts(stage.drivers).start(proposal)
    assert (stage.events(), stage.changes) == ([], [])
    rival_takes(stage)


def test_heartbeat_is_bounded_while_a_plan_waits_for_confirmation(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_keeper, "HEARTBEAT_INTERVAL", seconds(0.01))
    proposal = proposed(stage)
    assert proposal.confirm_until - stage.clock.now() == seconds(15 * 60)
    assert beats(stage)
    stage.aws.clock.time = proposal.confirm_until + seconds(1)
    assert rests(stage)
    proposal.discard()


def beats(stage: Stage) -> bool:
    """Whether the lease is renewed twice by its thread, within 10 s."""
    heart, end = stage.store.heartbeats[stage.drivers.owner], threading.Event()
    before = len(heart.renewed)
    return any(len(heart.renewed) > before + 1 or end.wait(0.01) for _ in range(1000))


def rests(stage: Stage) -> bool:
    """Whether no heartbeat is sent for ten of its intervals; one may have been under way."""
    heart, end = stage.store.heartbeats[stage.drivers.owner], threading.Event()
    end.wait(0.02)
    before = len(heart.renewed)
    end.wait(0.1)
    return len(heart.renewed) == before


def test_heartbeat_of_a_session_stops_when_no_turn_is_taken(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_keeper, "HEARTBEAT_INTERVAL", seconds(0.01))
    session = started(stage)
    assert beats(stage)
    stage.clock.sleep(seconds(61))
    assert rests(stage)
    session.close()


def test_turns_move_the_bound_of_the_heartbeat(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_keeper, "HEARTBEAT_INTERVAL", seconds(0.01))
    session = started(stage)
    stage.clock.sleep(seconds(15 * 60 + 1))
    session.step()
    assert beats(stage)
    stage.clock.sleep(seconds(50))
    assert beats(stage)
    stage.clock.sleep(seconds(120))
    assert rests(stage)
    session.step()
    assert beats(stage)
    session.close()


def test_start_within_a_minute_does_not_repeat_the_survey(stage: Stage) -> None:
    proposal = proposed(stage)
    stage.clock.sleep(seconds(59))
    asked = len(stage.aws.log.calls)
    assert isinstance(Rollouts(stage.drivers).start(proposal), RolloutSession)
    assert [call.kind for call in stage.aws.log.calls[asked:]] == ["prove"]


def test_start_after_a_minute_repeats_the_survey(stage: Stage) -> None:
    proposal = proposed(stage)
    stage.clock.sleep(seconds(61))
    asked = len(stage.aws.log.calls)
    assert isinstance(Rollouts(stage.drivers).start(proposal), RolloutSession)
    assert "members" in [call.kind for call in stage.aws.log.calls[asked:]]


def test_start_proposes_again_when_the_newer_plan_differs(stage: Stage) -> None:
    proposal = proposed(stage)
    stage.clock.sleep(seconds(61))
    (fallen, *_) = stage.aws.past
    stage.aws.fall(fallen)
    again = Rollouts(stage.drivers).start(proposal)
    assert isinstance(again, Proposal)
    assert [target.id for target in again.plan.targets] == [target.id for target in reversed(proposal.plan.targets)]
    assert (again.plan.rollout, again.lease, stage.events()) == (proposal.plan.rollout, proposal.lease, [])
    assert again.confirm_until > proposal.confirm_until
    with pytest.raises(LeaseHeldError):
        rival_takes(stage)
    session = Rollouts(stage.drivers).start(again)
    assert isinstance(session, RolloutSession)
    assert session.plan == again.plan


def test_start_is_refused_when_the_newer_survey_refuses(stage: Stage) -> None:
    proposal = proposed(stage)
    stage.clock.sleep(seconds(61))
    (first, *_) = stage.aws.past
    stage.aws.take_out(frozenset({first}), By.STRANGER)
    with pytest.raises(RefusedError, match="draining"):
        Rollouts(stage.drivers).start(proposal)
    assert stage.events() == []
    rival_takes(stage)


def test_start_with_a_lost_lease_writes_nothing(stage: Stage) -> None:
    proposal = proposed(stage)
    stage.store.holders.clear()
    rival_takes(stage)
    with pytest.raises(LeaseLostError):
        Rollouts(stage.drivers).start(proposal)
    assert stage.events() == []
    assert {holder[0] for holder in stage.store.holders.values()} == {OTHER}


# -- the lease, in a real store


def on(ledger: Ledger, stage: Stage) -> Rollouts:
    """Rollouts whose journal and leases are real."""
    stage.drivers.journal = ledger.journal()
    stage.drivers.leases = ledger.leases(lambda *_: ProcessFate.UNKNOWN)
    stage.drivers.owner = owner()
    return Rollouts(stage.drivers)


def test_lease_beats_while_the_plan_is_read_and_is_free_after_no(
    ledger: Ledger, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_keeper, "HEARTBEAT_INTERVAL", seconds(0.01))
    monkeypatch.setattr(lease_holders, "FRESH_HEARTBEAT", seconds(-60))
    rival = ledger.leases(lambda *_: ProcessFate.UNKNOWN)

    def seen() -> object:
        with pytest.raises(LeaseHeldError) as held:
            rival.take(ARNS, owner(2), RIVAL)
        return held.value.silent

    opened = on(ledger, stage).open(REQUEST)
    assert isinstance(opened, Proposal)
    first = seen()
    assert any(seen() != first or threading.Event().wait(0.02) for _ in range(200))
    with pytest.raises(RefusedError, match="not confirmed"), opened:
        raise RefusedError("not confirmed; nothing was changed")
    rival.take(ARNS, owner(2), RIVAL)


def begun_by_another(ledger: Ledger) -> None:
    """A rollout of the same group whose owner has given its lease back."""
    lease = ledger.leases().take(ARNS, owner(2), RIVAL)
    ledger.journal().append(lease, RIVAL, 0, [planned(RIVAL, arns=ARNS)])
    ledger.leases().release(lease)


def begun_meanwhile(ledger: Ledger, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Rollouts:
    """Rollouts for which another one begins while the lease is waited for."""
    rollouts = on(ledger, stage)
    acquire = lease_keeper.acquire_lease

    def late(*words: object) -> object:
        begun_by_another(ledger)
        return acquire(*words)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(app_rollouts, "acquire_lease", late)
    return rollouts


def test_open_is_refused_when_another_rollout_began_meanwhile(
    ledger: Ledger, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RefusedError, match="rollout r-rival was begun meanwhile and is not finished"):
        begun_meanwhile(ledger, stage, monkeypatch).open(REQUEST)
    ledger.leases(lambda *_: ProcessFate.ALIVE).take(ARNS, owner(3), RIVAL)


@pytest.mark.parametrize("fault", [NoAnswerError("no answer"), UnreachableError("the disk is full")])
def test_refusal_is_told_even_where_the_lease_cannot_be_given_back(
    ledger: Ledger, stage: Stage, monkeypatch: pytest.MonkeyPatch, fault: KatakeiError
) -> None:
    def unanswered(*_: object) -> None:
        raise fault

    rollouts = on(ledger, stage)
    monkeypatch.setattr(stage.drivers.leases, "release", unanswered)
    opened = rollouts.open(REQUEST)
    assert isinstance(opened, Proposal)
    with pytest.raises(RefusedError, match="not confirmed"), opened:
        raise RefusedError("not confirmed; nothing was changed")
    (arn,) = ARNS
    ledger.leases().unlock(arn)
    with pytest.raises(RefusedError, match="was begun meanwhile and is not finished"):
        begun_meanwhile(ledger, stage, monkeypatch).open(REQUEST)
