"""A small world with a clock: a load balancer, machines with marks, a journal, and an adversary with a seed.

It is a reading of alb-semantics of its own and shares no rule with the code it judges.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from katakei.core import events as e
from katakei.core.errors import Held, LeaseLost, Overtaken, Rejected, Unseen
from katakei.core.model import Arn, Group, HealthCheck, Registration, RolloutId, Target, TargetId, TargetType
from katakei.core.ports import Header, Lease, Member, Question
from katakei.core.sight import Answer, GroupSight, Seen, State, Work, WorkState
from katakei.core.steps import Job

T = TypeVar("T")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


class Crash(BaseException):
    """kill -9."""


class TurnedClock:
    """Time passes only when somebody sleeps, or when a call takes time."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    def sleep(self, span: timedelta) -> None:
        self.time += max(span, seconds(0.05))


class InlinePool:
    """Runs the work at once; a crash goes straight through."""

    def submit(self, work: Callable[[], T], /) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 - exactly what a pool does
            future.set_exception(error)
        return future


@dataclass
class Place:
    """The truth about one registration."""

    state: State = State.HEALTHY
    until: datetime = NOON  # of draining; or when `initial` becomes healthy
    since: datetime = NOON
    fallen_until: datetime = NOON
    fell_at: datetime = NOON - timedelta(days=1)


@dataclass(frozen=True)
class Wickedness:
    """What the adversary does, as fractions of calls and of targets."""

    lost: float = 0.0  # a call fails before it did anything
    late: float = 0.0  # a call did its work, but the answer was lost
    lies: float = 0.0  # a call says success and does nothing
    crash: float = 0.0  # the process dies at a call
    stale: float = 0.0  # a look shows the world of some seconds ago
    falls: float = 0.0  # a serving target falls for a while (per look)
    bad_work: float = 0.0
    bad_check: float = 0.0
    hangs: float = 0.0
    refuses: float = 0.0  # a machine that ELBv2 will not register


