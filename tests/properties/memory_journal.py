"""A journal with its leases in memory, which outlives every process; and one process's connection, which may fail."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from tests.properties.builders import seconds
from tests.properties.fake_ports import FakePort
from tests.properties.simulated_aws import Crash

from katakei.domain.errors import ConcurrentAppendError, LeaseHeldError, LeaseLostError, NoAnswerError, UnreachableError
from katakei.domain.events import Event, UserCommand
from katakei.domain.freezes import Freeze, still_active
from katakei.domain.leases import Heartbeat, Lease, Owner
from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import LeaseStatus, Liveness, RolloutHeader

EVER = datetime.max.replace(tzinfo=UTC)
YOUNG = seconds(6)
CRAWL = 25.0  # seconds at most that a slow store takes
FULL = 0.5  # share of the journal's faults; the others are calls without an answer


@dataclass
class HeartbeatLog:
    """Heartbeats: every 5 s while the process is alive and not suspended, when it wakes up, and at every renewal."""

    born: datetime
    stood: list[tuple[datetime, datetime]] = field(default_factory=list)  # from when until when it was suspended
    renewed: list[datetime] = field(default_factory=list)

    def beats(self, now: datetime) -> int:
        still = sum((min(until, now) - since for since, until in self.stood if since < now), timedelta())
        woken = sum(until <= now for _, until in self.stood)
        return len(self.renewed) + woken + (now - self.born - still) // seconds(5)

    def newest(self, now: datetime) -> datetime:
        """The moment of the newest heartbeat."""
        alive = next((since for since, until in self.stood if since <= now < until), now)
        return max([alive, *self.renewed[-1:]])

    def stops(self, now: datetime, until: datetime = EVER) -> None:
        self.stood.append((now, until))


@dataclass
class MemoryJournal:
    """Events by rollout, and the owner of each group.

    Attributes:
        dead: Owners that are known to be dead: they hold nothing.
        alive: Owners whose process is observed alive.
    """

    events: dict[RolloutId, list[Event]] = field(default_factory=dict)
    holders: dict[Arn, tuple[Owner, int, RolloutId]] = field(default_factory=dict)
    dead: set[Owner] = field(default_factory=set)
    alive: set[Owner] = field(default_factory=set)
    heartbeats: dict[Owner, HeartbeatLog] = field(default_factory=dict)
    taken_from: list[tuple[datetime, Owner]] = field(
        default_factory=list
    )  # when, and the owner that was not known to be dead
    epoch: int = 0
    appends: list[tuple[datetime, int, int]] = field(default_factory=list)  # when, by whom, up to which number
    takings: list[tuple[datetime, int]] = field(default_factory=list)
    freezes: dict[str, Freeze] = field(default_factory=dict)

    def tell(self, rollout: RolloutId, word: UserCommand) -> None:
        self.events[rollout].append(word)

    def take(
        self, groups: frozenset[Arn], owner: Owner, rollout: RolloutId, silent: frozenset[Heartbeat], now: datetime
    ) -> Lease:
        held = {group: self.holders[group] for group in sorted(groups) if group in self.holders}
        living = {group: it for group, it in held.items() if it[0] not in self.dead and it[0] != owner}
        beats = frozenset(Heartbeat(group, it[1], self.heartbeats[it[0]].beats(now)) for group, it in living.items())
        if not beats <= silent:
            heard = {it[0] for it in living.values() if now - self.heartbeats[it[0]].newest(now) <= YOUNG}
            said = [f"{group} is held by rollout {it[2]} of {it[0]}" for group, it in living.items()]
            raise LeaseHeldError(said[0], frozenset() if heard else beats, frozenset() if heard & self.alive else beats)
        former = {it[0] for it in held.values() if it[0] not in self.dead and it[0].nonce != owner.nonce}
        self.taken_from += [(now, each) for each in former | {it[0] for it in living.values()}]
        self.heartbeats.setdefault(owner, HeartbeatLog(now))
        self.epoch += 1
        self.holders |= dict.fromkeys(groups, (owner, self.epoch, rollout))
        return Lease(groups, owner, self.epoch)

    def renew(self, lease: Lease) -> None:
        for group in lease.groups:
            holder = self.holders.get(group)
            if holder is None or holder[:2] != (lease.owner, lease.epoch):
                raise LeaseLostError("taken over")

    def release(self, lease: Lease) -> None:
        for group in sorted(lease.groups):
            holder = self.holders.get(group)
            if holder and holder[:2] == (lease.owner, lease.epoch):
                del self.holders[group]


class JournalConnection(FakePort):
    """The journal as one process reaches it. `users` may write a command right before this process writes."""

    def sit(self, store: MemoryJournal, users: Callable[[], None]) -> "JournalConnection":
        self.store = store
        self.users = users
        self.append_takes = self.renew_takes = timedelta()  # every time, beside what the adversary adds
        return self

    def read(self, rollout: RolloutId, after: int) -> Sequence[Event]:
        return self.store.events.get(rollout, [])[after:]

    def append(self, lease: Lease, rollout: RolloutId, after: int, events: Sequence[Event]) -> None:
        self.users()
        self._crawls(self.append_takes, self.aws.adversary.slow_append)
        self._trouble()
        self.store.renew(lease)
        here = self.store.events.setdefault(rollout, [])
        if len(here) != after:
            raise ConcurrentAppendError("somebody was faster")
        here += events
        self.store.appends.append((self.aws.clock.time, self.who, len(here)))
        self._trouble()
        self.pause()

    def _crawls(self, takes: timedelta, share: float) -> None:
        """The store takes long to do it; meanwhile everything else goes on."""
        takes += seconds(self.aws.rng.uniform(0, CRAWL)) if self.aws.roll(share) else seconds(0)
        if takes:
            self.aws.clock.sleep(takes)
            self.aws.pass_time()

    def _trouble(self) -> None:
        if self.aws.roll(self.aws.adversary.crash):
            raise Crash
        if self.aws.roll(self.aws.adversary.paper):
            raise (UnreachableError("the disk is full") if self.aws.rng.random() < FULL else NoAnswerError("no answer"))

    def tell(self, rollout: RolloutId, word: UserCommand) -> None:
        self.store.tell(rollout, word)

    def find(
        self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False
    ) -> list[RolloutHeader]:
        raise NotImplementedError

    def take(
        self, groups: frozenset[Arn], owner: Owner, rollout: RolloutId, silent: frozenset[Heartbeat] = frozenset()
    ) -> Lease:
        lease = self.store.take(groups, owner, rollout, silent, self.aws.clock.time)
        self.store.takings.append((self.aws.clock.time, self.who))
        return lease

    def renew(self, lease: Lease) -> None:
        self._crawls(self.renew_takes, self.aws.adversary.slow_renew)
        self._trouble()
        self.store.renew(lease)
        self.store.heartbeats[lease.owner].renewed.append(self.aws.clock.time)
        self.pause()

    def holder(self, group: Arn) -> LeaseStatus | None:
        found = self.store.holders.get(group)
        if found is None:
            return None
        owner, _, rollout = found
        return LeaseStatus(rollout, owner, Liveness.GONE if owner in self.store.dead else Liveness.ALIVE, None)

    def unlock(self, group: Arn) -> str | None:
        raise NotImplementedError

    def release(self, lease: Lease) -> None:
        self.store.release(lease)


class FreezesConnection(FakePort):
    """The freezes as one process reads them: the store is slow, or gives no answer."""

    def sit(self, store: MemoryJournal) -> "FreezesConnection":
        self._kept = MemoryFreezes(self.aws.clock, store)
        return self

    def read(self) -> tuple[datetime, Sequence[Freeze]]:
        if self.aws.roll(self.aws.adversary.paper):
            raise NoAnswerError("no answer")
        reading = self._kept.read()
        if self.aws.roll(self.aws.adversary.slow_append):
            self.aws.clock.sleep(seconds(self.aws.rng.uniform(0, CRAWL)))
            self.aws.pass_time()
        return reading

    def active(self) -> Sequence[Freeze]:
        return self.read()[1]

    def freeze(self, name: str, who: str, why: str, until: datetime | None) -> Freeze:
        raise NotImplementedError

    def unfreeze(self, name: str, who: str) -> Freeze | None:
        raise NotImplementedError


class Now(Protocol):
    """Tells the time."""

    def now(self) -> datetime: ...


@dataclass
class MemoryFreezes:
    """The freezes of a journal in memory. The clock of the store is the one given."""

    clock: Now
    store: MemoryJournal = field(default_factory=MemoryJournal)

    def read(self) -> tuple[datetime, Sequence[Freeze]]:
        now = self.clock.now()
        return now, still_active(self.store.freezes.values(), now)

    def active(self) -> Sequence[Freeze]:
        return self.read()[1]

    def freeze(self, name: str, who: str, why: str, until: datetime | None) -> Freeze:
        made = Freeze(name, who, why, self.clock.now(), until)
        self.store.freezes[name] = made
        return made

    def unfreeze(self, name: str, who: str) -> Freeze | None:
        del who
        found = self.store.freezes.pop(name, None)
        return found if found and still_active([found], self.clock.now()) else None
