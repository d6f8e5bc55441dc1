"""What was touched is taken back: what is in hand when the word comes, by whose word, and how far failures reach."""

import pytest
from tests.unit.given import (
    NOON,
    OUTWARD,
    a_plan,
    brought,
    called,
    decided,
    deregistered,
    facts,
    given,
    later,
    moved,
    moves,
    notes,
    seen,
    standing,
    started,
    t,
    turn,
    whys,
)

from katakei.domain import events as e
from katakei.domain.actions import ForbidWork, Record
from katakei.domain.errors import ExitCode
from katakei.domain.leases import Owner
from katakei.domain.observation import CheckResult, HealthState, WorkState, WorkStatus
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Plan
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.replay import Rollout, evolve, replay
from katakei.domain.spec import AfterFailure, Check, Command, FailedTargetPolicy, OnFailure
from katakei.reconcile.decide import candidates
from katakei.reconcile.outcome import taken_back, verdict
from katakei.reconcile.revert import not_taken_back

ABSENT, DRAINING, DOWN = HealthState.ABSENT, HealthState.DRAINING, HealthState.UNHEALTHY
UNDO = Command("ssm", "undo")
REVERT = e.RevertAsked(later(100), "kim")
BY_ITSELF = OnFailure(0, FailedTargetPolicy.KEEP_OUT, AfterFailure.REVERT)


def undoable(targets: int = 2, **changes: object) -> Plan:
    return a_plan(targets, **{"revert": UNDO, **changes})  # type: ignore[arg-type]  # a test's own choice of values


def failed(plan: Plan, number: int = 0) -> list[e.Event]:
    """Its work ended badly, and it stays out."""
    key = replay([e.Planned(NOON, plan)]).key(t(plan, number))
    out = e.PhaseChanged(NOON, t(plan, number), Phase.LEFT_OUT, "exit code 1", cause=Cause.FAILED)
    return [*brought(plan, Phase.WORKING, number), e.WorkEnded(NOON, key, 1, ""), out]


def back(plan: Plan, *ways: Phase, number: int = 0, cause: Cause | None = None) -> list[e.Event]:
    """One attempt to take a target back."""
    who = t(plan, number)
    first, *others = ways
    story: list[e.Event] = [e.PhaseChanged(NOON, who, first, intent=Intent.REVERT)]
    return [*story, *(e.PhaseChanged(NOON, who, way, cause=cause if way is ways[-1] else None) for way in others)]


def fell(plan: Plan, number: int = 0) -> e.Event:
    return e.BecameUnhealthy(later(101), t(plan, number), "unhealthy")


def taken(plan: Plan, number: int = 0) -> list[e.Event]:
    """It serves what it served before."""
    return back(plan, *OUTWARD, Phase.DONE, number=number)


def skipped(plan: Plan, number: int) -> e.Event:
    return e.PhaseChanged(NOON, t(plan, number), Phase.SKIPPED)


# -- what is in hand when the word comes


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.OUT])
def test_who_is_still_untouched_goes_back_as_it_was(phase: Phase) -> None:
    rollout = standing(undoable(1, floor=0), phase, REVERT)
    [move] = moved(turn(rollout, 101, ABSENT))
    assert (move.to, move.intent, move.reason) == (
        Phase.RETURNING,
        Intent.RETURN,
        reason(ReasonCode.REVERTED, by="kim"),
    )
    assert not candidates(evolve(rollout, [move, e.PhaseChanged(NOON, move.target, Phase.RETURNED)]))


def test_work_that_runs_is_awaited() -> None:
    rollout = standing(undoable(1, floor=0), Phase.WORKING, REVERT)
    actions = turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.RUNNING))
    assert not moves(actions)
    assert "the work has been running for 40s" in whys(actions)


def test_work_that_never_began_is_told_never_to_begin() -> None:
    rollout = standing(undoable(), Phase.WORKING, REVERT, bare=True)
    assert any(
        isinstance(action, ForbidWork) for action in turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.NOT_STARTED))
    )


@pytest.mark.parametrize("exit_code", [0, 1])
def test_what_has_been_worked_on_by_then_is_taken_back_without_serving_in_between(exit_code: int) -> None:
    plan = undoable(1, floor=0)
    rollout = standing(plan, Phase.WORKING, REVERT)
    actions = turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.ENDED, exit_code))
    assert moves(actions) == {t(plan): Phase.LEFT_OUT}
    ended = evolve(rollout, [action.event for action in actions if isinstance(action, Record)])
    [move] = moved(turn(ended, 41, ABSENT))
    assert (move.to, move.intent, ended.failures) == (Phase.DRAINING, Intent.REVERT, 0)


