"""Tests of a revert: targets in progress when it is asked for, which targets it takes, and its failures."""

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
    written,
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
from katakei.domain.results import not_taken_back
from katakei.domain.spec import AfterFailure, Check, Command, FailedTargetPolicy, OnFailure
from katakei.reconcile.decide import candidates
from katakei.reconcile.outcome import taken_back, verdict

ABSENT, DRAINING, DOWN = HealthState.ABSENT, HealthState.DRAINING, HealthState.UNHEALTHY
UNDO = Command("ssm", "undo")
REVERT = e.RevertAsked(later(100), "kim")
BY_ITSELF = OnFailure(0, FailedTargetPolicy.KEEP_OUT, AfterFailure.REVERT)


def undoable(targets: int = 2, **changes: object) -> Plan:
    return a_plan(targets, **{"revert": UNDO, **changes})  # type: ignore[arg-type]  # a test's own choice of values


def failed(plan: Plan, number: int = 0) -> list[e.Event]:
    """The events of a target whose work failed and that is left out."""
    key = replay([e.Planned(NOON, plan)]).key(t(plan, number))
    out = e.PhaseChanged(NOON, t(plan, number), Phase.LEFT_OUT, "exit code 1", cause=Cause.FAILED)
    return [*brought(plan, Phase.WORKING, number), e.WorkEnded(NOON, key, 1, ""), out]


def back(plan: Plan, *ways: Phase, number: int = 0, cause: Cause | None = None) -> list[e.Event]:
    """The events of one attempt to revert a target."""
    who = t(plan, number)
    first, *others = ways
    story: list[e.Event] = [e.PhaseChanged(NOON, who, first, intent=Intent.REVERT)]
    return [*story, *(e.PhaseChanged(NOON, who, way, cause=cause if way is ways[-1] else None) for way in others)]


def fell(plan: Plan, number: int = 0) -> e.Event:
    return e.BecameUnhealthy(later(101), t(plan, number), "unhealthy")


def taken(plan: Plan, number: int = 0) -> list[e.Event]:
    """The events of a target that was reverted and serves."""
    return back(plan, *OUTWARD, Phase.DONE, number=number)


def skipped(plan: Plan, number: int) -> e.Event:
    return e.PhaseChanged(NOON, t(plan, number), Phase.SKIPPED)


# -- targets in progress when the revert is asked for


@pytest.mark.parametrize("phase", [Phase.DRAINING, Phase.OUT])
def test_revert_returns_untouched_targets(phase: Phase) -> None:
    rollout = standing(undoable(1, floor=0), phase, REVERT)
    [move] = moved(turn(rollout, 101, ABSENT))
    assert (move.to, move.intent, move.reason) == (
        Phase.RETURNING,
        Intent.RETURN,
        reason(ReasonCode.REVERTED, by="kim"),
    )
    assert not candidates(evolve(rollout, [move, e.PhaseChanged(NOON, move.target, Phase.RETURNED)]))


def test_revert_waits_for_running_work() -> None:
    rollout = standing(undoable(1, floor=0), Phase.WORKING, REVERT)
    actions = turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.RUNNING))
    assert not moves(actions)
    assert "the work has been running for 40s" in whys(actions)


def test_revert_forbids_unstarted_work() -> None:
    rollout = standing(undoable(), Phase.WORKING, REVERT, bare=True)
    assert any(
        isinstance(action, ForbidWork) for action in turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.NOT_STARTED))
    )


@pytest.mark.parametrize("exit_code", [0, 1])
def test_revert_takes_back_ended_work_directly(exit_code: int) -> None:
    plan = undoable(1, floor=0)
    rollout = standing(plan, Phase.WORKING, REVERT)
    actions = turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.ENDED, exit_code))
    assert moves(actions) == {t(plan): Phase.LEFT_OUT}
    ended = evolve(rollout, written(actions))
    [move] = moved(turn(ended, 41, ABSENT))
    assert (move.to, move.intent, ended.failures) == (Phase.DRAINING, Intent.REVERT, 0)


def test_revert_takes_back_checked_target_directly() -> None:
    rollout = standing(undoable(1, floor=0), Phase.CHECKING, REVERT)
    assert moves(turn(rollout, 101, ABSENT, answer=CheckResult(True, later(101)))) == {t(rollout.plan): Phase.LEFT_OUT}


