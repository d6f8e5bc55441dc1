"""Tests of the result of a rollout: one word, which agrees with the exit code."""

from collections.abc import Sequence

import pytest
from tests.unit.given import NOON, OUTWARD, a_plan, brought, given, t

from katakei.domain import events as e
from katakei.domain.errors import ExitCode
from katakei.domain.phases import Cause, Intent, Phase
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.replay import Rollout
from katakei.domain.results import Result, not_taken_back, result
from katakei.domain.spec import Command, OnFailure
from katakei.reconcile.outcome import taken_back, verdict

END = e.Finished(NOON)
ABORT = e.AbortAsked(NOON, "kim")
REVERT = e.RevertAsked(NOON, "kim")
PLAN = a_plan(2, revert=Command("ssm", "./undo"))


def moved(number: int, to: Phase, cause: Cause | None = None, plan: Plan = PLAN) -> e.PhaseChanged:
    return e.PhaseChanged(NOON, t(plan, number), to, cause=cause)


def done(number: int) -> list[e.Event]:
    return brought(PLAN, Phase.DONE, number)


def failed(number: int, plan: Plan = PLAN) -> list[e.Event]:
    return [*brought(plan, Phase.WORKING, number), moved(number, Phase.LEFT_OUT, Cause.FAILED, plan)]


def left_out_untouched(number: int) -> list[e.Event]:
    return [*brought(PLAN, Phase.DRAINING, number), moved(number, Phase.LEFT_OUT)]


def skipped(number: int) -> list[e.Event]:
    return [moved(number, Phase.SKIPPED)]


def returned(number: int) -> list[e.Event]:
    return [*brought(PLAN, Phase.DRAINING, number), moved(number, Phase.RETURNING), moved(number, Phase.RETURNED)]


def taken(number: int, end: Phase = Phase.DONE) -> list[e.Event]:
    """The revert of a target that is done or left out."""
    first = e.PhaseChanged(NOON, t(PLAN, number), OUTWARD[0], intent=Intent.REVERT)
    way = (*OUTWARD[1:], end) if end is Phase.DONE else (Phase.OUT, Phase.WORKING, end)
    return [first, *(moved(number, phase) for phase in way)]


def late(number: int) -> list[e.Event]:
    return [e.FailedAfterDone(NOON, t(PLAN, number), "unhealthy")]


@pytest.mark.parametrize(
    ("story", "word"),
    [
        ([done(0), done(1)], None),
        ([done(0), done(1), [END]], Result.DONE),
        ([failed(0), skipped(1), [END]], Result.FAILED),
        ([done(0), done(1), late(1), [END]], Result.FAILED),
        ([done(0), skipped(1), [END]], Result.FAILED),
        ([done(0), [ABORT], skipped(1), [END]], Result.ABORTED),
        ([done(0), done(1), [ABORT, END]], Result.ABORTED),
        ([done(0), [ABORT], returned(1), [END]], Result.ABORTED),
        ([failed(0), [ABORT], skipped(1), [END]], Result.FAILED),
        ([failed(0), skipped(1), [END, ABORT]], Result.FAILED),
        ([done(0), [REVERT], skipped(1), taken(0), [END]], Result.REVERTED),
        ([failed(0), skipped(1), [END, REVERT], taken(0), [END]], Result.REVERTED),
        ([failed(0), skipped(1), [END, REVERT]], None),
        ([failed(0), [e.RevertDecided(NOON, 1)], skipped(1), taken(0), [END]], Result.REVERTED),
        ([done(0), done(1), [REVERT], taken(0), taken(1, Phase.LEFT_OUT), [END]], Result.FAILED),
        ([done(0), done(1), [REVERT], taken(0), [END]], Result.FAILED),
        ([done(0), done(1), [REVERT], taken(0), taken(1), late(1), [END]], Result.FAILED),
        ([done(0), done(1), [REVERT], taken(0), [ABORT, END]], Result.ABORTED),
        ([done(0), done(1), [REVERT], taken(0), taken(1, Phase.GONE), [END]], Result.FAILED),
        ([done(0), [REVERT], left_out_untouched(1), taken(0), [END]], Result.FAILED),
    ],
)
def test_result_says_what_ended_the_rollout(story: Sequence[Sequence[e.Event]], word: Result | None) -> None:
    rollout = given(PLAN, *story)
    assert result(rollout) is word
    agrees(rollout)


def agrees(rollout: Rollout) -> None:
    """The word and the exit codes say the same."""
    word = result(rollout)
    assert (word is Result.DONE) == (verdict(rollout) is ExitCode.DONE)
    assert (word in {Result.DONE, Result.REVERTED}) == (taken_back(rollout) is ExitCode.DONE)
    assert (word is None) == (verdict(rollout) is ExitCode.INTERRUPTED)


def test_result_of_abort_within_allowed_failures_is_aborted() -> None:
    plan = a_plan(2, on_failure=OnFailure(1))
    assert result(given(plan, failed(0, plan), [ABORT, moved(1, Phase.SKIPPED, plan=plan), END])) is Result.ABORTED


@pytest.mark.parametrize(
    ("cause", "word"), [(Cause.BY_HAND, Result.DONE), (Cause.FAILED, Result.FAILED), (None, Result.FAILED)]
)
def test_result_of_manual_deregister(cause: Cause | None, word: Result) -> None:
    plan = a_plan(1, kind=PlanKind.DEREGISTER)
    rollout = given(plan, brought(plan, Phase.OUT), [moved(0, Phase.LEFT_OUT, cause, plan), END])
    assert result(rollout) is word
    agrees(rollout)


@pytest.mark.parametrize(("end", "word"), [(Phase.RETURNED, Result.DONE), (Phase.LEFT_OUT, Result.FAILED)])
def test_result_of_manual_register(end: Phase, word: Result) -> None:
    plan = a_plan(1, kind=PlanKind.REGISTER, begin=Phase.OUT)
    rollout = given(plan, [moved(0, Phase.RETURNING, plan=plan), moved(0, end, plan=plan), END])
    assert result(rollout) is word
    agrees(rollout)


def test_not_taken_back_names_touched_targets_that_do_not_serve_the_revert() -> None:
    rollout = given(PLAN, done(0), done(1), [REVERT], taken(0), [END])
    assert not_taken_back(rollout) == [t(PLAN, 1)]
    assert not_taken_back(given(PLAN, done(0), failed(1), [END])) == []


def test_result_words_are_lower_case() -> None:
    assert [word.value for word in Result] == ["done", "failed", "aborted", "reverted"]
