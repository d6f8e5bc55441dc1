"""What a process publishes of the waits of its rollouts, and that no store can cost a turn anything."""

import threading
from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest
from tests.properties.builders import seconds
from tests.unit.app.fakes import Stage, started

from katakei.app.turn_feed import REPORT_AGE, Progress, TurnFeed
from katakei.app.wait_publisher import OUTPUT_LIMIT, OUTPUTS_LIMIT, REFRESH_INTERVAL, WaitPublisher, bounded, publishing
from katakei.domain.errors import NoAnswerError
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.ports import WaitReport
from katakei.domain.reasons import ReasonCode, reason
from katakei.runtime.runner import Turn
from katakei.runtime.session import RolloutSession

ID = RolloutId("r-new")


class Reports:
    """The store of a team, in memory."""

    def __init__(self) -> None:
        self.stored: dict[RolloutId, WaitReport] = {}
        self.writes: list[Mapping[RolloutId, WaitReport | None]] = []
        self.fails = False

    def publish(self, reports: Mapping[RolloutId, WaitReport | None]) -> None:
        self._answer()
        self.writes.append(dict(reports))
        for rollout, report in reports.items():
            self.stored.pop(rollout, None)
            if report:
                self.stored[rollout] = report

    def read(self, rollouts: Collection[RolloutId]) -> Mapping[RolloutId, WaitReport]:
        self._answer()
        return {rollout: report for rollout, report in self.stored.items() if rollout in rollouts}

    def _answer(self) -> None:
        if self.fails:
            raise NoAnswerError("the database did not answer in time")


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def publisher(stage: Stage, reports: Reports) -> WaitPublisher:
    return WaitPublisher(reports, stage.drivers.clock)


@pytest.fixture
def session(stage: Stage) -> RolloutSession:
    return started(stage)


def test_watchers_see_what_another_process_waits_for(
    stage: Stage, reports: Reports, publisher: WaitPublisher, session: RolloutSession
) -> None:
    """At the end nothing is stored any more."""
    got: list[Progress] = []
    feed = TurnFeed(stage.drivers.journal, stage.drivers.clock, reports)
    feed.watch(ID, got.append)
    for turn in session.turns():
        publisher.turn(ID, turn)
        publisher.publish()
        feed.read()
        assert got[-1].rollout.number == turn.rollout.number
        assert got[-1].why == (None if turn.over else turn.why)
        assert got[-1].outputs == ({} if turn.over else turn.outputs)
    assert [event for each in got for event in each.written] == stage.events()[1:]
    assert reports.stored == {}


def test_old_reason_is_not_shown(
    stage: Stage, reports: Reports, publisher: WaitPublisher, session: RolloutSession
) -> None:
    got: list[Progress] = []
    feed = TurnFeed(stage.drivers.journal, stage.drivers.clock, reports)
    publisher.turn(ID, session.step())
    publisher.publish()
    feed.watch(ID, got.append)
    feed.read()
    assert got[-1].why is not None
    shown, stored = len(got), reports.stored[ID]
    feed.read()
    assert len(got) == shown, "watchers are told of changes only"
    for old in (replace(stored, age=REPORT_AGE + seconds(1)), replace(stored, number=stored.number - 1)):
        reports.stored[ID] = old
        feed.read()
        assert [got[-1].why, got[-1].since, *got[-1].outputs] == [None, None]
        reports.stored[ID] = stored
        feed.read()
        assert got[-1].why == stored.why


def test_silent_store_hides_no_event(stage: Stage, reports: Reports, session: RolloutSession) -> None:
    got: list[Progress] = []
    feed = TurnFeed(stage.drivers.journal, stage.drivers.clock, reports)
    feed.watch(ID, got.append)
    reports.fails = True
    session.step()
    feed.read()
    assert [event for each in got for event in each.written] == stage.events()[1:]


def test_reason_is_written_when_it_changes_and_now_and_then(
    stage: Stage, reports: Reports, publisher: WaitPublisher, session: RolloutSession
) -> None:
    turn = session.step()
    begun = stage.clock.now()
    for _ in range(3):  # the newest of one second is written
        publisher.turn(ID, turn)
    publisher.publish()
    publisher.turn(ID, turn)
    publisher.publish()
    assert len(reports.writes) == 1
    stage.clock.sleep(REFRESH_INTERVAL)
    publisher.turn(ID, turn)
    publisher.publish()
    assert [write[ID] for write in reports.writes] == [reports.stored[ID]] * 2
    assert reports.stored[ID].since == begun
    publisher.turn(ID, _waiting(turn, "paused"))
    publisher.publish()
    assert reports.stored[ID].since == begun + REFRESH_INTERVAL


def _waiting(turn: Turn, code: str) -> Turn:
    return replace(turn, why=reason(ReasonCode.RECORDED_TEXT, text=code))


def test_reason_is_written_again_after_a_store_was_silent(
    reports: Reports, publisher: WaitPublisher, session: RolloutSession
) -> None:
    first, second = session.step(), session.step()
    reports.fails = True
    publisher.turn(ID, first)
    publisher.publish()
    publisher.turn(ID, second)
    publisher.publish()
    reports.fails = False
    publisher.publish()
    assert [write[ID] for write in reports.writes] == [reports.stored[ID]]
    assert reports.stored[ID].why == second.why


def test_store_that_never_answers_costs_a_turn_nothing(stage: Stage, session: RolloutSession) -> None:
    """The rollout ends while the first report is still under way, and so does the process."""
    asked, answer = threading.Event(), threading.Event()

    class Standing(Reports):
        def publish(self, reports: Mapping[RolloutId, WaitReport | None]) -> None:
            asked.set()
            assert answer.wait(60)
            super().publish(reports)

    standing = Standing()
    with publishing(standing, stage.drivers.clock) as turned:
        turned(ID, session.step())
        assert asked.wait(30)
        for turn in session.turns():
            turned(ID, turn)
        assert standing.stored == {}
    assert stage.events()
    answer.set()


def test_outputs_are_bounded_to_whole_last_lines() -> None:
    long = "".join(f"line {number}\n" for number in range(1000))
    outputs = {TargetId(f"i-{number}"): long for number in range(8)} | {TargetId("i-0"): "done"}
    kept = bounded(outputs)
    assert kept[TargetId("i-0")] == "done"
    assert sum(map(len, kept.values())) <= OUTPUTS_LIMIT
    assert all(len(each) <= OUTPUT_LIMIT and each.endswith("line 999\n") for each in list(kept.values())[1:4])
    assert all(each.startswith("line ") for each in list(kept.values())[1:4])
    assert bounded({TargetId("i-1"): "x" * 5000}) == {TargetId("i-1"): "x" * OUTPUT_LIMIT}
