"""A revert as people read it: in the plan, line by line, in the summary and in the report."""

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


def test_the_plan_says_what_would_take_it_back_and_when() -> None:
    text = plan.plan_text(PLAN, forecast(PLAN))
    said = "by local: ./undo, with A=hello, B={secret: TOKEN} (by itself when more than 0 failed, or by katakei revert)"
    assert f"revert   {said}" in text


def test_the_summary_names_who_was_not_taken_back() -> None:
    rollout, _ = half_reverted()
    assert events.summary(rollout).splitlines()[-1] == (
        "reverted by on_failure: 1 of 2 touched targets taken back; not taken back: i-00000000000000000 (web0)"
    )
    assert events.summary_data(rollout)["not_taken_back"] == [t(PLAN, 0)]


def test_each_word_and_fact_of_a_revert_has_its_line() -> None:
    rollout, _ = half_reverted()
    key = e.WorkKey(PLAN.rollout, t(PLAN), 1, Intent.UPDATE)
    said = [
        events.said(rollout, event)
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
            " what was touched is taken back, the last one first"
        ),
        "revert asked by kim: what was touched is taken back, the last one first",
        "i-00000000000000000 (web0)  work was interrupted",
        "i-00000000000000000 (web0)  work was refused before it began",
        "",
    ]


def test_the_report_shows_both_commands() -> None:
    rollout, events = half_reverted()
    page = report.page(rollout, events, (), later(11))
    assert "revert by local: <code>./undo</code>" in page
    assert "revert by on_failure" in page
