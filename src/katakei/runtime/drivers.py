"""The drivers a verb may need, as the verbs see them: each is made when it is first asked for.

Which driver answers to which name is known in wiring.py alone.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar

from katakei.domain.errors import Unseen
from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.ports import Balancer, Checker, Clock, Executor, Journal, Leases, Witness
from katakei.domain.spec import Command, Spec

T = TypeVar("T")
AGAIN = tuple(timedelta(seconds=seconds) for seconds in (1, 3, 6, 10))


def patient(clock: Clock, question: Callable[[], T]) -> T:
    """The answer to a question that comes before any loop: where there was none, it is asked again, a few times."""
    for pause in AGAIN:
        try:
            return question()
        except Unseen:
            clock.sleep(pause)
    return question()


@dataclass(frozen=True, slots=True)
class Site:
    """Where the balancer is; `lab` when its endpoint is on this very machine."""

    account: str
    region: str
    lab: bool


class Kit(Protocol):
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
    def checker(self) -> Checker:
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

    def witness(self, spec: Spec) -> Witness | None:
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