def test_revert_deregisters_warming_target() -> None:
    plan = undoable(1, floor=0)
    rollout = given(plan, brought(plan, Phase.WARMING, bare=True), called(plan), [REVERT])
    [move] = moved(turn(rollout, 101, HealthState.INITIAL))
    assert (move.to, move.intent, move.cause) == (Phase.DRAINING, Intent.KEEP_OUT, None)


def test_revert_does_not_wait_for_soak() -> None:
    plan = undoable(1)
    rollout = standing(plan, Phase.SOAKING, e.ObservedServing(NOON, t(plan)), REVERT)
    assert moves(turn(rollout, 1)) == {t(plan): Phase.DONE}


def test_revert_takes_back_unapproved_work() -> None:
    plan = undoable(1, floor=0, work=Command("manual"))
    rollout = standing(plan, Phase.WORKING, REVERT)
    actions = turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.AWAITS_APPROVAL))
    assert moves(actions) == {t(plan): Phase.LEFT_OUT}
    assert candidates(evolve(rollout, written(actions))) == [t(plan)]


def test_revert_takes_back_interrupted_work() -> None:
    plan = undoable(1, floor=0)
    rollout = standing(plan, Phase.WORKING, REVERT)
    actions = turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.INTERRUPTED))
    assert candidates(evolve(rollout, written(actions))) == [t(plan)]


# -- which targets are reverted


def test_revert_starts_with_last_touched_target() -> None:
    plan = undoable(4)
    story = [*brought(plan, Phase.DONE, 0), *failed(plan, 1), *brought(plan, Phase.FAILED_SERVING, 2)]
    rollout = given(plan, story, brought(plan, Phase.DONE, 3), [REVERT])
    assert candidates(rollout) == [t(plan, number) for number in (3, 2, 1, 0)]


def test_refused_work_does_not_touch_target() -> None:
    plan = undoable(1)
    rollout = standing(plan, Phase.WORKING)
    actions = turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.REFUSED))
    refused = evolve(rollout, written(actions))
    served = evolve(refused, [e.PhaseChanged(NOON, t(plan), way) for way in (*OUTWARD[4:], Phase.FAILED_SERVING)])
    assert not candidates(evolve(served, [REVERT]))


def test_revert_skips_target_with_running_work() -> None:
    plan = undoable(2)
    story = [
        *brought(plan, Phase.WORKING),
        e.PhaseChanged(NOON, t(plan), Phase.LEFT_OUT, "unknown", cause=Cause.FAILED),
    ]
    rollout = given(plan, story, brought(plan, Phase.DONE, 1), [REVERT])
    assert candidates(rollout) == [t(plan, 1)]
    assert not_taken_back(rollout) == [t(plan, 0), t(plan, 1)]


def test_revert_skips_target_registered_elsewhere() -> None:
    plan = undoable(1)
    story = [*brought(plan, Phase.CHECKING), *[e.FoundServing(NOON, t(plan))] * 2]
    rollout = given(plan, story, [e.PhaseChanged(NOON, t(plan), Phase.LEFT_OUT, cause=Cause.FAILED), REVERT])
    assert not candidates(rollout)


def test_revert_runs_the_revert_command() -> None:
    plan = undoable(1, floor=0)
    rollout = given(plan, failed(plan), [REVERT], back(plan, Phase.DRAINING), facts(plan, Phase.DRAINING))
    out = evolve(rollout, [e.PhaseChanged(NOON, t(plan), Phase.OUT)])
    [key] = started(turn(out, 40, ABSENT))
    assert (key.intent, key.attempt) == (Intent.REVERT, 2)


def test_revert_uses_marks_of_its_executor() -> None:
    plan = undoable(1, floor=0)
    owner = Owner("deploy", "host", 7, 7, "boot")
    taken_up = e.OwnerChanged(NOON, owner, "", "here")
    update = given(plan, [taken_up], brought(plan, Phase.WORKING))
    revert = evolve(given(plan, [taken_up], failed(plan), [REVERT]), back(plan, *OUTWARD[:3]))
    assert (update.statuses[t(plan)].marks, revert.statuses[t(plan)].marks) == ("", "here")


# -- the floor


