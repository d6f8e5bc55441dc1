"""The host of sessions: one turn at a time for each, words during a turn, and the end while turns run."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tests.properties.builders import seconds
from tests.unit.given import NOON

from katakei.domain.errors import LeaseLostError, UnreachableError
from katakei.domain.model import RolloutId
from katakei.runtime.session_host import FIRST_PAUSE, HEALTHY_AFTER, SessionHost

ONE, TWO = RolloutId("r-one"), RolloutId("r-two")
WAIT = 60


@dataclass
class Later:
    """A pool and a clock: work waits until the test runs it."""

    time: datetime = NOON
    work: list[Callable[[], object]] = field(default_factory=list)

    def submit(self, work: Callable[[], Any], /) -> Future[Any]:
        self.work.append(work)
        future: Future[Any] = Future()
        future.set_result(None)
        return future

    def now(self) -> datetime:
        return self.time


@dataclass
class Session:
    """A session whose turn does what the test says."""

    rollout: RolloutId
    clock: Later
    turn: Callable[[], object] = bool
    turns: int = 0
    closed: list[timedelta] = field(default_factory=list)
    done: int = 0

    @property
    def plan(self) -> Any:
        return SimpleNamespace(rollout=self.rollout)

    def step(self) -> Any:
        self.turns += 1
        self.turn()
        return SimpleNamespace(over=False, now=self.clock.time, due=self.clock.time + seconds(15))

    def close(self, within: timedelta) -> None:
        self.closed.append(within)

    def end(self) -> None:
        self.done += 1


@dataclass
class Stage:
    """A host with two sessions."""

    later: Later = field(default_factory=Later)

    def __post_init__(self) -> None:
        self.one, self.two = Session(ONE, self.later), Session(TWO, self.later)
        pool: Any = self.later
        self.host = SessionHost(pool, pool, self.reopen)
        for each in (self.one, self.two):
            self.add(each)

    def add(self, session: Session) -> None:
        plain: Any = session
        self.host.add(plain, session.end)

    def reopen(self, rollout: RolloutId) -> Any:
        session = self.one if rollout == ONE else self.two
        return session, session.end


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def held(stage: Stage) -> Iterator[threading.Event]:
    """The turn of the first session runs in a thread until this is set."""
    begun, go_on = threading.Event(), threading.Event()

    def turn() -> None:
        begun.set()
        assert go_on.wait(WAIT)

    stage.one.turn = turn
    thread = threading.Thread(target=lambda: stage.host.take_turn(ONE))
    thread.start()
    assert begun.wait(WAIT)
    yield go_on
    go_on.set()
    thread.join(WAIT)


def test_tick_begins_a_turn_once(stage: Stage) -> None:
    for _ in range(3):
        stage.host.tick()
    assert len(stage.later.work) == 2


@pytest.mark.usefixtures("held")
def test_a_turn_is_not_taken_while_one_runs(stage: Stage) -> None:
    assert stage.host.take_turn(ONE) is None
    assert stage.one.turns == 1
    assert stage.host.take_turn(TWO) == seconds(15)


def test_close_begins_no_turn_and_waits_for_the_one_that_runs(stage: Stage, held: threading.Event) -> None:
    ending = threading.Thread(target=lambda: stage.host.close(seconds(WAIT)))
    ending.start()
    while not stage.host._closing:
        held.wait(0.01)
    assert stage.host.take_turn(TWO) is None
    stage.host.tick()
    assert (stage.two.turns, stage.later.work, ending.is_alive()) == (0, [], True)
    held.set()
    ending.join(WAIT)
    for work in stage.later.work:
        work()
    assert [len(each.closed) for each in (stage.one, stage.two)] == [1, 1]
    assert (stage.one.done, stage.two.done) == (1, 1)


@pytest.mark.usefixtures("held")
def test_close_leaves_the_lease_of_a_turn_that_does_not_end(stage: Stage) -> None:
    """It runs out by itself, so that nobody acts on the same target while a call may still be under way."""
    stage.host.close(timedelta())
    for work in stage.later.work:
        work()
    assert (stage.one.closed, len(stage.two.closed)) == ([], 1)


def test_a_word_during_a_turn_makes_the_next_one_due(stage: Stage) -> None:
    assert stage.host.take_turn(ONE) == seconds(15)
    stage.one.turn = lambda: stage.host.wake(ONE)
    assert stage.host.take_turn(ONE) == timedelta()
    stage.one.turn = bool
    assert stage.host.take_turn(ONE) == seconds(15)


def test_a_lost_lease_ends_the_session_and_its_drivers(stage: Stage) -> None:
    def lost() -> None:
        raise LeaseLostError("taken over")

    stage.one.turn = lost
    assert stage.host.take_turn(ONE) is None
    assert (stage.one.closed, stage.one.done, set(stage.host.rollouts())) == ([timedelta()], 1, {TWO})


def test_a_session_that_worked_for_a_while_begins_with_the_first_pause(stage: Stage) -> None:
    def broken() -> None:
        raise UnreachableError("access denied")

    pauses = []
    for worked in (timedelta(), HEALTHY_AFTER - FIRST_PAUSE, HEALTHY_AFTER, HEALTHY_AFTER + seconds(1)):
        stage.later.time += worked
        stage.one.turn = bool
        stage.host.take_turn(ONE)
        stage.one.turn = broken
        pauses.append(stage.host.take_turn(ONE))
        stage.one.turn = bool
        assert stage.host.take_turn(ONE) == timedelta()  # opened again
    assert pauses == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE, FIRST_PAUSE]
    assert len(stage.one.closed) == stage.one.done == 4
