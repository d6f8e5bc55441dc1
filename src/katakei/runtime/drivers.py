"""The drivers a verb may need, as the verbs see them: each is made when it is first asked for.

Which driver answers to which name is known in wiring.py alone.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar

from katakei.domain.errors import NoAnswerError
from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.ports import Balancer, Clock, Executor, HealthChecker, Journal, Leases, Probe
from katakei.domain.spec import Command, Spec

T = TypeVar("T")
RETRY_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (1, 3, 6, 10))


def with_retries(clock: Clock, question: Callable[[], T]) -> T:
    """The answer to a question that comes before any loop: where there was none, it is asked again, a few times."""
    for pause in RETRY_PAUSES:
        try:
            return question()
        except NoAnswerError:
            clock.sleep(pause)
    return question()


@dataclass(frozen=True, slots=True)
class Site:
    """Where the balancer is; `lab` when its endpoint is on this very machine."""

    account: str
    region: str
    lab: bool


class Drivers(Protocol):
    """One of everything."""

    @property
    def balancer(self) -> Balancer:
        """The load balancer."""
        ...

    @property
    def journal(self) -> Journal:
        """Where events are kept."""
        ...

    @property
    def leases(self) -> Leases:
        """Who may write and act."""
        ...

    @property
    def health_checker(self) -> HealthChecker:
        """Who asks targets whether they are well."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def pool(self) -> ThreadPoolExecutor:
        """Where looks and acts run."""
        ...

    @property
    def owner(self) -> Owner:
        """This process."""
        ...

    @property
    def site(self) -> Site:
        """Account and region."""
        ...

    def probe(self, spec: Spec) -> Probe | None:
        """Who knows whether anything is pending on a target that drains; None where the timer alone is waited for."""
        ...

    def executor(self, command: Command) -> Executor:
        """The way to work on targets by this command; the same one for the same command."""
        ...

    def name(self) -> RolloutId:
        """A new rollout's id."""
        ...

    def tell(self, sentence: str) -> None:
        """A person should know this now, while there is no rollout yet that could say it."""
        ...
