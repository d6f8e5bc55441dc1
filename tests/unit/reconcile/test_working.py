"""Tests of work (promise 4): it never starts twice, and never on a target that may serve."""

from collections.abc import Sequence

import pytest
from tests.unit.given import (
    ABORTED,
    NOON,
    a_plan,
    brought,
    deregistered,
    facts,
    given,
    later,
    moved,
    moves,
    notes,
    standing,
    started,
    t,
    taken,
    turn,
    why,
    whys,
)

from katakei.domain import events as e
from katakei.domain.actions import Action, CancelWork, ForbidWork, Record, StartWork, Wait
from katakei.domain.observation import HealthState, WorkState, WorkStatus
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.reasons import ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.spec import Command, FailedTargetPolicy, OnFailure

DRAINING, ABSENT, HEALTHY, DOWN = HealthState.DRAINING, HealthState.ABSENT, HealthState.HEALTHY, HealthState.UNHEALTHY


def test_job_has_command_and_environment() -> None:
    plan = a_plan(work=Command("ssm", "deploy $KATAKEI_RELEASE"))
    [start] = [action for action in turn(standing(plan, Phase.OUT), 45, ABSENT) if isinstance(action, StartWork)]
    assert start.job.run == "deploy $KATAKEI_RELEASE"
    assert start.job.seconds == 60
    assert start.job.argv == ()
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


def test_revert_intent_starts_revert_command() -> None:
    plan = a_plan(revert=Command("ssm", "undo"))
    back: list[e.Event] = [
        e.RevertAsked(NOON, "kim"),
        e.PhaseChanged(NOON, t(plan), Phase.DRAINING, intent=Intent.REVERT),
    ]
    out = [*facts(plan, Phase.DRAINING), e.PhaseChanged(NOON, t(plan), Phase.OUT)]
    [start] = [
        action for action in turn(standing(plan, Phase.DONE, *back, *out), 45, ABSENT) if isinstance(action, StartWork)
    ]
    assert start.job.run == "undo"
    assert start.key == e.WorkKey(plan.rollout, t(plan), 2, Intent.REVERT)


def test_unaccepted_start_is_repeated() -> None:
    rollout = standing(a_plan(), Phase.WORKING, bare=True)
    assert len(started(turn(rollout, 45, ABSENT))) == 1


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (None, "starting the work for 45s"),
        (
            WorkStatus(WorkState.NOT_STARTED, why="no agent"),
            "starting the work again for 45s, it has not begun (no agent)",
        ),
    ],
)
def test_wait_shows_unaccepted_start(work: WorkStatus | None, said: str) -> None:
    rollout = standing(a_plan(), Phase.WORKING, bare=work is None)
    assert said in whys(turn(rollout, 45, ABSENT, work=work))


def test_start_is_not_repeated_on_serving_target() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.WORKING, taken(50), bare=True)
    actions = turn(rollout, 60, HEALTHY)
    assert not started(actions)
    assert deregistered(actions) == [t(plan)]


def test_start_is_not_repeated_before_settle() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.WORKING, taken(50), e.ObservedOut(later(51), t(plan)), bare=True)
    assert not started(turn(rollout, 80, ABSENT))
    assert started(turn(rollout, 81, ABSENT))


def test_overdue_start_is_forbidden_then_left_out() -> None:
    rollout = standing(a_plan(), Phase.WORKING, bare=True)
    assert kinds(turn(rollout, 61, ABSENT)) == [ForbidWork]
    [move] = moved(turn(rollout, 181, ABSENT))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)
    assert move.reason is not None
    assert move.reason.code == ReasonCode.WORK_MAY_RUN
    assert "it may still be running" in why(move)


def test_successful_work_leads_to_check() -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    actions = turn(rollout, 50, ABSENT, work=WorkStatus(WorkState.ENDED, 0, "all good"))
    assert actions[0] == Record(e.WorkEnded(later(50), rollout.key(t(rollout.plan)), 0, "all good"))
    assert moves(actions) == {t(rollout.plan): Phase.CHECKING}


