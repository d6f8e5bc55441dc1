"""The lease (promise 6): who holds it, how often it is confirmed, how long it lives, when it may be taken over."""

from dataclasses import dataclass
from datetime import timedelta

from katakei.domain.model import Arn

HEARTBEAT_INTERVAL = timedelta(seconds=5)  # a heartbeat
LEASE_DURATION = timedelta(seconds=20)  # a lease that was last confirmed longer ago is over
SAFETY_MARGIN = timedelta(seconds=10)  # no act begins with less left, and nobody takes over sooner after the end
FRESH_HEARTBEAT = timedelta(seconds=6)  # a heartbeat as young as this by the store's own clock: its holder lives


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The newest heartbeat of whoever holds a group: two that are equal are one and the same."""

    group: Arn
    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class Owner:
    """Who drives a rollout: enough to know on the same host that the process is dead, and to name it elsewhere."""

    user: str
    host: str
    pid: int
    started: int  # in clock ticks since that boot (proc(5), field 22)
    boot: str  # the host's boot id

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (pid {self.pid})"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write and act for these groups; `epoch` grows with every taking, which fences the former owner."""

    groups: frozenset[Arn]
    owner: Owner
    epoch: int
