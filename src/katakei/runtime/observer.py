"""The observing half of a turn: every question of the turn at once, each with a deadline.

A question that failed leaves the earlier answer in place (its age shows) and says why it failed. Machines behind
registrations that the plan did not know are read beside the turns. Nothing is decided here.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypedDict, TypeVar, cast

from katakei.domain.errors import KatakeiError, UnknownGroupError, UnreachableError
from katakei.domain.events import WorkKey
from katakei.domain.freezes import FreezeReading
from katakei.domain.gates import GateReading
from katakei.domain.model import Arn, Registration, Target, TargetId
from katakei.domain.observation import (
    AttributesReading,
    Baseline,
    CheckResult,
    DrainEvidence,
    GroupObservation,
    HealthState,
    Observation,
    ProbeVerdict,
    RegistrationHealth,
    UnplannedRegistration,
    WorkState,
    WorkStatus,
    baseline_of,
    baseline_text,
)
from katakei.domain.phases import Phase
from katakei.domain.ports import (
    Balancer,
    CheckRequest,
    Clock,
    Executor,
    Freezes,
    GroupMember,
    HealthChecker,
    Pool,
    Probe,
    ProbedTarget,
    Router,
)
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.replay import Rollout
from katakei.domain.traffic import RouteObservation
from katakei.planning.survey import Survey, machines, tags
from katakei.reconcile.drift import attribute_changes
from katakei.reconcile.health_checks import questions
from katakei.reconcile.observe import ObservationRequest
from katakei.reconcile.pacing import Allowance
from katakei.runtime.gate_probes import gate_question, gate_reading
from katakei.runtime.isolation import (
    isolated,
    plausible_check,
    plausible_count,
    plausible_evidence,
    plausible_text,
    plausible_work,
)
from katakei.runtime.opening_hours import hours_reading

K = TypeVar("K")
T = TypeVar("T")
DEADLINE = timedelta(seconds=10)
WATCH_GAP = timedelta(seconds=30)
"""The longest time between two observations of a whole group. Who came within a longer one, and when, is not known."""
START_SURE = timedelta(minutes=2)
"""A start that was accepted this long ago has run its last probe, or never will."""
REREAD_PAUSE = timedelta(seconds=15)
"""Between two readings of the machines behind unplanned registrations: a large account takes long to read."""

log = logging.getLogger(__name__)

_Baseline = Mapping[str, Future[Mapping[TargetId, str]] | None]
_Evidence = Mapping[str, Future[Mapping[TargetId, DrainEvidence]] | None]
_Arrivals = Mapping[str, Future[Mapping[TargetId, int]] | None]


_Gates = Mapping[str, GateReading]


def _open_hours(rollout: Rollout, freezes: FreezeReading | None) -> _Gates:
    """The hours of gates, by the time of the journal's store."""
    if freezes is None:
        return {}
    return {gate.name: hours_reading(gate.hours, freezes) for gate in rollout.plan.spec.gates if gate.hours}


