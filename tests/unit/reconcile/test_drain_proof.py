"""Tests of the drain proof (promise 2): work begins only when it is proven that nothing reaches the target."""

from dataclasses import replace

import pytest
from tests.unit.given import (
    a_plan,
    decided,
    deregistered,
    facts,
    later,
    moves,
    notes,
    older,
    seconds,
    seen,
    standing,
    t,
    turn,
    whys,
)

from katakei.domain import events as e
from katakei.domain.actions import Action, Record
from katakei.domain.observation import (
    AttributesReading,
    DrainEvidence,
    HealthState,
    ProbeVerdict,
    WorkState,
    WorkStatus,
)
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.spec import Drain, DrainUntil
from katakei.reconcile.capacity import count_serving
from katakei.reconcile.context import TurnContext
from katakei.reconcile.observe import observation_request

DRAINING, ABSENT, HEALTHY, DOWN = HealthState.DRAINING, HealthState.ABSENT, HealthState.HEALTHY, HealthState.UNHEALTHY


def test_unreturned_deregister_call_is_repeated() -> None:
    rollout = standing(a_plan(), Phase.DRAINING, bare=True)
    actions = turn(rollout, 3, HEALTHY)
    assert deregistered(actions) == [t(rollout.plan)]
    assert "waiting for the deregister call to return" in whys(actions)


def test_deregister_repeats_only_unreturned_groups() -> None:
    plan = a_plan(groups=2)
    rollout = standing(plan, Phase.DRAINING, facts(plan, Phase.DRAINING)[0], bare=True)
    [again] = [action for action in turn(rollout, 3, HEALTHY) if hasattr(action, "registrations")]
    assert [place.group for place in again.registrations] == [plan.groups[1].arn]


def test_observation_before_call_return_proves_nothing() -> None:
    rollout = standing(
        a_plan(), Phase.DRAINING, e.Deregistered(later(2), a_plan().groups[0].arn, (t(a_plan()),)), bare=True
    )
    actions = turn(rollout, 3, DRAINING, age=seconds(1.5))
    assert not notes(actions)
    assert "not observed since" in whys(actions)


def test_wait_shows_observation_error() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    blind = replace(seen(rollout, later(0)), unseen={rollout.plan.groups[0].arn: "DescribeTargetHealth: throttled"})
    assert "not observed since: DescribeTargetHealth: throttled (for 12s)" in whys(decided(rollout, blind, later(12)))


def test_settle_starts_when_all_registrations_are_out() -> None:
    plan = a_plan(groups=2)
    calls = facts(plan, Phase.DRAINING)[:2]
    rollout = standing(plan, Phase.DRAINING, *calls, bare=True)
    first, other = plan.targets[0].registrations
    half = seen(rollout, later(1), places={first: DRAINING, other: HEALTHY})
    assert not notes(decided(rollout, half, later(1)))
    whole = seen(rollout, later(4), {0: DRAINING})
    [note] = [action.event for action in decided(rollout, whole, later(5)) if hasattr(action, "event")]
    assert note == e.ObservedOut(later(4), t(plan))


def test_settle_starts_at_end_of_last_observation() -> None:
    plan = a_plan(groups=2)
    rollout = standing(plan, Phase.DRAINING, *facts(plan, Phase.DRAINING)[:2], bare=True)
    observation = older(seen(rollout, later(9), {0: DRAINING}), plan.targets[0].registrations[0], 4)
    [note] = [action.event for action in decided(rollout, observation, later(9)) if isinstance(action, Record)]
    assert note == e.ObservedOut(later(9), t(plan))


def test_observation_counts_for_ten_seconds() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert "not observed since" not in whys(turn(rollout, 20, DRAINING, age=seconds(10)))
    assert "not observed since" in whys(turn(rollout, 20, DRAINING, age=seconds(10.1)))


def test_settle_ends_by_oldest_observation() -> None:
    plan = a_plan(groups=2)
    rollout = standing(plan, Phase.DRAINING)
    observation = seen(rollout, later(33), {0: ABSENT})
    first = plan.targets[0].registrations[0]
    assert not moves(decided(rollout, older(observation, first, 3.1), later(33)))
    assert moves(decided(rollout, older(observation, first, 3), later(33)))


def test_ineffective_call_is_repeated_after_interval() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.DRAINING, facts(plan, Phase.DRAINING)[0], bare=True)
    assert not deregistered(turn(rollout, 4.9, HEALTHY))
    assert deregistered(turn(rollout, 5, HEALTHY)) == [t(plan)]
    assert "but AWS still reports healthy" in whys(turn(rollout, 5, HEALTHY))


def test_absent_target_still_waits_for_settle() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert not moves(turn(rollout, 29.9, ABSENT))
    assert "settle ends in 5s" in whys(turn(rollout, 25, ABSENT))
    assert moves(turn(rollout, 30, ABSENT)) == {t(rollout.plan): Phase.OUT}


def test_drain_without_probe_waits_for_timer() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    actions = turn(rollout, 35, DRAINING)
    assert not moves(actions)
    assert "timer of 40s ends in 5s" in whys(actions)


def test_draining_in_one_group_blocks_work() -> None:
    plan = a_plan(groups=2)
    rollout = standing(plan, Phase.DRAINING)
    first, other = plan.targets[0].registrations
    observation = seen(rollout, later(45), places={first: ABSENT, other: DRAINING})
    assert not moves(decided(rollout, observation, later(45)))


def quiet(ended: float, verdict: ProbeVerdict = ProbeVerdict.QUIET) -> DrainEvidence:
    return DrainEvidence(verdict, later(ended - 1), later(ended), "3 requests are in flight")


