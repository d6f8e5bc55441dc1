"""Tests of the probe: its baseline before a target leaves, and its last look before work begins."""

from dataclasses import replace

import pytest
from tests.unit.given import NOON, a_plan, decided, deregistered, given, later, moves, seen, standing, t, whys, written

from katakei.domain import events as e
from katakei.domain.actions import Action, StartWork, Wait
from katakei.domain.observation import DrainEvidence, HealthState, ProbeVerdict, baseline_of
from katakei.domain.phases import Phase
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.spec import Drain, DrainUntil
from katakei.reconcile.observe import observation_request

PLAN = a_plan(3, drain=Drain(until=DrainUntil.PROOF))
FIRST = t(PLAN)


def told(rollout: Rollout, blind: str | None, at: float = 1) -> tuple[Action, ...]:
    """The decision this many seconds after the start, with this baseline of the first target."""
    observation = seen(rollout, later(at))
    return decided(
        rollout, replace(observation, baseline={} if blind is None else {FIRST: baseline_of(blind)}), later(at)
    )


def test_take_out_waits_for_baseline() -> None:
    actions = told(given(PLAN), None)
    assert not deregistered(actions)
    assert "the probe counts its connections before it leaves service" in whys(actions)


def test_wait_shows_why_probe_is_blind() -> None:
    assert "(no data from another address yet)" in whys(told(given(PLAN), "no data from another address yet"))


def test_baseline_is_recorded_before_take_out() -> None:
    assert written(told(given(PLAN), "")) == [e.BaselineTaken(later(1), FIRST, "")]
    assert FIRST in moves(told(given(PLAN, [e.BaselineTaken(NOON, FIRST, "")]), None))


SILENT = e.BaselineTaken(later(45), FIRST, "probe_silent", reason(ReasonCode.PROBE_SILENT))


@pytest.mark.parametrize(
    ("blind", "wanted"), [(None, SILENT), ("no data", e.BaselineTaken(later(45), FIRST, "no data"))]
)
def test_baseline_timeout_records_blind_target(blind: str | None, wanted: e.BaselineTaken) -> None:
    assert not written(told(given(PLAN), blind, 44.9))
    assert written(told(given(PLAN), blind, 45)) == [wanted]


def test_left_out_target_needs_no_baseline() -> None:
    plan = a_plan(1, floor=0, drain=Drain(until=DrainUntil.PROOF))
    out = [e.PhaseChanged(NOON, FIRST, phase) for phase in (Phase.DRAINING, Phase.LEFT_OUT)]
    rollout = given(plan, out, [e.RetryAsked(NOON, "ops", (FIRST,))])
    assert written(told(rollout, None)) == [replace(SILENT, at=later(1))]


def test_blind_target_silence_proves_nothing() -> None:
    quiet = DrainEvidence(ProbeVerdict.QUIET, later(31), later(32))
    sighted, blind = (standing(PLAN, Phase.DRAINING, e.BaselineTaken(NOON, FIRST, why)) for why in ("", "no data"))
    observation = seen(sighted, later(33), {0: HealthState.DRAINING}, evidence=quiet)
    assert moves(decided(sighted, observation, later(33))) == {FIRST: Phase.OUT}
    assert not moves(decided(blind, observation, later(33)))


def test_baseline_is_requested_for_next_targets() -> None:
    rollout = standing(PLAN, Phase.DRAINING)
    assert observation_request(rollout, seen(rollout, NOON), NOON).baseline == (t(PLAN, 1),)


def test_readers_of_requests_begin_one_target_earlier() -> None:
    plan = a_plan(4, window=2, floor=0, drain=Drain(until=DrainUntil.REQUESTS))
    ahead = observation_request(given(plan), seen(given(plan), NOON), NOON).baseline
    assert ahead == (t(plan), t(plan, 1), t(plan, 2))
    plan = a_plan(4, window=2, floor=0, drain=Drain(until=DrainUntil.PROOF))
    assert len(observation_request(given(plan), seen(given(plan), NOON), NOON).baseline) == 2


@pytest.mark.parametrize(
    ("until", "after"),
    [(DrainUntil.PROOF, 30), (DrainUntil.ANSWERED, 30), (DrainUntil.COUNTER, 25), (DrainUntil.REQUESTS, 28)],
)
def test_probe_is_asked_when_verdict_counts(until: DrainUntil, after: float) -> None:
    rollout = standing(a_plan(3, drain=Drain(until=until)), Phase.DRAINING)
    assert not observation_request(rollout, seen(rollout, NOON), later(after - 0.1)).pending
    assert observation_request(rollout, seen(rollout, NOON), later(after)).pending == (FIRST,)
    observation = seen(rollout, later(after - 1), {0: HealthState.DRAINING})
    rests = [action for action in decided(rollout, observation, later(after - 1)) if isinstance(action, Wait)]
    assert [rest.until for rest in rests] == [later(after)]


def test_probe_is_not_asked_before_out() -> None:
    rollout = standing(PLAN, Phase.DRAINING, bare=True)
    assert not observation_request(rollout, seen(rollout, NOON), later(99)).pending


def test_baseline_is_not_requested_when_stopped() -> None:
    for end in (e.AbortAsked(NOON, "ops"), e.Interrupted(NOON, "ops")):
        assert not observation_request(given(PLAN, [end]), seen(given(PLAN), NOON), NOON).baseline


def test_probe_is_not_asked_with_until_delay() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    wanted = observation_request(rollout, seen(rollout, NOON), later(99))
    assert (wanted.baseline, wanted.pending) == ((), ())


@pytest.mark.parametrize(("state", "last_look"), [(HealthState.DRAINING, True), (HealthState.ABSENT, False)])
def test_last_look_only_for_draining_target(state: HealthState, *, last_look: bool) -> None:
    rollout = standing(PLAN, Phase.OUT)
    observation = seen(rollout, later(33), {0: state}, evidence=DrainEvidence(ProbeVerdict.QUIET, later(31), later(32)))
    starts = [action for action in decided(rollout, observation, later(33)) if isinstance(action, StartWork)]
    assert [start.last_look for start in starts] == [last_look]


def test_repeated_start_needs_fresh_verdict() -> None:
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