def test_revert_keeps_the_floor() -> None:
    plan = undoable(2, floor=2)
    rollout = given(plan, brought(plan, Phase.DONE, 0), brought(plan, Phase.DONE, 1), [REVERT])
    actions = turn(rollout, 101)
    assert not deregistered(actions)
    assert "the floor is 2" in whys(actions)


def test_revert_of_left_out_target_ignores_floor() -> None:
    plan = undoable(2)
    rollout = given(plan, failed(plan), brought(plan, Phase.DONE, 1), [REVERT, fell(plan, 1)])
    assert moves(turn(rollout, 101, ABSENT, DOWN)) == {t(plan): Phase.DRAINING}


def test_revert_keeps_serving_target_for_floor() -> None:
    plan = undoable(2)
    rollout = given(plan, failed(plan), brought(plan, Phase.DONE, 1), [REVERT, fell(plan, 1)])
    assert not deregistered(turn(rollout, 101, HealthState.HEALTHY, DOWN))


def test_unhealthy_target_does_not_block_revert() -> None:
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


# -- failures of the revert


def test_revert_counts_only_its_failures() -> None:
    plan = undoable(3)
    rollout = given(plan, failed(plan, 0), brought(plan, Phase.DONE, 1), [skipped(plan, 2), REVERT])
    once = evolve(rollout, back(plan, *OUTWARD[:3], Phase.LEFT_OUT, cause=Cause.FAILED))
    assert rollout.stopped is None
    assert once.stopped == reason(ReasonCode.TOO_MANY_REVERT_FAILURES, failures=1, allowed=0)
    assert moves(turn(once, 101, ABSENT)) == {}
    assert not_taken_back(once) == [t(plan, 0), t(plan, 1)]


def test_second_revert_takes_only_unreverted_targets() -> None:
    plan = undoable(3)
    story = [brought(plan, Phase.DONE, number) for number in range(3)]
    first = [REVERT, *taken(plan, 2), *back(plan, *OUTWARD[:3], Phase.LEFT_OUT, number=1, cause=Cause.FAILED)]
    ended = e.WorkEnded(NOON, given(plan, *story, first).key(t(plan, 1)), 1, "")
    rollout = given(plan, *story, first, [ended, e.Finished(NOON), REVERT])
    assert candidates(rollout) == [t(plan, 1), t(plan, 0)]


def test_failed_revert_puts_back_if_configured() -> None:
    plan = undoable(1, floor=0, on_failure=OnFailure(0, FailedTargetPolicy.PUT_BACK))
    at_work = given(plan, brought(plan, Phase.DONE), [REVERT], back(plan, *OUTWARD[:3]))
    rollout = evolve(at_work, [e.Started(NOON, at_work.key(t(plan)), "ticket")])
    [move] = moved(turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.ENDED, 1)))
    assert (move.to, move.intent, move.cause) == (Phase.CHECKING, Intent.RETURN, Cause.FAILED)


def test_abort_of_revert_returns_targets_in_progress() -> None:
    plan = undoable(2)
    story = [*brought(plan, Phase.DONE, 0), *brought(plan, Phase.DONE, 1), REVERT, *back(plan, Phase.DRAINING)]
    rollout = given(plan, story, [e.AbortAsked(later(101), "kim")])
    assert moves(turn(rollout, 102, DRAINING)) == {t(plan): Phase.RETURNING}


def test_pause_holds_revert_and_revert_ends_pause() -> None:
    plan = undoable(2)
    pause = e.PauseAsked(later(101), "kim")
    done = [*brought(plan, Phase.DONE, 0), *brought(plan, Phase.DONE, 1)]
    held = turn(given(plan, done, [REVERT, pause]), 102)
    assert not moves(held)
    assert "paused by kim" in whys(held)
    assert moves(turn(given(plan, done, [pause, REVERT]), 102)) == {t(plan, 1): Phase.DRAINING}


# -- by on_failure


def test_on_failure_reverts_if_configured() -> None:
    plan = undoable(3, on_failure=BY_ITSELF)
    rollout = given(plan, brought(plan, Phase.DONE, 0), failed(plan, 1))
    (note,) = decided(rollout, seen(rollout, NOON, {1: ABSENT}), NOON)
    assert note == Record(e.RevertDecided(NOON, 1))
    resolved = evolve(rollout, [e.RevertDecided(NOON, 1)])
    assert moves(decided(resolved, seen(resolved, NOON, {1: ABSENT}), NOON)) == {t(plan, 2): Phase.SKIPPED}
    skips = evolve(resolved, [skipped(plan, 2)])
    assert moves(decided(skips, seen(skips, NOON, {1: ABSENT}), NOON)) == {t(plan, 1): Phase.DRAINING}


