"""Two executors as one: the update goes by one way to the targets, the revert by another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from katakei.domain.actions import Job
from katakei.domain.events import WorkKey
from katakei.domain.model import Target, TargetId
from katakei.domain.observation import WorkStatus
from katakei.domain.phases import Intent
from katakei.domain.ports import Executor

V = TypeVar("V")
W = TypeVar("W")
Ask = Callable[[Mapping[WorkKey, V], timedelta], Mapping[WorkKey, W]]


@dataclass(frozen=True, slots=True)
class IntentRouter:
    """Every key is its own executor's alone; `marks` are the update's, those of `revert` are asked of it itself."""

    update: Executor
    revert: Executor

    @property
    def marks(self) -> str:
        """See Executor."""
        return self.update.marks

    @property
    def lacks(self) -> str:
        """See Executor."""
        return self.update.lacks or self.revert.lacks

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Those that could not be worked on, or not be taken back."""
        return {**self.revert.ready(targets, by), **self.update.ready(targets, by)}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        """See Executor."""
        theirs, ours = _parted(jobs)
        self.update.fits(ours)
        self.revert.fits(theirs)

    def prepare(self, targets: Sequence[Target], by: timedelta) -> None:
        """By both: which of them comes next is not told here."""
        self.update.prepare(targets, by)
        self.revert.prepare(targets, by)

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        """See Executor."""
        return self._asked(jobs, by, self.update.start, self.revert.start)

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        """See Executor."""
        return self._asked(tickets, by, self.update.look, self.revert.look)

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """See Executor."""
        self._told(tickets, by, self.update.forbid, self.revert.forbid)

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """See Executor."""
        self._told(tickets, by, self.update.cancel, self.revert.cancel)

    @staticmethod
    def _asked(keys: Mapping[WorkKey, V], by: timedelta, update: Ask[V, W], revert: Ask[V, W]) -> Mapping[WorkKey, W]:
        theirs, ours = _parted(keys)
        return {**(update(ours, by) if ours else {}), **(revert(theirs, by) if theirs else {})}

    @staticmethod
    def _told(
        keys: Mapping[WorkKey, V],
        by: timedelta,
        update: Callable[[Mapping[WorkKey, V], timedelta], None],
        revert: Callable[[Mapping[WorkKey, V], timedelta], None],
    ) -> None:
        theirs, ours = _parted(keys)
        for tell, some in ((update, ours), (revert, theirs)):
            if some:
                tell(some, by)


def routed(update: Executor, revert: Executor) -> Executor:
    """The one executor, where both go the same way."""
    return update if update is revert else IntentRouter(update, revert)


def _parted(keys: Mapping[WorkKey, V]) -> tuple[dict[WorkKey, V], dict[WorkKey, V]]:
    """The revert's, and the others."""
    theirs = {key: value for key, value in keys.items() if key.intent is Intent.REVERT}
    return theirs, {key: value for key, value in keys.items() if key not in theirs}
