"""The lease of a rollout (promise 6): its owner, how often it is confirmed, how long it lives, when it is replaced."""

from dataclasses import dataclass
from datetime import timedelta

from katakei.domain.model import Arn
from katakei.domain.outside_text import one_line

HEARTBEAT_INTERVAL = timedelta(seconds=5)
"""The owner confirms its lease this often."""

LEASE_DURATION = timedelta(seconds=20)
"""A lease that was confirmed longer ago has ended."""

SAFETY_MARGIN = timedelta(seconds=10)
"""No act begins with less of the lease left, and nobody takes a lease over sooner after its end."""

ACT_WINDOW = LEASE_DURATION - SAFETY_MARGIN
"""An act begins within this time after its lease was confirmed, or not at all."""

SILENCE_LIMIT = LEASE_DURATION + SAFETY_MARGIN
"""An owner without a heartbeat for this long may be replaced."""

STALL_LIMIT = timedelta(seconds=60)
"""A process whose rollout makes no progress for this long sends no more heartbeats, so that another can take over."""

FRESH_HEARTBEAT = timedelta(seconds=6)
"""A heartbeat as young as this, by the store's own clock, shows that its owner is alive."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The newest heartbeat of a group's owner. Two that are equal are the same heartbeat."""

    group: Arn
    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that drives a rollout: enough to recognize it on its own host, and to name it elsewhere.

    Attributes:
        user: The name of the user it runs as.
        host: The host name.
        pid: The process id.
        started: The raw start time of the process: on Linux clock ticks since the boot (proc(5), field 22), on macOS
            microseconds since 1970 as the kernel noted them. 0 where it cannot be read.
        boot: What names the boot of that host; '' where it cannot be read.
        scheme: The platform and format of `started` and `boot`, such as `linux/1`. '' was recorded with events of
            version 1, on Linux only. Identities of two schemes are never compared.
        nonce: Random letters that no other process has; '' was recorded with events of version 1.
    """

    user: str
    host: str
    pid: int
    started: int
    boot: str
    scheme: str = ""
    nonce: str = ""

    def __str__(self) -> str:
        return one_line(f"{self.user}@{self.host} (pid {self.pid})")


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write and act for these groups. `epoch` grows with every owner, which fences the former."""

    groups: frozenset[Arn]
    owner: Owner
    epoch: int