@pytest.mark.parametrize("word", [e.AbortAsked(NOON, "kim"), REVERT])
def test_command_comes_before_on_failure(word: e.Event) -> None:
    plan = undoable(2, on_failure=BY_ITSELF)
    rollout = given(plan, failed(plan), [word])
    assert Record(e.RevertDecided(NOON, 1)) not in decided(rollout, seen(rollout, NOON, {0: ABSENT}), NOON)


def test_on_failure_stop_does_not_revert() -> None:
    plan = undoable(2)
    rollout = given(plan, failed(plan))
    assert moves(decided(rollout, seen(rollout, NOON, {0: ABSENT}), NOON)) == {t(plan, 1): Phase.SKIPPED}


# -- exit codes


def ended(plan: Plan, *stories: list[e.Event]) -> Rollout:
    return given(plan, *stories, [e.Finished(later(200))])


def test_complete_revert_has_two_exit_codes() -> None:
    plan = undoable(1)
    rollout = ended(plan, brought(plan, Phase.DONE), [REVERT], taken(plan))
    assert (taken_back(rollout), verdict(rollout)) == (ExitCode.DONE, ExitCode.FAILED)


def test_incomplete_revert_is_not_done() -> None:
    plan = undoable(2)
    half = ended(plan, brought(plan, Phase.DONE), brought(plan, Phase.DONE, 1), [REVERT], taken(plan))
    out = ended(plan, failed(plan), [skipped(plan, 1), REVERT])
    assert (taken_back(half), taken_back(out)) == (ExitCode.FAILED, ExitCode.LEFT_OUT)
    assert taken_back(given(plan, [REVERT])) is ExitCode.INTERRUPTED


def test_retry_during_revert_is_ignored() -> None:
    plan = undoable(1)
    retry = e.RetryAsked(later(101), "kim", (t(plan),))
    assert given(plan, failed(plan), [REVERT, retry]).reverting
    after = given(plan, failed(plan), [REVERT, *taken(plan), e.Finished(NOON), retry])
    assert (after.reverting, candidates(after)) == (None, [t(plan)])


def test_retry_after_revert_can_be_reverted() -> None:
    plan = undoable(1)
    retry: list[e.Event] = [e.Finished(NOON), e.RetryAsked(later(101), "kim", (t(plan),))]
    again = [
        e.PhaseChanged(NOON, t(plan), OUTWARD[0], intent=Intent.UPDATE),
        *(e.PhaseChanged(NOON, t(plan), way) for way in (*OUTWARD[1:], Phase.DONE)),
    ]
    rollout = given(plan, failed(plan), [REVERT, *taken(plan)], retry, again, [REVERT])
    assert candidates(rollout) == [t(plan)]


# -- aborted failures


@pytest.mark.parametrize(("check", "to"), [(Check(), Phase.CHECKING), (Check(asked=False), Phase.LEFT_OUT)])
def test_aborted_failed_work_needs_a_check(check: Check, to: Phase) -> None:
    plan = undoable(1, floor=0, check=check)
    rollout = standing(plan, Phase.WORKING, e.AbortAsked(later(1), "kim"))
    assert moves(turn(rollout, 40, ABSENT, work=WorkStatus(WorkState.ENDED, 1))) == {t(plan): to}


def test_rollout_without_revert_command_never_reverts_itself() -> None:
    plan = a_plan(2, on_failure=BY_ITSELF)
    rollout = given(plan, failed(plan))
    assert moves(decided(rollout, seen(rollout, NOON, {0: ABSENT}), NOON)) == {t(plan, 1): Phase.SKIPPED}


def test_aborted_revert_checks_ended_work_and_returns_it() -> None:
    plan = undoable(2)
    rollout = given(plan, brought(plan, Phase.WORKING), [REVERT, e.AbortAsked(later(101), "kim")])
    ended = turn(rollout, 102, ABSENT, work=WorkStatus(WorkState.ENDED, 0))
    assert moves(ended)[t(plan)] is Phase.CHECKING
