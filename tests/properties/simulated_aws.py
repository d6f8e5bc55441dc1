"""The simulated AWS: registrations, machines with marks, time, an adversary with a seed, and a log of everything.

It implements docs/aws.md independently and shares no rule with the code under test, which sees it only through
`fake_ports.py`.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum

from tests.properties.adversary import Adversary
from tests.properties.builders import seconds, target

from katakei.domain.errors import NoAnswerError, TemporarilyUnavailableError, UnknownGroupError, UnreachableError
from katakei.domain.events import WorkKey
from katakei.domain.model import Arn, Group, Registration, Target, TargetId, TargetType
from katakei.domain.observation import HealthState
from katakei.domain.phases import Intent

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
STALE, WIRE, SLOW = 8.0, 4.0, 10.0  # at most, in seconds: age of an observation, delay of a call, of a thread
LINGER = 6.0  # seconds for which a lingering address is not registered again
OLD_VERDICT = 10.0  # seconds that a probe may take to answer
OUT = frozenset({HealthState.DRAINING, HealthState.ABSENT})


class Crash(BaseException):
    """kill -9."""


class By(Enum):
    """Who changed a registration."""

    US = "us"
    STRANGER = "a stranger"
    ITSELF = "itself"


class SimulatedClock:
    """Time passes only when something sleeps, or when a call takes time."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    def sleep(self, span: timedelta) -> None:
        self.time += max(span, seconds(0.05))


@dataclass(frozen=True)
class HealthChange:
    """One state of a registration, since when, and by whom. Shifted: healthy, but without traffic."""

    at: datetime
    state: HealthState
    by: By = By.ITSELF
    shifted: bool = False


@dataclass(frozen=True)
class Call:
    """One call by a process, at the moment it began."""

    at: datetime
    kind: str
    who: int
    group: Arn | None = None
    places: frozenset[Registration] = frozenset()
    keys: tuple[WorkKey, ...] = ()
    whole: bool = False


@dataclass
class Mark:
    """Work on a target: when it was asked for, when it begins there, how it ends."""

    asked: datetime
    begins: datetime
    ends: datetime | None
    fate: str
    run: str = ""


@dataclass
class Log:
    """Every call and change that the judge needs, in order."""

    calls: list[Call] = field(default_factory=list)
    looks: dict[tuple[int, Arn], list[datetime]] = field(default_factory=dict)  # of a process at a group
    edits: dict[Arn, datetime] = field(default_factory=dict)
    deleted: dict[Arn, datetime] = field(default_factory=dict)
    begun_again: list[tuple[datetime, WorkKey]] = field(default_factory=list)
    gone_on: list[tuple[datetime, WorkKey]] = field(default_factory=list)  # stopped machines that were started
    ip_while_draining: list[tuple[datetime, Registration, datetime]] = field(default_factory=list)


