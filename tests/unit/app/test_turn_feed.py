"""The feed to watchers: each event once, in order, also those of other processes."""

import pytest
from tests.properties.builders import seconds
from tests.unit.app.fakes import Stage, started

from katakei.app.control import Control
from katakei.app.turn_feed import TURN_AGE, Progress, TurnFeed
from katakei.domain.errors import UsageError
from katakei.domain.model import RolloutId
from katakei.runtime.session import RolloutSession

ID = RolloutId("r-new")


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def feed(stage: Stage) -> TurnFeed:
    return TurnFeed(stage.drivers.journal, stage.drivers.clock)


@pytest.fixture
def session(stage: Stage) -> RolloutSession:
    return started(stage)


def test_watch_tells_every_event_once_and_the_waits(stage: Stage, feed: TurnFeed, session: RolloutSession) -> None:
    got: list[Progress] = []
    first, _ = feed.watch(ID, got.append)
    assert (first.rollout.number, first.written, first.why) == (1, (), None)
    for number, turn in enumerate(session.turns()):
        if number in {1, 4}:
            Control(stage.drivers).pause(ID) if number == 1 else Control(stage.drivers).resume(ID)
        feed.publish(ID, turn)
    written = [event for each in got for event in each.written]
    assert written == stage.events()[1:]
    assert all(each.why is not None for each in got)
    assert any(each.whys for each in got)


def test_read_tells_what_another_process_wrote(stage: Stage, feed: TurnFeed, session: RolloutSession) -> None:
    got: list[Progress] = []
    feed.watch(ID, got.append)
    for _ in range(3):
        session.step()
        stage.clock.sleep(seconds(2))
        feed.read()
    feed.read()
    assert [event for each in got for event in each.written] == stage.events()[1:]
    assert got[-1].why is None
    assert got[-1].rollout.number == len(stage.events())


def test_read_leaves_a_rollout_of_this_process_alone(stage: Stage, feed: TurnFeed, session: RolloutSession) -> None:
    got: list[Progress] = []
    feed.watch(ID, got.append)
    feed.publish(ID, session.step())
    Control(stage.drivers).pause(ID)
    feed.read()
    assert len(got) == 1
    stage.clock.sleep(TURN_AGE + seconds(1))
    feed.read()
    assert [event for each in got for event in each.written] == stage.events()[1:]


def test_a_later_watcher_gets_the_newest_turn(feed: TurnFeed, session: RolloutSession) -> None:
    turn = session.step()
    feed.publish(ID, turn)
    first, _ = feed.watch(ID, lambda _progress: None)
    assert (first.rollout, first.why, first.written) == (turn.rollout, turn.why, ())


def test_leave_ends_the_watch(feed: TurnFeed, session: RolloutSession) -> None:
    got: list[Progress] = []
    others: list[Progress] = []
    _, leave = feed.watch(ID, got.append)
    feed.watch(ID, others.append)
    leave()
    leave()
    feed.publish(ID, session.step())
    assert (len(got), len(others)) == (0, 1)


def test_a_watcher_that_fails_hurts_no_other(feed: TurnFeed, session: RolloutSession) -> None:
    def broken(_progress: Progress) -> None:
        raise ValueError("gone")

    got: list[Progress] = []
    feed.watch(ID, broken)
    feed.watch(ID, got.append)
    feed.publish(ID, session.step())
    assert len(got) == 1


def test_an_unknown_rollout_cannot_be_watched(feed: TurnFeed) -> None:
    with pytest.raises(UsageError, match="no rollout r-none"):
        feed.watch(RolloutId("r-none"), lambda _progress: None)
