"""The steps beside the work: their order, their marks, and what follows when one fails or is called off."""

from collections.abc import Sequence

import pytest
from tests.unit.given import (
    NOON,
    a_plan,
    brought,
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
from katakei.domain.actions import ForbidWork
from katakei.domain.jobs import planned
from katakei.domain.observation import HealthState, WorkState, WorkStatus
from katakei.domain.phases import Cause, Intent, Phase, Step
from katakei.domain.plan import Plan
from katakei.domain.rollout import Rollout
from katakei.domain.spec import Command

ABSENT = HealthState.ABSENT
BEFORE, WORK, AFTER = Command("ssm", "before"), Command("ssm", "work"), Command("ssm", "after")
REFUSED, RUNNING = WorkStatus(WorkState.REFUSED), WorkStatus(WorkState.RUNNING)


def ended(code: int) -> WorkStatus:
    return WorkStatus(WorkState.ENDED, code, "said")


def plan(work: Command = WORK) -> Plan:
    return a_plan(work=work, before=BEFORE, after=AFTER, revert=Command("ssm", "undo"))


def at_step(step: Step, *extra: e.Event, work: Command = WORK) -> Rollout:
    """The rollout whose first target has come to this step at noon, and has started it."""
    this = plan(work)
    story: list[e.Event] = brought(this, Phase.WORKING, bare=True)
    for each in Step:
        key = e.WorkKey(this.rollout, t(this), 1, Intent.UPDATE, each)
        story += [e.Started(NOON, key, "ticket")]
        if each is step:
            break
        story += [e.WorkEnded(NOON, key, 0, "")]
    return given(this, story, extra)


def test_each_step_begins_under_a_key_of_its_own() -> None:
    rollout = standing(plan(), Phase.WORKING, bare=True)
    keys = started(turn(standing(plan(), Phase.OUT), 41, ABSENT)) + started(turn(rollout, 41, ABSENT))
    for step in Step:
        rollout = at_step(step)
        keys += [rollout.key(t(rollout.plan))]
    assert [key.step for key in keys] == [Step.BEFORE, Step.BEFORE, Step.BEFORE, Step.WORK, Step.AFTER]
    assert [rollout.command(t(rollout.plan)).run for rollout in map(at_step, Step)] == ["before", "work", "after"]


@pytest.mark.parametrize("step", [Step.BEFORE, Step.WORK])
def test_step_that_ended_well_leads_to_the_next_one(step: Step) -> None:
    rollout = at_step(step)
    actions = turn(rollout, 5, ABSENT, work=ended(0))
    assert (notes(actions), moves(actions)) == ([e.WorkEnded], {})
    following = list(Step)[list(Step).index(step) + 1]
    rollout = at_step(step, e.WorkEnded(later(5), rollout.key(t(rollout.plan)), 0, ""))
    status = rollout.statuses[t(rollout.plan)]
    assert (status.step, status.ticket, status.may_run, status.since) == (following, None, True, later(5))
    assert [key.step for key in started(turn(rollout, 41, ABSENT))] == [following]


def test_last_step_leads_to_the_check() -> None:
    rollout = at_step(Step.AFTER)
    assert moves(turn(rollout, 5, ABSENT, work=ended(0))) == {t(rollout.plan): Phase.CHECKING}


@pytest.mark.parametrize("step", list(Step))
def test_failure_of_a_step_is_failure_of_the_target(step: Step) -> None:
    rollout = at_step(step)
    actions = turn(rollout, 5, ABSENT, work=ended(3))
    [move] = [each for each in moved(actions) if each.target == t(rollout.plan)]
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)
    said = "the work ended with exit code 3"
    assert why(move) == (said if step is Step.WORK else f"step {step.value}: {said}")
    assert not at_step(step, e.WorkEnded(later(5), rollout.key(t(rollout.plan)), 3, "")).statuses[move.target].may_run


@pytest.mark.parametrize("step", [Step.WORK, Step.AFTER])
def test_abort_between_steps_forbids_the_rest_and_fails_the_target(step: Step) -> None:
    asked = e.AbortAsked(later(1), "kim")
    before = list(Step)[list(Step).index(step) - 1]
    rollout = at_step(before, asked)
    rollout = at_step(before, asked, e.WorkEnded(later(2), rollout.key(t(rollout.plan)), 0, ""))
    actions = turn(rollout, 5, ABSENT, work=WorkStatus(WorkState.NOT_STARTED))
    assert (started(actions), [type(each) for each in actions if isinstance(each, ForbidWork)]) == ([], [ForbidWork])
    actions = turn(rollout, 6, ABSENT, work=REFUSED)
    [move] = [each for each in moved(actions) if each.target == t(rollout.plan)]
    assert (move.to, move.intent, move.cause) == (Phase.CHECKING, Intent.RETURN, Cause.FAILED)
    lost = [each.event for each in actions if isinstance(getattr(each, "event", None), e.WorkLost)]  # type: ignore[union-attr]  # records have one
    assert [each.begun for each in lost] == [True]  # type: ignore[union-attr]  # they are such