@pytest.mark.parametrize(
    ("evidence", "phase"),
    [
        (quiet(31), Phase.OUT),
        (quiet(30), Phase.OUT),
        (quiet(29), None),  # it ended before settle was over
        (quiet(31, ProbeVerdict.BUSY), None),
        (quiet(31, ProbeVerdict.BLIND), None),
        (None, None),
    ],
)
def test_verdict_counts_when_quiet_after_settle(evidence: DrainEvidence | None, phase: Phase | None) -> None:
    rollout = standing(a_plan(drain=Drain(until=DrainUntil.PROOF)), Phase.DRAINING)
    actions = turn(rollout, 33, DRAINING, evidence=evidence)
    assert moves(actions).get(t(rollout.plan)) is phase


def test_verdict_expires_after_15_seconds() -> None:
    rollout = standing(a_plan(drain=Drain(until=DrainUntil.PROOF)), Phase.DRAINING)
    assert moves(turn(rollout, 45.9, DRAINING, evidence=quiet(31)))
    assert not moves(turn(rollout, 46, DRAINING, evidence=quiet(31)))


def proven(read: float | None, *changes: Reason) -> tuple[Action, ...]:
    """The decision at 33 s about a quiet target whose group's attributes were read at this second, or never."""
    plan = a_plan(drain=Drain(until=DrainUntil.PROOF))
    rollout = standing(plan, Phase.DRAINING)
    observation = seen(rollout, later(33), {0: DRAINING}, evidence=quiet(31))
    reads = {} if read is None else {plan.groups[0].arn: AttributesReading(later(read), changes)}
    return decided(rollout, replace(observation, attributes=reads), later(33))


def test_verdict_requires_unchanged_group() -> None:
    assert moves(proven(20))
    actions = proven(20, reason(ReasonCode.ATTRIBUTE_CHANGED, attribute="idle_timeout", was="60s", now="4000s"))
    assert not moves(actions)
    assert "does not count because its group was changed (idle_timeout was 60s, is 4000s)" in whys(actions)


@pytest.mark.parametrize("read", [None, 18])
def test_verdict_requires_fresh_attributes(read: float | None) -> None:
    actions = proven(read)
    assert not moves(actions)
    assert "counts once the group's attributes are read" in whys(actions)


def test_quiet_verdict_requests_attributes() -> None:
    plan = a_plan(drain=Drain(until=DrainUntil.PROOF))
    rollout = standing(plan, Phase.DRAINING)
    for verdict, wanted in ((quiet(31), (plan.groups[0].arn,)), (quiet(31, ProbeVerdict.BUSY), ())):
        last = seen(rollout, later(33), {0: DRAINING}, evidence=verdict, age=seconds(9))
        assert observation_request(rollout, last, later(33)).attributes == wanted


def test_missing_verdict_requests_attributes() -> None:
    plan = a_plan(drain=Drain(until=DrainUntil.PROOF))
    rollout = standing(plan, Phase.DRAINING)
    for at, wanted in ((29.9, ()), (30, (plan.groups[0].arn,))):
        assert (
            observation_request(rollout, seen(rollout, later(at), {0: DRAINING}, age=seconds(9)), later(at)).attributes
            == wanted
        )


def test_verdict_is_ignored_with_until_delay() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert not moves(turn(rollout, 33, DRAINING, evidence=quiet(31)))


def test_wait_shows_busy_probe_report() -> None:
    rollout = standing(a_plan(drain=Drain(until=DrainUntil.PROOF)), Phase.DRAINING)
    assert "3 requests are in flight" in whys(turn(rollout, 33, DRAINING, evidence=quiet(31, ProbeVerdict.BUSY)))


def test_target_registered_while_draining_is_deregistered_again() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert notes(turn(rollout, 20, HEALTHY)) == [e.FoundServing]
    told = standing(a_plan(), Phase.DRAINING, e.FoundServing(later(20), t(rollout.plan)))
    assert deregistered(turn(told, 20, HEALTHY)) == [t(rollout.plan)]


def test_call_is_not_repeated_for_unseen_group() -> None:
    rollout = standing(a_plan(), Phase.DRAINING, bare=True)
    actions = turn(rollout, 30, HEALTHY, age=seconds(20))
    assert not deregistered(actions)
    assert "has not been observed in the last 10 seconds" in whys(actions)


def test_deregister_is_blocked_by_floor() -> None:
    rollout = standing(a_plan(), Phase.WORKING, e.FoundServing(later(20), t(a_plan())))
    work = WorkStatus(WorkState.RUNNING)
    assert not deregistered(turn(rollout, 20, HEALTHY, DOWN, work=work))
    assert deregistered(turn(rollout, 20, HEALTHY, HEALTHY, work=work))


def test_unhealthy_target_leaves_despite_floor() -> None:
    plan = a_plan()
    kept = e.PhaseChanged(later(1), t(plan), Phase.DRAINING, "never healthy", Intent.KEEP_OUT, Cause.FAILED)
    rollout = standing(plan, Phase.WARMING, kept)
    assert deregistered(turn(rollout, 2, DOWN, DOWN)) == [t(plan)]


def test_target_without_observation_may_have_requests_pending() -> None:
    rollout = standing(a_plan(), Phase.OUT)
    unseen = seen(rollout, later(400), {0: DRAINING}, age=seconds(60))
    context = TurnContext(rollout, unseen, count_serving(rollout, unseen, later(400)), later(400)).target(
        t(rollout.plan)
    )
    assert context.health is None
    assert not context.nothing_pending