class SmallWorld:
    """Balancer, Executor and Checker in one, with a log of everything that mattered."""

    def __init__(self, seed: int, groups: Sequence[Group], targets: Sequence[Target], wicked: Wickedness) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - a game, not a secret
        self.clock = TurnedClock()
        self.wicked = wicked
        self.group_of = {group.arn: group for group in groups}
        self.targets = {target.id: target for target in targets}
        self.places: dict[Registration, Place] = {p: Place() for target in targets for p in target.registrations}
        self.history: list[tuple[datetime, dict[Registration, State]]] = [(NOON, self._states())]
        self.deregistrations: list[tuple[datetime, frozenset[Registration], dict[Registration, State]]] = []
        self.starts: list[tuple[datetime, e.Key]] = []
        self.marks: dict[e.Key, tuple[datetime, float]] = {}
        self.frozen = False  # the end game: the adversary has gone home
        self.bad: set[TargetId] = {t for t in self.targets if self.dice.random() < wicked.bad_check}
        self.unwanted: set[TargetId] = {t for t in self.targets if self.dice.random() < wicked.refuses}

    # -- the adversary

    def _states(self) -> dict[Registration, State]:
        return {place: truth.state for place, truth in self.places.items()}

    def _roll(self, share: float) -> bool:
        return not self.frozen and self.dice.random() < share

    def _call(self) -> bool:
        """One call to the world. True when it says success but does nothing."""
        self.clock.time += seconds(self.dice.choice([0.02, 0.05, 0.3]))
        self.pass_time()
        if self._roll(self.wicked.crash):
            raise Crash
        if self._roll(self.wicked.lost):
            raise Unseen("throttled")
        return self._roll(self.wicked.lies)

    def _lose_answer(self) -> None:
        if self._roll(self.wicked.crash):
            raise Crash
        if self._roll(self.wicked.late):
            raise Unseen("timed out")

    def pass_time(self) -> None:
        now = self.clock.time
        for place, truth in self.places.items():
            if truth.state is State.INITIAL and now >= truth.until:
                self.places[place] = replace(truth, state=State.HEALTHY, since=now)
            elif truth.state is State.DRAINING and now >= truth.until:
                self.places[place] = replace(truth, state=State.ABSENT, since=now)
            elif truth.state is State.UNHEALTHY and now >= truth.fallen_until:
                self.places[place] = replace(truth, state=State.HEALTHY, since=now)
            elif truth.state is State.HEALTHY and self._roll(self.wicked.falls):
                back = now + seconds(self.dice.uniform(5, 120))
                self.places[place] = replace(truth, state=State.UNHEALTHY, fallen_until=back, fell_at=now)
        self.history.append((now, self._states()))
        self.history = self.history[-400:]

    # -- Balancer

    def groups(self, names: Sequence[str]) -> Sequence[Group]:
        self._call()
        return [self.group_of[Arn(name)] for name in names]

    def look(self, group: Arn, only: frozenset[Registration] | None) -> GroupSight:
        begun = self.clock.now()
        self._call()
        states = self._states()
        if self._roll(self.wicked.stale):
            past = self.clock.time - seconds(self.dice.uniform(0, 8))
            states = next((was for at, was in reversed(self.history) if at <= past), states)
        self._lose_answer()
        ended = self.clock.now()
        wanted = [p for p in self.places if p.group == group and (only is None or p in only)]
        seen = {p: Seen(states.get(p, State.ABSENT), begun, ended) for p in wanted}
        if only is None:
            seen = {p: look for p, look in seen.items() if look.state is not State.ABSENT}
        return GroupSight(seen, begun if only is None else None)

    def deregister(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        del by
        if not self._call():
            before = self._states()
            taken = frozenset(p for p in what if self.places[p].state not in {State.DRAINING, State.ABSENT})
            self.deregistrations.append((self.clock.time, taken, before))
            for place in taken:
                until = self.clock.time + self.group_of[group].delay
                self.places[place] = replace(
                    self.places[place], state=State.DRAINING, until=until, since=self.clock.time
                )
        self._lose_answer()

    def register(self, group: Arn, what: frozenset[Registration], by: timedelta) -> None:
        del group, by
        lie = self._call()
        refused = {p: "not running" for p in what if any(p.id == t for t in self.unwanted)}
        for place in what - set(refused):
            if not lie and self.places[place].state in {State.DRAINING, State.ABSENT}:
                until = self.clock.time + seconds(self.dice.uniform(1, 12))
                self.places[place] = replace(self.places[place], state=State.INITIAL, until=until, since=until)
        self._lose_answer()
        if refused:
            raise Rejected("InvalidTarget", refused)

    # -- Executor

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        del targets, by
        return {}

    def start(self, jobs: Mapping[e.Key, tuple[Target, Job]], by: timedelta) -> Mapping[e.Key, str]:
        del by
        self._call()
        for key in jobs:
            if key not in self.marks:
                self.starts.append((self.clock.time, key))
                self.marks[key] = (self.clock.time, self.dice.random())
        self._lose_answer()
        return dict.fromkeys(jobs, "ticket")

    def look_works(self, tickets: Mapping[e.Key, tuple[Target, str]]) -> Mapping[e.Key, Work]:
        self._call()
        return {key: self._work(key) for key in tickets}

    def _work(self, key: e.Key) -> Work:
        if key not in self.marks:
            return Work(WorkState.NOT_STARTED)
        begun, fate = self.marks[key]
        if self.clock.time - begun < seconds(4):
            return Work(WorkState.RUNNING)
        if fate < self.wicked.bad_work:
            return Work(WorkState.ENDED, exit=1)
        if fate > 1 - self.wicked.hangs:
            return Work(WorkState.RUNNING)
        return Work(WorkState.ENDED, exit=0)

    # -- Checker

    def ask(self, questions: Mapping[TargetId, Sequence[Question]], by: timedelta) -> Mapping[TargetId, Answer]:
        del by
        begun = self.clock.now()
        self._call()
        return {target: Answer(target not in self.bad, begun, "503") for target in questions}


class Machines:
    """The executor's face of the world (its `look` has the name that the balancer's has)."""

    def __init__(self, world: SmallWorld) -> None:
        self.world = world
        self.ready = world.ready
        self.start = world.start

    def look(self, tickets: Mapping[e.Key, tuple[Target, str]], by: timedelta) -> Mapping[e.Key, Work]:
        del by
        return self.world.look_works(tickets)


@dataclass
class Paper:
    """A journal and its leases in memory; it outlives every process."""

    events: dict[RolloutId, list[e.Event]] = field(default_factory=dict)
    holders: dict[Arn, tuple[e.Owner, int, RolloutId]] = field(default_factory=dict)
    dead: set[e.Owner] = field(default_factory=set)
    epoch: int = 0

    def read(self, rollout: RolloutId, after: int) -> Sequence[e.Event]:
        return self.events.get(rollout, [])[after:]

    def append(self, lease: Lease, rollout: RolloutId, after: int, events: Sequence[e.Event]) -> None:
        self.renew(lease)
        if len(self.events.setdefault(rollout, [])) != after:
            raise Overtaken("somebody was faster")
        self.events[rollout] += events

    def tell(self, rollout: RolloutId, word: e.Will) -> None:
        self.events[rollout].append(word)

    def find(self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False) -> list[Header]:
        del service, group, unfinished
        return []

    def take(self, groups: frozenset[Arn], owner: e.Owner, rollout: RolloutId) -> Lease:
        for group in groups:
            holder = self.holders.get(group)
            if holder and holder[0] not in self.dead and holder[0] != owner:
                raise Held(f"held by {holder[0]} for {holder[2]}")
        self.epoch += 1
        self.holders |= dict.fromkeys(groups, (owner, self.epoch, rollout))
        return Lease(groups, owner, self.epoch)

    def renew(self, lease: Lease) -> None:
        for group in lease.groups:
            holder = self.holders.get(group)
            if holder is None or holder[:2] != (lease.owner, lease.epoch):
                raise LeaseLost("taken over")

    def release(self, lease: Lease) -> None:
        for group in lease.groups:
            if self.holders.get(group, (None, 0))[:2] == (lease.owner, lease.epoch):
                del self.holders[group]


def group(name: str = "web", *, delay: float = 40, ip: bool = False) -> Group:
    check = HealthCheck("HTTP", None, "/health", "200", seconds(10), seconds(5), 2, 2)
    return Group(
        arn=Arn(f"arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/{name}/0123456789abcdef"),
        name=name,
        port=80,
        protocol="HTTP",
        protocol_version="HTTP1",
        target_type=TargetType.IP if ip else TargetType.INSTANCE,
        delay=seconds(delay),
        idle_timeout=seconds(60),
        check=check,
        cross_zone=True,
        slow_start=seconds(0),
        minima=(),
        load_balancers=(Arn("arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/lb/1"),),
        balancer_type="application",
    )


def target(number: int, groups: Iterable[Group], zones: Sequence[str] = ("a", "c")) -> Target:
    name = TargetId(f"i-{number:017x}")
    places = tuple(Registration(group.arn, name, group.port) for group in groups)
    return Target(name, f"web{number}", f"10.0.0.{number}", zones[number % len(zones)], places)


def member(target: Target, place: Registration, state: State = State.HEALTHY) -> Member:
    seen = Seen(state, NOON, NOON)
    return Member(place, seen, target.id, target.name, target.address, target.zone, {})
