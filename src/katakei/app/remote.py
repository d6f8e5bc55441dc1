"""The use cases of a remote command: the same questions and checks, on a server's journal; the server acts.

The checks of `Control` run here first, on what the server shows, so that a person reads the same sentences. The server
checks again: what it decides counts.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Protocol, Self

from katakei.app import queries
from katakei.app.control import Control, Delegated
from katakei.domain import events as e
from katakei.domain.errors import NoAnswerError, RefusedError, TemporarilyUnavailableError
from katakei.domain.model import RolloutId
from katakei.domain.plan import Plan
from katakei.domain.ports.server import RemotePlan, RemoteRequest, ServerCommands, Update
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout, evolve
from katakei.reconcile.decide import waiting_reason
from katakei.runtime.drivers import Drivers
from katakei.runtime.runner import OUTAGE_LIMIT, Turn
from katakei.runtime.session import RolloutSession

RECONNECT = timedelta(seconds=2)
JUST_BEGUN = 2
"""Events of a rollout that has just been started: its plan, and its first owner."""


class RemoteDrivers(Drivers, Protocol):
    """The drivers of a remote command. Those that act are missing; the server's commands stand in their place."""

    @property
    def commands(self) -> ServerCommands:
        """The commands of the server."""
        ...


class RemoteControl(Control):
    """The commands of a person to a rollout of a server. Each is checked here, and carried out there."""

    def __init__(self, drivers: RemoteDrivers, *, accept_others: bool = False) -> None:
        """Over a server's journal and commands.

        Args:
            drivers: The server.
            accept_others: The person has seen the commands that somebody else recorded.
        """
        super().__init__(drivers, accept_others=accept_others)
        self._commands = drivers.commands

    def abort(self, rollout: RolloutId) -> Delegated:
        """Brings every target in progress back into service and begins no other."""
        state = self._unfinished(rollout, "abort")
        return self._carry_out(state, e.AbortAsked(self._drivers.clock.now(), self._who))

    def unlock(self, name: str) -> str | None:
        """Never: only a person on the machine of the server may take a lease away."""
        raise RefusedError(f"the lease of {name} is the server's: run katakei unlock on its machine")

    def _store_time(self) -> datetime:
        """Whether the question of a gate has expired is decided by the server, by the clock of its journal."""
        return datetime.min.replace(tzinfo=UTC)

    def _check_commands(self, state: Rollout) -> None:
        """Whose commands may run is decided by the server, which knows the services and the person."""

    def _tell(self, state: Rollout, command: e.UserCommand) -> None:
        self._commands.tell(state.plan.rollout, command)

    def _carry_out(self, state: Rollout, command: e.UserCommand) -> Delegated:
        self._commands.tell(state.plan.rollout, command)
        return Delegated(state.plan.rollout, "the server carries it out")


class RemoteSession:
    """A rollout that a server drives, as this process follows it. It looks like a session, and acts on nothing.

    The connection is opened anew when it is lost, from the last event that is known, for up to 15 minutes.
    """

    def __init__(self, drivers: RemoteDrivers, rollout: RolloutId, *, planned: RemotePlan | None = None) -> None:
        """Reads the rollout.

        Args:
            drivers: The server.
            rollout: Which one.
            planned: The plan as it was shown, with its restore lines.
        """
        self._drivers = drivers
        self._id = rollout
        self._rollout = queries.find(drivers.journal, rollout)
        self._detached = False
        self._why: Reason | None = None
        self.carried_on = self._rollout.number > JUST_BEGUN
        self.restore_lines = planned.restore_lines if planned else ()
        self.restore_held = planned.restore_held if planned else ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Nothing is held here."""

    @property
    def plan(self) -> Plan:
        """The plan as recorded."""
        return self._rollout.plan

    @property
    def rollout(self) -> Rollout:
        """The rollout as this process last read it."""
        return self._rollout

    @property
    def now(self) -> datetime:
        """The time, by the clock of this process."""
        return self._drivers.clock.now()

    @property
    def detached(self) -> bool:
        """Whether this process stopped following before the rollout was finished."""
        return self._detached

    def interrupt(self, by: str) -> None:
        """Stops following. The rollout goes on at the server."""
        del by
        self._detached = True
        self._drivers.clock.wake()

    def wake(self) -> None:
        """Nothing: the server knows of a person's command."""

    def turns(self) -> Iterator[Turn]:
        """The news, as turns; the last one is over.

        Raises:
            NoAnswerError: The server did not answer for 15 minutes.
            UnreachableError: The server denies access.
        """
        yield self._turn((), None)
        lost: datetime | None = None
        while not (self._rollout.finished or self._detached):
            try:
                with closing(self._drivers.commands.follow(self._id, self._rollout.number)) as updates:
                    for update in updates:
                        lost = None
                        yield self._taken(update)
                        if self._rollout.finished or self._detached:
                            return
            except (NoAnswerError, TemporarilyUnavailableError) as silence:
                lost = lost or self.now
                if self.now - lost > OUTAGE_LIMIT:
                    raise
                why = reason(ReasonCode.UNAVAILABLE, text=str(silence), waited=self.now - lost, limit=OUTAGE_LIMIT)
                yield self._turn((), why)
            self._drivers.clock.sleep(RECONNECT)

    def _taken(self, update: Update) -> Turn:
        self._rollout = evolve(self._rollout, update.events) if update.events else self._rollout
        return replace(self._turn(update.events, update.why), outputs=update.outputs)

    def _turn(self, written: Sequence[e.Event], why: Reason | None) -> Turn:
        self._why = why or (None if written else self._why)
        shown = self._why if self._why and not self._rollout.finished else waiting_reason(self._rollout, ())
        return Turn(self._rollout, tuple(written), shown, (), self.now, self.now)


def start(drivers: RemoteDrivers, asked: RemoteRequest, planned: RemotePlan | None) -> RemoteSession:
    """Starts a rollout of a service at the server, and follows it.

    Args:
        drivers: The server.
        asked: What is asked for.
        planned: The plan that was confirmed; None confirms any.
    """
    rollout = drivers.commands.start(asked, planned.digest if planned else None)
    return RemoteSession(drivers, rollout, planned=planned)


Followed = RolloutSession | RemoteSession
