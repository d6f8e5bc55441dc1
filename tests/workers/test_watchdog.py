"""The watchdog of a worker: one that can fetch no job ends its process, so that its supervisor starts another."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from tests.contracts.fake_account import TurnedClock
from tests.properties.builders import seconds
from tests.unit.given import NOON
from tests.workers.team import LONG

from katakei.domain.errors import TemporarilyUnavailableError
from katakei.workers.worker import DEAF_CODE, DEAF_LIMIT, Worker
from katakei.workers.worker_sessions import SessionSource

NOWHERE = "postgresql://kim@127.0.0.1:1/nothing"


class SilentJournal:
    """No database answers."""

    def find(self, **_: object) -> Any:
        raise TemporarilyUnavailableError("the journal cannot be reached")


class Deaf:
    """A worker without a database, its clock, and the codes with which it wanted to end."""

    def __init__(self) -> None:
        self.clock = TurnedClock(NOON)
        self.left = threading.Event()
        self.codes: list[int] = []
        silent: Any = SilentJournal()
        clock: Any = self.clock
        source = SessionSource(silent, silent, clock, silent)
        self.worker = Worker(NOWHERE, source, name="deaf", concurrency=2, leave=self._leave)

    def _leave(self, code: int) -> None:
        self.codes.append(code)
        self.worker.stop()
        self.left.set()


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    made = Deaf()
    yield made
    made.worker.stop()


def test_worker_that_fetches_nothing_ends_its_process(deaf: Deaf) -> None:
    """Its engine is connected, and no fetch ever returns. An engine that cannot connect is started again instead."""
    threading.Thread(target=deaf.worker._watch_on, daemon=True).start()
    deaf.clock.time += DEAF_LIMIT + seconds(1)
    assert deaf.left.wait(LONG)
    assert deaf.codes[0] == DEAF_CODE


def test_worker_is_deaf_only_after_the_limit(deaf: Deaf) -> None:
    deaf.clock.time += DEAF_LIMIT
    assert not deaf.worker.deaf()
    deaf.clock.time += seconds(1)
    assert deaf.worker.deaf()


def test_fetched_job_begins_the_limit_anew(deaf: Deaf) -> None:
    fetches: Any = SimpleNamespace(fetched=NOON + DEAF_LIMIT)
    deaf.worker._manager = fetches
    deaf.clock.time += 2 * DEAF_LIMIT
    assert not deaf.worker.deaf()
    deaf.clock.time += seconds(1)
    assert deaf.worker.deaf()


def test_worker_whose_threads_all_take_turns_is_not_deaf(deaf: Deaf, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fetches nothing then, and is at work."""
    busy = [SimpleNamespace(running=True)] * 2
    monkeypatch.setattr(deaf.worker.sessions.host, "hosted", lambda: busy)
    deaf.clock.time += 2 * DEAF_LIMIT
    assert not deaf.worker.deaf()
    busy.pop()
    deaf.clock.time += DEAF_LIMIT
    assert not deaf.worker.deaf()
    deaf.clock.time += seconds(1)
    assert deaf.worker.deaf()
