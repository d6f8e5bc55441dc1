"""The acting half of a turn: calls to the load balancer and the executor, in a bounded pool.

The runner hands the actions of a turn over and collects facts later, as events to be written. No target has two calls
under way at the same time. Calls on one group that are due in the same turn are joined into one.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain.actions import Action, CancelWork, Deregister, ForbidWork, Register, StartWork
from katakei.domain.errors import KatakeiError, NoAnswerError, RejectedError, UnreachableError, UsageError
from katakei.domain.model import Arn, Registration, TargetId
from katakei.domain.ports import Balancer, Clock, Executor, Pool, Probe, ProbedTarget

log = logging.getLogger(__name__)

DEADLINE = timedelta(seconds=10)
TOGETHER = 50
"""Targets whose last probe shares one program: as many as one SSM command may name."""
Facts = Sequence[e.Event]
Act = Callable[[timedelta], Facts]  # its argument: within how long the call must have been sent
Places = Mapping[TargetId, frozenset[Registration]]


class StartRejectedError(KatakeiError):
    """The executor understood the start and will never accept it as it is."""


class Dispatcher:
    """Keeps track of the calls under way; a target with a call under way gets no other.

    Attributes:
        troubles: Errors of this turn that waiting alone does not fix.
        refused: Why an executor does not accept the work as it is; '' when it does.
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
        acts = [action for action in actions if isinstance(action, Deregister | Register)]
        for kind in (Deregister, Register):
            joined: dict[Arn, dict[TargetId, frozenset[Registration]]] = defaultdict(dict)
            for act in acts:
                if isinstance(act, kind) and act.target not in busy:
                    for arn in dict.fromkeys(place.group for place in act.registrations):
                        here = frozenset(place for place in act.registrations if place.group == arn)
                        joined[arn][act.target] = here
            for arn, places in joined.items():
                self._hand_over(kind.__name__, frozenset(places), self._call(kind, arn, places), until)
        starts = [action for action in actions if isinstance(action, StartWork) and action.key.target not in busy]
        if starts:
            self._hand_over("StartWork", frozenset(start.key.target for start in starts), self._start(starts), until)
        for last in (ForbidWork, CancelWork):
            ends = [action for action in actions if isinstance(action, last) and action.key.target not in busy]
            if ends:
                self._hand_over(last.__name__, frozenset(end.key.target for end in ends), self._end(ends), until)

    def facts(self) -> list[e.Event]:
        """The events of calls that ended since the last time. A failed call leaves none: the next turn repeats it."""
        done = [future for _, future in self._flying if future.done()]
        self._flying = [(targets, future) for targets, future in self._flying if not future.done()]
        facts: list[e.Event] = []
        for future in done:
            error = future.exception()
            if error is None:
                facts += future.result()
            elif isinstance(error, KatakeiError):
                log.info("call failed", extra={"facts": {"error": str(error), "kind": type(error).__name__}})
                self.troubles += [error] if isinstance(error, UnreachableError) else []
                self.refused = str(error) if isinstance(error, StartRejectedError) else self.refused
            else:
                raise error
        return facts

    def settled(self, within: timedelta) -> bool:
        """Whether no call is under way any more; waits up to `within` for them."""
        return not wait([future for _, future in self._flying], within.total_seconds()).not_done

    def _hand_over(self, name: str, targets: frozenset[TargetId], act: Act, until: datetime) -> None:
        def in_time() -> Facts:
            left = until - self._clock.now()
            if left < timedelta(0):
                raise NoAnswerError("the call could not begin in time")
            return act(min(DEADLINE, left))

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
            """Leaves no event: only a later observation shows the effect."""
            ask(tickets, by)
            return []

        return end


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
