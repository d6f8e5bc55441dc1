"""The pace of observations: soon where something is about to change, seldom where it takes long, never too often."""

from dataclasses import dataclass
from datetime import datetime, timedelta

MOMENT = timedelta(seconds=0.25)  # an action is observed after this long; less would be a busy loop
QUICKEST = timedelta(seconds=0.5)
SLOWEST = timedelta(seconds=2)
SHARE = 8
EVERY = timedelta(seconds=2.7)
SAVED = 4
"""With the readings of a group before planning, and of its attributes, this makes at most 30 calls a minute."""


def pace(waited: timedelta) -> timedelta:
    """The time until the next observation: a share of the time waited so far, within bounds."""
    return min(SLOWEST, max(QUICKEST, waited / SHARE))


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many observations of one group may be made: one more every `EVERY`; up to `SAVED` are saved for later."""

    at: datetime
    left: float = SAVED

    def now(self, now: datetime) -> "Allowance":
        """The allowance at this moment."""
        return Allowance(now, min(SAVED, self.left + (now - self.at) / EVERY))

    @property
    def one_is_left(self) -> bool:
        """One observation may be made."""
        return self.left >= 1

    def less(self) -> "Allowance":
        """The allowance after one observation."""
        return Allowance(self.at, self.left - 1)

    @property
    def next(self) -> datetime:
        """When the next observation may be made."""
        return self.at + max(0.0, 1 - self.left) * EVERY
