"""The drivers a verb may need, as the verbs see them: each is made when it is first asked for.

Which driver answers to which name is known in wiring.py alone.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from katakei.core.events import Owner
from katakei.core.model import RolloutId
from katakei.core.ports import Balancer, Checker, Clock, Executor, Journal, Leases


@dataclass(frozen=True, slots=True)
class Place:
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
    def place(self) -> Place:
        """Account and region."""
        ...

    def executor(self, name: str) -> Executor:
        """The way to work on targets that has this name in the configuration."""
        ...

    def name(self) -> RolloutId:
        """A new rollout's id."""
        ...
