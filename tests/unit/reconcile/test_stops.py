"""Work that stops machines: it begins only where they are absent, and is never left halfway."""

import pytest
from tests.unit.given import (
    a_plan,
    later,
    moved,
    moves,
    notes,
    seconds,
    seen,
    standing,
    started,
    t,
    turn,
    whys,
)

from katakei.domain import events as e
from katakei.domain.actions import ForbidWork
from katakei.domain.instances import InstanceAction, InstanceActionKind
from katakei.domain.observation import DrainEvidence, HealthState, ProbeVerdict, WorkState, WorkStatus
from katakei.domain.phases import Cause, Phase
from katakei.domain.plan import Plan
from katakei.domain.rollout import Rollout
from katakei.domain.spec import Command, Drain, DrainUntil
from katakei.reconcile.decide import decide

DRAINING, ABSENT, HEALTHY = HealthState.DRAINING, HealthState.ABSENT, HealthState.HEALTHY
STOP = Command("ec2", instance=InstanceAction(InstanceActionKind.STOP_START))
HALFWAY = WorkStatus(WorkState.HALFWAY, why="it is stopped")
RUNNING = WorkStatus(WorkState.RUNNING)


def plan(work: Command = STOP) -> Plan:
    return a_plan(work=work, drain=Drain(settle=seconds(30), until=DrainUntil.PROOF, cut_after=seconds(32)))


def working(*extra: e.Event) -> Rollout:
    return standing(plan(), Phase.WORKING, *extra)


@pytest.mark.parametrize(("work", "begins"), [(STOP, False), (Command("ssm", "true"), True)])
def test_evidence_is_not_enough_for_a_stop(work: Command, *, begins: bool) -> None:
    rollout = standing(plan(work), Phase.DRAINING)
    quiet = DrainEvidence(ProbeVerdict.QUIET, later(35), later(35))
    assert bool(moves(turn(rollout, 35, DRAINING, evidence=quiet))) is begins
    assert moves(turn(rollout, 41, ABSENT, evidence=quiet)) == {t(rollout.plan): Phase.OUT}


def test_cut_after_ends_no_drain_before_a_stop() -> None:
    busy = DrainEvidence(ProbeVerdict.BUSY, later(35), later(35), "3 open")
    assert notes(turn(standing(plan(), Phase.DRAINING), 35, DRAINING, evidence=busy)) == []
    assert notes(turn(standing(plan(Command("ssm", "x")), Phase.DRAINING), 35, DRAINING, evidence=busy)) == [
        e.DrainCutShort
    ]


def test_stop_begins_once_it_is_absent() -> None:
    rollout = standing(plan(), Phase.OUT)
    assert not moves(turn(rollout, 35, DRAINING))
    actions = turn(rollout, 41, ABSENT)
    assert moves(actions) == {t(rollout.plan): Phase.WORKING}
    assert started(actions) == [rollout.key(t(rollout.plan))]


@pytest.mark.parametrize("extra", [(), (e.AbortAsked(later(1), "kim"),)])
@pytest.mark.parametrize("at", [5, 61, 179])
def test_halfway_work_goes_on_in_spite_of_abort_and_limit(extra: tuple[e.Event, ...], at: float) -> None:
    rollout = working(*extra)
    actions = turn(rollout, at, ABSENT, work=HALFWAY)
    assert started(actions) == [rollout.key(t(rollout.plan))]
    assert t(rollout.plan) not in moves(actions)
    assert "and needs another call (it is stopped)" in whys(actions)


def test_halfway_work_is_named_after_the_limit() -> None:
    [move] = moved(turn(working(), 181, ABSENT, work=HALFWAY))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)


def test_registered_machine_is_not_started_before_it_is_out_again() -> None:
    actions = turn(working(), 5, HEALTHY, work=HALFWAY)
    assert (started(actions), notes(actions)) == ([], [e.FoundServing])


def test_machine_that_drains_again_is_not_started_yet() -> None:
    actions = turn(working(), 5, DRAINING, work=HALFWAY)
    assert (started(actions), notes(actions)) == ([], [])


def test_machine_that_somebody_keeps_registering_is_left_to_a_person() -> None:
    rollout = working(*(e.FoundServing(later(n), t(plan())) for n in (1, 2)))
    [move] = moved(turn(rollout, 5, ABSENT, work=HALFWAY))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)


def test_running_stop_is_only_waited_for_after_an_abort() -> None:
    actions = turn(working(e.AbortAsked(later(1), "kim")), 5, ABSENT, work=RUNNING)
    assert not any(isinstance(action, ForbidWork) for action in actions)
    assert started(actions) == []


def test_unseen_machine_is_not_absent() -> None:
    rollout = working()
    observation = seen(rollout, later(100), {0: ABSENT}, work=HALFWAY, age=seconds(60))
    assert started(decide(rollout, observation, later(100))) == []
