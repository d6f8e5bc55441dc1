"""What a witness needs: to have seen a target's traffic before it leaves, and to look once more before work begins."""

from dataclasses import replace

import pytest
from tests.core.given import NOON, a_plan, decided, deregistered, given, later, moves, seen, standing, t, whys

from katakei.domain import events as e
from katakei.domain.actions import Note, Rest, Start, Step
from katakei.domain.observation import Evidence, Pending, State
from katakei.domain.phases import Phase
from katakei.domain.replay import Rollout
from katakei.domain.spec import Drain, Until
from katakei.reconcile.observe import wants

PLAN = a_plan(3, drain=Drain(until=Until.PROOF))
FIRST = t(PLAN)


def told(rollout: Rollout, blind: str | None, at: float = 1) -> tuple[Step, ...]:
    """What is decided so many seconds after the start, when the witness says this of the first target."""
    sight = seen(rollout, later(at))
    return decided(rollout, replace(sight, baseline={} if blind is None else {FIRST: blind}), later(at))


def test_a_target_stays_in_service_until_the_witness_has_seen_its_traffic() -> None:
    steps = told(given(PLAN), None)
    assert not deregistered(steps)
    assert "its connections are counted before it leaves" in whys(steps)


def test_why_a_witness_is_still_blind_is_told() -> None:
    assert "(no data from another address yet)" in whys(told(given(PLAN), "no data from another address yet"))


def test_what_the_witness_saw_is_written_before_the_target_leaves() -> None:
    assert written(told(given(PLAN), "")) == [e.Baselined(later(1), FIRST, "")]
    assert FIRST in moves(told(given(PLAN, [e.Baselined(NOON, FIRST, "")]), None))


def written(steps: tuple[Step, ...]) -> list[e.Event]:
    return [step.event for step in steps if isinstance(step, Note)]


@pytest.mark.parametrize(("blind", "why"), [(None, "it does not answer the witness"), ("no data", "no data")])
def test_a_target_whose_traffic_is_not_seen_leaves_after_a_while_and_is_called_blind(
    blind: str | None, why: str
) -> None:
    assert not written(told(given(PLAN), blind, 44.9))
    assert written(told(given(PLAN), blind, 45)) == [e.Baselined(later(45), FIRST, why)]


def test_a_target_that_is_out_already_has_no_traffic_to_be_seen() -> None:
    plan = a_plan(1, floor=0, drain=Drain(until=Until.PROOF))
    out = [e.Moved(NOON, FIRST, phase) for phase in (Phase.DRAINING, Phase.LEFT_OUT)]
    rollout = given(plan, out, [e.RetryAsked(NOON, "ops", (FIRST,))])
    assert written(told(rollout, None)) == [e.Baselined(later(1), FIRST, "it does not answer the witness")]


def test_the_silence_of_a_blind_target_proves_nothing() -> None:
    quiet = Evidence(Pending.QUIET, later(31), later(32))
    sighted, blind = (standing(PLAN, Phase.DRAINING, e.Baselined(NOON, FIRST, why)) for why in ("", "no data"))
    sight = seen(sighted, later(33), {0: State.DRAINING}, evidence=quiet)
    assert moves(decided(sighted, sight, later(33))) == {FIRST: Phase.OUT}
    assert not moves(decided(blind, sight, later(33)))


def test_the_witness_is_asked_about_the_next_to_leave_while_others_are_in_hand() -> None:
    rollout = standing(PLAN, Phase.DRAINING)
    assert wants(rollout, seen(rollout, NOON), NOON).baseline == (t(PLAN, 1),)


@pytest.mark.parametrize(("until", "after"), [(Until.PROOF, 30), (Until.ANSWERED, 30), (Until.COUNTER, 25)])
def test_the_witness_is_asked_as_soon_as_its_verdict_may_count(until: Until, after: float) -> None:
    rollout = standing(a_plan(3, drain=Drain(until=until)), Phase.DRAINING)
    assert not wants(rollout, seen(rollout, NOON), later(after - 0.1)).pending
    assert wants(rollout, seen(rollout, NOON), later(after)).pending == (FIRST,)
    sight = seen(rollout, later(after - 1), {0: State.DRAINING})
    rests = [step for step in decided(rollout, sight, later(after - 1)) if isinstance(step, Rest)]
    assert [rest.until for rest in rests] == [later(after)]


def test_a_target_not_seen_out_yet_is_not_witnessed() -> None:
    rollout = standing(PLAN, Phase.DRAINING, bare=True)
    assert not wants(rollout, seen(rollout, NOON), later(99)).pending


def test_once_nothing_more_may_leave_nobody_is_counted_before_it() -> None:
    for end in (e.AbortAsked(NOON, "ops"), e.Interrupted(NOON, "ops")):
        assert not wants(given(PLAN, [end]), seen(given(PLAN), NOON), NOON).baseline


def test_with_the_timer_alone_no_witness_is_asked() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    wanted = wants(rollout, seen(rollout, NOON), later(99))
    assert (wanted.baseline, wanted.pending) == ((), ())


@pytest.mark.parametrize(("state", "last_look"), [(State.DRAINING, True), (State.ABSENT, False)])
def test_only_what_still_drains_is_looked_at_once_more_when_work_begins(state: State, *, last_look: bool) -> None:
    rollout = standing(PLAN, Phase.OUT)
    sight = seen(rollout, later(33), {0: state}, evidence=Evidence(Pending.QUIET, later(31), later(32)))
    starts = [step for step in decided(rollout, sight, later(33)) if isinstance(step, Start)]
    assert [start.last_look for start in starts] == [last_look]


def test_a_start_that_was_not_taken_is_made_again_by_a_verdict_of_now() -> None:
    lost = standing(PLAN, Phase.WORKING, bare=True)
    assert wants(lost, seen(lost, later(30)), later(33)).pending == (FIRST,)
    assert wants(lost, replace(seen(lost, later(30)), attributes={}), later(33)).attributes == (PLAN.groups[0].arn,)
    quiet = Evidence(Pending.QUIET, later(31), later(32))
    sight = seen(lost, later(33), {0: State.DRAINING}, evidence=quiet)
    assert [step.last_look for step in decided(lost, sight, later(33)) if isinstance(step, Start)] == [True]
    assert not [step for step in decided(lost, replace(sight, evidence={}), later(33)) if isinstance(step, Start)]
