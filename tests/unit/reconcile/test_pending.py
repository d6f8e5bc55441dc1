"""Tests of pending requests: they are shown, recorded and cut; and of requests that arrive afterwards."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.given import NOON, a_plan, decided, given, later, moves, seen, standing, t, whys, written

from katakei.domain import events as e
from katakei.domain.actions import Action, StartWork
from katakei.domain.leases import Owner
from katakei.domain.observation import DrainEvidence, HealthState, ProbeVerdict, WorkState, WorkStatus
from katakei.domain.phases import Phase
from katakei.domain.replay import Rollout, evolve
from katakei.domain.rollout import TargetStatus
from katakei.domain.spec import Command, Drain, DrainUntil, Spec, SshAccess
from katakei.reconcile.observe import observation_request

WAITED = Drain(until=DrainUntil.PROOF, probe="ssm")
CUT = replace(WAITED, cut_after=timedelta(seconds=50))
PLAN = a_plan(drain=WAITED)
FIRST = t(PLAN)


def busy(at: float, drain: Drain = WAITED, *more: e.Event, age: float = 1) -> tuple[Action, ...]:
    """The decision this many seconds after the first target was observed out, with two busy connections."""
    plan = a_plan(drain=drain)
    rollout = standing(plan, Phase.DRAINING, e.BaselineTaken(NOON, FIRST, ""), *more)
    verdict = DrainEvidence(ProbeVerdict.BUSY, later(at - age - 1), later(at - age), "2 connections", 2)
    return decided(rollout, seen(rollout, later(at), {0: HealthState.DRAINING}, evidence=verdict), later(at))


def test_pending_requests_are_shown_and_recorded() -> None:
    assert written(busy(29)) == []
    assert written(busy(30)) == [e.ObservedBusy(later(30), FIRST, "2 connections")]
    assert "2 connections" in whys(busy(30))


@pytest.mark.parametrize(("at", "noted"), [(59, False), (60, True)])
def test_pending_requests_are_recorded_every_30_seconds(at: float, *, noted: bool) -> None:
    assert bool(written(busy(at, WAITED, e.ObservedBusy(later(30), FIRST, "4 connections")))) is noted


def test_old_verdict_is_neither_recorded_nor_cut() -> None:
    assert written(busy(70, CUT, age=15)) == []


def test_cut_after_ends_the_drain() -> None:
    assert written(busy(49, CUT)) == [e.ObservedBusy(later(49), FIRST, "2 connections")]
    assert written(busy(50, CUT)) == [e.DrainCutShort(later(50), FIRST, 2)]


def cut(phase: Phase) -> Rollout:
    return evolve(standing(a_plan(drain=CUT), Phase.DRAINING), [e.DrainCutShort(later(50), FIRST, 2), *_on(phase)])


def _on(phase: Phase) -> list[e.Event]:
    return [] if phase is Phase.DRAINING else [e.PhaseChanged(later(50), FIRST, Phase.OUT)]


def test_cut_drain_waits_and_probes_no_more() -> None:
    draining, out = cut(Phase.DRAINING), cut(Phase.OUT)
    assert moves(decided(draining, seen(draining, later(51), {0: HealthState.DRAINING}), later(51))) == {
        FIRST: Phase.OUT
    }
    actions = decided(out, seen(out, later(51), {0: HealthState.DRAINING}), later(51))
    assert [action.last_look for action in actions if isinstance(action, StartWork)] == [False]
    assert observation_request(out, seen(out, later(51)), later(51)).pending == ()


def test_takeover_restarts_settle_of_cut_drain() -> None:
    rollout = evolve(cut(Phase.DRAINING), [e.OwnerChanged(later(60), Owner("kim", "here", 1, 2, "boot"))])
    again = evolve(rollout, [e.ObservedOut(later(61), FIRST)])
    assert not moves(decided(again, seen(again, later(90), {0: HealthState.DRAINING}), later(90)))
    assert moves(decided(again, seen(again, later(91), {0: HealthState.DRAINING}), later(91))) == {FIRST: Phase.OUT}


def test_found_serving_resets_the_cut() -> None:
    found = evolve(cut(Phase.DRAINING), [e.FoundServing(later(51), FIRST)])
    assert not found.statuses[FIRST].cut_short


def at_work(*more: e.Event, blind: str = "") -> Rollout:
    return standing(PLAN, Phase.WORKING, e.BaselineTaken(NOON, FIRST, blind), *more)


def came(rollout: Rollout, requests: int) -> list[e.Event]:
    observation = seen(rollout, later(40), {0: HealthState.DRAINING}, work=WorkStatus(WorkState.RUNNING))
    return written(decided(rollout, replace(observation, arrivals={FIRST: requests}), later(40)))


def test_arrivals_are_recorded_as_they_grow() -> None:
    assert came(at_work(), 0) == []
    assert came(at_work(), 3) == [e.RequestsAfterQuiet(later(40), FIRST, 3)]
    assert came(at_work(e.RequestsAfterQuiet(later(39), FIRST, 3)), 3) == []


def test_arrivals_of_each_process_are_added() -> None:
    taken = e.OwnerChanged(later(40), Owner("kim", "here", 1, 2, "boot"))
    after: TargetStatus = at_work(
        e.RequestsAfterQuiet(later(39), FIRST, 3), taken, e.RequestsAfterQuiet(later(41), FIRST, 2)
    ).statuses[FIRST]
    assert (after.arrived_before, after.arrived) == (3, 2)


def test_arrivals_are_requested_only_after_quiet_verdict() -> None:
    assert observation_request(at_work(), seen(at_work(), NOON), NOON).arrivals == (FIRST,)
    for other in (at_work(blind="no data"), at_work(e.DrainCutShort(NOON, FIRST, 2)), given(PLAN)):
        assert not observation_request(other, seen(other, NOON), NOON).arrivals


@pytest.mark.parametrize(
    ("work", "drain", "carrier"),
    [
        ("ssm", WAITED, "ssm"),
        ("ssm", Drain(until=DrainUntil.PROOF), "ssm"),
        ("manual", WAITED, "ssm"),
        ("ssm", Drain(), ""),
    ],
)
def test_probe_is_carried_by_work_by_default(work: str, drain: Drain, carrier: str) -> None:
    assert Spec("shop", ("web",), Command(work, "x"), drain=drain).carrier == carrier


def test_probe_goes_the_way_of_the_work_unless_it_has_its_own() -> None:
    by_work, by_probe = SshAccess(user="deploy"), SshAccess(user="probe")
    work = Command("ssh", "x", ssh=by_work)

    assert Spec("shop", ("web",), work, drain=Drain()).carrier_access == by_work
    assert Spec("shop", ("web",), work, drain=Drain(probe="ssh", ssh=by_probe)).carrier_access == by_probe