def test_what_is_being_checked_is_taken_back_without_serving_in_between() -> None:
    rollout = standing(undoable(1, floor=0), Phase.CHECKING, REVERT)
    assert moves(turn(rollout, 101, ABSENT, answer=CheckResult(True, later(101)))) == {t(rollout.plan): Phase.LEFT_OUT}


def test_what_has_just_been_registered_is_taken_out_again_at_once() -> None:
    plan = undoable(1, floor=0)
    rollout = given(plan, brought(plan, Phase.WARMING, bare=True), called(plan), [REVERT])
    [move] = moved(turn(rollout, 101, HealthState.INITIAL))
    assert (move.to, move.intent, move.cause) == (Phase.DRAINING, Intent.KEEP_OUT, None)


def test_a_soak_is_not_waited_for_where_the_target_serves() -> None:
    plan = undoable(1)
    rollout = standing(plan, Phase.SOAKING, e.ObservedServing(NOON, t(plan)), REVERT)
    assert moves(turn(rollout, 1)) == {t(plan): Phase.DONE}


def test_a_manual_work_that_nobody_approved_is_taken_back_too() -> None:
    plan = undoable(1, floor=0, work=Command("manual"))
    rollout = standing(plan, Phase.WORKING, REVERT)
    actions = turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.AWAITS_APPROVAL))
    assert moves(actions) == {t(plan): Phase.LEFT_OUT}
    assert candidates(evolve(rollout, [action.event for action in actions if isinstance(action, Record)])) == [t(plan)]


def test_an_interrupted_work_is_known_to_be_over_and_is_taken_back() -> None:
    plan = undoable(1, floor=0)
    rollout = standing(plan, Phase.WORKING, REVERT)
    actions = turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.INTERRUPTED))
    assert candidates(evolve(rollout, [action.event for action in actions if isinstance(action, Record)])) == [t(plan)]


# -- who is taken back, and who is not


def test_the_last_that_was_touched_is_taken_back_first_however_it_ended() -> None:
    plan = undoable(4)
    story = [*brought(plan, Phase.DONE, 0), *failed(plan, 1), *brought(plan, Phase.FAILED_SERVING, 2)]
    rollout = given(plan, story, brought(plan, Phase.DONE, 3), [REVERT])
    assert candidates(rollout) == [t(plan, number) for number in (3, 2, 1, 0)]


def test_a_target_whose_work_was_refused_was_not_touched() -> None:
    plan = undoable(1)
    rollout = standing(plan, Phase.WORKING)
    actions = turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.REFUSED))
    refused = evolve(rollout, [action.event for action in actions if isinstance(action, Record)])
    served = evolve(refused, [e.PhaseChanged(NOON, t(plan), way) for way in (*OUTWARD[4:], Phase.FAILED_SERVING)])
    assert not candidates(evolve(served, [REVERT]))


def test_where_the_work_may_still_run_nothing_else_is_begun() -> None:
    plan = undoable(2)
    story = [
        *brought(plan, Phase.WORKING),
        e.PhaseChanged(NOON, t(plan), Phase.LEFT_OUT, "unknown", cause=Cause.FAILED),
    ]
    rollout = given(plan, story, brought(plan, Phase.DONE, 1), [REVERT])
    assert candidates(rollout) == [t(plan, 1)]
    assert not_taken_back(rollout) == [t(plan, 0), t(plan, 1)]


def test_where_somebody_else_insists_on_a_target_a_person_decides() -> None:
    plan = undoable(1)
    story = [*brought(plan, Phase.CHECKING), *[e.FoundServing(NOON, t(plan))] * 2]
    rollout = given(plan, story, [e.PhaseChanged(NOON, t(plan), Phase.LEFT_OUT, cause=Cause.FAILED), REVERT])
    assert not candidates(rollout)


def test_the_revert_command_is_what_is_run() -> None:
    plan = undoable(1, floor=0)
    rollout = given(plan, failed(plan), [REVERT], back(plan, Phase.DRAINING), facts(plan, Phase.DRAINING))
    out = evolve(rollout, [e.PhaseChanged(NOON, t(plan), Phase.OUT)])
    [key] = started(turn(out, 40, ABSENT))
    assert (key.intent, key.attempt) == (Intent.REVERT, 2)


def test_marks_of_the_revert_are_where_its_own_executor_keeps_them() -> None:
    plan = undoable(1, floor=0)
    owner = Owner("deploy", "host", 7, 7, "boot")
    taken_up = e.OwnerChanged(NOON, owner, "", "here")
    update = given(plan, [taken_up], brought(plan, Phase.WORKING))
    revert = evolve(given(plan, [taken_up], failed(plan), [REVERT]), back(plan, *OUTWARD[:3]))
    assert (update.statuses[t(plan)].marks, revert.statuses[t(plan)].marks) == ("", "here")