def test_failed_work_keeps_exit_code_and_output() -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    actions = turn(rollout, 50, ABSENT, work=WorkStatus(WorkState.ENDED, 7, "no space left"))
    ended = actions[0].event  # type: ignore[union-attr]  # the first step is the note
    assert ended == e.WorkEnded(later(50), rollout.key(t(rollout.plan)), 7, "no space left")
    assert moved(actions)[0].reason == reason(ReasonCode.WORK_FAILED, exit=7, text=None)
    assert "exit code 7" in why(moved(actions)[0])


@pytest.mark.parametrize(
    ("then", "aborted", "phase", "intent"),
    [
        (FailedTargetPolicy.KEEP_OUT, False, Phase.LEFT_OUT, None),
        (FailedTargetPolicy.PUT_BACK, False, Phase.CHECKING, Intent.RETURN),
        (FailedTargetPolicy.KEEP_OUT, True, Phase.CHECKING, Intent.RETURN),
    ],
)
def test_failed_work_keeps_out_or_puts_back(
    *, then: FailedTargetPolicy, aborted: bool, phase: Phase, intent: Intent | None
) -> None:
    plan = a_plan(on_failure=OnFailure(failed_target=then))
    rollout = standing(plan, Phase.WORKING, *[e.AbortAsked(NOON, "kim")][: int(aborted)])
    move = moved(turn(rollout, 50, ABSENT, work=WorkStatus(WorkState.ENDED, 1)))[0]
    assert (move.to, move.intent, move.cause) == (phase, intent, Cause.FAILED)


def test_interrupted_work_is_not_restarted() -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    for work in (WorkStatus(WorkState.INTERRUPTED), WorkStatus(WorkState.INTERRUPTED, why="the machine was rebooted")):
        actions = turn(rollout, 50, ABSENT, work=work)
        assert moves(actions) == {t(rollout.plan): Phase.LEFT_OUT}
        assert not started(actions)


def test_refused_work_returns_through_check() -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    [move] = moved(turn(rollout, 50, ABSENT, work=WorkStatus(WorkState.REFUSED, why="traffic on port 80")))
    assert (move.to, move.intent, move.cause, move.reason) == (
        Phase.CHECKING,
        Intent.RETURN,
        Cause.REFUSED,
        reason(ReasonCode.WORK_REFUSED, text="traffic on port 80"),
    )
    assert why(move) == "the work was refused and did nothing: traffic on port 80"


def test_not_started_work_is_restarted_within_limit() -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    assert started(turn(rollout, 60, ABSENT, work=WorkStatus(WorkState.NOT_STARTED)))


@pytest.mark.parametrize("work", [WorkStatus(WorkState.NOT_STARTED), WorkStatus(WorkState.UNKNOWN), None])
@pytest.mark.parametrize("bare", [True, False])
def test_abort_forbids_unstarted_work(work: WorkStatus | None, *, bare: bool) -> None:
    rollout = standing(a_plan(), Phase.WORKING, e.AbortAsked(later(45), "kim"), bare=bare)
    actions = turn(rollout, 50, ABSENT, work=work)
    assert ForbidWork in kinds(actions)
    assert not started(actions)
    assert "aborted by kim" in whys(actions)


def test_forbidden_work_returns_as_aborted() -> None:
    rollout = standing(a_plan(), Phase.WORKING, e.AbortAsked(later(45), "kim"))
    move = moved(turn(rollout, 50, ABSENT, work=WorkStatus(WorkState.REFUSED, why="forbidden")))[0]
    assert (move.to, move.intent, move.cause) == (Phase.CHECKING, Intent.RETURN, Cause.ABORTED)
    assert move.reason == ABORTED


@pytest.mark.parametrize(
    ("work", "act", "said"),
    [
        (WorkStatus(WorkState.RUNNING), CancelWork, "still runs"),
        (WorkStatus(WorkState.NOT_STARTED), ForbidWork, "has not started"),
        (WorkStatus(WorkState.UNKNOWN), ForbidWork, "cannot be observed"),
        (None, ForbidWork, "cannot be observed"),
    ],
)
def test_overdue_work_is_stopped_then_left_out(work: WorkStatus | None, act: type[Action], said: str) -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    assert act not in kinds(turn(rollout, 60, ABSENT, work=work))
    for at in (61, 180):
        actions = turn(rollout, at, ABSENT, work=work)
        assert kinds(actions) == [act]
        assert said in whys(actions)
    [move] = moved(turn(rollout, 181, ABSENT, work=work))
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)
    assert said in why(move)


