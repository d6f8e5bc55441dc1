"""What a witness still sees pending: said, noted now and then, cut where that is asked; and what comes afterwards."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.core.given import NOON, a_plan, decided, given, later, moves, seen, standing, t, whys

from katakei.domain import events as e
from katakei.domain.actions import Note, Start, Step
from katakei.domain.leases import Owner
from katakei.domain.observation import Evidence, Pending, State, Work, WorkState
from katakei.domain.phases import Phase
from katakei.domain.replay import Rollout, evolve
from katakei.domain.spec import Command, Drain, Spec, Until
from katakei.domain.standing import Standing
from katakei.reconcile.observe import wants

WAITED = Drain(until=Until.PROOF, witness="ssm")
CUT = replace(WAITED, cut_after=timedelta(seconds=50))
PLAN = a_plan(drain=WAITED)
FIRST = t(PLAN)


def busy(at: float, drain: Drain = WAITED, *more: e.Event, age: float = 1) -> tuple[Step, ...]:
    """What is decided so many seconds after the first target was seen out, while two of its connections are busy."""
    plan = a_plan(drain=drain)
    rollout = standing(plan, Phase.DRAINING, e.Baselined(NOON, FIRST, ""), *more)
    verdict = Evidence(Pending.BUSY, later(at - age - 1), later(at - age), "2 connections", 2)
    return decided(rollout, seen(rollout, later(at), {0: State.DRAINING}, evidence=verdict), later(at))


def written(steps: tuple[Step, ...]) -> list[e.Event]:
    return [step.event for step in steps if isinstance(step, Note)]


def test_what_is_pending_after_settle_is_said_and_noted() -> None:
    assert written(busy(29)) == []
    assert written(busy(30)) == [e.SeenBusy(later(30), FIRST, "2 connections")]
    assert "2 connections" in whys(busy(30))


@pytest.mark.parametrize(("at", "noted"), [(59, False), (60, True)])
def test_it_is_noted_again_only_after_half_a_minute(at: float, *, noted: bool) -> None:
    assert bool(written(busy(at, WAITED, e.SeenBusy(later(30), FIRST, "4 connections")))) is noted


def test_an_old_verdict_is_neither_noted_nor_cut() -> None:
    assert written(busy(70, CUT, age=15)) == []


def test_what_is_pending_for_too_long_is_cut_where_that_is_asked() -> None:
    assert written(busy(49, CUT)) == [e.SeenBusy(later(49), FIRST, "2 connections")]
    assert written(busy(50, CUT)) == [e.Cut(later(50), FIRST, 2)]


def cut(phase: Phase) -> Rollout:
    return evolve(standing(a_plan(drain=CUT), Phase.DRAINING), [e.Cut(later(50), FIRST, 2), *_on(phase)])


def _on(phase: Phase) -> list[e.Event]:
    return [] if phase is Phase.DRAINING else [e.Moved(later(50), FIRST, Phase.OUT)]


def test_what_was_cut_is_waited_for_and_looked_for_no_more() -> None:
    draining, out = cut(Phase.DRAINING), cut(Phase.OUT)
    assert moves(decided(draining, seen(draining, later(51), {0: State.DRAINING}), later(51))) == {FIRST: Phase.OUT}
    steps = decided(out, seen(out, later(51), {0: State.DRAINING}), later(51))
    assert [step.last_look for step in steps if isinstance(step, Start)] == [False]
    assert wants(out, seen(out, later(51)), later(51)).pending == ()


def test_after_a_takeover_settle_comes_first_even_where_it_was_cut() -> None:
    rollout = evolve(cut(Phase.DRAINING), [e.Taken(later(60), Owner("kim", "here", 1, 2, "boot"))])
    again = evolve(rollout, [e.SeenOut(later(61), FIRST)])
    assert not moves(decided(again, seen(again, later(90), {0: State.DRAINING}), later(90)))
    assert moves(decided(again, seen(again, later(91), {0: State.DRAINING}), later(91))) == {FIRST: Phase.OUT}


def test_a_target_that_somebody_registered_meanwhile_is_waited_for_anew() -> None:
    found = evolve(cut(Phase.DRAINING), [e.FoundServing(later(51), FIRST)])
    assert not found.standings[FIRST].cut


def at_work(*more: e.Event, blind: str = "") -> Rollout:
    return standing(PLAN, Phase.WORKING, e.Baselined(NOON, FIRST, blind), *more)


def came(rollout: Rollout, requests: int) -> list[e.Event]:
    sight = seen(rollout, later(40), {0: State.DRAINING}, work=Work(WorkState.RUNNING))
    return written(decided(rollout, replace(sight, arrivals={FIRST: requests}), later(40)))


def test_requests_that_come_while_it_is_worked_on_are_written_as_they_grow() -> None:
    assert came(at_work(), 0) == []
    assert came(at_work(), 3) == [e.Arrived(later(40), FIRST, 3)]
    assert came(at_work(e.Arrived(later(39), FIRST, 3)), 3) == []


def test_each_process_counts_for_itself_and_none_of_it_is_lost() -> None:
    taken = e.Taken(later(40), Owner("kim", "here", 1, 2, "boot"))
    after: Standing = at_work(e.Arrived(later(39), FIRST, 3), taken, e.Arrived(later(41), FIRST, 2)).standings[FIRST]
    assert (after.arrived_before, after.arrived) == (3, 2)


def test_only_where_silence_was_proof_arrivals_are_news() -> None:
    assert wants(at_work(), seen(at_work(), NOON), NOON).arrivals == (FIRST,)
    for other in (at_work(blind="no data"), at_work(e.Cut(NOON, FIRST, 2)), given(PLAN)):
        assert not wants(other, seen(other, NOON), NOON).arrivals


@pytest.mark.parametrize(
    ("work", "drain", "carrier"),
    [
        ("ssm", WAITED, "ssm"),
        ("ssm", Drain(until=Until.PROOF), "ssm"),
        ("manual", WAITED, "ssm"),
        ("ssm", Drain(), ""),
    ],
)
def test_a_witness_is_carried_by_the_work_unless_another_way_is_named(work: str, drain: Drain, carrier: str) -> None:
    assert Spec("shop", ("web",), Command(work, "x"), drain=drain).carrier == carrier