def test_refused_first_step_leaves_the_target_as_it_was() -> None:
    rollout = at_step(Step.BEFORE)
    [move] = moved(turn(rollout, 5, ABSENT, work=REFUSED))
    assert (move.to, move.cause) == (Phase.CHECKING, Cause.REFUSED)


def test_interrupted_step_is_named() -> None:
    rollout = at_step(Step.AFTER)
    move = moved(turn(rollout, 5, ABSENT, work=WorkStatus(WorkState.INTERRUPTED)))[0]
    assert (move.to, move.cause) == (Phase.LEFT_OUT, Cause.FAILED)
    assert why(move).startswith("step after: ")


def test_running_step_says_which_it_is() -> None:
    assert "step before: the work has been running for 5s" in whys(turn(at_step(Step.BEFORE), 5, ABSENT, work=RUNNING))
    assert "step" not in whys(turn(at_step(Step.WORK), 5, ABSENT, work=RUNNING))


AWAITS = WorkStatus(WorkState.AWAITS_APPROVAL)


def test_approved_work_leads_to_the_step_after_it() -> None:
    this = plan(Command("manual"))
    rollout = at_step(Step.WORK, e.Approved(later(1), "kim", t(this)), work=Command("manual"))
    assert notes(turn(rollout, 5, ABSENT, work=AWAITS)) == [e.WorkEnded]


def test_abort_of_manual_work_after_a_step_fails_the_target() -> None:
    rollout = at_step(Step.WORK, e.AbortAsked(later(1), "kim"), work=Command("manual"))
    move = moved(turn(rollout, 5, ABSENT, work=AWAITS))[0]
    assert (move.to, move.cause) == (Phase.CHECKING, Cause.FAILED)


def test_takeover_goes_on_with_the_same_step() -> None:
    rollout = at_step(Step.AFTER, taken(3))
    status = rollout.statuses[t(rollout.plan)]
    assert (status.step, status.ticket) == (Step.AFTER, "ticket")


def test_late_end_of_work_moves_no_step() -> None:
    this = plan()
    key = e.WorkKey(this.rollout, t(this), 1, Intent.UPDATE, Step.BEFORE)
    left = e.PhaseChanged(later(1), t(this), Phase.LEFT_OUT, cause=Cause.FAILED)
    rollout = at_step(Step.BEFORE, left, e.WorkEnded(later(2), key, 0, ""))
    assert rollout.statuses[t(this)].step is Step.BEFORE


@pytest.mark.parametrize(
    ("marks", "expected"), [("state-of-kim", ["place", "state-of-kim", "place"]), ("", ["place", "place", "place"])]
)
def test_marks_of_steps_are_on_the_target(marks: str, expected: Sequence[str]) -> None:
    this = plan()
    owner = e.OwnerChanged(NOON, taken(0).owner, marks)
    story: list[e.Event] = [owner, e.BaselineTaken(NOON, t(this), "")]
    story += [e.PhaseChanged(NOON, t(this), Phase.DRAINING, place="place")]
    story += [e.PhaseChanged(NOON, t(this), phase) for phase in (Phase.OUT, Phase.WORKING)]
    found = []
    for step in Step:
        found.append(given(this, story).statuses[t(this)].marks)
        story.append(e.WorkEnded(NOON, e.WorkKey(this.rollout, t(this), 1, Intent.UPDATE, step), 0, ""))
    assert found == expected


def test_revert_has_no_steps() -> None:
    this = plan()
    assert this.spec.steps(Intent.REVERT) == (Step.WORK,)
    assert this.spec.command_of(Intent.REVERT, Step.WORK).run == "undo"
    assert sorted((key.intent.value, key.step.value, job.run) for key, (_, job) in planned(this).items())[::2] == [
        ("revert", "work", "undo"),
        ("update", "after", "after"),
        ("update", "before", "before"),
        ("update", "work", "work"),
    ]
