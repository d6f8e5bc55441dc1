"""Promise 2: work begins only where nothing reaches the target, and that is proven."""

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
from katakei.reconcile.observe import observation_request

DRAINING, ABSENT, HEALTHY, DOWN = HealthState.DRAINING, HealthState.ABSENT, HealthState.HEALTHY, HealthState.UNHEALTHY


def test_a_deregister_call_that_did_not_return_is_made_again() -> None:
    rollout = standing(a_plan(), Phase.DRAINING, bare=True)
    actions = turn(rollout, 3, HEALTHY)
    assert deregistered(actions) == [t(rollout.plan)]
    assert "waiting for the deregister call to return" in whys(actions)


def test_only_the_group_whose_call_did_not_return_is_called_again() -> None:
    plan = a_plan(groups=2)
    rollout = standing(plan, Phase.DRAINING, facts(plan, Phase.DRAINING)[0], bare=True)
    [again] = [action for action in turn(rollout, 3, HEALTHY) if hasattr(action, "registrations")]
    assert [place.group for place in again.registrations] == [plan.groups[1].arn]


def test_a_look_begun_before_the_call_returned_proves_nothing() -> None:
    rollout = standing(
        a_plan(), Phase.DRAINING, e.Deregistered(later(2), a_plan().groups[0].arn, (t(a_plan()),)), bare=True
    )
    actions = turn(rollout, 3, DRAINING, age=seconds(1.5))
    assert not notes(actions)
    assert "not observed since" in whys(actions)


def test_why_a_look_failed_is_said() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    blind = replace(seen(rollout, later(0)), unseen={rollout.plan.groups[0].arn: "DescribeTargetHealth: throttled"})
    assert "not observed since: DescribeTargetHealth: throttled (for 12s)" in whys(decided(rollout, blind, later(12)))


def test_settle_is_counted_from_the_first_look_that_showed_every_registration_out() -> None:
    plan = a_plan(groups=2)
    calls = facts(plan, Phase.DRAINING)[:2]
    rollout = standing(plan, Phase.DRAINING, *calls, bare=True)
    first, other = plan.targets[0].registrations
    half = seen(rollout, later(1), places={first: DRAINING, other: HEALTHY})
    assert not notes(decided(rollout, half, later(1)))
    whole = seen(rollout, later(4), {0: DRAINING})
    [note] = [action.event for action in decided(rollout, whole, later(5)) if hasattr(action, "event")]
    assert note == e.ObservedOut(later(4), t(plan))


def test_settle_is_counted_from_the_end_of_the_latest_look() -> None:
    plan = a_plan(groups=2)
    rollout = standing(plan, Phase.DRAINING, *facts(plan, Phase.DRAINING)[:2], bare=True)
    observation = older(seen(rollout, later(9), {0: DRAINING}), plan.targets[0].registrations[0], 4)
    [note] = [action.event for action in decided(rollout, observation, later(9)) if isinstance(action, Record)]
    assert note == e.ObservedOut(later(9), t(plan))


def test_a_look_is_believed_for_ten_seconds() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert "not observed since" not in whys(turn(rollout, 20, DRAINING, age=seconds(10)))
    assert "not observed since" in whys(turn(rollout, 20, DRAINING, age=seconds(10.1)))


def test_settle_is_over_only_when_the_oldest_look_says_so() -> None:
    plan = a_plan(groups=2)
    rollout = standing(plan, Phase.DRAINING)
    observation = seen(rollout, later(33), {0: ABSENT})
    first = plan.targets[0].registrations[0]
    assert not moves(decided(rollout, older(observation, first, 3.1), later(33)))
    assert moves(decided(rollout, older(observation, first, 3), later(33)))


def test_a_call_that_changed_nothing_is_repeated_after_a_while_only() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.DRAINING, facts(plan, Phase.DRAINING)[0], bare=True)
    assert not deregistered(turn(rollout, 4.9, HEALTHY))
    assert deregistered(turn(rollout, 5, HEALTHY)) == [t(plan)]
    assert "but AWS still reports healthy" in whys(turn(rollout, 5, HEALTHY))


def test_a_target_is_not_out_before_the_settle_time_even_when_it_is_absent() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert not moves(turn(rollout, 29.9, ABSENT))
    assert "settle ends in 5s" in whys(turn(rollout, 25, ABSENT))
    assert moves(turn(rollout, 30, ABSENT)) == {t(rollout.plan): Phase.OUT}


def test_without_a_witness_the_whole_timer_is_waited_and_said() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    actions = turn(rollout, 35, DRAINING)
    assert not moves(actions)
    assert "timer of 40s ends in 5s" in whys(actions)


def test_one_group_that_still_drains_holds_the_target() -> None:
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
def test_a_witness_is_believed_only_after_settle_and_only_when_it_says_quiet(
    evidence: DrainEvidence | None, phase: Phase | None
) -> None:
    rollout = standing(a_plan(drain=Drain(until=DrainUntil.PROOF)), Phase.DRAINING)
    actions = turn(rollout, 33, DRAINING, evidence=evidence)
    assert moves(actions).get(t(rollout.plan)) is phase


