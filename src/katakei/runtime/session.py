"""A rollout session: one rollout in the process that holds its lease, from its first turn to its last.

`step` is one turn and says when the next one is due. Its callers differ only in how they wait: `turns` sleeps in this
process; a worker schedules the next turn. However a session ends, the lease is given back or runs out by itself, and
every decision is in the journal.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

from katakei import __version__
from katakei.domain import events as e
from katakei.domain.errors import RefusedError
from katakei.domain.plan import Plan, restorable, restorable_held
from katakei.domain.replay import Rollout
from katakei.domain.spec import Spec
from katakei.runtime.drivers import Drivers
from katakei.runtime.lease_keeper import LeaseKeeper

if TYPE_CHECKING:
    from katakei.runtime.runner import Turn

log = logging.getLogger(__name__)

LAST_CALL = timedelta(seconds=10)
"""How long a call under way is waited for before the lease is given back."""
VERSIONS = {"katakei": __version__, "events": str(e.VERSION)}
"""The versions that a plan records: of the program that made it, and of the events that it writes."""


class RolloutSession:
    """One rollout whose lease this process holds. Use it as a context manager: leaving it gives the lease back.

    Attributes:
        plan: The plan as recorded.
        carried_on: Whether the rollout began before this session.
    """

    def __init__(self, drivers: Drivers, lease: LeaseKeeper, plan: Plan, *, carried_on: bool) -> None:
        """Reads the rollout from the journal and notes the new owner, which the first turn writes.

        The lease belongs to the session from now on: an error here gives it back.
        """
        self.plan = plan
        self.carried_on = carried_on
        self._drivers = drivers
        self._lease = lease
        self._interrupted_by = ""
        lease.progress()
        try:
            from katakei.runtime.runner import Runner  # noqa: PLC0415 - the first call to AWS comes before this

            self._runner = Runner(drivers, lease, plan.rollout)
            update, revert = (drivers.executor(plan.spec.command(back=back)).marks for back in (False, True))
            self._runner.note(e.OwnerChanged(drivers.clock.now(), drivers.owner, update, revert, e.VERSION))
        except BaseException:
            lease.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close(LAST_CALL if kind is None else timedelta())  # Ctrl-C twice waits for nothing

    @property
    def rollout(self) -> Rollout:
        """The rollout as this process last read or wrote it."""
        return self._runner.rollout

    @property
    def epoch(self) -> int:
        """The epoch of the lease, which no other session of these groups ever has."""
        return self._lease.lease.epoch

    @property
    def now(self) -> datetime:
        """The time, by the clock of this process."""
        return self._drivers.clock.now()

    @property
    def restore_lines(self) -> tuple[str, ...]:
        """The commands that put every registration back by hand, exactly as it was when the plan was made."""
        return restore_lines(self._drivers, self.plan)

    @property
    def restore_held(self) -> tuple[str, ...]:
        """The commands that register what was out of service before the rollout, as an earlier one recorded it."""
        return restore_held(self._drivers, self.plan)

    def step(self) -> "Turn":
        """Takes one turn.

        A caller that does not come back within a minute after the next turn is due loses the lease: its heartbeat
        stops, and another process may take over.

        Returns:
            What the turn did, when the next one is due, and whether this session is over.

        Raises:
            LeaseLostError: Another process took over; this one writes nothing and makes no call any more.
            UnreachableError: AWS, the executor or the journal was unreachable for too long, or denies access.
        """
        if self._interrupted_by and not self.rollout.interrupted:
            self._runner.note(e.Interrupted(self._drivers.clock.now(), self._interrupted_by))
        self._lease.progress()
        turn = self._runner.turn()
        self._lease.progress(turn.due)
        waits = (turn.due - turn.now).total_seconds()
        log.debug(
            "turn", extra={"facts": {"rollout": self.plan.rollout, "events": len(turn.written), "next_in": waits}}
        )
        return turn

    def turns(self) -> "Iterator[Turn]":
        """Turn after turn, sleeping until each is due; the last one is over."""
        while True:
            turn = self.step()
            yield turn
            if turn.over:
                return
            self._drivers.clock.sleep(turn.due - self._drivers.clock.now())

    def interrupt(self, by: str) -> None:
        """Finishes the targets in progress, then ends. May be called from a signal handler or another thread."""
        self._interrupted_by = by
        self._drivers.clock.wake()

    def wake(self) -> None:
        """Makes the next turn due now: a user's command was written."""
        self._drivers.clock.wake()

    def close(self, within: timedelta = LAST_CALL) -> None:
        """Gives the lease back.

        Args:
            within: How long to wait for a call under way. If it is not back by then the lease is left to run out, so
                that nobody else acts on the same target meanwhile.
        """
        self._lease.stop()
        if self._runner.settled(within):
            self._lease.release()


def restore_lines(drivers: Drivers, plan: Plan) -> tuple[str, ...]:
    """The commands that a person can paste, one for each group."""
    if plan.switch:
        return tuple(drivers.router.restore_lines(plan.switch))
    return tuple(drivers.balancer.restore_lines(restorable(plan)))


def restore_held(drivers: Drivers, plan: Plan) -> tuple[str, ...]:
    """The same for the targets that were out of service before the rollout."""
    return tuple(drivers.balancer.restore_lines(restorable_held(plan)))


def check_executors(drivers: Drivers, spec: Spec) -> None:
    """Raises RefusedError: this process could not start the work, because a secret is missing, for example."""
    for command in spec.commands:
        if lacking := drivers.executor(command).lacks:
            raise RefusedError(lacking)
