"""Tests of the outcome: the exit code, and how long targets were out of service."""

import pytest
from tests.unit.given import NOON, a_plan, brought, given, later, seconds, t

from katakei.domain import events as e
from katakei.domain.errors import ExitCode
from katakei.domain.phases import Cause, Phase
from katakei.domain.plan import PlanKind
from katakei.reconcile.outcome import drained, out_of_service, verdict

END = e.Finished(NOON)


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (Phase.DONE, Phase.DONE, ExitCode.DONE),
        (Phase.DONE, Phase.SKIPPED, ExitCode.FAILED),
        (Phase.DONE, Phase.GONE, ExitCode.FAILED),
        (Phase.DONE, Phase.RETURNED, ExitCode.FAILED),
        (Phase.DONE, Phase.FAILED_SERVING, ExitCode.FAILED),
        (Phase.DONE, Phase.LEFT_OUT, ExitCode.LEFT_OUT),
        (Phase.LEFT_OUT, Phase.SKIPPED, ExitCode.LEFT_OUT),
    ],
)
def test_verdict_is_done_when_every_target_is(first: Phase, second: Phase, code: ExitCode) -> None:
    plan = a_plan(2)
    assert verdict(given(plan, brought(plan, first, 0), brought(plan, second, 1), [END])) is code


def test_verdict_of_aborted_rollout_is_failed() -> None:
    plan = a_plan(1)
    assert verdict(given(plan, brought(plan, Phase.DONE), [e.AbortAsked(NOON, "kim"), END])) is ExitCode.FAILED


def test_verdict_of_unfinished_rollout_is_interrupted() -> None:
    assert verdict(given(a_plan())) is ExitCode.INTERRUPTED


@pytest.mark.parametrize(
    ("cause", "code"), [(Cause.BY_HAND, ExitCode.DONE), (Cause.FAILED, ExitCode.FAILED), (None, ExitCode.FAILED)]
)
def test_verdict_accepts_manual_deregister(cause: Cause | None, code: ExitCode) -> None:
    plan = a_plan(1, kind=PlanKind.DEREGISTER)
    out = [*brought(plan, Phase.OUT), e.PhaseChanged(NOON, t(plan), Phase.LEFT_OUT, cause=cause)]
    assert verdict(given(plan, out, [END])) is code


def test_verdict_of_manual_step_needs_every_target() -> None:
    plan = a_plan(2, kind=PlanKind.DEREGISTER)
    out = [*brought(plan, Phase.OUT), e.PhaseChanged(NOON, t(plan), Phase.LEFT_OUT, cause=Cause.BY_HAND)]
    assert verdict(given(plan, out, brought(plan, Phase.SKIPPED, 1), [END])) is ExitCode.FAILED
    never = [*brought(plan, Phase.DRAINING, 1), e.PhaseChanged(NOON, t(plan, 1), Phase.LEFT_OUT, cause=Cause.FAILED)]
    assert verdict(given(plan, out, never, [END])) is ExitCode.FAILED


@pytest.mark.parametrize(("phase", "code"), [(Phase.RETURNED, ExitCode.DONE), (Phase.LEFT_OUT, ExitCode.LEFT_OUT)])
def test_verdict_accepts_manual_register(phase: Phase, code: ExitCode) -> None:
    plan = a_plan(1, kind=PlanKind.REGISTER, begin=Phase.OUT)
    way = [e.PhaseChanged(NOON, t(plan), Phase.RETURNING), e.PhaseChanged(NOON, t(plan), phase)]
    assert verdict(given(plan, way, [END])) is code


ROLL = a_plan()
WHO = t(ROLL)


def story_of(*actions: tuple[float, Phase]) -> list[e.Event]:
    return [e.Planned(NOON, ROLL), *(e.PhaseChanged(later(at), WHO, phase) for at, phase in actions)]


def test_out_of_service_spans_take_out_to_proof() -> None:
    story = story_of(
        (1, Phase.DRAINING), (40, Phase.OUT), (41, Phase.WORKING), (50, Phase.WARMING), (61, Phase.SOAKING)
    )
    assert out_of_service([*story, e.PhaseChanged(later(99), WHO, Phase.DONE)]) == {WHO: seconds(60)}


def test_out_of_service_sums_every_span() -> None:
    story = story_of((0, Phase.DRAINING), (5, Phase.RETURNED), (10, Phase.DRAINING), (20, Phase.RETURNED))
    assert out_of_service(story) == {WHO: seconds(15)}


def test_out_of_service_counts_to_last_event() -> None:
    story = story_of((0, Phase.DRAINING), (5, Phase.RETURNED), (10, Phase.DRAINING))
    assert out_of_service([*story, e.Finished(later(30))]) == {WHO: seconds(25)}


def test_out_of_service_omits_targets_never_out() -> None:
    assert out_of_service([e.Planned(NOON, ROLL), *brought(ROLL, Phase.SKIPPED)]) == {}


def test_drained_spans_take_out_to_work() -> None:
    story = story_of((1, Phase.DRAINING), (40, Phase.OUT), (41, Phase.WORKING), (50, Phase.WARMING))
    assert drained(story) == {WHO: seconds(40)}


def test_drained_counts_only_the_last_drain() -> None:
    story = story_of(
        (0, Phase.DRAINING), (5, Phase.RETURNED), (10, Phase.DRAINING), (20, Phase.OUT), (21, Phase.WORKING)
    )
    assert drained(story) == {WHO: seconds(11)}
    assert drained(story_of((0, Phase.DRAINING), (9, Phase.RETURNED))) == {}


def test_out_of_service_counts_a_second_attempt_from_the_first() -> None:
    story = story_of((0, Phase.DRAINING), (5, Phase.LEFT_OUT), (90, Phase.DRAINING), (99, Phase.RETURNED))
    assert out_of_service(story) == {WHO: seconds(99)}


def test_out_of_service_omits_time_after_the_end() -> None:
    first = [*story_of((0, Phase.DRAINING), (5, Phase.LEFT_OUT)), e.Finished(later(6))]
    assert out_of_service(first) == {WHO: seconds(6)}
    again = [e.RetryAsked(later(9000), "kim", (WHO,)), *story_of((9001, Phase.DRAINING), (9011, Phase.RETURNED))[1:]]
    assert out_of_service([*first, *again]) == {WHO: seconds(16)}


def test_out_of_service_of_an_unfinished_rollout_counts_to_its_last_event() -> None:
    assert out_of_service(story_of((0, Phase.DRAINING), (25, Phase.OUT))) == {WHO: seconds(25)}