def test_a_verdict_is_too_old_after_15_seconds() -> None:
    rollout = standing(a_plan(drain=Drain(until=DrainUntil.PROOF)), Phase.DRAINING)
    assert moves(turn(rollout, 45.9, DRAINING, evidence=quiet(31)))
    assert not moves(turn(rollout, 46, DRAINING, evidence=quiet(31)))


def proven(read: float | None, *changes: Reason) -> tuple[Action, ...]:
    """What is decided at 33 s of a target that is quiet, with its group's attributes read so late, or never."""
    plan = a_plan(drain=Drain(until=DrainUntil.PROOF))
    rollout = standing(plan, Phase.DRAINING)
    observation = seen(rollout, later(33), {0: DRAINING}, evidence=quiet(31))
    reads = {} if read is None else {plan.groups[0].arn: AttributesReading(later(read), changes)}
    return decided(rollout, replace(observation, attributes=reads), later(33))


def test_a_witness_is_believed_only_while_its_group_is_as_it_was_planned() -> None:
    assert moves(proven(20))
    actions = proven(20, reason(ReasonCode.ATTRIBUTE_CHANGED, attribute="idle_timeout", was="60s", now="4000s"))
    assert not moves(actions)
    assert "does not count because its group was changed (idle_timeout was 60s, is 4000s)" in whys(actions)


@pytest.mark.parametrize("read", [None, 18])
def test_a_witness_is_believed_only_when_its_group_was_read_just_now(read: float | None) -> None:
    actions = proven(read)
    assert not moves(actions)
    assert "counts once the group's attributes are read" in whys(actions)


def test_a_group_is_read_once_more_before_a_witness_is_believed() -> None:
    plan = a_plan(drain=Drain(until=DrainUntil.PROOF))
    rollout = standing(plan, Phase.DRAINING)
    for verdict, wanted in ((quiet(31), (plan.groups[0].arn,)), (quiet(31, ProbeVerdict.BUSY), ())):
        last = seen(rollout, later(33), {0: DRAINING}, evidence=verdict, age=seconds(9))
        assert observation_request(rollout, last, later(33)).attributes == wanted


def test_a_group_is_read_while_the_first_word_of_its_witness_is_awaited() -> None:
    plan = a_plan(drain=Drain(until=DrainUntil.PROOF))
    rollout = standing(plan, Phase.DRAINING)
    for at, wanted in ((29.9, ()), (30, (plan.groups[0].arn,))):
        assert (
            observation_request(rollout, seen(rollout, later(at), {0: DRAINING}, age=seconds(9)), later(at)).attributes
            == wanted
        )


def test_with_until_delay_no_witness_is_asked() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert not moves(turn(rollout, 33, DRAINING, evidence=quiet(31)))


def test_what_a_busy_witness_says_is_what_is_told() -> None:
    rollout = standing(a_plan(drain=Drain(until=DrainUntil.PROOF)), Phase.DRAINING)
    assert "3 requests are in flight" in whys(turn(rollout, 33, DRAINING, evidence=quiet(31, ProbeVerdict.BUSY)))


def test_a_target_that_somebody_registers_while_it_drains_is_taken_out_once_more_and_said() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert notes(turn(rollout, 20, HEALTHY)) == [e.FoundServing]
    told = standing(a_plan(), Phase.DRAINING, e.FoundServing(later(20), t(rollout.plan)))
    assert deregistered(turn(told, 20, HEALTHY)) == [t(rollout.plan)]


def test_a_call_is_not_repeated_while_the_group_cannot_be_seen() -> None:
    rollout = standing(a_plan(), Phase.DRAINING, bare=True)
    actions = turn(rollout, 30, HEALTHY, age=seconds(20))
    assert not deregistered(actions)
    assert "has not been observed in the last 10 seconds" in whys(actions)


def test_a_target_found_serving_is_not_taken_out_of_a_group_that_needs_it() -> None:
    rollout = standing(a_plan(), Phase.WORKING, e.FoundServing(later(20), t(a_plan())))
    work = WorkStatus(WorkState.RUNNING)
    assert not deregistered(turn(rollout, 20, HEALTHY, DOWN, work=work))
    assert deregistered(turn(rollout, 20, HEALTHY, HEALTHY, work=work))


def test_what_does_not_serve_may_be_kept_out_whatever_the_floor_says() -> None:
    plan = a_plan()
    kept = e.PhaseChanged(later(1), t(plan), Phase.DRAINING, "never healthy", Intent.KEEP_OUT, Cause.FAILED)
    rollout = standing(plan, Phase.WARMING, kept)
    assert deregistered(turn(rollout, 2, DOWN, DOWN)) == [t(plan)]
