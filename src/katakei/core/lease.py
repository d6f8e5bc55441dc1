"""The lease in numbers (promise 6): how often it is confirmed, how long it lives, when it may be taken over."""

from dataclasses import dataclass
from datetime import timedelta

from katakei.core.model import Arn

EVERY = timedelta(seconds=5)  # a heartbeat
LIFE = timedelta(seconds=20)  # a lease that was last confirmed longer ago is over
SPARE = timedelta(seconds=10)  # no act begins with less left, and nobody takes over sooner after the end
FRESH = timedelta(seconds=6)  # a heartbeat as young as this by the store's own clock: its holder lives


@dataclass(frozen=True, slots=True)
class Beat:
    """The newest heartbeat of whoever holds a group: two that are equal are one and the same."""

    group: Arn
    epoch: int
    number: int
