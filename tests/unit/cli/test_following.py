"""Tests of the views that go on: what is printed on which change, and when they end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.given import NOON, a_plan, brought, later, t

from katakei.cli import following
from katakei.cli.following import LogFollower, View, changed, watch
from katakei.domain import events as e
from katakei.domain.errors import NoAnswerError
from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.overview import Driver
from katakei.domain.phases import Intent, Phase
from katakei.domain.ports import Liveness
from katakei.domain.replay import Rollout, replay

PLAN = a_plan(2)
FIRST, SECOND = t(PLAN), t(PLAN, 1)
OWNER = Owner("kim", "here", 1, 1, "boot")


def ended(number: int, out: str) -> e.WorkEnded:
    return e.WorkEnded(later(9), e.WorkKey(PLAN.rollout, t(PLAN, number), 1, Intent.UPDATE), 0, out)


@dataclass
class Journal:
    """Stands for `Queries`: each pause brings the next events; Ctrl-C comes when there are no more."""

    steps: list[list[e.Event]]
    told: list[e.Event] = field(default_factory=lambda: [e.Planned(NOON, PLAN)])
    liveness: Liveness = Liveness.ALIVE
    pauses: list[timedelta] = field(default_factory=list)

    def sleep(self, pause: timedelta) -> None:
        self.pauses.append(pause)
        if not self.steps:
            raise KeyboardInterrupt
        self.told += self.steps.pop(0)

    def now(self) -> datetime:
        return later(len(self.pauses))

    def events(self, _rollout: RolloutId) -> Sequence[e.Event]:
        return tuple(self.told)

    def show(self, _rollout: RolloutId) -> Rollout:
        return replay(self.told)

    def driver(self, _rollout: Rollout) -> Driver:
        return Driver(OWNER, self.liveness)


def followed(journal: Journal, *targets: Any) -> tuple[list[str], list[str]]:
    """The output and the sentences that `logs -f` printed."""
    shown: list[str] = []
    said: list[str] = []
    queries: Any = journal
    LogFollower(queries, PLAN.rollout, frozenset(targets), lambda each: shown.append(each.out)).follow(said.append)
    return shown, said


WORK: list[list[e.Event]] = [
    brought(PLAN, Phase.WORKING, bare=True),
    [ended(0, "one")],
    [*brought(PLAN, Phase.WORKING, 1, bare=True)],
    [ended(1, "two")],
    [e.Finished(later(20))],
]


def test_follower_shows_each_output_once_and_ends_with_the_rollout() -> None:
    journal = Journal([*WORK])
    shown, said = followed(journal)
    assert shown == ["one", "two"]
    assert [sentence.partition(" since")[0] for sentence in said] == [
        f"{FIRST} is worked on",
        f"{SECOND} is worked on",
    ]
    assert journal.steps == []
    assert set(journal.pauses) == {timedelta(seconds=2)}


def test_follower_begins_with_what_is_known() -> None:
    journal = Journal([], [e.Planned(NOON, PLAN), *WORK[0], *WORK[1], *WORK[2]])
    shown, said = followed(journal)
    assert shown == ["one"]
    assert len(said) == 1
    assert said[0].startswith(f"{SECOND} is worked on since 2026-11-22 ")


def test_follower_shows_only_the_wanted_targets() -> None:
    assert followed(Journal([*WORK]), SECOND)[0] == ["two"]


def test_follower_says_once_that_nobody_drives() -> None:
    _, said = followed(Journal([[], [], []], liveness=Liveness.GONE))
    assert said == ["no process drives the rollout now; waiting for one that continues it"]


def test_follower_of_a_finished_rollout_ends_at_once() -> None:
    journal = Journal([], [e.Planned(NOON, PLAN), e.Finished(NOON)])
    assert followed(journal) == ([], [])
    assert journal.pauses == []


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ({}, {"": "2 of 2 serving", "web-1": "healthy"}, "2 of 2 serving, web-1 healthy"),
        ({"web-1": "healthy"}, {"web-1": "healthy"}, ""),
        ({"web-1": "healthy", "web-2": "healthy"}, {"web-1": "draining", "web-2": "healthy"}, "web-1 draining"),
        ({"web-1": "healthy"}, {}, "web-1 is gone"),
    ],
)
def test_changed_names_what_is_new(before: dict[str, str], after: dict[str, str], line: str) -> None:
    assert changed(before, after) == line


def a_view(state: str, *, over: bool = False) -> View:
    return View(f"TABLE {state}", {"state": state}, {"web-1": state}, over)


def script(*views: View | NoAnswerError) -> Callable[[], View]:
    left = list(views)

    def look() -> View:
        found = left.pop(0) if left else None
        if found is None:
            raise KeyboardInterrupt
        if isinstance(found, NoAnswerError):
            raise found
        return found

    return look


def watched(look: Callable[[], View], *, as_json: bool = False) -> Journal:
    journal = Journal([[] for _ in range(99)])
    queries: Any = journal
    watch(queries, 2.0, look, as_json=as_json)
    return journal


def test_watch_without_a_terminal_prints_changes(capsys: pytest.CaptureFixture[str]) -> None:
    watched(script(a_view("healthy"), a_view("healthy"), a_view("draining"), a_view("draining")))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[1] for line in lines] == ["web-1 healthy", "web-1 draining"]
    assert lines[0].startswith("2026-11-22 ")


def test_watch_prints_json_on_a_change(capsys: pytest.CaptureFixture[str]) -> None:
    watched(script(a_view("healthy"), a_view("healthy"), a_view("draining")), as_json=True)
    assert capsys.readouterr().out.splitlines() == ['{"state": "healthy"}', '{"state": "draining"}']


def test_watch_ends_when_nothing_changes_any_more() -> None:
    assert watched(script(a_view("draining"), a_view("done", over=True))).pauses == [timedelta(seconds=2)]


def test_watch_goes_on_after_a_call_without_answer(capsys: pytest.CaptureFixture[str]) -> None:
    watched(script(a_view("healthy"), NoAnswerError("throttled"), a_view("healthy"), a_view("draining")))
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 2
    assert "throttled" in shown.err


def test_watch_repaints_a_terminal_and_leaves_the_last_view(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "on_terminal", lambda _descriptor: True)
    watched(script(a_view("healthy"), NoAnswerError("throttled"), a_view("done\x1b[2J", over=True)))
    out = capsys.readouterr().out
    assert out.startswith(following.ENTER)
    frames, _, after = out.partition(following.LEAVE)
    painted = frames.split(following.HOME)[1:]
    assert len(painted) == 3
    assert "TABLE healthy" in painted[0]
    assert "every 2 s; Ctrl-C ends" in painted[0]
    assert "TABLE healthy" in painted[1]
    assert "throttled" in painted[1]
    assert "\x1b[2J" not in painted[2]
    assert after == "TABLE done\\x1b[2J\n"


def test_watch_never_paints_more_lines_than_the_terminal_has(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "on_terminal", lambda _descriptor: True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "10")
    long = View("\n".join(["x" * 100] * 30), {}, {}, over=True)
    watched(script(long))
    frame = capsys.readouterr().out.partition(following.LEAVE)[0].partition(following.HOME)[2]
    lines = frame.replace(following.ERASE_LINE, "").replace(following.ERASE_BELOW, "").splitlines()
    assert "…" in lines
    assert sum(max(1, -(-len(line) // 40)) for line in lines) <= 10
