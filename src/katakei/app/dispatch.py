"""The dispatch of sessions: how a server hands a rollout to the process that drives it.

A server on one machine drives rollouts itself (`InlineDispatch`). With PostgreSQL, workers drive them; `workers` has
that dispatch. Both pick up unfinished rollouts whose owner is gone. They leave alone what a living process drives, a
command line for example, and what a person interrupted.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from katakei.domain.errors import KatakeiError, LeaseHeldError
from katakei.domain.leases import Heartbeat
from katakei.domain.model import RolloutId
from katakei.domain.plan import Plan
from katakei.domain.ports import Clock, Journal, Leases
from katakei.domain.replay import Rollout, replay
from katakei.runtime.drivers import Drivers
from katakei.runtime.lease_keeper import take_lease
from katakei.runtime.lease_watch import LeaseWatch
from katakei.runtime.session import RolloutSession, check_executors
from katakei.runtime.session_host import Done, SessionHost

log = logging.getLogger(__name__)

CLOSE_WITHIN = timedelta(seconds=10)
"""How long a server or worker waits at its end for the turns in progress."""
TURNS_AT_ONCE = 16
REFUSED_PAUSE = timedelta(minutes=1)
"""How long a rollout that could not be picked up is left alone."""


class SessionDrivers(Drivers, Protocol):
    """Drivers of one session, with a clock of its own. The caller closes them."""

    def close(self) -> None:
        """Ends what belongs to this session."""
        ...


DriversOf = Callable[[Plan], SessionDrivers]
"""The drivers for one session of this plan. Raises RefusedError: this process does not drive it."""


class Dispatch(Protocol):
    """Hands rollouts to the process that drives them."""

    def start(self, session: RolloutSession, done: Done = lambda: None) -> None:
        """Has a session driven that this process opened.

        Args:
            session: The session; it belongs to the dispatch from now on.
            done: Ends what was made for the session, its drivers for example, once it is closed.
        """
        ...

    def wake(self, rollout: RolloutId, plan: Plan) -> None:
        """Makes the next turn of a rollout due: a person's command was written to the journal."""
        ...

    def close(self, within: timedelta = CLOSE_WITHIN) -> None:
        """Ends after the turns in progress, gives the leases back and writes no `Interrupted`."""
        ...


def continue_rollout(
    session_drivers: DriversOf, state: Rollout, silent: frozenset[Heartbeat] = frozenset()
) -> tuple[RolloutSession, Done] | None:
    """The session of an unfinished rollout, by its recorded plan. Waits for nothing.

    Args:
        session_drivers: Makes the drivers of the session.
        state: The rollout as the journal has it.
        silent: Heartbeats of its last owner that were watched long enough without a change.

    Returns:
        The session, and what ends its drivers. None where nothing is to be done: the rollout is finished, or a person
        interrupted it and no target is in progress.

    Raises:
        LeaseHeldError: A living process drives it.
        RefusedError: This process does not drive it, or lacks what the work needs, a secret for example.
    """
    if is_left(state):
        return None
    drivers = session_drivers(state.plan)
    try:
        if not state.aborting:  # bringing targets back needs no secret
            check_executors(drivers, state.plan.spec)
        groups = frozenset(group.arn for group in state.plan.groups)
        lease = take_lease(drivers, groups, state.plan.rollout, silent)
        return RolloutSession(drivers, lease.keep(), state.plan, carried_on=True), drivers.close
    except BaseException:
        drivers.close()
        raise


def is_left(state: Rollout) -> bool:
    """Whether no server or worker goes on with it: finished, or interrupted, or waiting for a person's command."""
    return state.rests


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a rollout could not be picked up, and when it is tried again."""

    why: str
    again: datetime


class InlineDispatch:
    """Drives rollouts in this process: what a person starts, and what the store has without a living owner.

    Attributes:
        host: The sessions of this process; `host.listen` gives every turn to a listener.
    """

    def __init__(
        self,
        journal: Journal,
        leases: Leases,
        clock: Clock,
        session_drivers: DriversOf,
        *,
        threads: int = TURNS_AT_ONCE,
    ) -> None:
        """Drives nothing yet (`run`).

        Args:
            journal: The one journal of the server.
            leases: Its leases.
            clock: The clock of the process; it must not be that of a session.
            session_drivers: Makes the drivers of one session.
            threads: How many turns run at once.
        """
        self._journal = journal
        self._clock = clock
        self._session_drivers = session_drivers
        self._pool = ThreadPoolExecutor(threads, "katakei-turn")
        self.host = SessionHost(clock, self._pool, self._open)
        self._watch = LeaseWatch(journal, leases, clock)
        self._left: dict[RolloutId, int] = {}
        self._refused: dict[RolloutId, _Refusal] = {}
        self._over = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep_on, name="katakei-sweep", daemon=True)

    def run(self) -> None:
        """Takes turns and sweeps from now on, until `close`."""
        self.host.run()
        self._sweeper.start()

    def start(self, session: RolloutSession, done: Done = lambda: None) -> None:
        """Keeps the session and drives it."""
        self.host.add(session, done)

    def wake(self, rollout: RolloutId, plan: Plan) -> None:
        """As the port says. A rollout that another process drives finds the command in the journal by itself."""
        del plan
        self.host.wake(rollout)

    def close(self, within: timedelta = CLOSE_WITHIN) -> None:
        """As the port says."""
        self._over.set()
        self.host.close(within)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def sweep(self) -> None:
        """Picks up the unfinished rollouts without a living owner. One that cannot be opened does not stop it."""
        for found in self._watch.sweep(self.host.rollouts()):
            refusal = self._refused.get(found.rollout)
            if refusal and self._clock.now() < refusal.again:
                continue
            try:
                if opened := self._open(found.rollout, found.silent):
                    log.info("rollout picked up", extra={"facts": {"rollout": found.rollout}})
                    self.host.add(*opened)
                self._refused.pop(found.rollout, None)
            except LeaseHeldError as held:  # its owner may be alive: the watch goes on
                log.debug("rollout not free", extra={"facts": {"rollout": found.rollout, "why": str(held)}})
            except Exception as error:  # noqa: BLE001 - a rollout that cannot be read must not hide the others
                self._note_refusal(found.rollout, error)

    def refused(self) -> dict[RolloutId, str]:
        """The unfinished rollouts that this process could not pick up, each with the reason."""
        return {rollout: refusal.why for rollout, refusal in self._refused.items()}

    def _open(
        self, rollout: RolloutId, silent: frozenset[Heartbeat] = frozenset()
    ) -> tuple[RolloutSession, Done] | None:
        if rollout in self._left and not self._journal.read(rollout, self._left[rollout]):
            return None
        state = replay(self._journal.read(rollout, 0))
        if is_left(state):
            self._left[rollout] = state.number
            return None
        self._left.pop(rollout, None)
        return continue_rollout(self._session_drivers, state, silent)

    def _note_refusal(self, rollout: RolloutId, error: Exception) -> None:
        before = self._refused.get(rollout)
        if before is None or before.why != str(error):
            facts = {"rollout": rollout, "error": str(error), "kind": type(error).__name__}
            log.warning("rollout not picked up", extra={"facts": facts}, exc_info=not isinstance(error, KatakeiError))
        self._refused[rollout] = _Refusal(str(error), self._clock.now() + REFUSED_PAUSE)

    def _sweep_on(self) -> None:
        while not self._over.is_set():
            try:
                self.sweep()
            except Exception as error:  # noqa: BLE001 - the store is asked again after a pause
                log.warning("sweep failed", extra={"facts": {"error": str(error)}})
            self._over.wait(self._watch.due_in().total_seconds())
