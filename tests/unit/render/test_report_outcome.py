"""Tests of what a report says first, as a page and as Markdown: result, failed output, wall clock, restore lines."""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.given import NOON, a_plan, brought, later, t
from tests.unit.render.test_report import RESTORE, read, told, way

from katakei.domain import events as e
from katakei.domain.outside_text import hidden
from katakei.domain.phases import Cause, Phase
from katakei.domain.plan import Plan
from katakei.domain.replay import replay
from katakei.render import report
from katakei.render.report.markdown import LAST_LINES, cell, fenced

Zone = Callable[[str], AbstractContextManager[None]]
EVIL = "`x` | <b>*y*</b> @team #1 [a](b)\u202e\x1b]0;t\x07\n```\n# heading"


def failed(plan: Plan, out: str = "no space left") -> list[e.Event]:
    """The first target's work fails; the target is left out."""
    key = replay(told(plan)).key(t(plan))
    return [
        *brought(plan, Phase.WORKING),
        e.WorkEnded(later(40), key, 3, out),
        e.PhaseChanged(later(41), t(plan), Phase.LEFT_OUT, "the work ended with exit code 3", cause=Cause.FAILED),
        e.Finished(later(42)),
    ]


def aborted(plan: Plan) -> list[e.Event]:
    stop = e.PhaseChanged(later(2), t(plan), Phase.SKIPPED, "aborted", cause=Cause.ABORTED)
    return [e.AbortAsked(later(1), "kim"), stop, e.Finished(later(3))]


def page(plan: Plan, events: Sequence[e.Event]) -> str:
    return report.page(replay(told(plan, events)), told(plan, events), RESTORE, later(500))


def ticket(plan: Plan, events: Sequence[e.Event], restore: Sequence[str] = RESTORE) -> str:
    return report.markdown(replay(told(plan, events)), told(plan, events), restore, later(500))


@pytest.mark.parametrize(
    ("word", "sentence", "story"),
    [
        (
            "DONE",
            "Everything that was requested was done. Exit code 0.",
            lambda plan: [*way(plan), e.Finished(later(80))],
        ),
        ("FAILED", "Not everything that was requested was done. Targets are out of service. Exit code 3.", failed),
        ("ABORTED", "A person stopped the rollout. Every target is in service. Exit code 1.", aborted),
        ("NOT FINISHED", "The rollout goes on, or waits to be continued. Exit code 130.", lambda plan: way(plan)[:2]),
    ],
)
def test_report_names_the_result_in_one_word(word: str, sentence: str, story: Callable[[Plan], list[e.Event]]) -> None:
    plan = a_plan(1)
    found = page(plan, story(plan))
    assert {word, sentence} <= set(read(found).words)
    assert found.index(f">{word}<") < found.index("<h1>")
    assert ticket(plan, story(plan)).startswith(f"## {word}: ")
    assert f"\n\n{sentence}\n\n" in ticket(plan, story(plan))


def test_failed_output_comes_first_and_open() -> None:
    plan = a_plan(2)
    well = e.WorkEnded(later(39), replay(told(plan)).key(t(plan, 1)), 0, "all fine")
    found = page(plan, [well, *failed(plan)])
    assert re.findall(r"<details( open)?><summary>([^<]*)", found) == [
        (" open", "i-00000000000000000 (web0), attempt 1 (update): exit code 3"),
        ("", "i-00000000000000001 (web1), attempt 1 (update): exit code 0"),
        ("", "7 lines"),
    ]
    assert found.index("no space left") < found.index("<h2>Phases") < found.index("all fine")


def test_report_without_failure_has_no_section_for_it() -> None:
    plan = a_plan(1)
    assert "failed work" not in page(plan, way(plan))
    assert "failed work" not in ticket(plan, way(plan))


