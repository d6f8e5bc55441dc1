"""The drivers of one process: everything outside it that a rollout needs, each made when it is first asked for.

`katakei.bootstrap` makes the real ones and alone knows which adapter answers to which name. Tests make their own.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar

from katakei.domain.errors import NoAnswerError
from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.ports import (
    Balancer,
    Clock,
    Executor,
    Freezes,
    GroupReader,
    HealthChecker,
    Journal,
    Leases,
    Pool,
    Probe,
    Router,
)
from katakei.domain.spec import Command, Spec

T = TypeVar("T")
RETRY_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (1, 3, 6, 10))

# A library is silent until the program around it configures logging. What is logged: an event name as the message, and
# facts as `extra={"facts": {...}}`. Never the text of a command, a variable's value or a request's headers.
logging.getLogger("katakei").addHandler(logging.NullHandler())
log = logging.getLogger(__name__)


def with_retries(clock: Clock, question: Callable[[], T]) -> T:
    """The answer to a question that is asked before the turns begin.

    Args:
        clock: Pauses between the attempts.
        question: Asked up to five times, about 20 s in all, while nothing answers.

    Raises:
        NoAnswerError: The last attempt had no answer either.
    """
    for pause in RETRY_PAUSES:
        try:
            return question()
        except NoAnswerError as error:
            log.info("retry", extra={"facts": {"error": str(error), "pause_seconds": pause.total_seconds()}})
            clock.sleep(pause)
    return question()


@dataclass(frozen=True, slots=True)
class Site:
    """The account and region of the load balancer; `lab` when its endpoint is on this machine."""

    account: str
    region: str
    lab: bool


class Drivers(Protocol):
    """One of each driver, for one process."""

    @property
    def balancer(self) -> Balancer:
        """The load balancer."""
        ...

    @property
    def router(self) -> Router:
        """The listeners and rules of the load balancer."""
        ...

    @property
    def lister(self) -> GroupReader:
        """The load balancer for commands that only read: fewer calls, fewer imports."""
        ...

    @property
    def journal(self) -> Journal:
        """The events of every rollout."""
        ...

    @property
    def leases(self) -> Leases:
        """The leases, beside the journal."""
        ...

    @property
    def freezes(self) -> Freezes:
        """The freezes, beside the journal."""
        ...

    @property
    def health_checker(self) -> HealthChecker:
        """The health checks that this process asks of targets."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def pool(self) -> Pool:
        """The threads in which questions and calls run."""
        ...

    @property
    def owner(self) -> Owner:
        """The identity of this process."""
        ...

    @property
    def site(self) -> Site:
        """Account and region."""
        ...

    def probe(self, spec: Spec) -> Probe | None:
        """The drain probe of this spec; None where only the load balancer's timer is waited for."""
        ...

    def executor(self, command: Command) -> Executor:
        """The executor of this command; the same object for the same command."""
        ...

    def name(self) -> RolloutId:
        """The id of a new rollout."""
        ...

    def tell(self, sentence: str) -> None:
        """Shows a sentence to the user at once, before there is a rollout that could show it."""
        ...
