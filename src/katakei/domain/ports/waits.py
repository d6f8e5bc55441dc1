"""The port of wait reports: what the rollouts of a team wait for, told by the processes that drive them.

A report is a convenience for people who watch, and no part of the record: the journal alone says what was decided. A
store that loses a report, or does not answer, changes nothing but what is shown.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from katakei.domain.model import RolloutId, TargetId
from katakei.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class WaitReport:
    """What one rollout waits for, as the process that drives it said.

    Attributes:
        number: The number of the rollout's last event at that moment. A rollout that has gone on since then no longer
            waits for this.
        why: What it waits for.
        since: Since when that process has seen this reason, by its own clock (aware UTC).
        outputs: The end of what running work has printed.
        age: How long ago the report was published, by the clock of the store. Only what was read has an age.
    """

    number: int
    why: Reason
    since: datetime
    outputs: Mapping[TargetId, str] = field(default_factory=dict)
    age: timedelta = timedelta()


class WaitReports(Protocol):
    """The newest report of each rollout."""

    def publish(self, reports: Mapping[RolloutId, WaitReport | None]) -> None:
        """Replaces the reports of these rollouts; None removes a report.

        A report with a lower number than the stored one is dropped: an owner that was replaced wrote it. May raise
        KatakeiError: some or all of them may not be stored.
        """
        ...

    def read(self, rollouts: Collection[RolloutId]) -> Mapping[RolloutId, WaitReport]:
        """The reports of these rollouts, as far as there are any. May raise KatakeiError."""
        ...