def test_times_are_local_with_their_zone(local_zone: Zone) -> None:
    plan = a_plan(1)
    with local_zone("Asia/Tokyo"):
        for found in (page(plan, failed(plan)), ticket(plan, failed(plan))):
            assert f"{NOON.astimezone():%Y-%m-%d %H:%M}:00 JST to " in found
            assert "UTC" not in found
        assert '<th scope="col">time JST</th>' in page(plan, failed(plan))
        assert f"Minutes since {NOON.astimezone():%Y-%m-%d %H:%M}:00 JST" in page(plan, failed(plan))


def test_times_of_several_days_and_zones_stay_apart(local_zone: Zone) -> None:
    plan = a_plan(1)
    with local_zone("Europe/Berlin"):
        spring = [replace(event, at=event.at.replace(month=3, day=28)) for event in told(plan, way(plan))]
        spring += [e.PauseAsked(spring[0].at.replace(day=29), "kim")]
        found = report.page(replay(spring), spring, RESTORE, spring[-1].at)
        assert re.search(r"<td>03-29 \d\d:\d\d:\d\d CEST</td>", found)
        assert re.search(r"<td>03-28 \d\d:\d\d:\d\d CET</td>", found)


def test_each_restore_command_is_one_element() -> None:
    plan, restore = a_plan(1), ["aws elbv2 register-targets --targets 'Id=i-1,Port=80'", "aws second"]
    found = report.page(replay(told(plan)), told(plan), restore, later(1))
    assert re.findall(r'<pre class="line">([^<]*)</pre>', found) == [
        "aws elbv2 register-targets --targets &#x27;Id=i-1,Port=80&#x27;",
        "aws second",
    ]
    assert f"```sh\n{restore[0]}\n{restore[1]}\n```" in ticket(plan, [], restore)


def test_text_from_outside_is_harmless_in_both_forms() -> None:
    plan = a_plan(1, service=EVIL)
    named = replace(plan, targets=tuple(replace(target, name=EVIL) for target in plan.targets), who=EVIL, release=EVIL)
    for found in (page(named, failed(named, EVIL)), ticket(named, failed(named, EVIL))):
        assert not hidden(found)
        assert "\\u202e" in found
    document = ticket(named, failed(named, EVIL))
    outside = re.sub(r"^(`{3,})(sh)?\n.*?^\1$", "", document, flags=re.DOTALL | re.MULTILINE)
    assert outside.count("\n## ") + document.startswith("## ") == 1
    assert "# heading" not in outside.replace("\\# heading", "")
    assert not re.search(r"<b>|@team|(?<!\\)\[a\]|(?<!\\)\*y", outside)


@given(st.text())
def test_fence_is_longer_than_any_in_the_output(text: str) -> None:
    lines = fenced(text).split("\n")
    assert re.fullmatch("`{3,}", lines[0])
    assert lines[-1] == lines[0]
    assert not [line for line in lines[1:-1] if line.strip().startswith(lines[0])]


@given(st.text())
def test_cell_stays_in_its_row(text: str) -> None:
    assert "\n" not in cell(text)
    assert not re.search(r"(?<!\\)\|", cell(text).replace("\\\\", ""))


def test_ticket_has_the_end_of_a_long_output() -> None:
    plan = a_plan(1)
    document = ticket(plan, failed(plan, "\n".join(f"line {number}" for number in range(500))))
    assert f"(the last {LAST_LINES} of 500 lines)" in document
    assert "line 499\n```" in document
    assert "line 439\n" not in document


def test_ticket_of_many_targets_names_those_with_a_reason() -> None:
    plan = a_plan(300)
    document = ticket(plan, failed(plan))
    assert "| i-00000000000000000 (web0) | left_out |" in document
    assert "(web1)" not in document
    assert "299 other targets without a reason to name" in document


@pytest.mark.parametrize("phase", list(Phase))
def test_ticket_exists_for_every_phase(phase: Phase) -> None:
    plan = a_plan()
    assert phase.value in ticket(plan, brought(plan, phase))
