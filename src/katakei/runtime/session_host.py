"""The sessions of one process: many rollouts, each a turn whenever it is due, in a bounded pool of threads.

One thread says which turns are due and waits in between; no rollout has a thread of its own for its turns. A session
that breaks is closed, so that its lease is free, and is opened again after a pause. It never touches the others.
"""

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from katakei.domain.errors import KatakeiError, LeaseHeldError, LeaseLostError
from katakei.domain.model import RolloutId
from katakei.domain.ports import Clock, Pool
from katakei.runtime.isolation import fault_text
from katakei.runtime.runner import Turn
from katakei.runtime.session import LAST_CALL, RolloutSession

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
"""How long a session that broke is closed before it is opened again. The pause doubles with each failure."""
HEALTHY_AFTER = timedelta(minutes=5)
"""A session that took turns for this long since its last failure begins with the first pause again."""
LONGEST_WAIT = timedelta(seconds=5)

Done = Callable[[], None]
"""Ends what was made for one session, its drivers for example. Called once, after the session was closed."""
Reopen = Callable[[RolloutId], tuple[RolloutSession, Done] | None]
"""Takes the lease of a rollout and opens its session; None: there is nothing to do for this process."""
TurnListener = Callable[[RolloutId, Turn], None]
"""Gets every turn of every session of this process, in the thread of the turn: it must return at once."""


@dataclass(frozen=True, slots=True)
class HostedRollout:
    """What is known of one rollout of this process.

    Attributes:
        rollout: The rollout.
        driving: Whether its session is open. Otherwise it broke, and is opened again at `due`.
        due: When the next turn, or the next attempt to open it, is due.
        running: Whether a turn runs at this moment.
        trouble: How it broke last; '' when it never did, or has worked again for a while.
        failures: How often it broke since it last worked for a while.
        turn: Its last turn in this process; None before the first one.
    """

    rollout: RolloutId
    driving: bool
    due: datetime
    running: bool
    trouble: str
    failures: int
    turn: Turn | None


@dataclass(slots=True, eq=False)
class _Hosted:
    rollout: RolloutId
    session: RolloutSession | None
    done: Done
    due: datetime
    running: bool = False
    woken: bool = False
    failures: int = 0
    trouble: str = ""
    broke: datetime | None = None
    turn: Turn | None = None


