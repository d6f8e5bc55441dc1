"""The feed of rollouts to watchers: every event once and in order, and what the rollout waits for.

One feed serves all watchers of a process. Turns that this process takes come by `publish`. Rollouts that another
process drives are read from the journal, once for all watchers. What those wait for is known where the processes of
a team publish it (`wait_publisher`).
"""

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from katakei.domain.actions import Wait
from katakei.domain.errors import KatakeiError, UsageError
from katakei.domain.events import Event
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.ports import Clock, Journal, WaitReport, WaitReports
from katakei.domain.reasons import Reason
from katakei.domain.replay import Rollout, evolve, replay
from katakei.runtime.runner import Turn

log = logging.getLogger(__name__)

READ_INTERVAL = timedelta(seconds=1)
"""How often the journal is read for rollouts that another process drives."""
TURN_AGE = timedelta(seconds=20)
"""A rollout whose last turn in this process is younger is not read from the journal: the longest pause is 15 s."""
REPORT_AGE = timedelta(seconds=60)
"""A report of what a rollout waits for that is older than this says nothing about now: its process may be gone."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a watcher gets.

    Attributes:
        rollout: The rollout as it is now. The number of its last event is `rollout.number`.
        written: The events since the progress before; they end with that number.
        why: What the rollout waits for; None where another process drives it and does not say.
        whys: What each target waits for.
        outputs: The end of what running work has printed.
        at: When that was known.
        due: When the next turn is due; None where another process drives it.
        since: Since when it waits for that, where another process drives it and says so.
    """

    rollout: Rollout
    written: tuple[Event, ...]
    why: Reason | None
    whys: tuple[Wait, ...]
    outputs: Mapping[TargetId, str]
    at: datetime
    due: datetime | None
    since: datetime | None = None


Listener = Callable[[Progress], None]
"""Gets each progress, in the thread of a turn or of the feed: it must return at once."""


@dataclass(slots=True, eq=False)
class _Watched:
    rollout: Rollout
    last: Progress
    turned: datetime | None = None
    listeners: list[Listener] = field(default_factory=list)


class TurnFeed:
    """Tells watchers of a rollout about it."""

    def __init__(self, journal: Journal, clock: Clock, waits: WaitReports | None = None) -> None:
        """Reads nothing yet.

        Args:
            journal: Where rollouts are recorded.
            clock: The clock of the process.
            waits: What other processes say their rollouts wait for; None: they say nothing.
        """
        self._waits = waits
        self._waits_silent = False
        self._journal = journal
        self._clock = clock
        self._watched: dict[RolloutId, _Watched] = {}
        self._turns: dict[RolloutId, tuple[Turn, datetime]] = {}
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read_on, name="katakei-feed", daemon=True)

    def run(self) -> None:
        """Reads the journal for watchers from now on, until `close`."""
        self._thread.start()

    def close(self) -> None:
        """Ends the reading."""
        self._over.set()

    def watch(self, rollout: RolloutId, listener: Listener) -> tuple[Progress, Callable[[], None]]:
        """Adds a watcher.

        Args:
            rollout: What it watches.
            listener: Gets every later progress.

        Returns:
            How the rollout is now, with no events; and what ends the watch.

        Raises:
            UsageError: The journal has no such rollout.
        """
        with self._lock:
            watched = self._watched.get(rollout) or self._first(rollout)
            self._watched[rollout] = watched
            watched.listeners.append(listener)
            now = watched.last

        def leave() -> None:
            with self._lock:
                if listener in watched.listeners:
                    watched.listeners.remove(listener)
                if not watched.listeners and self._watched.get(rollout) is watched:
                    del self._watched[rollout]

        return _without_events(now), leave

    def publish(self, rollout: RolloutId, turn: Turn) -> None:
        """Tells the watchers about a turn of this process (`SessionHost.listen`)."""
        with self._lock:
            if turn.over:
                self._turns.pop(rollout, None)
            else:
                self._turns[rollout] = turn, self._clock.now()
            watched = self._watched.get(rollout)
            if watched is None or turn.rollout.number < watched.rollout.number:
                return
            missing = turn.rollout.number - watched.rollout.number
            written = turn.written[len(turn.written) - missing :] if missing <= len(turn.written) else None
            if written is None:  # a person's command came between the events of this process
                news = self._journal.read(rollout, watched.rollout.number)
                written = tuple(news[:missing])
            watched.turned = self._clock.now()
            self._tell(watched, _progress(turn, tuple(written), watched.turned))

    def read(self) -> None:
        """Reads what other processes wrote about the watched rollouts, and tells their watchers."""
        with self._lock:
            some = list(self._watched.items())
        now = self._clock.now()
        others = {rollout: each for rollout, each in some if each.turned is None or now - each.turned > TURN_AGE}
        reports = self._reported(others)  # before the events: a report is then never newer than what is read
        for rollout, watched in others.items():
            self._read(rollout, watched, reports.get(rollout))

    def _read(self, rollout: RolloutId, watched: _Watched, report: WaitReport | None) -> None:
        number = watched.rollout.number
        news = tuple(self._journal.read(rollout, number))
        with self._lock:
            if watched.rollout.number != number:
                return
            state = evolve(watched.rollout, news) if news else watched.rollout
            if report and (report.number != state.number or report.age > REPORT_AGE or state.finished):
                report = None
            progress = _reported(state, news, report, self._clock.now())
            if news or (self._waits and not _says_the_same(progress, watched.last)):
                self._tell(watched, progress)

    def _reported(self, rollouts: Collection[RolloutId]) -> Mapping[RolloutId, WaitReport]:
        """What other processes say. Without an answer, only the events are told."""
        if self._waits is None or not rollouts:
            return {}
        try:
            found = self._waits.read(rollouts)
        except KatakeiError as error:
            if not self._waits_silent:
                log.warning("waits not read", extra={"facts": {"error": str(error)}})
            self._waits_silent = True
            return {}
        self._waits_silent = False
        return found

    def _first(self, rollout: RolloutId) -> _Watched:
        if rollout in self._turns:
            turn, at = self._turns[rollout]
            return _Watched(turn.rollout, _progress(turn, (), at), at)
        events = self._journal.read(rollout, 0)
        if not events:
            raise UsageError(f"no rollout {rollout} in this journal")
        state = replay(events)
        return _Watched(state, Progress(state, (), None, (), {}, self._clock.now(), None))

    def _tell(self, watched: _Watched, progress: Progress) -> None:
        watched.rollout, watched.last = progress.rollout, progress
        for listener in list(watched.listeners):
            try:
                listener(progress)
            except Exception:
                log.exception("watcher failed", extra={"facts": {"rollout": progress.rollout.plan.rollout}})

    def _read_on(self) -> None:
        while not self._over.wait(READ_INTERVAL.total_seconds()):
            try:
                self.read()
            except Exception as error:  # noqa: BLE001 - the journal is asked again
                log.warning("feed not read", extra={"facts": {"error": str(error)}})


def _progress(turn: Turn, written: Sequence[Event], at: datetime) -> Progress:
    return Progress(turn.rollout, tuple(written), turn.why, turn.whys, turn.outputs, at, turn.due)


def _reported(state: Rollout, news: tuple[Event, ...], report: WaitReport | None, at: datetime) -> Progress:
    if report is None:
        return Progress(state, news, None, (), {}, at, None)
    return Progress(state, news, report.why, (), report.outputs, at, None, report.since)


def _says_the_same(one: Progress, other: Progress) -> bool:
    return (one.why, one.outputs, one.since) == (other.why, other.outputs, other.since)


def _without_events(progress: Progress) -> Progress:
    return replace(progress, written=())
