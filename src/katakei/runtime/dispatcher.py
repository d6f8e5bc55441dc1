"""The acting half of a turn: calls to the load balancer and the executor, in a bounded pool.

The runner hands the actions of a turn over and collects facts later, as events to be written. No target has two calls
under way at the same time. Calls on one group that are due in the same turn are joined into one.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from katakei.domain import events as e
from katakei.domain.actions import (
    Action,
    CancelWork,
    Deregister,
    ForbidWork,
    Job,
    Record,
    Register,
    StartWork,
    Wait,
    target_of,
)
from katakei.domain.errors import KatakeiError, NoAnswerError, RejectedError, UnreachableError, UsageError
from katakei.domain.model import Arn, Registration, Target, TargetId
from katakei.domain.ports import Balancer, Clock, Executor, Pool, Probe, ProbedTarget
from katakei.reconcile.capacity import OBSERVATION_MAX_AGE
from katakei.reconcile.context import VERDICT_MAX_AGE
from katakei.runtime.isolation import isolated, plausible_text

log = logging.getLogger(__name__)

DEADLINE = timedelta(seconds=10)
NEARLY_TOO_OLD = timedelta(seconds=3)
"""A call whose observation is nearly too old does not hold up, or shorten, the calls that have longer."""
TOGETHER = 50
"""Targets whose last probe shares one program: as many as one SSM command may name."""
Facts = Sequence[e.Event]
Act = Callable[[timedelta], Facts]  # its argument: within how long the call must have been sent
Fresh = TypeVar("Fresh", Deregister, StartWork)
Places = Mapping[TargetId, frozenset[Registration]]


class StartRejectedError(KatakeiError):
    """The executor understood the start and will never accept it as it is."""


class StaleDecisionError(KatakeiError):
    """The observation behind a decision was too old when the call was about to leave: nothing was sent."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Calls for one target that were dropped one after the other.

    Attributes:
        since: When the first of them was dropped.
    """

    target: TargetId
    since: datetime
    times: int = 1


class Dispatcher:
    """Keeps track of the calls under way; a target with a call under way gets no other.

    A call that takes a target out, and a start of work, are dropped when the observation behind them is too old at the
    moment they leave (docs/adr/0024). The next turn decides anew. All other calls are sent however old the decision is.

    Attributes:
        troubles: Errors of this turn that waiting alone does not fix.
        refused: Why an executor does not accept the work as it is; '' when it does.
        dropped: Targets whose last call was dropped.
    """

    def __init__(self, balancer: Balancer, executor: Executor, clock: Clock, pool: Pool) -> None:
        self._balancer = balancer
        self._executor = executor
        self._clock = clock
        self._pool = pool
        self._flying: list[tuple[frozenset[TargetId], Future[Facts]]] = []
        self._tried: set[TargetId] = set()
        self.troubles: list[UnreachableError] = []
        self.refused = ""
        self.dropped: dict[TargetId, Dropped] = {}
        self._faults: list[str] = []

    def begin(self) -> None:
        """Begins a turn: calls that failed may be tried again."""
        self._tried = set()
        self.troubles = []
        self.refused = ""

    def submit(self, actions: Iterable[Action], until: datetime) -> None:
        """Submits every call that is not under way already and was not tried in this turn.

        Args:
            actions: What `decide` answered; records and waits are skipped.
            until: No call begins later. A thread or a machine that was suspended must not send an old decision. The
                driver checks it again right before the bytes leave (its argument `by`).
        """
        busy = self._tried.union(*(targets for targets, _ in self._flying))
        calls = [action for action in actions if not isinstance(action, Record | Wait)]
        due = [call for call in calls if target_of(call) not in busy]
        now = self._clock.now()
        leaving = [action for action in due if isinstance(action, Deregister)]
        for fresh_until, some in _by_deadline(leaving, OBSERVATION_MAX_AGE, now):
            self._change(Deregister, some, until, fresh_until)
        self._change(Register, [action for action in due if isinstance(action, Register)], until, None)
        starts = [action for action in due if isinstance(action, StartWork)]
        for fresh_until, begun in _by_deadline(starts, VERDICT_MAX_AGE, now):
            targets = frozenset(start.key.target for start in begun)
            self._hand_over("StartWork", targets, self._start(begun), until, fresh_until)
        for last in (ForbidWork, CancelWork):
            ends = [action for action in due if isinstance(action, last)]
            if ends:
                self._hand_over(last.__name__, frozenset(end.key.target for end in ends), self._end(ends), until)

    def facts(self) -> list[e.Event]:
        """The events of calls that ended since the last time. A failed call leaves none: the next turn repeats it."""
        done = [(targets, future) for targets, future in self._flying if future.done()]
        self._flying = [(targets, future) for targets, future in self._flying if not future.done()]
        facts: list[e.Event] = []
        while self._faults:
            self.refused = self._faults.pop()
        for targets, future in done:
            error = future.exception()
            self._count(targets, dropped=isinstance(error, StaleDecisionError))
            if error is None:
                facts += future.result()
            elif isinstance(error, KatakeiError):
                log.info("call failed", extra={"facts": {"error": str(error), "kind": type(error).__name__}})
                self.troubles += [error] if isinstance(error, UnreachableError) else []
                self.refused = str(error) if isinstance(error, StartRejectedError) else self.refused
            else:
                raise error
        return facts

    def note_fault(self, key: e.WorkKey, text: str) -> None:
        """Notes that a driver failed for one target in a way that no adapter foresaw. The next turn asks again."""
        self._faults.append(f"{key.target}: {text}")

    def settled(self, within: timedelta) -> bool:
        """Whether no call is under way any more; waits up to `within` for them."""
        return not wait([future for _, future in self._flying], within.total_seconds()).not_done

    def _count(self, targets: frozenset[TargetId], *, dropped: bool) -> None:
        for target in targets:
            before = self.dropped.pop(target, None)
            if dropped:
                since, times = (before.since, before.times) if before else (self._clock.now(), 0)
                self.dropped[target] = Dropped(target, since, times + 1)

    def _change(
        self,
        kind: type[Deregister | Register],
        acts: Sequence[Deregister | Register],
        until: datetime,
        fresh_until: datetime | None,
    ) -> None:
        joined: dict[Arn, dict[TargetId, frozenset[Registration]]] = defaultdict(dict)
        for act in acts:
            for arn in dict.fromkeys(place.group for place in act.registrations):
                joined[arn][act.target] = frozenset(place for place in act.registrations if place.group == arn)
        for arn, places in joined.items():
            self._hand_over(kind.__name__, frozenset(places), self._call(kind, arn, places), until, fresh_until)

    def _hand_over(
        self,
        name: str,
        targets: frozenset[TargetId],
        act: Act,
        until: datetime,
        fresh_until: datetime | None = None,
    ) -> None:
        """Makes the call in the pool.

        Args:
            name: For the log.
            targets: Whom it is about.
            act: The call.
            until: It does not begin later: the lease may have ended.
            fresh_until: Nor later than this: the observation behind it is too old by then. None: it never is.
        """

        def in_time() -> Facts:
            now = self._clock.now()
            if fresh_until is not None and now > fresh_until:
                raise StaleDecisionError("the observation behind the call was too old")
            return act(min(DEADLINE, self._left(min(until, fresh_until or until))))

        log.info("call", extra={"facts": {"action": name, "targets": sorted(targets)}})

        self._tried |= targets
        self._flying.append((targets, self._pool.submit(in_time)))

    def _call(self, kind: type[Deregister | Register], arn: Arn, places: Places) -> Act:
        what = frozenset[Registration]().union(*places.values())

        def deregister(by: timedelta) -> Facts:
            self._balancer.deregister(arn, what, by)
            return [e.Deregistered(self._clock.now(), arn, tuple(places))]

        def register(by: timedelta) -> Facts:
            refused: Mapping[Registration, str] = {}
            try:
                self._balancer.register(arn, what, by)
            except RejectedError as rejected:
                refused = rejected.which or dict.fromkeys(what, str(rejected))
            now = self._clock.now()
            turned = {target: why for target, here in places.items() for place, why in refused.items() if place in here}
            taken = tuple(target for target in places if target not in turned)
            facts: list[e.Event] = [e.RegistrationRejected(now, target, why) for target, why in turned.items()]
            return [*facts, e.Registered(now, arn, taken)] if taken else facts

        return deregister if kind is Deregister else register

    def _start(self, starts: Sequence[StartWork]) -> Act:
        jobs = {start.key: (start.target, start.job) for start in starts}

        def start(by: timedelta) -> Facts:
            until = self._clock.now() + by

            def some(given: Mapping[e.WorkKey, tuple[Target, Job]]) -> Mapping[e.WorkKey, str]:
                return self._executor.start(given, self._left(until))

            try:
                tickets = isolated(some, jobs, plausible_text, self.note_fault)
            except (UsageError, RejectedError) as refusal:
                raise StartRejectedError(str(refusal)) from refusal
            return [e.Started(self._clock.now(), key, ticket) for key, ticket in tickets.items()]

        return start

    def _end(self, ends: Sequence[ForbidWork | CancelWork]) -> Act:
        tickets = {end.key: (end.target, end.ticket) for end in ends}
        ask = self._executor.forbid if isinstance(ends[0], ForbidWork) else self._executor.cancel

        def end(by: timedelta) -> Facts:
            """Leaves no event: only a later observation shows the effect."""
            until = self._clock.now() + by

            def some(given: Mapping[e.WorkKey, tuple[Target, str]]) -> Mapping[e.WorkKey, str]:
                ask(given, self._left(until))
                return {}

            isolated(some, tickets, plausible_text, self.note_fault)
            return []

        return end

    def _left(self, until: datetime) -> timedelta:
        left = until - self._clock.now()
        if left < timedelta(0):
            raise NoAnswerError("the call could not begin in time")
        return left


def _by_deadline(actions: Sequence[Fresh], max_age: timedelta, now: datetime) -> list[tuple[datetime, Sequence[Fresh]]]:
    """The actions in at most two calls, each with the moment at which its oldest observation is too old."""
    halves = [
        [action for action in actions if (action.observed + max_age < now + NEARLY_TOO_OLD) is soon]
        for soon in (True, False)
    ]
    return [(min(action.observed for action in some) + max_age, some) for some in halves if some]


def last_looks(probe: Probe, targets: Sequence[ProbedTarget], together: int = TOGETHER) -> dict[TargetId, str]:
    """The last probe, which the work itself runs on each target before it begins.

    Args:
        probe: Writes the programs.
        targets: Those whose work is about to begin.
        together: How many targets share one program, so that they can share one command.

    Returns:
        The program of each target.
    """
    looks: dict[TargetId, str] = {}
    for at in range(0, len(targets), together):
        some = targets[at : at + together]
        looks |= dict.fromkeys((each.target.id for each in some), probe.last_look(some))
    return looks
