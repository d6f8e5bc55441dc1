"""The acting half of a turn: carries out what was resolved, in a bounded pool, never twice at the same time.

Acts on one group that are due in the same turn are joined into one call. What came back is a fact to be written.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, CancelWork, Deregister, ForbidWork, Register, StartWork
from katakei.domain.errors import KatakeiError, NoAnswerError, RejectedError, UnreachableError, UsageError
from katakei.domain.model import Arn, Registration, TargetId
from katakei.domain.ports import Balancer, Clock, Executor, Pool

DEADLINE = timedelta(seconds=10)
Facts = Sequence[e.Event]
Act = Callable[[timedelta], Facts]  # within how long it has to have begun
Places = Mapping[TargetId, frozenset[Registration]]


class StartRejectedError(KatakeiError):
    """The executor understood the start and will never take it as it is."""


class Dispatcher:
    """Remembers which acts have not come back yet; a target with one of them gets no other.

    `troubles` says what no waiting will mend, `refused` why an executor does not take the work as it is.
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

    def begin(self) -> None:
        """A new turn: what failed may be tried again."""
        self._tried = set()
        self.troubles = []
        self.refused = ""

    def submit(self, actions: Iterable[Action], until: datetime) -> None:
        """Hands every act over that is not under way already and was not tried in this turn.

        None begins after `until`: a thread, or a whole machine, that stood still must not act on what it meant then.
        The driver holds to that as well, right before the call goes out: it is what it is told as `by`.
        """
        busy = self._tried.union(*(targets for targets, _ in self._flying))
        acts = [action for action in actions if isinstance(action, Deregister | Register)]
        for kind in (Deregister, Register):
            joined: dict[Arn, dict[TargetId, frozenset[Registration]]] = defaultdict(dict)
            for act in acts:
                if isinstance(act, kind) and act.target not in busy:
                    for arn in dict.fromkeys(place.group for place in act.registrations):
                        here = frozenset(place for place in act.registrations if place.group == arn)
                        joined[arn][act.target] = here
            for arn, places in joined.items():
                self._hand_over(frozenset(places), self._call(kind, arn, places), until)
        starts = [action for action in actions if isinstance(action, StartWork) and action.key.target not in busy]
        if starts:
            self._hand_over(frozenset(start.key.target for start in starts), self._start(starts), until)
        for last in (ForbidWork, CancelWork):
            ends = [action for action in actions if isinstance(action, last) and action.key.target not in busy]
            if ends:
                self._hand_over(frozenset(end.key.target for end in ends), self._end(ends), until)

    def facts(self) -> list[e.Event]:
        """What has come back since the last asking. Failures leave no fact: the loop is the retry."""
        done = [future for _, future in self._flying if future.done()]
        self._flying = [(targets, future) for targets, future in self._flying if not future.done()]
        facts: list[e.Event] = []
        for future in done:
            error = future.exception()
            if error is None:
                facts += future.result()
            elif isinstance(error, KatakeiError):
                self.troubles += [error] if isinstance(error, UnreachableError) else []
                self.refused = str(error) if isinstance(error, StartRejectedError) else self.refused
            else:
                raise error
        return facts

    def settled(self, within: timedelta) -> bool:
        """Whether no act is under way any more; waits for them, but not longer than `within`."""
        return not wait([future for _, future in self._flying], within.total_seconds()).not_done

    def _hand_over(self, targets: frozenset[TargetId], act: Act, until: datetime) -> None:
        def in_time() -> Facts:
            left = until - self._clock.now()
            if left < timedelta(0):
                raise NoAnswerError("the act could not begin in time")
            return act(min(DEADLINE, left))

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
            try:
                tickets = self._executor.start(jobs, by)
            except (UsageError, RejectedError) as refusal:
                raise StartRejectedError(str(refusal)) from refusal
            return [e.Started(self._clock.now(), key, ticket) for key, ticket in tickets.items()]

        return start

    def _end(self, ends: Sequence[ForbidWork | CancelWork]) -> Act:
        tickets = {end.key: (end.target, end.ticket) for end in ends}
        ask = self._executor.forbid if isinstance(ends[0], ForbidWork) else self._executor.cancel

        def end(by: timedelta) -> Facts:
            """Leaves no fact: only a look can tell what came of it."""
            ask(tickets, by)
            return []

        return end
