"""The sessions of one worker: what its jobs do, its sweep, and how it ends.

The worker keeps a session from the moment at which it took the lease until the rollout is over, the lease is lost, or
the worker ends. `OwnerChanged` is written once for each of them. The next turn of each is a job in the worker's own
queue; a session whose job was lost, in a restart of the database for example, gets a new one.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from katakei.app.dispatch import REFUSED_PAUSE, DriversOf, continue_rollout, is_left
from katakei.domain.errors import KatakeiError, LeaseHeldError
from katakei.domain.leases import Heartbeat
from katakei.domain.model import RolloutId
from katakei.domain.ports import Clock, Journal, Leases, Pool
from katakei.domain.replay import replay
from katakei.runtime.isolation import fault_text
from katakei.runtime.lease_watch import SWEEP_INTERVAL, LeaseWatch, OwnerlessRollout
from katakei.runtime.session import RolloutSession
from katakei.runtime.session_host import Done, SessionHost
from katakei.workers.job_queue import JobQueue, TurnJob

log = logging.getLogger(__name__)

OVERDUE = timedelta(seconds=10)
"""A turn that is due for this long, and does not run, has lost its job."""


@dataclass(frozen=True, slots=True)
class SessionSource:
    """Where the rollouts of a worker are recorded, and what drives them.

    Attributes:
        journal: The journal.
        leases: Its leases.
        clock: The clock of the process.
        session_drivers: Makes the drivers of one session.
    """

    journal: Journal
    leases: Leases
    clock: Clock
    session_drivers: DriversOf


class WorkerSessions:
    """What one worker drives.

    Attributes:
        host: The sessions; `host.listen` gives every turn to a listener.
        queue: The name of the worker's own queue.
    """

    def __init__(
        self,
        source: SessionSource,
        jobs: JobQueue,
        queue: str,
        pool: Pool,
        *,
        nudge: Callable[[timedelta], object] = timedelta.total_seconds,
    ) -> None:
        """Drives nothing yet.

        Args:
            source: Where rollouts and their drivers come from.
            jobs: The task queue.
            queue: The name of the worker's own queue.
            pool: The threads of the turns.
            nudge: Has jobs fetched after this time, because a turn is due then. The database says nothing at that
                moment, and the engine asks only now and then.
        """
        self.queue = queue
        self._journal = source.journal
        self._clock = source.clock
        self._session_drivers = source.session_drivers
        self._jobs = jobs
        self._nudge = nudge
        self.host = SessionHost(source.clock, pool, self._open)
        self._watch = LeaseWatch(source.journal, source.leases, source.clock)
        self._newest: dict[RolloutId, TurnJob] = {}
        self._refused: dict[RolloutId, tuple[str, datetime]] = {}
        self._left: dict[RolloutId, int] = {}
        self._offered: dict[OwnerlessRollout, datetime] = {}

    # -- jobs

    def turn(self, job: TurnJob) -> None:
        """Takes a turn and schedules the next one. A job that is not the newest ends."""
        if self._newest.get(job.rollout) != job:
            log.info("turn is not the newest", extra={"facts": {"rollout": job.rollout, "number": job.number}})
            return
        delay = self.host.take_turn(job.rollout)
        if delay is None:
            self._forget(job.rollout)
        else:
            self._schedule(job.rollout, delay)

    def wake(self, rollout: RolloutId) -> None:
        """Makes the pending turn of a rollout due now."""
        if rollout in self._newest:
            self._jobs.hasten(rollout)
            self._nudge(timedelta())

    def adopt(self, rollout: RolloutId, silent: frozenset[Heartbeat]) -> None:
        """Takes the lease of a rollout without a living owner, and schedules its first turn here."""
        if rollout in self.host.rollouts() or self._refuses(rollout):
            return
        try:
            opened = self._open(rollout, silent)
        except LeaseHeldError as held:
            log.info("another process drives it", extra={"facts": {"rollout": rollout, "why": str(held)}})
            return
        except Exception as error:  # noqa: BLE001 - one that cannot be opened here is offered again later
            self._note_refusal(rollout, error)
            return
        if opened is None:
            return
        session, done = opened
        self._refused.pop(rollout, None)
        log.info("rollout adopted", extra={"facts": {"rollout": rollout, "epoch": session.epoch}})
        self.host.add(session, done)
        self._newest[rollout] = TurnJob(rollout, session.epoch, 0)
        self._try(lambda: self._jobs.adopted(rollout, session.epoch), rollout)
        self._schedule(rollout, timedelta())

    # -- sweep

    def sweep(self) -> None:
        """Offers rollouts without a living owner to all workers, and gives lost turns of this one a new job."""
        self._reschedule_overdue()
        found = self._watch.sweep(self.host.rollouts())
        self._offered = {each: at for each, at in self._offered.items() if each in found}
        for each in found:
            if not (self._refuses(each.rollout) or self._is_offered(each) or self._is_left(each.rollout)):
                log.info("rollout has no owner", extra={"facts": {"rollout": each.rollout}})
                self._jobs.adopt(each.rollout, each.silent)
                self._offered[each] = self._clock.now()

    def due_in(self) -> timedelta:
        """How long until the next sweep."""
        return self._watch.due_in()

    def refused(self) -> dict[RolloutId, str]:
        """The unfinished rollouts that this worker could not pick up, each with the reason."""
        return {rollout: why for rollout, (why, _) in self._refused.items()}

    # -- end

    def close(self, within: timedelta) -> Sequence[RolloutId]:
        """Ends after the turns in progress, gives every lease back, and offers the rollouts to the other workers.

        Returns:
            The rollouts that were offered.
        """
        rollouts = sorted(self.host.rollouts())
        self.host.close(within)
        self._newest.clear()
        self._try(lambda: self._jobs.leave(self.queue), None)
        for rollout in rollouts:
            self._try(lambda rollout=rollout: self._jobs.adopt(rollout), rollout)  # type: ignore[misc]  # this round's
        return rollouts

    def _open(
        self, rollout: RolloutId, silent: frozenset[Heartbeat] = frozenset()
    ) -> tuple[RolloutSession, Done] | None:
        events = self._journal.read(rollout, 0)
        if not events:
            return None
        state = replay(events)
        if is_left(state):
            self._left[rollout] = state.number
            return None
        return continue_rollout(self._session_drivers, state, silent)

    def _is_offered(self, found: OwnerlessRollout) -> bool:
        """Whether it was offered a moment ago: a sweep may follow at once, and its adoption takes a while."""
        at = self._offered.get(found)
        return at is not None and self._clock.now() - at < SWEEP_INTERVAL

    def _is_left(self, rollout: RolloutId) -> bool:
        """Whether a person interrupted it, and nothing was written since."""
        if rollout not in self._left:
            return False
        if self._journal.read(rollout, self._left[rollout]):
            del self._left[rollout]
            return False
        return True

    def _schedule(self, rollout: RolloutId, delay: timedelta) -> None:
        if job := self._next(rollout):
            self._newest[rollout] = job
            self._try(lambda: self._jobs.schedule(self.queue, job, delay), rollout)
            self._nudge(delay)

    def _next(self, rollout: RolloutId) -> TurnJob | None:
        before = self._newest.get(rollout)
        epoch = self.host.epoch(rollout)  # another one after the session broke and was opened again
        return before and TurnJob(rollout, before.epoch if epoch is None else epoch, before.number + 1)

    def _reschedule_overdue(self) -> None:
        """A restart of the database may have lost the job of a turn, or the answer that scheduled it."""
        now = self._clock.now()
        for hosted in self.host.hosted():
            job = self._next(hosted.rollout)
            if job and not hosted.running and now - hosted.due > OVERDUE and self._jobs.restore(self.queue, job):
                log.warning("turn had lost its job", extra={"facts": {"rollout": hosted.rollout}})
                self._newest[hosted.rollout] = job
        for rollout in set(self._newest) - set(self.host.rollouts()):
            self._forget(rollout)

    def _forget(self, rollout: RolloutId) -> None:
        if rollout not in self.host.rollouts():
            self._newest.pop(rollout, None)

    def _refuses(self, rollout: RolloutId) -> bool:
        return rollout in self._refused and self._clock.now() < self._refused[rollout][1]

    def _note_refusal(self, rollout: RolloutId, error: Exception) -> None:
        why = str(error) if isinstance(error, KatakeiError) else fault_text(error)
        if self._refused.get(rollout, ("", None))[0] != why:
            log.warning("rollout not adopted", extra={"facts": {"rollout": rollout, "error": why}})
        self._refused[rollout] = why, self._clock.now() + REFUSED_PAUSE

    def _try(self, ask: Callable[[], None], rollout: RolloutId | None) -> None:
        """The queue may not answer: the sweep repeats what is lost."""
        try:
            ask()
        except KatakeiError as error:
            log.warning("queue silent", extra={"facts": {"rollout": rollout, "error": str(error)}})
