"""What a witness needs: to have seen a target's traffic before it leaves, and to look once more before work begins."""

from dataclasses import replace

import pytest
from tests.unit.given import NOON, a_plan, decided, deregistered, given, later, moves, seen, standing, t, whys

from katakei.domain import events as e
from katakei.domain.actions import Action, Record, StartWork, Wait
from katakei.domain.observation import DrainEvidence, HealthState, ProbeVerdict, baseline_of
from katakei.domain.phases import Phase
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.spec import Drain, DrainUntil
from katakei.reconcile.observe import observation_request

PLAN = a_plan(3, drain=Drain(until=DrainUntil.PROOF))
FIRST = t(PLAN)


def told(rollout: Rollout, blind: str | None, at: float = 1) -> tuple[Action, ...]:
    """What is decided so many seconds after the start, when the witness says this of the first target."""
    observation = seen(rollout, later(at))
    return decided(
        rollout, replace(observation, baseline={} if blind is None else {FIRST: baseline_of(blind)}), later(at)
    )


def test_a_target_stays_in_service_until_the_witness_has_seen_its_traffic() -> None:
    actions = told(given(PLAN), None)
    assert not deregistered(actions)
    assert "the probe counts its connections before it leaves service" in whys(actions)


def test_why_a_witness_is_still_blind_is_told() -> None:
    assert "(no data from another address yet)" in whys(told(given(PLAN), "no data from another address yet"))


def test_what_the_witness_saw_is_written_before_the_target_leaves() -> None:
    assert written(told(given(PLAN), "")) == [e.BaselineTaken(later(1), FIRST, "")]
    assert FIRST in moves(told(given(PLAN, [e.BaselineTaken(NOON, FIRST, "")]), None))


def written(actions: tuple[Action, ...]) -> list[e.Event]:
    return [action.event for action in actions if isinstance(action, Record)]


SILENT = e.BaselineTaken(later(45), FIRST, "probe_silent", reason(ReasonCode.PROBE_SILENT))


@pytest.mark.parametrize(
    ("blind", "wanted"), [(None, SILENT), ("no data", e.BaselineTaken(later(45), FIRST, "no data"))]
)
def test_a_target_whose_traffic_is_not_seen_leaves_after_a_while_and_is_called_blind(
    blind: str | None, wanted: e.BaselineTaken
) -> None:
    assert not written(told(given(PLAN), blind, 44.9))
    assert written(told(given(PLAN), blind, 45)) == [wanted]


def test_a_target_that_is_out_already_has_no_traffic_to_be_seen() -> None:
    plan = a_plan(1, floor=0, drain=Drain(until=DrainUntil.PROOF))
    out = [e.PhaseChanged(NOON, FIRST, phase) for phase in (Phase.DRAINING, Phase.LEFT_OUT)]
    rollout = given(plan, out, [e.RetryAsked(NOON, "ops", (FIRST,))])
    assert written(told(rollout, None)) == [replace(SILENT, at=later(1))]


def test_the_silence_of_a_blind_target_proves_nothing() -> None:
    quiet = DrainEvidence(ProbeVerdict.QUIET, later(31), later(32))
    sighted, blind = (standing(PLAN, Phase.DRAINING, e.BaselineTaken(NOON, FIRST, why)) for why in ("", "no data"))
    observation = seen(sighted, later(33), {0: HealthState.DRAINING}, evidence=quiet)
    assert moves(decided(sighted, observation, later(33))) == {FIRST: Phase.OUT}
    assert not moves(decided(blind, observation, later(33)))


def test_the_witness_is_asked_about_the_next_to_leave_while_others_are_in_hand() -> None:
    rollout = standing(PLAN, Phase.DRAINING)
    assert observation_request(rollout, seen(rollout, NOON), NOON).baseline == (t(PLAN, 1),)


@pytest.mark.parametrize(
    ("until", "after"), [(DrainUntil.PROOF, 30), (DrainUntil.ANSWERED, 30), (DrainUntil.COUNTER, 25)]
)
def test_the_witness_is_asked_as_soon_as_its_verdict_may_count(until: DrainUntil, after: float) -> None:
    rollout = standing(a_plan(3, drain=Drain(until=until)), Phase.DRAINING)
    assert not observation_request(rollout, seen(rollout, NOON), later(after - 0.1)).pending
    assert observation_request(rollout, seen(rollout, NOON), later(after)).pending == (FIRST,)
    observation = seen(rollout, later(after - 1), {0: HealthState.DRAINING})
    rests = [action for action in decided(rollout, observation, later(after - 1)) if isinstance(action, Wait)]
    assert [rest.until for rest in rests] == [later(after)]


def test_a_target_not_seen_out_yet_is_not_witnessed() -> None:
    rollout = standing(PLAN, Phase.DRAINING, bare=True)
    assert not observation_request(rollout, seen(rollout, NOON), later(99)).pending


def test_once_nothing_more_may_leave_nobody_is_counted_before_it() -> None:
    for end in (e.AbortAsked(NOON, "ops"), e.Interrupted(NOON, "ops")):
        assert not observation_request(given(PLAN, [end]), seen(given(PLAN), NOON), NOON).baseline


def test_with_the_timer_alone_no_witness_is_asked() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    wanted = observation_request(rollout, seen(rollout, NOON), later(99))
    assert (wanted.baseline, wanted.pending) == ((), ())


@pytest.mark.parametrize(("state", "last_look"), [(HealthState.DRAINING, True), (HealthState.ABSENT, False)])
def test_only_what_still_drains_is_looked_at_once_more_when_work_begins(state: HealthState, *, last_look: bool) -> None:
    rollout = standing(PLAN, Phase.OUT)
    observation = seen(rollout, later(33), {0: state}, evidence=DrainEvidence(ProbeVerdict.QUIET, later(31), later(32)))
    starts = [action for action in decided(rollout, observation, later(33)) if isinstance(action, StartWork)]
    assert [start.last_look for start in starts] == [last_look]


def test_a_start_that_was_not_taken_is_made_again_by_a_verdict_of_now() -> None:
    lost = standing(PLAN, Phase.WORKING, bare=True)
    assert observation_request(lost, seen(lost, later(30)), later(33)).pending == (FIRST,)
    assert observation_request(lost, replace(seen(lost, later(30)), attributes={}), later(33)).attributes == (
        PLAN.groups[0].arn,
    )
    quiet = DrainEvidence(ProbeVerdict.QUIET, later(31), later(32))
    observation = seen(lost, later(33), {0: HealthState.DRAINING}, evidence=quiet)
    assert [action.last_look for action in decided(lost, observation, later(33)) if isinstance(action, StartWork)] == [
        True
    ]
    assert not [
        action
        for action in decided(lost, replace(observation, evidence={}), later(33))
        if isinstance(action, StartWork)
    ]


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        (e.BaselineTaken(NOON, FIRST, "no data"), "no data; the load balancer's timer"),
        (SILENT, "the probe did not answer; the load balancer's timer"),
    ],
)
def test_drain_of_blind_target_says_why(event: e.BaselineTaken, wanted: str) -> None:
    rollout = standing(PLAN, Phase.DRAINING, event)
    verdict = DrainEvidence(ProbeVerdict.BLIND, later(31), later(32), event.blind)
    assert wanted in whys(
        decided(rollout, seen(rollout, later(33), {0: HealthState.DRAINING}, evidence=verdict), later(33))
    )