# -- the floor


def test_the_floor_is_kept_while_it_is_reverted() -> None:
    plan = undoable(2, floor=2)
    rollout = given(plan, brought(plan, Phase.DONE, 0), brought(plan, Phase.DONE, 1), [REVERT])
    actions = turn(rollout, 101)
    assert not deregistered(actions)
    assert "the floor is 2" in whys(actions)


def test_who_is_left_out_is_taken_back_whoever_else_has_fallen() -> None:
    plan = undoable(2)
    rollout = given(plan, failed(plan), brought(plan, Phase.DONE, 1), [REVERT, fell(plan, 1)])
    assert moves(turn(rollout, 101, ABSENT, DOWN)) == {t(plan): Phase.DRAINING}


def test_who_is_left_out_but_seen_in_service_is_not_taken_from_a_broken_floor() -> None:
    plan = undoable(2)
    rollout = given(plan, failed(plan), brought(plan, Phase.DONE, 1), [REVERT, fell(plan, 1)])
    assert not deregistered(turn(rollout, 101, HealthState.HEALTHY, DOWN))


def test_who_falls_while_it_waits_to_be_taken_back_is_named_and_holds_nothing_up() -> None:
    plan = undoable(2, floor=2)
    rollout = given(
        plan, brought(plan, Phase.DONE, 0), brought(plan, Phase.DONE, 1), [REVERT, e.CommandAcknowledged(later(101))]
    )
    assert notes(turn(rollout, 101, DOWN)) == [e.BecameUnhealthy]
    down = evolve(rollout, [fell(plan)])
    assert "is next and has waited" in whys(turn(down, 130, DOWN))
    assert notes(turn(down, 131, DOWN)) == [e.FailedAfterDone]
    lost = evolve(down, [e.FailedAfterDone(later(131), t(plan), "left service after it was done: unhealthy")])
    assert notes(turn(lost, 1000, DOWN)) == [e.Finished]
    ended = evolve(lost, [e.Finished(later(1000))])
    assert (verdict(ended), taken_back(ended), lost.stopped) == (ExitCode.LEFT_OUT, ExitCode.LEFT_OUT, None)


# -- when it fails


def test_only_failures_of_the_revert_count_while_it_is_reverted() -> None:
    plan = undoable(3)
    rollout = given(plan, failed(plan, 0), brought(plan, Phase.DONE, 1), [skipped(plan, 2), REVERT])
    once = evolve(rollout, back(plan, *OUTWARD[:3], Phase.LEFT_OUT, cause=Cause.FAILED))
    assert rollout.stopped is None
    assert once.stopped == reason(ReasonCode.TOO_MANY_REVERT_FAILURES, failures=1, allowed=0)
    assert moves(turn(once, 101, ABSENT)) == {}
    assert not_taken_back(once) == [t(plan, 0), t(plan, 1)]


def test_a_second_revert_takes_up_what_the_first_could_not_and_leaves_alone_what_it_could() -> None:
    plan = undoable(3)
    story = [brought(plan, Phase.DONE, number) for number in range(3)]
    first = [REVERT, *taken(plan, 2), *back(plan, *OUTWARD[:3], Phase.LEFT_OUT, number=1, cause=Cause.FAILED)]
    ended = e.WorkEnded(NOON, given(plan, *story, first).key(t(plan, 1)), 1, "")
    rollout = given(plan, *story, first, [ended, e.Finished(NOON), REVERT])
    assert candidates(rollout) == [t(plan, 1), t(plan, 0)]


def test_failed_targets_are_put_back_while_it_is_reverted_where_that_is_wished() -> None:
    plan = undoable(1, floor=0, on_failure=OnFailure(0, FailedTargetPolicy.PUT_BACK))
    at_work = given(plan, brought(plan, Phase.DONE), [REVERT], back(plan, *OUTWARD[:3]))
    rollout = evolve(at_work, [e.Started(NOON, at_work.key(t(plan)), "ticket")])
    [move] = moved(turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.ENDED, 1)))
    assert (move.to, move.intent, move.cause) == (Phase.CHECKING, Intent.RETURN, Cause.FAILED)


def test_an_abort_of_a_revert_begins_no_other_and_brings_back_what_is_in_hand() -> None:
    plan = undoable(2)
    story = [*brought(plan, Phase.DONE, 0), *brought(plan, Phase.DONE, 1), REVERT, *back(plan, Phase.DRAINING)]
    rollout = given(plan, story, [e.AbortAsked(later(101), "kim")])
    assert moves(turn(rollout, 102, DRAINING)) == {t(plan): Phase.RETURNING}


