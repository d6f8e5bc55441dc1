"""Two executors as one: one for the update, another for the revert.

The intent of a work key decides which executor gets it. `executor_of` is the only door: it returns a single executor
where both commands use the same one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from katakei.domain.actions import Job
from katakei.domain.events import WorkKey
from katakei.domain.model import Target, TargetId
from katakei.domain.observation import WorkStatus
from katakei.domain.phases import Intent, Step
from katakei.domain.ports import Executor
from katakei.domain.spec import Command, Spec
from katakei.runtime.drivers import Drivers

V = TypeVar("V")
W = TypeVar("W")
Ask = Callable[[Mapping[WorkKey, V], timedelta], Mapping[WorkKey, W]]


@dataclass(frozen=True, slots=True)
class IntentRouter:
    """Routes each key by its intent. `marks` are those of the update; ask the revert's executor for its own."""

    update: Executor
    revert: Executor

    @property
    def marks(self) -> str:
        """See Executor."""
        return self.update.marks

    @property
    def lacks(self) -> str | None:
        """See Executor."""
        return self.update.lacks or self.revert.lacks

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Targets on which one of the two commands could not run."""
        return {**self.revert.ready(targets, by), **self.update.ready(targets, by)}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        """See Executor."""
        reverts, updates = _parted(jobs)
        self.update.fits(updates)
        self.revert.fits(reverts)

    def prove(self, command: Command, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """The update's executor alone: each executor is asked about its own command."""
        return self.update.prove(command, targets, by)

    def prepare(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Prepares both: which of them comes next is not known here. One of them at most keeps marks on the target."""
        updates, reverts = self.update.prepare(targets, by), self.revert.prepare(targets, by)
        return {target: place or reverts[target] for target, place in updates.items() if target in reverts}

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
        reverts, updates = _parted(keys)
        return {**(update(updates, by) if updates else {}), **(revert(reverts, by) if reverts else {})}

    @staticmethod
    def _told(
        keys: Mapping[WorkKey, V],
        by: timedelta,
        update: Callable[[Mapping[WorkKey, V], timedelta], None],
        revert: Callable[[Mapping[WorkKey, V], timedelta], None],
    ) -> None:
        reverts, updates = _parted(keys)
        for tell, some in ((update, updates), (revert, reverts)):
            if some:
                tell(some, by)


@dataclass(frozen=True, slots=True)
class StepRouter:
    """Routes the keys of steps beside the work to executors of their own. `marks` are those of the work."""

    work: Executor
    beside: Mapping[Step, Executor]

    @property
    def marks(self) -> str:
        """See Executor."""
        return self.work.marks

    @property
    def lacks(self) -> str | None:
        """See Executor."""
        return next((lacking for each in self._all if (lacking := each.lacks)), None)

    @property
    def _all(self) -> tuple[Executor, ...]:
        return (self.work, *self.beside.values())

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Targets on which one of the commands could not run."""
        return {target: why for each in self._all for target, why in each.ready(targets, by).items()}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        """See Executor."""
        for executor, some in self._parts(jobs):
            executor.fits(some)

    def prove(self, command: Command, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """The executor of the work alone: each executor is asked about its own command."""
        return self.work.prove(command, targets, by)

    def prepare(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Prepares all. Those that keep marks on a target keep them in one place."""
        places = [each.prepare(targets, by) for each in self._all]
        known = [target.id for target in targets if all(target.id in some for some in places)]
        return {target: next((some[target] for some in places if some[target]), "") for target in known}

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        """See Executor."""
        return {key: ticket for each, some in self._parts(jobs) for key, ticket in each.start(some, by).items()}

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        """See Executor."""
        return {key: work for each, some in self._parts(tickets) for key, work in each.look(some, by).items()}

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """See Executor."""
        for executor, some in self._parts(tickets):
            executor.forbid(some, by)

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """See Executor."""
        for executor, some in self._parts(tickets):
            executor.cancel(some, by)

    def _parts(self, keys: Mapping[WorkKey, V]) -> list[tuple[Executor, dict[WorkKey, V]]]:
        """The keys of each executor that has some."""
        of = {Step.WORK: self.work, **self.beside}
        parts = [(of[step], {key: value for key, value in keys.items() if key.step is step}) for step in of]
        return [(executor, some) for executor, some in parts if some]


def routed(update: Executor, revert: Executor) -> Executor:
    """Both as one executor: itself, where the two are the same."""
    return update if update is revert else IntentRouter(update, revert)


def executor_of(drivers: Drivers, spec: Spec) -> Executor:
    """The executor of a whole rollout: for its update, its revert, and the steps beside its work."""
    work = routed(drivers.executor(spec.command(back=False)), drivers.executor(spec.command(back=True)))
    beside = {step: drivers.executor(command) for step in Step if (command := spec.beside(step))}
    return StepRouter(work, beside) if beside else work


def _parted(keys: Mapping[WorkKey, V]) -> tuple[dict[WorkKey, V], dict[WorkKey, V]]:
    """The keys of the revert, and all others."""
    reverts = {key: value for key, value in keys.items() if key.intent is Intent.REVERT}
    return reverts, {key: value for key, value in keys.items() if key not in reverts}
