"""The looking half of a turn: asks the drivers for everything wanted at once, each look with a deadline.

A look that failed leaves what was seen before as it was (it grows old by itself) and says why it failed.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from datetime import datetime, timedelta
from typing import TypeVar, cast

from katakei.domain.errors import KatakeiError, UnknownGroupError, UnreachableError
from katakei.domain.model import Arn, Registration, TargetId
from katakei.domain.observation import (
    AttributesReading,
    Baseline,
    DrainEvidence,
    GroupObservation,
    HealthState,
    Observation,
    RegistrationHealth,
    baseline_of,
    baseline_text,
)
from katakei.domain.ports import Balancer, Clock, Executor, HealthChecker, Pool, Probe, ProbedTarget
from katakei.domain.replay import Rollout
from katakei.reconcile.drift import attribute_changes
from katakei.reconcile.health_checks import questions
from katakei.reconcile.observe import ObservationRequest
from katakei.reconcile.pacing import Allowance
from katakei.runtime.newcomers import UnplannedTargetReader

K = TypeVar("K")
T = TypeVar("T")
DEADLINE = timedelta(seconds=10)


_Baseline = Mapping[str, Future[Mapping[TargetId, str]] | None]
_Evidence = Mapping[str, Future[Mapping[TargetId, DrainEvidence]] | None]
_Arrivals = Mapping[str, Future[Mapping[TargetId, int]] | None]


class Observer:
    """Remembers only how often it may look at which group, and which looks have not come back yet."""

    def __init__(  # noqa: PLR0913, PLR0917 - one driver for each kind of question
        self,
        balancer: Balancer,
        executor: Executor,
        health_checker: HealthChecker,
        clock: Clock,
        pool: Pool,
        probe: Probe | None = None,
    ) -> None:
        self._balancer = balancer
        self._executor = executor
        self._checker = health_checker
        self._witness = probe
        self._clock = clock
        self._pool = pool
        self._allowed: dict[Arn, Allowance] = {}
        self._groups_only = True
        self._flying: dict[str, Future[object]] = {}
        self._asked: list[Future[object]] = []
        self._newcomers = UnplannedTargetReader(balancer, executor, clock, pool)
        self._deleted: set[Arn] = set()
        self._silent: dict[Arn, tuple[datetime, str]] = {}
        self.troubles: list[UnreachableError] = []
        self.answered = False

    def look(self, rollout: Rollout, wants: ObservationRequest, last: Observation) -> Observation:
        """The last sight with everything that could be seen anew.

        `troubles` says what no waiting will mend; `answered` whether any group was seen.
        """
        self._asked = []
        tickets = {key: (rollout.targets[key.target], ticket) for key, ticket in wants.works.items()}
        doors = {target: questions(rollout, target) for target in wants.checks}
        due = {arn: only for arn, only in wants.groups.items() if self._due(arn)}
        groups = {arn: self._ask(arn, self._group(arn, only, rollout.places[arn])) for arn, only in due.items()}
        works = {"works": self._ask("works", lambda: self._executor.look(tickets, DEADLINE))} if tickets else {}
        answers = {"answers": self._ask("answers", lambda: self._checker.ask(doors, DEADLINE))} if doors else {}
        soon = [rollout.targets[target] for target in wants.soon]
        ready = {"soon": self._ask("soon", lambda: self._executor.prepare(soon, DEADLINE))} if soon else {}
        attributes = {"attributes": self._ask("attributes", self._compare(rollout, wants))} if wants.attributes else {}
        baseline, evidence, arrivals = self._ask_witness(rollout, wants)
        self._groups_only = len(self._asked) == len(due)
        wait(self._asked, timeout=DEADLINE.total_seconds())
        self.troubles = []
        seen, unseen = self._gather(groups)
        self.answered = bool(seen)
        self._listen(seen, unseen)
        self._gather(ready)
        merged = {arn: _merged(last.groups.get(arn), look) for arn, look in seen.items()}
        return Observation(
            groups={**last.groups, **merged},
            works=self._gather(works)[0].get("works", {}),
            answers=self._gather(answers)[0].get("answers", {}),
            baseline=self._baseline(baseline, last),
            evidence=self._gather(evidence)[0].get("evidence", {}),
            arrivals=self._gather(arrivals)[0].get("arrivals", {}),
            attributes={**last.attributes, **self._gather(attributes)[0].get("attributes", {})},
            unseen=unseen,
            deleted=frozenset(self._deleted),
            newcomers=self._newcomers.look(rollout, wanted=bool(wants.newcomers)),
        )

    def _baseline(self, asked: _Baseline, last: Observation) -> Mapping[TargetId, Baseline]:
        told = self._gather(asked)[0].get("baseline")
        return last.baseline if told is None else {target: baseline_of(text) for target, text in told.items()}

    def again(self, now: datetime) -> datetime:
        """When a turn may know something new: now, or where only groups are awaited, when each may be looked at."""
        return max((one.next for one in self._allowed.values() if self._groups_only), default=now)

    def silent(self, now: datetime) -> tuple[datetime, str]:
        """Since when a group has not answered any look, and why; now and '' when all do."""
        return min(self._silent.values(), default=(now, ""))

    def _listen(self, seen: Mapping[Arn, GroupObservation], unseen: Mapping[Arn, str]) -> None:
        self._deleted -= seen.keys()
        for arn in {*seen, *self._deleted}:
            self._silent.pop(arn, None)
        for arn in unseen.keys() - self._deleted:
            since, _ = self._silent.get(arn, (self._clock.now(), ""))
            self._silent[arn] = since, unseen[arn]

    def _ask_witness(self, rollout: Rollout, wants: ObservationRequest) -> tuple[_Baseline, _Evidence, _Arrivals]:
        probe = self._witness
        if probe is None:
            return {}, {}, {}
        leaving, left, worked_on = (
            [probed_target(rollout, target) for target in some]
            for some in (wants.baseline, wants.pending, wants.arrivals)
        )
        return (
            {"baseline": self._ask("baseline", lambda: probe.baseline(leaving))} if leaving else {},
            {"evidence": self._ask("evidence", lambda: probe.look(left))} if left else {},
            {"arrivals": self._ask("arrivals", lambda: probe.arrivals(worked_on))} if worked_on else {},
        )

    def _due(self, arn: Arn) -> bool:
        now = self._clock.now()
        allowed = self._allowed.get(arn, Allowance(now)).now(now)
        self._allowed[arn] = allowed.less() if allowed.one_is_left else allowed
        return allowed.one_is_left

    def _group(
        self, arn: Arn, only: frozenset[Registration] | None, planned: frozenset[Registration]
    ) -> Callable[[], GroupObservation]:
        def whole() -> GroupObservation:
            """What was asked for and not shown is absent; an ip target registered without a zone is listed with one."""
            begun = self._clock.now()
            try:
                look = self._balancer.look(arn, only)
            except UnknownGroupError:
                self._deleted.add(arn)
                raise
            wanted = only if only is not None and look.full_begun is None else planned
            seen, missed = look.seen, wanted.difference(look.seen)
            if len(seen) + len(missed) > len(wanted):
                zoneless = {(place.id, place.port): place for place in missed if place.zone is None}
                seen = {zoneless.get((place.id, place.port), place): each for place, each in seen.items()}
            absent = dict.fromkeys(missed, RegistrationHealth(HealthState.ABSENT, begun, self._clock.now()))
            return GroupObservation({**absent, **seen}, look.full_begun)

        return whole

    def _compare(self, rollout: Rollout, wants: ObservationRequest) -> Callable[[], Mapping[Arn, AttributesReading]]:
        recorded = {group.arn: group for group in rollout.plan.groups}

        def compare() -> Mapping[Arn, AttributesReading]:
            begun = self._clock.now()
            now = self._balancer.groups(wants.attributes)
            return {group.arn: AttributesReading(begun, attribute_changes(recorded[group.arn], group)) for group in now}

        return compare

    def _ask(self, name: str, look: Callable[[], T]) -> Future[T] | None:
        """In the pool; None while an earlier look of this name has not come back."""
        flying = self._flying.get(name)
        if flying and not flying.done():
            return None
        future = self._pool.submit(look)
        self._flying[name] = cast("Future[object]", future)
        self._asked.append(self._flying[name])
        return future

    def _gather(self, futures: Mapping[K, Future[T] | None]) -> tuple[dict[K, T], dict[K, str]]:
        seen: dict[K, T] = {}
        missed: dict[K, str] = {}
        for name, future in futures.items():
            if future is None or not future.done():
                missed[name] = f"no answer within {DEADLINE.seconds}s"
                continue
            error = future.exception()
            if error is None:
                seen[name] = future.result()
            elif isinstance(error, KatakeiError):
                missed[name] = str(error)
                self.troubles += [error] if isinstance(error, UnreachableError) else []
            else:
                raise error
        return seen, missed


def probed_target(rollout: Rollout, target: TargetId) -> ProbedTarget:
    """A target as the witness is told of it."""
    return ProbedTarget(
        rollout.targets[target], rollout.groups[target], baseline_text(rollout.statuses[target].baseline)
    )


def _merged(last: GroupObservation | None, new: GroupObservation) -> GroupObservation:
    if new.full_begun is not None or last is None:
        return new
    return GroupObservation({**last.seen, **new.seen}, last.full_begun)
