"""Tests of the report: well-formed for every rollout, harmless for any text, and true to the events."""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from tests.unit.given import NOON, OUTWARD, a_plan, a_target, brought, later, seconds, t

from katakei.domain import events as e
from katakei.domain.leases import Owner
from katakei.domain.phases import Cause, Phase
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.replay import replay
from katakei.render import events as event_text
from katakei.render import report
from katakei.render.report import timeline
from katakei.render.report.markup import Axis

VOID = {"meta", "br", "path"}
EVIL = '<script>alert(1)</script>\x1b]0;title\x07 & "quoted" \x00'
RESTORE = ["aws elbv2 register-targets --targets 'Id=i-1,Port=80'"]


class Balanced(HTMLParser):
    """Every element that is opened is closed, in its place; what was shown is in `words`, which elements in `tags`."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(page: str) -> Balanced:
    found = Balanced()
    found.feed(page)
    found.close()
    assert found.open == []
    return found


def told(plan: Plan, *stories: Sequence[e.Event]) -> list[e.Event]:
    return [e.Planned(NOON, plan), *(event for story in stories for event in story)]


def shown(plan: Plan, *stories: Sequence[e.Event]) -> Balanced:
    events = told(plan, *stories)
    return read(report.page(replay(events), events, RESTORE, later(500)))


def way(plan: Plan, number: int = 0, step: float = 10) -> list[e.Event]:
    """A target goes the whole way, ten seconds in each phase."""
    phases = (*OUTWARD, Phase.DONE)
    return [e.PhaseChanged(later(step * n), t(plan, number), phase) for n, phase in enumerate(phases, 1)]


def test_page_needs_nothing_but_itself() -> None:
    page = shown(a_plan(), way(a_plan()))
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not [value for name, value in page.attributes if name in {"src", "href"} or name.startswith("on")]


def test_page_escapes_text_from_outside() -> None:
    plan = a_plan(1, service=EVIL)
    named = replace(plan, targets=tuple(replace(target, name=EVIL) for target in plan.targets), who=EVIL, release=EVIL)
    key = replay(told(named)).key(t(named))
    ended = e.WorkEnded(NOON, key, 1, EVIL)
    story = [
        *brought(named, Phase.WORKING),
        ended,
        e.PhaseChanged(NOON, t(named), Phase.LEFT_OUT, EVIL, cause=Cause.FAILED),
    ]
    page = shown(named, story)
    assert "script" not in page.tags
    assert "\x1b" not in "".join(page.words)
    assert "<script>alert(1)</script>" in "".join(page.words)


@pytest.mark.parametrize("phase", list(Phase))
def test_page_exists_for_every_phase(phase: Phase) -> None:
    plan = a_plan()
    assert phase.value in "".join(shown(plan, brought(plan, phase)).words)


@pytest.mark.parametrize("kind", [PlanKind.DEREGISTER, PlanKind.REGISTER])
def test_page_exists_for_a_manual_step(kind: PlanKind) -> None:
    plan = a_plan(1, kind=kind, begin=Phase.RETURNING if kind is PlanKind.REGISTER else Phase.WAITING)
    assert "Phases" in shown(plan, [e.Finished(later(3))]).words


def test_page_shows_the_restore_commands() -> None:
    assert RESTORE[0] in "".join(shown(a_plan()).words)


def test_bars_are_the_stays_in_each_phase() -> None:
    plan = a_plan()
    events = told(plan, way(plan), [e.PhaseChanged(later(70), t(plan, 1), Phase.DRAINING)])
    found = timeline.bars(replay(events), events, later(100))
    assert [(bar.phase, bar.lasted) for bar in found[t(plan)]] == [(phase, seconds(10)) for phase in OUTWARD]
    (last,) = found[t(plan, 1)]
    assert (last.phase, last.lasted, last.open) == (Phase.DRAINING, seconds(30), True)


def test_bars_count_the_attempts() -> None:
    plan = a_plan(1)
    failed: list[e.Event] = [
        e.PhaseChanged(later(20), t(plan), Phase.LEFT_OUT, cause=Cause.FAILED),
        e.RetryAsked(NOON, "kim", (t(plan),)),
    ]
    events = told(plan, way(plan)[:1], failed, [e.PhaseChanged(later(30), t(plan), Phase.DRAINING)])
    assert [bar.attempt for bar in timeline.bars(replay(events), events, later(40))[t(plan)]] == [1, 2]


def test_levels_change_at_decision_and_proof() -> None:
    plan = a_plan(3)
    events = told(plan, way(plan))
    arn = plan.groups[0].arn
    serving = {(level.at, level.serving) for level in timeline.levels(replay(events), events, arn)}
    assert {(NOON, 3), (later(10), 2), (later(60), 3)} <= serving
    assert min(number for _, number in serving) == 2


def test_levels_include_late_targets() -> None:
    plan = a_plan(3)
    new, more = a_target(7, plan.groups), replace(plan.targets[0], registrations=a_target(8, plan.groups).registrations)
    joined: list[e.Event] = [
        e.TargetAdded(later(5), new, takes_part=True),
        e.TargetAdded(later(6), plan.targets[0], takes_part=True),
        e.TargetAdded(later(7), more, takes_part=True),
        e.PhaseChanged(later(80), new.id, Phase.DRAINING),
    ]
    events = told(plan, joined)
    found = timeline.levels(replay(events), events, plan.groups[0].arn)
    assert [level.serving for level in found] == [3, 4, 4, 5, 4]
    assert "somebody registered it during the rollout; it is updated at the end" in event_text.line(
        replay(events), events[1]
    )


def test_late_failure_is_named_with_its_outcome() -> None:
    plan = a_plan(1)
    story = [*brought(plan, Phase.DONE), e.BecameUnhealthy(later(5), t(plan), "unhealthy")]
    lost = e.FailedAfterDone(later(35), t(plan), "left service after it was done: unhealthy")
    page = "".join(shown(plan, [*story, lost, e.Finished(later(36))]).words)
    assert f"{t(plan)} (web0): left service after it was done: unhealthy; it does not serve" in page
    back = replay(told(plan, [*story, lost, e.ObservedServing(later(40), t(plan)), e.Finished(later(41))]))
    assert "it serves again" in event_text.summary(back)
    assert event_text.summary_data(back)["failed_late"] == [t(plan)]
    assert "failed late: left service after it was done: unhealthy" in event_text.line(back, lost)


def test_figures_sum_requests_over_processes_and_targets() -> None:
    plan, owner = a_plan(), Owner("kim", "here", 1, 2, "boot")
    first, second = t(plan), t(plan, 1)
    came: list[e.Event] = [
        e.RequestsAfterQuiet(NOON, first, 2),
        e.RequestsAfterQuiet(NOON, first, 5),
        e.OwnerChanged(NOON, owner),
        e.RequestsAfterQuiet(NOON, first, 1),
        e.RequestsAfterQuiet(NOON, second, 3),
        e.DrainCutShort(NOON, second, 4),
    ]
    found = timeline.figures([*told(plan), *came], later(60))
    assert (found.late_requests, found.cut_connections, found.lasted) == (9, 4, seconds(60))


def test_page_shows_what_a_drain_waited_for() -> None:
    plan = a_plan()
    busy = e.ObservedBusy(later(12), t(plan), "3 connections, one silent for 41 s, proved at 65 s")
    page = " ".join(shown(plan, [way(plan)[0], busy, way(plan)[1]]).words)
    assert "3 connections, one silent for 41 s, proved at 65 s" in page
    assert "settle of 30s" in page


def test_page_draws_2000_targets_in_time() -> None:
    plan = a_plan(2000, window=100)
    events = told(plan, *(way(plan, number) for number in range(2000)), [e.Finished(later(900))])
    begun = time.process_time()
    page = report.page(replay(events), events, RESTORE, later(900))
    assert time.process_time() - begun < 20
    assert page.count('class="track"') == 2000
    read(page)


def test_data_has_what_the_page_shows() -> None:
    plan = a_plan()
    events = told(plan, way(plan), [e.Finished(later(80))])
    data: Any = json.loads(json.dumps(report.data(replay(events), events, RESTORE, NOON)))
    assert data["restore"] == RESTORE
    assert data["seconds_out"] == {t(plan): 50}
    assert [bar["phase"] for bar in data["phases"][t(plan)]] == [phase.value for phase in OUTWARD]
    assert data["figures"]["late_requests"] == 0


@pytest.mark.parametrize(
    ("length", "named"),
    [
        (0, ["0:00", "0:01"]),
        (45, ["0:00", "0:10", "0:20", "0:30", "0:40"]),
        (7200, ["0:00", "30:00", "1:00:00", "1:30:00", "2:00:00"]),
    ],
)
def test_axis_names_a_few_round_times(length: float, named: list[str]) -> None:
    assert [said for _, said in Axis(NOON, later(length)).ticks()] == named
