"""How soon to look again: at once where something is about to change, seldom where it takes long, never too often."""

from dataclasses import dataclass
from datetime import datetime, timedelta

MOMENT = timedelta(seconds=0.25)  # what was done is looked at after this; less would be a spin
QUICKEST = timedelta(seconds=0.5)
SLOWEST = timedelta(seconds=2)
SHARE = 8
EVERY = timedelta(seconds=2.7)
SAVED = 4
"""With the readings of a group before planning and of its attributes this makes at most 30 looks in any minute."""


def pace(waited: timedelta) -> timedelta:
    """A share of what was waited so far: what takes a moment is seen at once, what takes long a little later."""
    return min(SLOWEST, max(QUICKEST, waited / SHARE))


@dataclass(frozen=True, slots=True)
class Allowance:
    """Looks at one group that may be made: one more every EVERY; some that were not needed are saved for later."""

    at: datetime
    left: float = SAVED

    def now(self, now: datetime) -> "Allowance":
        """What it has become."""
        return Allowance(now, min(SAVED, self.left + (now - self.at) / EVERY))

    @property
    def one_is_left(self) -> bool:
        """One may be made."""
        return self.left >= 1

    def less(self) -> "Allowance":
        """One was made."""
        return Allowance(self.at, self.left - 1)

    @property
    def next(self) -> datetime:
        """When one may be made."""
        return self.at + max(0.0, 1 - self.left) * EVERY
