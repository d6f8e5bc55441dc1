"""The time axis that all drawings of a report share: where a moment lies, and which moments are named."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

STEPS = tuple(
    timedelta(seconds=seconds)
    for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800)
)
MOST = 6
SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Axis:
    """From the beginning of a rollout to the end of its drawing."""

    begun: datetime
    ended: datetime

    @property
    def length(self) -> timedelta:
        """Never nothing, so that it can be divided by."""
        return max(self.ended - self.begun, SHORTEST)

    def at(self, moment: datetime) -> float:
        """Where it lies, in per cent of the width."""
        return 100 * min(max((moment - self.begun) / self.length, 0.0), 1.0)

    def width(self, begun: datetime, ended: datetime) -> float:
        """How wide the time between two moments is, in per cent."""
        return self.at(ended) - self.at(begun)

    def ticks(self) -> Iterator[tuple[float, str]]:
        """A few round spans since the beginning, with their places."""
        action = next((action for action in STEPS if self.length / action <= MOST), self.length)
        for number in range(int(self.length / action) + 1):
            yield self.at(self.begun + number * action), _clock(number * action)


def _clock(span: timedelta) -> str:
    """'0:30', '1:02:00'."""
    minutes, seconds = divmod(round(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