class SessionHost:
    """Keeps sessions and takes their turns when they are due.

    Args:
        clock: When turns are due. Each session has a clock of its own in its drivers.
        pool: The threads in which turns run; their number bounds how many run at once.
        reopen: Opens the session of a rollout again after it broke.
    """

    def __init__(self, clock: Clock, pool: Pool, reopen: Reopen) -> None:
        self._clock = clock
        self._pool = pool
        self._reopen = reopen
        self._hosted: dict[RolloutId, _Hosted] = {}
        self._turns: set[Future[None]] = set()
        self._listeners: list[TurnListener] = []
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def listen(self, listener: TurnListener) -> None:
        """Adds a listener for the turns of all sessions, for as long as this process lives."""
        self._listeners.append(listener)

    def run(self) -> None:
        """Takes turns from now on, in a thread of its own, until `close`."""
        self._thread = threading.Thread(target=self._loop, name="katakei-turns", daemon=True)
        self._thread.start()

    def add(self, session: RolloutSession, done: Done = lambda: None) -> None:
        """Takes a session over; its first turn is due now. One that comes while the host closes is closed."""
        with self._changed:
            closing = self._closing
            if not closing:
                rollout = session.plan.rollout
                self._hosted[rollout] = _Hosted(rollout, session, done, self._clock.now())
                self._changed.notify_all()
        if closing:
            session.close()
            done()

    def wake(self, rollout: RolloutId) -> bool:
        """Makes the next turn of a rollout due now. Returns whether this process has the rollout."""
        with self._changed:
            hosted = self._hosted.get(rollout)
            if hosted is not None:
                hosted.woken, hosted.due = True, self._clock.now()
                self._changed.notify_all()
            return hosted is not None

    def take_turn(self, rollout: RolloutId) -> timedelta | None:
        """Takes the next turn of a rollout in this thread, whether it is due or not. For callers that schedule turns.

        Returns:
            How long until the next one is due; None: this process no longer has the rollout, its turn is running, or
            the host closes.
        """
        with self._changed:
            hosted = self._hosted.get(rollout)
            if hosted is None or hosted.running or self._closing:
                return None
            hosted.running, hosted.woken = True, False
            turn = _begun()
            self._turns.add(turn)
        try:
            self._take_turn(hosted)
        finally:
            self._turns.discard(turn)
            turn.set_result(None)
        with self._changed:
            return max(timedelta(), hosted.due - self._clock.now()) if self._hosted.get(rollout) is hosted else None

    def rollouts(self) -> Collection[RolloutId]:
        """The rollouts that this process has, those included that it opens again after a pause."""
        with self._changed:
            return frozenset(self._hosted)

    def epoch(self, rollout: RolloutId) -> int | None:
        """The epoch of the lease of a rollout; None while its session is not open in this process."""
        with self._changed:
            hosted = self._hosted.get(rollout)
            return hosted.session.epoch if hosted and hosted.session else None

    def hosted(self) -> Sequence[HostedRollout]:
        """What is known of each rollout of this process."""
        with self._changed:
            return [
                HostedRollout(
                    each.rollout,
                    driving=each.session is not None,
                    due=each.due,
                    running=each.running,
                    trouble=each.trouble,
                    failures=each.failures,
                    turn=each.turn,
                )
                for each in self._hosted.values()
            ]

    def tick(self) -> timedelta:
        """Begins every turn that is due. Returns how long until the next one is due."""
        with self._changed:
            now = self._clock.now()
            due = [] if self._closing else [each for each in self._hosted.values() if each.due <= now]
            for hosted in [each for each in due if not each.running]:
                hosted.running, hosted.woken = True, False
                self._begin(hosted)
            waiting = [each.due - now for each in self._hosted.values() if not each.running]
            return max(timedelta(), min([LONGEST_WAIT, *waiting]))

    def close(self, within: timedelta) -> None:
        """Ends after the turns in progress and gives every lease back. Writes nothing to the journal.

        Args:
            within: How long to wait for turns and calls. The lease of a rollout that is not done by then runs out by
                itself, so that nobody else acts on the same target meanwhile.
        """
        until = self._clock.now() + within
        with self._changed:
            self._closing = True
            turns = set(self._turns)
            self._changed.notify_all()
        wait(turns, within.total_seconds())
        with self._changed:
            idle = [(each.session, each.done) for each in self._hosted.values() if each.session and not each.running]
            late = [each.rollout for each in self._hosted.values() if each.running]
            self._hosted.clear()
        for rollout in late:
            log.warning("turn not over at the end", extra={"facts": {"rollout": rollout}})
        closing = [self._pool.submit(partial(self._close, session, done, until)) for session, done in idle]
        wait(closing, max(0.0, (until - self._clock.now()).total_seconds()) + 1)
        if self._thread is not None:
            self._thread.join(1)

    def _close(self, session: RolloutSession, done: Done, until: datetime) -> None:
        session.close(max(timedelta(), until - self._clock.now()))
        done()

    def _loop(self) -> None:
        while not self._closing:
            pause = self.tick()
            with self._changed:
                if not self._closing and not any(each.due <= self._clock.now() for each in self._idle()):
                    self._changed.wait(pause.total_seconds())

    def _idle(self) -> list[_Hosted]:
        return [each for each in self._hosted.values() if not each.running]

    def _begin(self, hosted: _Hosted) -> None:
        turn = self._pool.submit(partial(self._take_turn, hosted))
        self._turns.add(turn)
        turn.add_done_callback(self._turns.discard)

    def _take_turn(self, hosted: _Hosted) -> None:
        """One turn, or one attempt to open the session again. Nothing that goes wrong leaves it."""
        due: datetime | None = None
        try:
            due = self._step(hosted)
        except LeaseLostError as lost:
            log.warning("lease lost", extra={"facts": {"rollout": hosted.rollout, "why": str(lost)}})
            self._leave(hosted, timedelta())
        except LeaseHeldError as held:
            log.info("another process drives it", extra={"facts": {"rollout": hosted.rollout, "why": str(held)}})
        except KatakeiError as error:
            due = self._broke(hosted, str(error))
        except Exception as error:
            log.exception("session broke", extra={"facts": {"rollout": hosted.rollout}})
            due = self._broke(hosted, fault_text(error))
        self._next(hosted, due)

    def _step(self, hosted: _Hosted) -> datetime | None:
        """When the next turn is due; None: the rollout needs this process no more."""
        if hosted.session is None:
            opened = self._reopen(hosted.rollout)
            if opened is None:
                return None
            hosted.session, hosted.done = opened
            return self._clock.now()
        turn = hosted.session.step()
        hosted.turn = turn
        now = self._clock.now()
        if hosted.broke is not None and now - hosted.broke > HEALTHY_AFTER:
            hosted.failures, hosted.trouble, hosted.broke = 0, "", None
        for listener in self._listeners:
            self._publish(listener, hosted.rollout, turn)
        if turn.over:
            self._leave(hosted, LAST_CALL)
            return None
        return now + (turn.due - turn.now)  # the session has a clock of its own

    def _publish(self, listener: TurnListener, rollout: RolloutId, turn: Turn) -> None:
        try:
            listener(rollout, turn)
        except Exception:
            log.exception("listener failed", extra={"facts": {"rollout": rollout}})

    def _broke(self, hosted: _Hosted, trouble: str) -> datetime:
        """Gives the lease back. Returns when the session is opened again."""
        hosted.failures += 1
        hosted.trouble, hosted.broke = trouble, self._clock.now()
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(hosted.failures - 1, 10)))
        log.warning(
            "session closed after an error",
            extra={"facts": {"rollout": hosted.rollout, "error": trouble, "again_in": pause.total_seconds()}},
        )
        self._leave(hosted, LAST_CALL)
        return self._clock.now() + pause

    def _leave(self, hosted: _Hosted, within: timedelta) -> None:
        session, hosted.session = hosted.session, None
        if session is not None:
            session.close(within)
            hosted.done()

    def _next(self, hosted: _Hosted, due: datetime | None) -> None:
        with self._changed:
            hosted.running = False
            if due is None:
                if self._hosted.get(hosted.rollout) is hosted:
                    del self._hosted[hosted.rollout]
            else:
                hosted.due = self._clock.now() if hosted.woken else due
            self._changed.notify_all()


def _begun() -> Future[None]:
    turn: Future[None] = Future()
    turn.set_running_or_notify_cancel()
    return turn