def test_a_pause_holds_a_revert_and_a_revert_ends_a_pause() -> None:
    plan = undoable(2)
    pause = e.PauseAsked(later(101), "kim")
    done = [*brought(plan, Phase.DONE, 0), *brought(plan, Phase.DONE, 1)]
    held = turn(given(plan, done, [REVERT, pause]), 102)
    assert not moves(held)
    assert "paused by kim" in whys(held)
    assert moves(turn(given(plan, done, [pause, REVERT]), 102)) == {t(plan, 1): Phase.DRAINING}


# -- by on_failure


def test_a_rollout_that_failed_takes_itself_back_where_that_is_wished() -> None:
    plan = undoable(3, on_failure=BY_ITSELF)
    rollout = given(plan, brought(plan, Phase.DONE, 0), failed(plan, 1))
    (note,) = decided(rollout, seen(rollout, NOON, {1: ABSENT}), NOON)
    assert note == Record(e.RevertDecided(NOON, 1))
    resolved = evolve(rollout, [e.RevertDecided(NOON, 1)])
    assert moves(decided(resolved, seen(resolved, NOON, {1: ABSENT}), NOON)) == {t(plan, 2): Phase.SKIPPED}
    skips = evolve(resolved, [skipped(plan, 2)])
    assert moves(decided(skips, seen(skips, NOON, {1: ABSENT}), NOON)) == {t(plan, 1): Phase.DRAINING}


@pytest.mark.parametrize("word", [e.AbortAsked(NOON, "kim"), REVERT])
def test_a_persons_word_comes_before_on_failure(word: e.Event) -> None:
    plan = undoable(2, on_failure=BY_ITSELF)
    rollout = given(plan, failed(plan), [word])
    assert Record(e.RevertDecided(NOON, 1)) not in decided(rollout, seen(rollout, NOON, {0: ABSENT}), NOON)


def test_a_failed_rollout_that_is_to_stop_stops() -> None:
    plan = undoable(2)
    rollout = given(plan, failed(plan))
    assert moves(decided(rollout, seen(rollout, NOON, {0: ABSENT}), NOON)) == {t(plan, 1): Phase.SKIPPED}


# -- how it went


def ended(plan: Plan, *stories: list[e.Event]) -> Rollout:
    return given(plan, *stories, [e.Finished(later(200))])


def test_who_asked_for_a_revert_is_told_that_it_is_done_and_who_asked_for_the_release_that_it_is_not_there() -> None:
    plan = undoable(1)
    rollout = ended(plan, brought(plan, Phase.DONE), [REVERT], taken(plan))
    assert (taken_back(rollout), verdict(rollout)) == (ExitCode.DONE, ExitCode.FAILED)


def test_a_revert_that_is_not_complete_is_not_done() -> None:
    plan = undoable(2)
    half = ended(plan, brought(plan, Phase.DONE), brought(plan, Phase.DONE, 1), [REVERT], taken(plan))
    out = ended(plan, failed(plan), [skipped(plan, 1), REVERT])
    assert (taken_back(half), taken_back(out)) == (ExitCode.FAILED, ExitCode.LEFT_OUT)
    assert taken_back(given(plan, [REVERT])) is ExitCode.INTERRUPTED


def test_a_retry_that_comes_while_it_is_reverted_came_too_late() -> None:
    plan = undoable(1)
    retry = e.RetryAsked(later(101), "kim", (t(plan),))
    assert given(plan, failed(plan), [REVERT, retry]).reverting
    after = given(plan, failed(plan), [REVERT, *taken(plan), e.Finished(NOON), retry])
    assert (after.reverting, candidates(after)) == (None, [t(plan)])


def test_what_a_retry_touched_after_a_revert_can_be_reverted_again() -> None:
    plan = undoable(1)
    retry: list[e.Event] = [e.Finished(NOON), e.RetryAsked(later(101), "kim", (t(plan),))]
    again = [
        e.PhaseChanged(NOON, t(plan), OUTWARD[0], intent=Intent.UPDATE),
        *(e.PhaseChanged(NOON, t(plan), way) for way in (*OUTWARD[1:], Phase.DONE)),
    ]
    rollout = given(plan, failed(plan), [REVERT, *taken(plan)], retry, again, [REVERT])
    assert candidates(rollout) == [t(plan)]


# -- an abort brings nothing half-done back by the load balancer's word alone


@pytest.mark.parametrize(("check", "to"), [(Check(), Phase.CHECKING), (Check(asked=False), Phase.LEFT_OUT)])
def test_failed_work_serves_after_an_abort_only_by_a_check(check: Check, to: Phase) -> None:
    plan = undoable(1, floor=0, check=check)
    rollout = standing(plan, Phase.WORKING, e.AbortAsked(later(1), "kim"))
    assert moves(turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.ENDED, 1))) == {t(plan): to}
