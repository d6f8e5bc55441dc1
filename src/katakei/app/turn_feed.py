"""The feed of rollouts to watchers: every event once and in order, and what the rollout waits for.

One feed serves all watchers of a process. Turns that this process takes come by `publish`. Rollouts that another
process drives are read from the journal, once for all watchers; what they wait for is not known then.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from katakei.domain.actions import Wait
from katakei.domain.errors import UsageError
from katakei.domain.events import Event
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.ports import Clock, Journal
from katakei.domain.reasons import Reason
from katakei.domain.replay import Rollout, evolve, replay
from katakei.runtime.runner import Turn

log = logging.getLogger(__name__)

READ_INTERVAL = timedelta(seconds=1)
"""How often the journal is read for rollouts that another process drives."""
TURN_AGE = timedelta(seconds=20)
"""A rollout whose last turn in this process is younger is not read from the journal: the longest pause is 15 s."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a watcher gets.

    Attributes:
        rollout: The rollout as it is now. The number of its last event is `rollout.number`.
        written: The events since the progress before; they end with that number.
        why: What the rollout waits for; None where another process drives it.
        whys: What each target waits for.
        outputs: The end of what running work has printed.
        at: When that was known.
        due: When the next turn is due; None where another process drives it.
    """

    rollout: Rollout
    written: tuple[Event, ...]
    why: Reason | None
    whys: tuple[Wait, ...]
    outputs: Mapping[TargetId, str]
    at: datetime
    due: datetime | None


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

    def __init__(self, journal: Journal, clock: Clock) -> None:
        """Reads nothing yet.

        Args:
            journal: Where rollouts are recorded.
            clock: The clock of the process.
        """
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
        for rollout, watched in some:
            if watched.turned is None or self._clock.now() - watched.turned > TURN_AGE:
                self._read(rollout, watched)

    def _read(self, rollout: RolloutId, watched: _Watched) -> None:
        number = watched.rollout.number
        news = tuple(self._journal.read(rollout, number))
        with self._lock:
            if news and watched.rollout.number == number:
                state = evolve(watched.rollout, news)
                self._tell(watched, Progress(state, news, None, (), {}, self._clock.now(), None))

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


def _without_events(progress: Progress) -> Progress:
    return Progress(progress.rollout, (), progress.why, progress.whys, progress.outputs, progress.at, progress.due)