@pytest.mark.parametrize("work", [WorkStatus(WorkState.RUNNING), None])
def test_cancel_names_key_and_ticket(work: WorkStatus | None) -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    [act] = [action for action in turn(rollout, 61, ABSENT, work=work) if isinstance(action, CancelWork | ForbidWork)]
    assert (act.key, act.target, act.ticket) == (rollout.key(t(rollout.plan)), rollout.plan.targets[0], "ticket")


def test_unaccepted_work_is_canceled_by_marks() -> None:
    plan = a_plan()
    story = [e.OwnerChanged(NOON, taken(0).owner, "laptop"), *brought(plan, Phase.WORKING, bare=True)]
    [act] = [action for action in turn(given(plan, story), 61, ABSENT) if isinstance(action, ForbidWork)]
    assert act.ticket == "laptop"
    [again] = [action for action in turn(given(plan, story), 45, ABSENT) if isinstance(action, StartWork)]
    assert again.job.marks == "laptop"


def kinds(actions: Sequence[Action]) -> list[type[Action]]:
    """The external actions, without records and waits."""
    return [type(action) for action in actions if not isinstance(action, Record | Wait)]


def test_unknown_work_is_not_restarted() -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    actions = turn(rollout, 50, ABSENT, work=WorkStatus(WorkState.UNKNOWN, why="the agent does not answer"))
    assert not started(actions)
    assert "the agent does not answer" in whys(actions)


def test_wait_shows_running_time() -> None:
    rollout = standing(a_plan(), Phase.WORKING)
    assert "the work has been running for 50s" in whys(turn(rollout, 50, ABSENT, work=WorkStatus(WorkState.RUNNING)))


def test_target_registered_during_work_is_deregistered_again() -> None:
    plan = a_plan()
    rollout = standing(plan, Phase.WORKING)
    running = WorkStatus(WorkState.RUNNING)
    assert notes(turn(rollout, 50, HEALTHY, work=running)) == [e.FoundServing]
    told = standing(plan, Phase.WORKING, e.FoundServing(later(50), t(plan)))
    actions = turn(told, 50, HEALTHY, work=running)
    assert deregistered(actions) == [t(plan)]
    assert "the work has been running" in whys(actions)


def test_second_registration_during_work_only_finishes_work() -> None:
    plan = a_plan()
    twice = [e.FoundServing(later(n), t(plan)) for n in (40, 50)]
    rollout = standing(plan, Phase.WORKING, *twice)
    running = turn(rollout, 50, HEALTHY, work=WorkStatus(WorkState.RUNNING))
    assert not deregistered(running)
    assert not moves(running)
    done = turn(rollout, 51, HEALTHY, work=WorkStatus(WorkState.ENDED, 0))
    assert notes(done)[0] is e.WorkEnded
    assert moved(done)[0].to is Phase.LEFT_OUT
    assert moved(done)[0].cause is Cause.FAILED
    never = turn(rollout, 51, HEALTHY, work=WorkStatus(WorkState.NOT_STARTED))
    assert not started(never)
    assert moved(never)[0].to is Phase.LEFT_OUT


def by_hand(*extra: e.Event) -> Rollout:
    return standing(a_plan(work=Command("manual")), Phase.WORKING, *extra)


AWAITS = WorkStatus(WorkState.AWAITS_APPROVAL)


def test_manual_work_waits_and_names_approve() -> None:
    actions = turn(by_hand(), 9000, ABSENT, work=AWAITS)
    assert not moves(actions)
    assert "katakei approve r-test i-00000000000000000" in whys(actions)


@pytest.mark.parametrize("named", [True, False])
def test_approval_ends_manual_work(*, named: bool) -> None:
    who = t(a_plan()) if named else None
    rollout = by_hand(e.Approved(later(50), "kim", who))
    assert moves(turn(rollout, 60, ABSENT, work=AWAITS)) == {t(rollout.plan): Phase.CHECKING}


def test_abort_ends_wait_for_approval() -> None:
    move = moved(turn(by_hand(e.AbortAsked(later(50), "kim")), 60, ABSENT, work=AWAITS))[0]
    assert (move.to, move.intent, move.cause) == (Phase.CHECKING, Intent.RETURN, Cause.ABORTED)
