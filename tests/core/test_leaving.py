"""On the way out: a target leaves only as long as it may, and is worked on only where nothing reaches it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.core.given import (
    NOON,
    a_plan,
    brought,
    decided,
    deregistered,
    facts,
    given,
    later,
    moved,
    moves,
    notes,
    seconds,
    seen,
    standing,
    started,
    t,
    whys,
)

from katakei.core import events as e
from katakei.core.planned import Kind
from katakei.core.roads import Cause, Intent, Phase
from katakei.core.rollout import Rollout
from katakei.core.sight import Evidence, Pending, State, Work, WorkState
from katakei.core.spec import Command, Drain, FailedTarget, Limits, OnFailure, Until
from katakei.core.steps import Start, Step

DRAINING, ABSENT, HEALTHY, DOWN = State.DRAINING, State.ABSENT, State.HEALTHY, State.UNHEALTHY


def turn(
    rollout: Rollout, at: float, first: State = DRAINING, second: State = HEALTHY, **more: object
) -> Sequence[Step]:
    """What is decided so many seconds after noon, when the two targets are seen so."""
    return decided(rollout, seen(rollout, later(at), {0: first, 1: second}, **more), later(at))  # type: ignore[arg-type]  # as `seen` takes them


# -- draining


def test_a_deregister_call_that_did_not_return_is_made_again() -> None:
    rollout = standing(a_plan(), Phase.DRAINING, bare=True)
    steps = turn(rollout, 3, HEALTHY)
    assert deregistered(steps) == [t(rollout.plan)]
    assert "has not returned yet" in whys(steps)


def test_only_the_group_whose_call_did_not_return_is_called_again() -> None:
    plan = a_plan(groups=2)
    rollout = standing(plan, Phase.DRAINING, facts(plan, Phase.DRAINING)[0], bare=True)
    [again] = [step for step in turn(rollout, 3, HEALTHY) if hasattr(step, "registrations")]
    assert [place.group for place in again.registrations] == [plan.groups[1].arn]


def test_a_look_begun_before_the_call_returned_proves_nothing() -> None:
    rollout = standing(
        a_plan(), Phase.DRAINING, e.Deregistered(later(2), a_plan().groups[0].arn, (t(a_plan()),)), bare=True
    )
    steps = turn(rollout, 3, DRAINING, age=seconds(1.5))
    assert not notes(steps)
    assert "not seen since" in whys(steps)


def test_why_a_look_failed_is_said() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    blind = replace(seen(rollout, later(0)), unseen={rollout.plan.groups[0].arn: "DescribeTargetHealth: throttled"})
    assert "throttled" in whys(decided(rollout, blind, later(12)))


def test_settle_is_counted_from_the_first_look_that_showed_every_registration_out() -> None:
    plan = a_plan(groups=2)
    calls = facts(plan, Phase.DRAINING)[:2]
    rollout = standing(plan, Phase.DRAINING, *calls, bare=True)
    first, other = plan.targets[0].registrations
    half = seen(rollout, later(1), places={first: DRAINING, other: HEALTHY})
    assert not notes(decided(rollout, half, later(1)))
    whole = seen(rollout, later(4), {0: DRAINING})
    [note] = [step.event for step in decided(rollout, whole, later(5)) if hasattr(step, "event")]
    assert note == e.SeenOut(later(4), t(plan))


def test_a_call_that_changed_nothing_is_repeated_after_a_while_only() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.DRAINING, facts(plan, Phase.DRAINING)[0], bare=True)
    assert not deregistered(turn(rollout, 4.9, HEALTHY))
    assert deregistered(turn(rollout, 5, HEALTHY)) == [t(plan)]
    assert "but seen healthy" in whys(turn(rollout, 5, HEALTHY))


def test_a_target_is_not_out_before_the_settle_time_even_when_it_is_absent() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert not moves(turn(rollout, 29.9, ABSENT))
    assert "settle has 5s left" in whys(turn(rollout, 25, ABSENT))
    assert moves(turn(rollout, 30, ABSENT)) == {t(rollout.plan): Phase.OUT}


def test_without_a_witness_the_whole_timer_is_waited_and_said() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    steps = turn(rollout, 35, DRAINING)
    assert not moves(steps)
    assert "timer of 40s has 5s left" in whys(steps)


def test_one_group_that_still_drains_holds_the_target() -> None:
    plan = a_plan(groups=2)
    rollout = standing(plan, Phase.DRAINING)
    first, other = plan.targets[0].registrations
    sight = seen(rollout, later(45), places={first: ABSENT, other: DRAINING})
    assert not moves(decided(rollout, sight, later(45)))


def quiet(ended: float, verdict: Pending = Pending.QUIET) -> Evidence:
    return Evidence(verdict, later(ended - 1), later(ended), "3 requests are in flight")


@pytest.mark.parametrize(
    ("evidence", "phase"),
    [
        (quiet(31), Phase.OUT),
        (quiet(29), None),  # it ended before settle was over
        (quiet(31, Pending.BUSY), None),
        (quiet(31, Pending.BLIND), None),
        (None, None),
    ],
)
def test_a_witness_is_believed_only_after_settle_and_only_when_it_says_quiet(
    evidence: Evidence | None, phase: Phase | None
) -> None:
    rollout = standing(a_plan(drain=Drain(until=Until.PROOF)), Phase.DRAINING)
    steps = turn(rollout, 33, DRAINING, evidence=evidence)
    assert moves(steps).get(t(rollout.plan)) is phase


def test_a_verdict_is_too_old_after_15_seconds() -> None:
    rollout = standing(a_plan(drain=Drain(until=Until.PROOF)), Phase.DRAINING)
    assert moves(turn(rollout, 45.9, DRAINING, evidence=quiet(31)))
    assert not moves(turn(rollout, 46, DRAINING, evidence=quiet(31)))


def test_with_until_delay_no_witness_is_asked() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert not moves(turn(rollout, 33, DRAINING, evidence=quiet(31)))


def test_what_a_busy_witness_says_is_what_is_told() -> None:
    rollout = standing(a_plan(drain=Drain(until=Until.PROOF)), Phase.DRAINING)
    assert "3 requests are in flight" in whys(turn(rollout, 33, DRAINING, evidence=quiet(31, Pending.BUSY)))


def test_a_drain_over_its_limit_goes_back_and_counts_as_failed() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert not moves(turn(rollout, 100, DRAINING))
    [move] = moved(turn(rollout, 101, DRAINING))
    assert (move.to, move.intent, move.cause) == (Phase.RETURNING, Intent.RETURN, Cause.FAILED)


def test_the_limit_of_a_drain_may_be_a_span_of_its_own() -> None:
    rollout = standing(a_plan(limits=Limits(draining_extra=seconds(50), draining_from_delay=False)), Phase.DRAINING)
    assert moves(turn(rollout, 51, DRAINING)) == {t(rollout.plan): Phase.RETURNING}


def test_a_deregister_that_never_takes_effect_ends_at_the_limit_too() -> None:
    rollout = standing(a_plan(), Phase.DRAINING, bare=True)
    assert not moves(turn(rollout, 100, HEALTHY))
    assert moves(turn(rollout, 101, HEALTHY)) == {t(rollout.plan): Phase.RETURNING}


def test_a_group_that_cannot_be_seen_ends_no_drain() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert not moves(turn(rollout, 300, DRAINING, age=seconds(60)))


def test_a_target_that_somebody_registers_while_it_drains_is_taken_out_once_more_and_said() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert notes(turn(rollout, 20, HEALTHY)) == [e.FoundServing]
    told = standing(a_plan(), Phase.DRAINING, e.FoundServing(later(20), t(rollout.plan)))
    assert deregistered(turn(told, 20, HEALTHY)) == [t(rollout.plan)]


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.OUT])
def test_a_target_registered_a_second_time_is_left_to_a_person(phase: Phase) -> None:
    plan = a_plan()
    twice = [e.FoundServing(later(n), t(plan)) for n in (20, 30)]
    [move] = moved(turn(standing(plan, phase, *twice), 30, HEALTHY))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)


# -- going back before any work


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.OUT])
def test_an_abort_brings_back_what_was_not_worked_on(phase: Phase) -> None:
    rollout = standing(a_plan(), phase, e.AbortAsked(later(1), "kim"))
    move = moved(turn(rollout, 2))[0]
    assert (move.to, move.intent, move.cause, move.why) == (
        Phase.RETURNING,
        Intent.RETURN,
        Cause.ABORTED,
        "aborted by kim",
    )


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.OUT])
def test_when_another_target_falls_ours_goes_back_at_once(phase: Phase) -> None:
    rollout = standing(a_plan(), phase)
    [move] = moved(turn(rollout, 2, DRAINING, DOWN))
    assert (move.to, move.intent, move.cause) == (Phase.RETURNING, Intent.RETURN, Cause.FLOOR_LOST)


def test_a_group_not_seen_just_now_is_no_fallen_floor() -> None:
    rollout = standing(a_plan(), Phase.DRAINING)
    assert not moves(turn(rollout, 20, DRAINING, DOWN, age=seconds(11)))


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.OUT])
def test_after_too_many_failures_nothing_more_is_touched(phase: Phase) -> None:
    plan = a_plan(3, window=2)
    failed = [*brought(plan, Phase.WORKING, 2), e.Moved(NOON, t(plan, 2), Phase.LEFT_OUT, cause=Cause.FAILED)]
    rollout = given(plan, brought(plan, phase), failed)
    move = moved(turn(rollout, 31, ABSENT))[0]
    assert (move.to, move.intent) == (Phase.RETURNING, Intent.RETURN)
    assert "1 failed, 0 allowed" in move.why


def test_a_target_that_only_is_to_be_registered_goes_straight_back() -> None:
    rollout = given(a_plan(1, kind=Kind.REGISTER, begin=Phase.OUT, floor=0))
    assert moves(turn(rollout, 0, ABSENT)) == {t(rollout.plan): Phase.RETURNING}


# -- never taken out (again) unseen


def test_a_call_is_not_repeated_while_the_group_cannot_be_seen() -> None:
    rollout = standing(a_plan(), Phase.DRAINING, bare=True)
    steps = turn(rollout, 30, HEALTHY, age=seconds(20))
    assert not deregistered(steps)
    assert "has not been seen just now" in whys(steps)


def test_a_target_found_serving_is_not_taken_out_of_a_group_that_needs_it() -> None:
    rollout = standing(a_plan(), Phase.WORKING, e.FoundServing(later(20), t(a_plan())))
    work = Work(WorkState.RUNNING)
    assert not deregistered(turn(rollout, 20, HEALTHY, DOWN, work=work))
    assert deregistered(turn(rollout, 20, HEALTHY, HEALTHY, work=work))


def test_what_does_not_serve_may_be_kept_out_whatever_the_floor_says() -> None:
    plan = a_plan()
    kept = e.Moved(later(1), t(plan), Phase.DRAINING, "never healthy", Intent.KEEP_OUT, Cause.FAILED)
    rollout = standing(plan, Phase.WARMING, kept)
    assert deregistered(turn(rollout, 2, DOWN, DOWN)) == [t(plan)]


# -- kept out, by hand


def test_a_target_kept_out_is_left_out_as_soon_as_it_is_seen_out() -> None:
    plan = a_plan()
    kept = e.Moved(later(1), t(plan), Phase.DRAINING, "never healthy", Intent.KEEP_OUT, Cause.FAILED)
    rollout = standing(plan, Phase.WARMING, kept, *facts(plan, Phase.DRAINING, at=later(2)))
    [move, *_] = moved(turn(rollout, 3, DRAINING))
    assert (move.to, move.why) == (Phase.LEFT_OUT, "never healthy")


def test_an_abort_does_not_bring_back_what_is_kept_out() -> None:
    plan = a_plan()
    kept = e.Moved(later(1), t(plan), Phase.DRAINING, "never healthy", Intent.KEEP_OUT, Cause.FAILED)
    rollout = standing(plan, Phase.WARMING, kept, e.AbortAsked(later(1), "kim"))
    assert Phase.RETURNING not in moves(turn(rollout, 2, HEALTHY)).values()


def test_what_is_kept_out_but_never_leaves_is_left_to_a_person_at_the_limit() -> None:
    plan = a_plan()
    kept = e.Moved(later(1), t(plan), Phase.DRAINING, "never healthy", Intent.KEEP_OUT, Cause.FAILED)
    rollout = standing(plan, Phase.WARMING, kept)
    assert moves(turn(rollout, 102, HEALTHY))[t(plan)] is Phase.LEFT_OUT


def test_by_hand_a_drained_target_is_left_out() -> None:
    rollout = standing(a_plan(1, floor=0, kind=Kind.DEREGISTER), Phase.DRAINING)
    assert moves(turn(rollout, 45, ABSENT)) == {t(rollout.plan): Phase.OUT}
    out = standing(rollout.plan, Phase.OUT)
    [move] = moved(turn(out, 46, ABSENT))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.BY_HAND)


def test_by_hand_a_drain_over_its_limit_is_not_undone() -> None:
    rollout = standing(a_plan(1, floor=0, kind=Kind.DEREGISTER), Phase.DRAINING)
    [move] = moved(turn(rollout, 101, DRAINING))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)


def test_by_hand_one_failure_brings_no_other_target_back() -> None:
    plan = a_plan(2, floor=0, window=2, kind=Kind.DEREGISTER)
    failed = [*brought(plan, Phase.DRAINING, 1), e.Moved(NOON, t(plan, 1), Phase.LEFT_OUT, cause=Cause.FAILED)]
    rollout = given(plan, brought(plan, Phase.DRAINING), failed)
    assert not moves(turn(rollout, 20))


def test_with_no_wait_the_target_is_left_draining() -> None:
    rollout = standing(a_plan(1, floor=0, kind=Kind.DEREGISTER, waits=False), Phase.DRAINING)
    [move] = moved(turn(rollout, 1, DRAINING))
    assert (move.to, move.cause, move.why) == (Phase.LEFT_OUT, Cause.BY_HAND, "not waited for")


# -- out


def test_work_is_resolved_and_started_in_one_turn() -> None:
    rollout = standing(a_plan(), Phase.OUT)
    steps = turn(rollout, 45, ABSENT)
    assert moves(steps) == {t(rollout.plan): Phase.WORKING}
    assert started(steps) == [e.Key(rollout.plan.rollout, t(rollout.plan), 1, Intent.UPDATE)]


def test_after_a_takeover_settle_begins_anew_before_any_work() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.OUT, taken(100), e.SeenOut(later(101), t(plan)))
    assert not started(turn(rollout, 130, ABSENT))
    assert started(turn(rollout, 131, ABSENT))


def test_a_target_found_serving_right_before_the_work_is_not_worked_on() -> None:
    rollout = standing(a_plan(), Phase.OUT)
    steps = turn(rollout, 45, HEALTHY)
    assert notes(steps) == [e.FoundServing]
    assert not started(steps)


def test_a_target_that_can_never_be_taken_out_again_goes_back_at_the_limit() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.OUT, e.FoundServing(later(45), t(plan)))
    assert moves(turn(rollout, 101, HEALTHY)) == {t(plan): Phase.RETURNING}


def test_values_reach_the_work_as_environment_variables_and_the_command_as_it_was_written() -> None:
    plan = a_plan(work=Command("ssm", "deploy $KATAKEI_RELEASE"))
    [start] = [step for step in turn(standing(plan, Phase.OUT), 45, ABSENT) if isinstance(step, Start)]
    assert start.job.run == "deploy $KATAKEI_RELEASE"
    assert start.job.seconds == 60
    assert dict(start.job.env) == {
        "KATAKEI_TARGET": t(plan),
        "KATAKEI_NAME": "web0",
        "KATAKEI_ADDRESS": "10.0.0.0",
        "KATAKEI_PORT": "80",
        "KATAKEI_ZONE": "a",
        "KATAKEI_GROUP": "web0",
        "KATAKEI_ROLLOUT": "r-test",
        "KATAKEI_ATTEMPT": "1",
        "KATAKEI_RELEASE": "v2",
    }


def test_to_revert_runs_the_command_of_revert() -> None:
    plan = a_plan(revert=Command("ssm", "undo"))
    back: list[e.Event] = [e.RevertAsked(NOON, "kim"), e.Moved(NOON, t(plan), Phase.DRAINING, intent=Intent.REVERT)]
    out = [*facts(plan, Phase.DRAINING), e.Moved(NOON, t(plan), Phase.OUT)]
    [start] = [step for step in turn(standing(plan, Phase.DONE, *back, *out), 45, ABSENT) if isinstance(step, Start)]
    assert start.job.run == "undo"
    assert start.key == e.Key(plan.rollout, t(plan), 2, Intent.REVERT)


# -- working


def taken(at: float) -> e.Taken:
    return e.Taken(later(at), e.Owner("deploy", "host", 7, 7, "boot"))


def test_a_start_that_was_not_taken_is_handed_over_again() -> None:
    rollout = standing(a_plan(), Phase.WORKING, bare=True)
    assert len(started(turn(rollout, 45, ABSENT))) == 1


def test_a_start_is_not_handed_over_again_to_a_target_that_was_put_back_meanwhile() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.WORKING, taken(50), bare=True)
    steps = turn(rollout, 60, HEALTHY)
    assert not started(steps)
    assert deregistered(steps) == [t(plan)]


def test_a_start_is_not_handed_over_again_before_settle_is_proved_anew() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.WORKING, taken(50), e.SeenOut(later(51), t(plan)), bare=True)
    assert not started(turn(rollout, 80, ABSENT))
    assert started(turn(rollout, 81, ABSENT))


def test_a_start_that_nobody_ever_takes_ends_at_the_limit() -> None:
    rollout = standing(a_plan(), Phase.WORKING, bare=True)
    [move] = moved(turn(rollout, 61, ABSENT))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)
    assert "it may be running" in move.why


def test_work_that_ended_well_leads_to_the_check() -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    steps = turn(rollout, 50, ABSENT, work=Work(WorkState.ENDED, 0, "all good"))
    assert notes(steps) == [e.WorkEnded, e.Moved]
    assert moves(steps) == {t(rollout.plan): Phase.CHECKING}


def test_the_exit_code_and_the_output_of_failed_work_are_kept() -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    steps = turn(rollout, 50, ABSENT, work=Work(WorkState.ENDED, 7, "no space left"))
    ended = steps[0].event  # type: ignore[union-attr]  # the first step is the note
    assert ended == e.WorkEnded(later(50), rollout.key(t(rollout.plan)), 7, "no space left")
    assert "exit code 7" in moved(steps)[0].why


@pytest.mark.parametrize(
    ("then", "aborted", "phase", "intent"),
    [
        (FailedTarget.KEEP_OUT, False, Phase.LEFT_OUT, None),
        (FailedTarget.PUT_BACK, False, Phase.CHECKING, Intent.RETURN),
        (FailedTarget.KEEP_OUT, True, Phase.CHECKING, Intent.RETURN),
    ],
)
def test_a_failed_target_is_kept_out_or_put_back_through_its_check(
    *, then: FailedTarget, aborted: bool, phase: Phase, intent: Intent | None
) -> None:
    plan = a_plan(on_failure=OnFailure(failed_target=then))
    rollout = standing(plan, Phase.WORKING, *[e.AbortAsked(NOON, "kim")][: int(aborted)])
    move = moved(turn(rollout, 50, ABSENT, work=Work(WorkState.ENDED, 1)))[0]
    assert (move.to, move.intent, move.cause) == (phase, intent, Cause.FAILED)


def test_interrupted_work_is_never_started_again_by_itself() -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    for work in (Work(WorkState.INTERRUPTED), Work(WorkState.INTERRUPTED, why="the machine was rebooted")):
        steps = turn(rollout, 50, ABSENT, work=work)
        assert moves(steps) == {t(rollout.plan): Phase.LEFT_OUT}
        assert not started(steps)


def test_work_that_the_target_refused_goes_back_through_the_check() -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    [move] = moved(turn(rollout, 50, ABSENT, work=Work(WorkState.REFUSED, why="traffic on port 80")))
    assert (move.to, move.intent, move.cause, move.why) == (
        Phase.CHECKING,
        Intent.RETURN,
        Cause.FAILED,
        "traffic on port 80",
    )


def test_work_known_not_to_have_started_is_handed_over_again_within_its_limit() -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    work = Work(WorkState.NOT_STARTED)
    assert started(turn(rollout, 60, ABSENT, work=work))
    late = turn(rollout, 61, ABSENT, work=work)
    assert not started(late)
    assert moves(late) == {t(rollout.plan): Phase.LEFT_OUT}
    assert "has not started" in moved(late)[0].why


@pytest.mark.parametrize(
    ("work", "said"),
    [(Work(WorkState.RUNNING), "still runs"), (Work(WorkState.UNKNOWN), "cannot be seen"), (None, "cannot be seen")],
)
def test_work_over_its_limit_is_left_out_because_it_may_be_running(work: Work | None, said: str) -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    assert not moves(turn(rollout, 60, ABSENT, work=work))
    steps = turn(rollout, 61, ABSENT, work=work)
    assert moves(steps) == {t(rollout.plan): Phase.LEFT_OUT}
    assert said in moved(steps)[0].why
    assert not started(steps)


def test_unknown_is_not_no() -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    steps = turn(rollout, 50, ABSENT, work=Work(WorkState.UNKNOWN, why="the agent does not answer"))
    assert not started(steps)
    assert "the agent does not answer" in whys(steps)


def test_how_long_the_work_runs_is_said() -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    assert "the work runs for 50s" in whys(turn(rollout, 50, ABSENT, work=Work(WorkState.RUNNING)))


def test_a_target_registered_while_it_is_worked_on_is_taken_out_once_more_and_said() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.WORKING)
    running = Work(WorkState.RUNNING)
    assert notes(turn(rollout, 50, HEALTHY, work=running)) == [e.FoundServing]
    told = standing(plan, Phase.WORKING, e.FoundServing(later(50), t(plan)))
    steps = turn(told, 50, HEALTHY, work=running)
    assert deregistered(steps) == [t(plan)]
    assert "the work runs" in whys(steps)


def test_registered_a_second_time_its_work_is_finished_and_nothing_else_starts() -> None:
    plan = a_plan()
    twice = [e.FoundServing(later(n), t(plan)) for n in (40, 50)]
    rollout = standing(plan, Phase.WORKING, *twice)
    running = turn(rollout, 50, HEALTHY, work=Work(WorkState.RUNNING))
    assert not deregistered(running)
    assert not moves(running)
    done = turn(rollout, 51, HEALTHY, work=Work(WorkState.ENDED, 0))
    assert notes(done)[0] is e.WorkEnded
    assert moved(done)[0].to is Phase.LEFT_OUT
    assert moved(done)[0].cause is Cause.FAILED
    never = turn(rollout, 51, HEALTHY, work=Work(WorkState.NOT_STARTED))
    assert not started(never)
    assert moved(never)[0].to is Phase.LEFT_OUT


# -- a person works on it


def by_hand(*extra: e.Event) -> Rollout:
    return standing(a_plan(work=Command("manual")), Phase.WORKING, *extra)


AWAITS = Work(WorkState.AWAITS_APPROVAL)


def test_manual_work_waits_for_a_person_without_limit_and_tells_the_command() -> None:
    steps = turn(by_hand(), 9000, ABSENT, work=AWAITS)
    assert not moves(steps)
    assert "katakei approve r-test i-00000000000000000" in whys(steps)


@pytest.mark.parametrize("named", [True, False])
def test_an_approval_ends_manual_work(*, named: bool) -> None:
    who = t(a_plan()) if named else None
    rollout = by_hand(e.Approved(later(50), "kim", who))
    assert moves(turn(rollout, 60, ABSENT, work=AWAITS)) == {t(rollout.plan): Phase.CHECKING}


def test_an_abort_ends_the_wait_for_a_person_through_the_check() -> None:
    move = moved(turn(by_hand(e.AbortAsked(later(50), "kim")), 60, ABSENT, work=AWAITS))[0]
    assert (move.to, move.intent, move.cause) == (Phase.CHECKING, Intent.RETURN, Cause.ABORTED)
