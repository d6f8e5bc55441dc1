"""Tests of the answers to a command: one sentence of success, who carries it out, how to follow."""

from dataclasses import replace

import pytest
from tests.unit.given import NOON, a_plan, brought, given, seconds, t

from katakei.domain import events as e
from katakei.domain.leases import Owner
from katakei.domain.overview import Driver
from katakei.domain.phases import Phase
from katakei.domain.plan import PlanKind
from katakei.domain.ports import Liveness
from katakei.domain.spec import Selection
from katakei.render.answers import accepted, driver_text

OWNER = Owner("kim", "ci-1", 7, 7, "boot")
WHO = "kim@ci-1 (pid 7)"
PLAN = a_plan(2)
WORKING = given(PLAN, brought(PLAN, Phase.WORKING, bare=True))
IDLE = given(PLAN)
WEB0 = f"{t(PLAN)} (web0)"
FOLLOW = "To follow it: katakei logs -f r-test"


@pytest.mark.parametrize(
    ("command", "busy", "idle"),
    [
        (
            "abort",
            (
                f"the abort of rollout r-test is recorded; {WHO} brings {WEB0} back into service and begins no other"
                f" target. {FOLLOW}"
            ),
            f"the abort of rollout r-test is recorded; {WHO} ends the rollout. {FOLLOW}",
        ),
        (
            "pause",
            (
                f"rollout r-test is paused; {WHO} finishes {WEB0} and begins no other target."
                " To go on: katakei resume r-test"
            ),
            f"rollout r-test is paused; {WHO} begins no other target. To go on: katakei resume r-test",
        ),
        (
            "resume",
            f"rollout r-test goes on; {WHO} finishes {WEB0} and begins the next target. {FOLLOW}",
            f"rollout r-test goes on; {WHO} begins the next target. {FOLLOW}",
        ),
        (
            "retry",
            f"the retry in rollout r-test is recorded; {WHO} begins one more attempt. {FOLLOW}",
            f"the retry in rollout r-test is recorded; {WHO} begins one more attempt. {FOLLOW}",
        ),
        (
            "revert",
            (
                f"the revert of rollout r-test is recorded; {WHO} runs the revert command on every target that was"
                f" worked on. {FOLLOW}"
            ),
            (
                f"the revert of rollout r-test is recorded; {WHO} runs the revert command on every target that was"
                f" worked on. {FOLLOW}"
            ),
        ),
    ],
)
def test_accepted_says_who_does_what_and_how_to_follow(command: str, busy: str, idle: str) -> None:
    assert accepted(command, WORKING, OWNER) == busy
    assert accepted(command, IDLE, OWNER) == idle


def test_accepted_approval_names_the_targets() -> None:
    assert accepted("approve", WORKING, OWNER, (t(PLAN),)) == (
        f"approved: {WEB0}; {WHO} checks what was approved and registers it again. {FOLLOW}"
    )


def test_accepted_without_a_process_says_how_to_continue() -> None:
    assert accepted("approve", WORKING, None, (t(PLAN),)) == (
        f"approved: {WEB0}; no process drives the rollout now."
        " Continue by the katakei roll command that began it, or give up by katakei abort r-test"
    )
    paused = given(PLAN, [e.PauseAsked(NOON, "kim")])
    assert accepted("pause", paused, None) == (
        "rollout r-test is paused; no process drives the rollout now."
        " Continue by katakei resume r-test, or give up by katakei abort r-test"
    )


@pytest.mark.parametrize(
    ("liveness", "silent", "says"),
    [
        (Liveness.ALIVE, 2, f"driven by {WHO}"),
        (Liveness.ALIVE, None, f"driven by {WHO}"),
        (
            Liveness.UNKNOWN,
            12,
            (
                f"last driven by {WHO}, silent for 12s, which may still run; continue by the katakei roll command that"
                " began it, or give up by katakei abort r-test"
            ),
        ),
        (
            Liveness.GONE,
            95,
            (
                f"not running (last owner {WHO}, silent for 1m 35s, is gone); continue by the katakei roll command that"
                " began it, or give up by katakei abort r-test"
            ),
        ),
        (
            Liveness.GONE,
            None,
            (
                f"not running (last owner {WHO} is gone); continue by the katakei roll command that began it, or"
                " give up by katakei abort r-test"
            ),
        ),
    ],
)
def test_driver_text_says_whether_anybody_drives(liveness: Liveness, silent: int | None, says: str) -> None:
    assert driver_text(WORKING, Driver(OWNER, liveness, None if silent is None else seconds(silent))) == says


def test_driver_text_without_any_owner() -> None:
    assert driver_text(IDLE, Driver(None, Liveness.GONE)).startswith("not running; continue by ")


def test_driver_text_of_a_manual_step_repeats_the_step() -> None:
    plan = a_plan(1, kind=PlanKind.DEREGISTER)
    step = replace(plan, spec=replace(plan.spec, service="web", targets=Selection(only=("web-1",))))
    assert "continue by katakei deregister web web-1, or" in driver_text(given(step), Driver(OWNER, Liveness.GONE))
