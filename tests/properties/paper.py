"""A journal and its leases on paper: they outlive every process. And one process's desk, where writing may fail."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.properties.doors import Door
from tests.properties.world import Crash

from katakei.core.errors import Held, LeaseLost, Overtaken, Unreachable
from katakei.core.events import Event, Owner, Will
from katakei.core.model import Arn, RolloutId
from katakei.core.ports import Header, Lease


@dataclass
class Paper:
    """Events by rollout, and who holds which group; `dead` owners are no holders."""

    events: dict[RolloutId, list[Event]] = field(default_factory=dict)
    holders: dict[Arn, tuple[Owner, int, RolloutId]] = field(default_factory=dict)
    dead: set[Owner] = field(default_factory=set)
    epoch: int = 0
    appends: list[tuple[datetime, int, int]] = field(default_factory=list)  # when, by whom, up to which number
    takings: list[tuple[datetime, int]] = field(default_factory=list)

    def tell(self, rollout: RolloutId, word: Will) -> None:
        self.events[rollout].append(word)

    def take(self, groups: frozenset[Arn], owner: Owner, rollout: RolloutId) -> Lease:
        for group in sorted(groups):
            holder = self.holders.get(group)
            if holder and holder[0] not in self.dead and holder[0] != owner:
                raise Held(f"{group} is held by rollout {holder[2]} of {holder[0]}")
        self.epoch += 1
        self.holders |= dict.fromkeys(groups, (owner, self.epoch, rollout))
        return Lease(groups, owner, self.epoch)

    def renew(self, lease: Lease) -> None:
        for group in lease.groups:
            holder = self.holders.get(group)
            if holder is None or holder[:2] != (lease.owner, lease.epoch):
                raise LeaseLost("taken over")

    def release(self, lease: Lease) -> None:
        for group in sorted(lease.groups):
            holder = self.holders.get(group)
            if holder and holder[:2] == (lease.owner, lease.epoch):
                del self.holders[group]


class Desk(Door):
    """The paper as one process reaches it. `people` may write a word right before this process does."""

    def sit(self, paper: Paper, people: Callable[[], None]) -> "Desk":
        self.paper = paper
        self.people = people
        return self

    def read(self, rollout: RolloutId, after: int) -> Sequence[Event]:
        return self.paper.events.get(rollout, [])[after:]

    def append(self, lease: Lease, rollout: RolloutId, after: int, events: Sequence[Event]) -> None:
        self.people()
        self._trouble()
        self.paper.renew(lease)
        here = self.paper.events.setdefault(rollout, [])
        if len(here) != after:
            raise Overtaken("somebody was faster")
        here += events
        self.paper.appends.append((self.world.clock.time, self.who, len(here)))
        self._trouble()
        self.pause()

    def _trouble(self) -> None:
        if self.world.roll(self.world.wicked.crash):
            raise Crash
        if self.world.roll(self.world.wicked.paper):
            raise Unreachable("the disk is full")

    def tell(self, rollout: RolloutId, word: Will) -> None:
        self.paper.tell(rollout, word)

    def find(self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False) -> list[Header]:
        raise NotImplementedError

    def take(self, groups: frozenset[Arn], owner: Owner, rollout: RolloutId) -> Lease:
        lease = self.paper.take(groups, owner, rollout)
        self.paper.takings.append((self.world.clock.time, self.who))
        return lease

    def renew(self, lease: Lease) -> None:
        self._trouble()
        self.paper.renew(lease)
        self.pause()

    def unlock(self, group: Arn) -> str:
        raise NotImplementedError

    def release(self, lease: Lease) -> None:
        self.paper.release(lease)