class Observer:
    """Keeps how often each group may be asked, and which questions have not been answered yet.

    Attributes:
        troubles: Errors of this turn that waiting alone does not fix.
        answered: Whether any group answered in this turn.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - one driver for each kind of question
        self,
        balancer: Balancer,
        executor: Executor,
        health_checker: HealthChecker,
        clock: Clock,
        pool: Pool,
        probe: Probe | None,
        freezes: Freezes,
        router: Router | None = None,
    ) -> None:
        self._balancer = balancer
        self._executor = executor
        self._checker = health_checker
        self._probe = probe
        self._freezes = freezes
        self._router = router
        self._clock = clock
        self._pool = pool
        self._allowed: dict[Arn, Allowance] = {}
        self._groups_only = True
        self._flying: dict[str, Future[object]] = {}
        self._asked: list[Future[object]] = []
        self._probed: set[TargetId] = set()
        self._newcomers = UnplannedTargetReader(balancer, executor, clock, pool)
        self._deleted: set[Arn] = set()
        self._silent: dict[Arn, tuple[datetime, str]] = {}
        self.troubles: list[UnreachableError] = []
        self.answered = False

    def look(self, rollout: Rollout, wants: ObservationRequest, last: Observation) -> Observation:
        """The last observation with every new answer in it.

        Args:
            rollout: Whose targets and groups are asked about.
            wants: The questions of this turn.
            last: Answers to earlier questions; kept where a new one has no answer.
        """
        self._asked, self.troubles = [], []
        doors = {target: questions(rollout, target) for target in wants.checks}
        due = {arn: only for arn, only in wants.groups.items() if self._due(arn)}
        groups = {arn: self._ask(arn, self._group(arn, only, rollout.places[arn])) for arn, only in due.items()}
        works = {"works": self._ask("works", self._works(rollout, wants))} if wants.works else {}
        answers = {"answers": self._ask("answers", self._checks(doors))} if doors else {}
        soon = {target: rollout.targets[target] for target in (*wants.soon, *wants.places)}
        ready = {"soon": self._ask("soon", self._prepare(soon))} if soon else {}
        attributes = {"attributes": self._ask("attributes", self._compare(rollout, wants))} if wants.attributes else {}
        freezes = {"freezes": self._ask("freezes", self._read_freezes)} if wants.freezes else {}
        gates, (baseline, evidence, arrivals) = self._ask_gates(rollout, wants), self._ask_probe(rollout, wants)
        routes = self._ask("routes", self._routes(rollout)) if wants.routes else None
        self._groups_only = len(self._asked) == len(due)
        wait(self._asked, timeout=DEADLINE.total_seconds())
        seen, unseen = self._gather(groups)
        self._listen(seen, unseen)
        return Observation(
            groups={**last.groups, **{arn: _merged(last.groups.get(arn), look) for arn, look in seen.items()}},
            works=self._gather(works)[0].get("works", {}),
            places={**last.places, **self._gather(ready)[0].get("soon", {})},
            answers=self._gather(answers)[0].get("answers", {}),
            baseline=self._baseline(baseline, last),
            evidence=self._gather(evidence)[0].get("evidence", {}),
            arrivals=self._gather(arrivals)[0].get("arrivals", {}),
            attributes={**last.attributes, **self._gather(attributes)[0].get("attributes", {})},
            unseen=unseen,
            deleted=frozenset(self._deleted),
            newcomers=self._newcomers.look(rollout, wanted=bool(wants.newcomers)),
            **self._held_by(rollout, last, freezes, gates),
            routes=self._routes_seen(routes, last),
            **_history(seen, last, self._clock.now() - rollout.plan.spec.soak),
        )

    def _held_by(
        self,
        rollout: Rollout,
        last: Observation,
        freezes: Mapping[str, Future[FreezeReading] | None],
        gates: Mapping[str, Future[_Gates] | None],
    ) -> "_Held":
        read = self._gather(freezes)[0].get("freezes", last.freezes)
        probed = self._gather(gates)[0].get("gates", {})
        return {"freezes": read, "gates": {**last.gates, **probed, **_open_hours(rollout, read)}}

    def _ask_gates(self, rollout: Rollout, wants: ObservationRequest) -> Mapping[str, Future[_Gates] | None]:
        probes = {gate.name: gate.probe for gate in rollout.plan.spec.gates if gate.probe and gate.name in wants.gates}
        asked = {TargetId(name): (gate_question(probe),) for name, probe in probes.items()}

        def read() -> _Gates:
            begun = self._clock.now()
            answers = self._checker.ask(asked, DEADLINE)
            return {str(name): gate_reading(begun, answers.get(name)) for name in asked}

        return {"gates": self._ask("gates", read)} if asked else {}

    def _routes(self, rollout: Rollout) -> Callable[[], Mapping[Arn, RouteObservation]]:
        router, switch = self._router, rollout.plan.switch
        return lambda: router.look(switch) if router and switch else {}

    def _routes_seen(
        self, asked: Future[Mapping[Arn, RouteObservation]] | None, last: Observation
    ) -> Mapping[Arn, RouteObservation]:
        said = self._gather({"routes": asked})[0] if asked else {}
        self.answered = self.answered or bool(said)
        return {**last.routes, **said.get("routes", {})}

    def _read_freezes(self) -> FreezeReading:
        begun = self._clock.now()
        store_time, active = self._freezes.read()
        return FreezeReading(begun, store_time, tuple(active))

    def _baseline(self, asked: _Baseline, last: Observation) -> Mapping[TargetId, Baseline]:
        told = self._gather(asked)[0].get("baseline")
        return last.baseline if told is None else {target: baseline_of(text) for target, text in told.items()}

    def again(self, now: datetime) -> datetime:
        """When a turn can learn something new: now; where only groups are waited for, when each may be asked again."""
        return max((one.next for one in self._allowed.values() if self._groups_only), default=now)

    def silent(self, now: datetime) -> tuple[datetime, str]:
        """Since when a group has not answered, and why; now and '' when all groups answer."""
        return min(self._silent.values(), default=(now, ""))

    def _listen(self, seen: Mapping[Arn, GroupObservation], unseen: Mapping[Arn, str]) -> None:
        self.answered = bool(seen)
        self._deleted -= seen.keys()
        for arn in {*seen, *self._deleted}:
            self._silent.pop(arn, None)
        for arn in unseen.keys() - self._deleted:
            since, _ = self._silent.get(arn, (self._clock.now(), ""))
            self._silent[arn] = since, unseen[arn]

    def let_go(self, rollout: Rollout) -> None:
        """Ends what the probe left running on targets that need it no more. Best effort: it also ends by itself."""
        probe = self._probe
        over = [target for target in self._probed if not needs_probe(rollout, target, self._clock.now())]
        flying = self._flying.get("let go")
        if probe is None or not over or (flying and not flying.done()):
            return
        targets = [probed_target(rollout, target) for target in over]
        forbid = rollout.finished is not None
        ended = self._pool.submit(lambda: probe.end(targets, forbid=forbid))
        self._flying["let go"] = cast("Future[object]", ended)
        self._probed.difference_update(over)
        if forbid:
            wait([ended], timeout=DEADLINE.total_seconds())

    def _ask_probe(self, rollout: Rollout, wants: ObservationRequest) -> tuple[_Baseline, _Evidence, _Arrivals]:
        probe = self._probe
        if probe is None:
            return {}, {}, {}
        self._probed.update(wants.baseline, wants.pending)
        self.let_go(rollout)
        leaving, left, worked_on = (
            {target: probed_target(rollout, target) for target in some}
            for some in (wants.baseline, wants.pending, wants.arrivals)
        )

        def baseline() -> Mapping[TargetId, str]:
            return isolated(_in_a_row(probe.baseline), leaving, plausible_text, lambda _, text: text)

        def evidence() -> Mapping[TargetId, DrainEvidence]:
            def blind(_: TargetId, text: str) -> DrainEvidence:
                now = self._clock.now()
                return DrainEvidence(ProbeVerdict.BLIND, now, now, text)

            return isolated(_in_a_row(probe.look), left, plausible_evidence(self._clock), blind)

        def arrivals() -> Mapping[TargetId, int]:
            return isolated(_in_a_row(probe.arrivals), worked_on, plausible_count, lambda *_: None)

        return (
            {"baseline": self._ask("baseline", baseline)} if leaving else {},
            {"evidence": self._ask("evidence", evidence)} if left else {},
            {"arrivals": self._ask("arrivals", arrivals)} if worked_on else {},
        )

    def _works(self, rollout: Rollout, wants: ObservationRequest) -> Callable[[], Mapping[WorkKey, WorkStatus]]:
        tickets = {key: (rollout.targets[key.target], ticket) for key, ticket in wants.works.items()}
        return lambda: isolated(
            lambda some: self._executor.look(some, DEADLINE),
            tickets,
            plausible_work,
            lambda _, text: WorkStatus(WorkState.UNKNOWN, why=text),
        )

    def _checks(self, doors: Mapping[TargetId, Sequence[CheckRequest]]) -> Callable[[], Mapping[TargetId, CheckResult]]:
        return lambda: isolated(
            lambda some: self._checker.ask(some, DEADLINE),
            doors,
            plausible_check(self._clock),
            lambda _, text: CheckResult(passed=False, begun=self._clock.now(), why=text),
        )

    def _prepare(self, soon: Mapping[TargetId, Target]) -> Callable[[], Mapping[TargetId, str]]:
        return lambda: isolated(
            lambda some: self._executor.prepare(list(some.values()), DEADLINE), soon, plausible_text, lambda *_: None
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
            """Asked for and not listed means absent. An IP target registered without a zone is listed with one."""
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
        """Asks in the pool; None while an earlier question of this name has no answer."""
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
                log.info("no answer", extra={"facts": {"question": str(name), "error": str(error)}})
                self.troubles += [error] if isinstance(error, UnreachableError) else []
            else:
                raise error
        return seen, missed


def _in_a_row(
    question: Callable[[Sequence[ProbedTarget]], Mapping[TargetId, T]],
) -> Callable[[Mapping[TargetId, ProbedTarget]], Mapping[TargetId, T]]:
    return lambda asked: question(list(asked.values()))


def probed_target(rollout: Rollout, target: TargetId) -> ProbedTarget:
    """A target as its probe needs it."""
    blind = baseline_text(rollout.statuses[target].baseline)
    return ProbedTarget(rollout.targets[target], rollout.groups[target], blind, rollout.plan.rollout)


def needs_probe(rollout: Rollout, target: TargetId, now: datetime) -> bool:
    """Whether the probe may still be asked about a target: until its work has begun for certain."""
    status = rollout.statuses[target]
    if rollout.finished is not None:
        return False
    if status.phase is Phase.WORKING:
        return status.ticket is None or now - status.since < START_SURE
    return status.phase in {Phase.WAITING, Phase.DRAINING, Phase.OUT}


def _merged(last: GroupObservation | None, new: GroupObservation) -> GroupObservation:
    if new.full_begun is not None or last is None:
        return new
    return GroupObservation({**last.seen, **new.seen}, last.full_begun)


class _Held(TypedDict):
    """What may hold the rollout, see `Observation`."""

    freezes: FreezeReading | None
    gates: _Gates


class _History(TypedDict):
    """What this process knows of how long each registration has been there, see `Observation`."""

    watched: Mapping[Arn, datetime]
    moved: Mapping[Registration, datetime]


def _history(seen: Mapping[Arn, GroupObservation], last: Observation, since: datetime) -> _History:
    """The history with new observations in it. A gap between them may hide who left and came back.

    Args:
        seen: The new observations.
        last: The last observation, with the history so far.
        since: What was before is left out.
    """
    watched = dict(last.watched)
    for arn, look in seen.items():
        before = last.groups.get(arn)
        if look.full_begun is None:
            continue
        if not before or not before.full_begun or look.full_begun - before.full_begun > WATCH_GAP:
            watched[arn] = look.full_begun
        watched.setdefault(arn, look.full_begun)
    moved = {place: at for place, at in last.moved.items() if at >= since}
    for look in seen.values():
        down = ((place, look.seen[place]) for place in look.down)
        moved |= {place: each.begun for place, each in down if each.out or each.state is HealthState.INITIAL}
    return {"watched": watched, "moved": moved}


class UnplannedTargetReader:
    """Reads who stands behind registrations that the plan did not know.

    One question at a time. Its answer comes with a later turn, because a large account takes long to read.
    """

    def __init__(self, balancer: Balancer, executor: Executor, clock: Clock, pool: Pool) -> None:
        self._balancer = balancer
        self._executor = executor
        self._clock = clock
        self._pool = pool
        self._flying: Future[tuple[UnplannedRegistration, ...]] | None = None
        self._asked: datetime | None = None

    def look(self, rollout: Rollout, *, wanted: bool) -> tuple[UnplannedRegistration, ...]:
        """What became known since the last time; empty while the answer is not there, or the question failed."""
        found: tuple[UnplannedRegistration, ...] = ()
        if self._flying and self._flying.done():
            error = self._flying.exception()
            if error is None:
                found = self._flying.result()
            elif not isinstance(error, KatakeiError):
                raise error
            self._flying = None
        now = self._clock.now()
        if wanted and not found and not self._flying and (self._asked is None or now - self._asked >= REREAD_PAUSE):
            self._asked = now
            self._flying = self._pool.submit(lambda: tuple(self._read(rollout)))
        return found

    def _read(self, rollout: Rollout) -> Iterator[UnplannedRegistration]:
        """Registrations that are leaving again are skipped."""
        known = rollout.owners.keys()
        members: dict[Arn, tuple[GroupMember, ...]] = {group.arn: () for group in rollout.plan.groups}
        for group in rollout.plan.groups:
            with suppress(UnknownGroupError):  # the other groups are read all the same
                all_there = self._balancer.members(group)
                members[group.arn] = tuple(m for m in all_there if m.registration in known or not m.seen.out)
        survey = Survey(rollout.plan.groups, members)
        for target in machines(survey):
            if not known >= set(target.registrations):
                yield UnplannedRegistration(target, tags(survey, target.id), self._trouble(target))

    def _ready(self, some: Mapping[TargetId, Target]) -> Mapping[TargetId, str]:
        return self._executor.ready(list(some.values()), DEADLINE)

    def _trouble(self, target: Target) -> Reason | None:
        """Why a plan with this target would have been refused; None when it would not."""
        if elsewhere := self._balancer.elsewhere([target]):
            return reason(ReasonCode.IN_OTHER_GROUPS, groups=tuple(place.group for place in elsewhere))
        unready = isolated(self._ready, {target.id: target}, plausible_text, lambda _, text: text).get(target.id)
        return reason(ReasonCode.NOT_WORKABLE, text=unready) if unready else None
