"""Tests of a revert as people read it: in the plan, in event lines, in the summary and in the report."""

from tests.unit.given import NOON, OUTWARD, a_plan, brought, given, later, t

from katakei.domain import events as e
from katakei.domain.phases import Intent, Phase
from katakei.domain.replay import Rollout
from katakei.domain.spec import AfterFailure, Command, FailedTargetPolicy, OnFailure, Variable
from katakei.planning.forecast import forecast
from katakei.render import events, plan, report

UNDO = Command("local", "./undo", env=(Variable("A", "hello"), Variable("B", None, "TOKEN")))
PLAN = a_plan(2, revert=UNDO, on_failure=OnFailure(0, FailedTargetPolicy.KEEP_OUT, AfterFailure.REVERT))


def half_reverted() -> tuple[Rollout, list[e.Event]]:
    back = [e.PhaseChanged(later(9), t(PLAN, 1), OUTWARD[0], intent=Intent.REVERT)]
    back += [e.PhaseChanged(later(9), t(PLAN, 1), way) for way in (*OUTWARD[1:], Phase.DONE)]
    done = [*brought(PLAN, Phase.DONE, 0), *brought(PLAN, Phase.DONE, 1)]
    story = [*done, e.RevertDecided(later(8), 1), *back, e.Finished(later(10))]
    return given(PLAN, story), [e.Planned(NOON, PLAN), *story]


def test_plan_names_the_revert_command_and_its_trigger() -> None:
    text = plan.plan_text(PLAN, forecast(PLAN))
    trigger = "automatically when more than 0 failed, or by katakei revert"
    assert f"revert   by local: ./undo, with A=hello, B={{secret: TOKEN}} ({trigger})" in text


def test_summary_names_targets_that_were_not_reverted() -> None:
    rollout, _ = half_reverted()
    assert events.summary(rollout).splitlines()[-1] == (
        "reverted by on_failure: 1 of 2 updated targets reverted; not reverted: i-00000000000000000 (web0)"
    )
    assert events.summary_data(rollout)["not_taken_back"] == [t(PLAN, 0)]


def test_event_lines_of_a_revert() -> None:
    rollout, _ = half_reverted()
    key = e.WorkKey(PLAN.rollout, t(PLAN), 1, Intent.UPDATE)
    said = [
        events.describe(rollout, event)
        for event in (
            e.RevertDecided(NOON, 1),
            e.RevertAsked(NOON, "kim"),
            e.WorkLost(NOON, key, begun=True),
            e.WorkLost(NOON, key, begun=False),
            e.CommandAcknowledged(NOON),
        )
    ]
    assert said == [
        (
            "revert by on_failure: 1 target failed, more than on_failure.max_failures allows;"
            " the updated targets are reverted, the last one first"
        ),
        "revert requested by kim: the updated targets are reverted, the last one first",
        "i-00000000000000000 (web0)  work was interrupted",
        "i-00000000000000000 (web0)  work was refused before it began",
        "",
    ]


def test_report_shows_work_and_revert() -> None:
    rollout, events = half_reverted()
    page = report.page(rollout, events, (), later(11))
    assert "revert by local: <code>./undo</code>" in page
    assert "revert by on_failure" in page