class SimulatedAws:
    """Registrations and machines as they really are."""

    def __init__(
        self,
        seed: int,
        groups: Sequence[Group],
        targets: Sequence[Target],
        adversary: Adversary,
        bystanders: Sequence[Target] = (),
    ) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - a game, not a secret
        self.clock = SimulatedClock()
        self.adversary = adversary
        self.frozen = False  # the adversary has stopped
        self.group_of = {group.arn: group for group in groups}
        self.planned_groups = dict(self.group_of)
        self.targets = {target.id: target for target in targets}
        self.bystanders = tuple(bystanders)
        everyone = (*targets, *bystanders)
        self.owner_of = {place: target for target in everyone for place in target.registrations}
        self.past: dict[Registration, list[HealthChange]] = {
            place: [HealthChange(NOON, HealthState.HEALTHY)] for place in self.owner_of
        }
        self.next: dict[Registration, tuple[datetime, HealthState]] = {}
        self.marks: dict[WorkKey, Mark] = {}
        self.readers: set[TargetId] = set()  # targets on which a reader of requests runs
        self.hidden: set[WorkKey] = set()  # their marks cannot be found any more; the work goes on all the same
        self.folders: Counter[TargetId] = Counter()  # how often the state folder of a target became another one
        self.wire: list[tuple[datetime, Callable[[], None]]] = []
        self.blind: dict[Arn, datetime] = {}
        self.denied = NOON
        self.log = Log()
        self.gone = NOON
        self.strangers_left = 2
        self.born: list[Target] = []
        self.dead: set[TargetId] = set()
        self.script: Callable[[SimulatedAws], None] | None = None  # an adversary with a plan of its own
        self.bad = self._some(adversary.bad_check)
        self.sick = self._some(adversary.sick)
        self.unwanted = set(self._some(adversary.refuses))
        self.unseeable = self._some(adversary.unseeable)
        self.lingering = self._some(adversary.lingers)
        self.mad = self._some(adversary.mad)
        self.fails = 0.7  # of the questions about a mad target
        self.requests: dict[TargetId, list[tuple[datetime, datetime]]] = {}  # taken out when; the last one ends when

    def _some(self, share: float) -> frozenset[TargetId]:
        return frozenset(target for target in self.targets if share and self.rng.random() < share)

    # -- state, now and before

    def now(self, place: Registration) -> HealthChange:
        return self.past[place][-1]

    def was(self, place: Registration, at: datetime) -> HealthChange:
        return next((was for was in reversed(self.past[place]) if was.at <= at), self.past[place][0])

    def touched_by_work(self, target: TargetId) -> bool:
        """The target serves what work brought, and no revert has ended well since."""
        begun = [(mark.begins, key, mark) for key, mark in self.marks.items() if mark.begins <= self.clock.time]
        here = [(key, mark) for _, key, mark in sorted(begun, key=lambda one: one[0]) if key.target == target]
        return bool(here) and not (here[-1][0].intent is Intent.REVERT and here[-1][1].fate == "good")

    def pending(self, target: TargetId, at: datetime) -> bool:
        """Whether requests were still being answered at this moment."""
        known = [until for since, until in self.requests.get(target, []) if since <= at]
        return at < max(known, default=at)

    # -- the adversary

    def roll(self, share: float) -> bool:
        return share > 0 and not self.frozen and self.rng.random() < share

    def begin(self, call: Call) -> bool:
        """Begin one call. True when it reports success but does nothing."""
        self.clock.time += seconds(self.rng.choice((0.02, 0.05, 0.3)))
        self.pass_time()
        if self.roll(self.adversary.crash):
            raise Crash
        self.log.calls.append(call)
        if call.kind == "look" and call.group:
            self.log.looks.setdefault((call.who, call.group), []).append(call.at)
        if self.roll(self.adversary.gone):
            self.gone = self.clock.time + seconds(self.rng.uniform(60, 800))
        if self.clock.time < self.gone and not self.frozen:
            raise TemporarilyUnavailableError("nobody listens")
        if self.roll(self.adversary.denied):
            self.denied = self.clock.time + seconds(self.rng.uniform(10, 200))
        if self.clock.time < self.denied and not self.frozen:
            raise UnreachableError("denied")
        if self.roll(self.adversary.lost):
            raise NoAnswerError("throttled")
        if call.group in self.log.deleted:
            raise UnknownGroupError("no such group")
        return self.roll(self.adversary.lies)

    def answer(self) -> None:
        """Return an answer, which may be lost."""
        if self.roll(self.adversary.crash):
            raise Crash
        if self.roll(self.adversary.late):
            raise NoAnswerError("timed out")

    def pass_time(self) -> None:
        now = self.clock.time
        if self.script:
            self.script(self)
        for when, effect in sorted([due for due in self.wire if due[0] <= now], key=lambda due: due[0]):
            self.wire.remove((when, effect))
            self._ripen(when)
            self.clock.time = when  # it takes effect when it is due, however late anything asks
            effect()
        self.clock.time = now
        self._ripen(now)
        if self.roll(self.adversary.falls * len(self.past)):
            self.fall(self._any())
        if self.strangers_left and self.roll(self.adversary.strangers):
            self.strangers_left -= 1
            self._meddle(self._any())
        if self.roll(self.adversary.edits) and not self.log.edits:
            arn = self.rng.choice(list(self.group_of))
            self.log.edits[arn] = now
        self._rarely()

    def _ripen(self, now: datetime) -> None:
        """Apply the changes that happen by themselves up to this moment."""
        for place in [place for place, (when, _) in self.next.items() if when <= now]:
            when, state = self.next.pop(place)
            self._become(place, state, By.ITSELF, at=max(when, self.now(place).at))

    def _rarely(self) -> None:
        """Apply what happens once or twice in a rollout."""
        if self.roll(self.adversary.deleted) and not self.log.deleted:
            self._delete(self.rng.choice(list(self.group_of)))
        if self.roll(self.adversary.born) and len(self.born) < 2:
            self.be_born(target(100 + len(self.born), self.group_of.values()))
        if self.roll(self.adversary.emptied):
            self._empty(self.rng.choice(list(self.targets)))
        if self.marks and self.roll(self.adversary.unmarked):
            self.hidden.add(self.rng.choice(list(self.marks)))
        if self.roll(self.adversary.killed) and not self.dead:
            self._kill(self.rng.choice(list(self.targets.values())))
        worked = [
            place for place in self.past if self.adversary.breaks and self.touched_by_work(self.owner_of[place].id)
        ]
        if worked and self.roll(self.adversary.breaks):
            self.fall(self.rng.choice(worked), lasting=self.rng.uniform(60, 3000))

    def _empty(self, target: TargetId) -> None:
        """Another state folder, or machine, from now on. Half of the work that ran there is killed."""
        self.folders[target] += 1
        for key in [key for key in self.marks if key.target == target]:
            self.hidden.add(key)
            mark = self.marks[key]
            if mark.fate == "refused":  # it never ran
                continue
            if mark.begins <= self.clock.time and (mark.ends is None or mark.ends > self.clock.time) and self.roll(0.5):
                mark.fate, mark.ends = "interrupted", self.clock.time

    def place(self, target: TargetId) -> str:
        """The identity of its machine and state folder."""
        return f"{target}@{self.folders[target]}"

    def _delete(self, arn: Arn) -> None:
        self.log.deleted[arn] = self.clock.time
        for place in [place for place in self.past if place.group == arn]:
            self._become(place, HealthState.ABSENT, By.STRANGER)

    def be_born(self, machine: Target) -> None:
        """Somebody registers one more machine, in every group that exists."""
        places = tuple(place for place in machine.registrations if place.group not in self.log.deleted)
        new = replace(machine, registrations=places)
        self.born.append(new)
        for place in new.registrations:
            self.owner_of[place] = new
            self.past[place] = [HealthChange(NOON, HealthState.ABSENT)]
        self.put_in(new.registrations, By.STRANGER)

    def _kill(self, machine: Target) -> None:
        """A machine is terminated: its registrations go, and it cannot be registered again."""
        self.dead.add(machine.id)
        self.unwanted.add(machine.id)
        self.take_out(machine.registrations, By.STRANGER)

    def _any(self) -> Registration:
        return self.rng.choice(list(self.past))

    def fall(self, place: Registration, lasting: float | None = None) -> None:
        if self.now(place).state is HealthState.HEALTHY:
            back = self.clock.time + seconds(lasting or self.rng.uniform(5, 120))
            shifted = lasting is None and self.rng.random() < 0.2
            self._become(place, HealthState.UNHEALTHY, By.ITSELF, (back, HealthState.HEALTHY), shifted=shifted)

    def _meddle(self, place: Registration) -> None:
        if self.now(place).state in OUT:
            self.put_in(frozenset({place}), By.STRANGER)
        else:
            self.take_out(frozenset({place}), By.STRANGER)

    # -- effects of calls

    def take_out(self, places: Iterable[Registration], by: By) -> None:
        for place in sorted(places, key=repr):
            if self.now(place).state not in OUT and place.group not in self.log.deleted:
                until = self.clock.time + self.group_of[place.group].delay
                self._become(place, HealthState.DRAINING, by, (until, HealthState.ABSENT))
                last = self.clock.time + self.group_of[place.group].delay * self.rng.random()
                self.requests.setdefault(self.owner_of[place].id, []).append((self.clock.time, last))

    def put_in(self, places: Iterable[Registration], by: By) -> None:
        for place in sorted(places, key=repr):
            was = self.now(place)
            if place.group in self.log.deleted:
                continue
            if was.state is HealthState.DRAINING and self.group_of[place.group].target_type is TargetType.IP:
                if by is By.US:
                    self.log.ip_while_draining.append((self.clock.time, place, was.at))
            elif was.state in OUT:
                owner = self.owner_of[place].id
                well = owner not in self.sick or not self.touched_by_work(owner)
                until = self.clock.time + seconds(self.rng.uniform(1, 12))
                self._become(
                    place, HealthState.INITIAL, by, (until, HealthState.HEALTHY if well else HealthState.UNHEALTHY)
                )

    def _become(
        self,
        place: Registration,
        state: HealthState,
        by: By,
        then: tuple[datetime, HealthState] | None = None,
        *,
        at: datetime | None = None,
        shifted: bool = False,
    ) -> None:
        self.past[place].append(HealthChange(at or self.clock.time, state, by, shifted))
        self.next.pop(place, None)
        if then:
            self.next[place] = then
