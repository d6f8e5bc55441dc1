"""The executor `manual`: a person does the work, and this executor only waits.

The person's approval is an event of the journal. Nothing is ever run here, so nothing can run twice.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from katakei.domain.actions import Job
from katakei.domain.events import WorkKey
from katakei.domain.model import Target, TargetId
from katakei.domain.observation import WorkState, WorkStatus
from katakei.domain.spec import Command


class ManualExecutor:
    """Leaves every job to a person, whose approval ends it."""

    marks = ""
    lacks = None

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:  # noqa: ARG002 - the port's shape
        """A person can work on every target."""
        return {}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        """Every job fits: nothing is handed over."""

    def prove(self, command: Command, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:  # noqa: ARG002 - the port's shape
        """A person needs no right of this process."""
        return {}

    def prepare(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:  # noqa: ARG002 - the port's shape
        """Nothing has to be learned before, and a target keeps no mark."""
        return dict.fromkeys((target.id for target in targets), "")

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:  # noqa: ARG002 - the port's shape
        """Takes every job. There is nothing to name, so each ticket is ''."""
        return dict.fromkeys(jobs, "")

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:  # noqa: ARG002 - the port's shape
        """Every job waits for a person's approval."""
        why = "a person does the work and says when it is done"
        return dict.fromkeys(tickets, WorkStatus(WorkState.AWAITS_APPROVAL, why=why))

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Nothing begins here."""

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Nothing runs here."""
