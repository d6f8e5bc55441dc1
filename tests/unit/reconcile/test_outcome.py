"""The exit code is what a script may rely on."""

import pytest
from tests.unit.given import NOON, a_plan, brought, given, t

from katakei.domain import events as e
from katakei.domain.errors import ExitCode
from katakei.domain.phases import Cause, Phase
from katakei.domain.plan import PlanKind
from katakei.reconcile.outcome import verdict

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
def test_a_rollout_is_done_when_every_target_is(first: Phase, second: Phase, code: ExitCode) -> None:
    plan = a_plan(2)
    assert verdict(given(plan, brought(plan, first, 0), brought(plan, second, 1), [END])) is code


def test_an_aborted_rollout_is_not_done_even_when_all_was_too_late_to_stop() -> None:
    plan = a_plan(1)
    assert verdict(given(plan, brought(plan, Phase.DONE), [e.AbortAsked(NOON, "kim"), END])) is ExitCode.FAILED


def test_an_unfinished_rollout_was_interrupted() -> None:
    assert verdict(given(a_plan())) is ExitCode.INTERRUPTED


@pytest.mark.parametrize(
    ("cause", "code"), [(Cause.BY_HAND, ExitCode.DONE), (Cause.FAILED, ExitCode.FAILED), (None, ExitCode.FAILED)]
)
def test_a_target_taken_out_by_hand_is_meant_to_be_out(cause: Cause | None, code: ExitCode) -> None:
    plan = a_plan(1, kind=PlanKind.DEREGISTER)
    out = [*brought(plan, Phase.OUT), e.PhaseChanged(NOON, t(plan), Phase.LEFT_OUT, cause=cause)]
    assert verdict(given(plan, out, [END])) is code


def test_a_step_by_hand_is_done_only_when_every_target_is_where_it_was_meant_to_be() -> None:
    plan = a_plan(2, kind=PlanKind.DEREGISTER)
    out = [*brought(plan, Phase.OUT), e.PhaseChanged(NOON, t(plan), Phase.LEFT_OUT, cause=Cause.BY_HAND)]
    assert verdict(given(plan, out, brought(plan, Phase.SKIPPED, 1), [END])) is ExitCode.FAILED
    never = [*brought(plan, Phase.DRAINING, 1), e.PhaseChanged(NOON, t(plan, 1), Phase.LEFT_OUT, cause=Cause.FAILED)]
    assert verdict(given(plan, out, never, [END])) is ExitCode.FAILED


@pytest.mark.parametrize(("phase", "code"), [(Phase.RETURNED, ExitCode.DONE), (Phase.LEFT_OUT, ExitCode.LEFT_OUT)])
def test_a_target_registered_by_hand_is_meant_to_be_in(phase: Phase, code: ExitCode) -> None:
    plan = a_plan(1, kind=PlanKind.REGISTER, begin=Phase.OUT)
    way = [e.PhaseChanged(NOON, t(plan), Phase.RETURNING), e.PhaseChanged(NOON, t(plan), phase)]
    assert verdict(given(plan, way, [END])) is code
