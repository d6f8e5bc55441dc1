"""What watches the turns of a server or a worker: figures, traces and notifications, put together in one place."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from katakei import __version__
from katakei.app.fleet import Fleet
from katakei.app.metrics import Metrics
from katakei.app.notifications import Notifications
from katakei.domain.errors import UsageError
from katakei.domain.model import RolloutId
from katakei.domain.ports import Clock, Journal
from katakei.domain.ports.notifier import Notifier
from katakei.domain.ports.telemetry import CallObserver
from katakei.domain.replay import Rollout
from katakei.runtime.runner import Turn

LAST_MESSAGES = timedelta(seconds=3)
"""How long the end of a server waits for messages that are queued. It must end within 10 s in all."""


class TurnTraces(Protocol):
    """Makes spans of turns."""

    def turn(self, rollout: RolloutId, state: Rollout, ended: datetime, took: timedelta, events: int) -> None:
        """One span for a turn."""
        ...


class ObservedProcess(Protocol):
    """The process that is watched (`katakei.bootstrap.Process`)."""

    @property
    def journal(self) -> Journal:
        """The journal."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def notifier(self) -> Notifier:
        """Sends messages."""
        ...

    def watch_calls(self, observer: CallObserver) -> None:
        """Gives an observer every call to AWS."""
        ...

    def open_traces(self, version: str) -> TurnTraces | None:
        """Traces, where an endpoint is configured."""
        ...


@dataclass(frozen=True, slots=True)
class Observability:
    """The listeners of one process.

    Attributes:
        metrics: The figures.
        notifications: The messages to people.
        traces: The spans; None: no endpoint is configured.
    """

    metrics: Metrics
    notifications: Notifications
    traces: TurnTraces | None

    def turn(self, rollout: RolloutId, turn: Turn) -> None:
        """Gives a turn to all of them: a `TurnListener`, which returns at once."""
        self.notifications.turn(rollout, turn)
        self.metrics.turn(rollout, turn)
        if self.traces is not None:
            self.traces.turn(rollout, turn.rollout, turn.now, turn.took, len(turn.written))


@contextmanager
def observing(process: ObservedProcess, fleet: Fleet, base_url: str = "") -> Iterator[Observability]:
    """Watches a server or a worker until the end of the block, and then sends the messages that are queued.

    Args:
        process: Gives the calls to AWS.
        fleet: Knows who gets messages about which service.
        base_url: The address of the console, for links to the pages of rollouts; '': messages have no link.

    Raises:
        UsageError: A library is not installed: that of the figures, or of traces where an endpoint is configured.
    """
    try:
        metrics = Metrics(fleet, process.journal, process.clock)
    except ModuleNotFoundError as error:
        raise UsageError(f"a server needs {error.name}: install katakei[serve]") from error
    process.watch_calls(metrics.call)

    def link(rollout: RolloutId) -> str:
        return f"{base_url.rstrip('/')}/rollouts/{rollout}" if base_url else ""

    notifications = Notifications(process.notifier, fleet.notify_rules, link)
    metrics.add_gauge(
        "katakei_notifications_waiting", "Messages that wait to be sent.", lambda: float(notifications.waiting)
    )
    try:
        yield Observability(metrics, notifications, process.open_traces(__version__))
    finally:
        notifications.close(LAST_MESSAGES)
