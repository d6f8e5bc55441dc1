"""The drivers of one process in a calm small world of two servers, whose clock passes only when somebody sleeps."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tests.properties.builders import group, seconds, target
from tests.properties.fake_ports import FakeBalancer, FakeExecutor, FakeHealthChecker, FakePool, SkewedClock
from tests.properties.memory_journal import JournalConnection, MemoryFreezes, MemoryJournal
from tests.properties.scenarios import CALM
from tests.properties.simulated_aws import SimulatedAws
from tests.properties.simulated_drivers import SimulatedDrivers

from katakei.domain import events as e
from katakei.domain.leases import Owner
from katakei.domain.model import Arn, Group, Registration, RolloutId, Target, TargetId
from katakei.domain.observation import HealthState
from katakei.domain.ports import RolloutHeader
from katakei.domain.replay import replay
from katakei.domain.spec import Check, Command, Drain, Spec

ME, OTHER = Owner("kim", "here", 1, 1, "boot"), Owner("ci", "far", 2, 2, "boot")
SPEC = Spec("shop", ("web",), Command("ssm", "./deploy"), drain=Drain(settle=seconds(30)), check=Check(asked=False))


class Balancer(FakeBalancer):
    """Knows groups by name too, and writes restore lines."""

    def groups(self, names: Sequence[str]) -> Sequence[Group]:
        arns = {group.name: group.arn for group in self.aws.group_of.values()}
        return super().groups([arns.get(name, Arn(name)) for name in names])

    def elsewhere(self, targets: Sequence[Target]) -> Sequence[Registration]:
        ids, own = {target.id for target in targets}, {place.group for t in targets for place in t.registrations}
        return [
            place
            for place, owner in self.aws.owner_of.items()
            if owner.id in ids and place.group not in own and self.aws.now(place).state is not HealthState.ABSENT
        ]

    def restore_lines(self, registrations: Sequence[Registration]) -> Sequence[str]:
        return [f"register {place.id}:{place.port}" for place in registrations]


class Checker(FakeHealthChecker):
    """Every target can be asked from here."""

    def reachable(self, questions: object, by: timedelta) -> dict[TargetId, str]:
        del questions, by
        return {}


class Store(JournalConnection):
    """The journal and the leases of one process."""

    def find(
        self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False
    ) -> list[RolloutHeader]:
        rollouts = [replay(events) for events in self.store.events.values()]
        return [
            RolloutHeader(
                each.plan.rollout,
                each.plan.spec.service,
                tuple(each.plan.floors),
                each.begun,
                each.finished,
                each.plan.who,
            )
            for each in reversed(rollouts)
            if service in {None, each.plan.spec.service}
            and (group is None or group in each.plan.floors)
            and not (unfinished and each.finished)
        ]


@dataclass
class Stage:
    """A simulated AWS, its journal in memory, and the drivers of this process."""

    targets: int = 2
    store: MemoryJournal = field(default_factory=MemoryJournal)

    def __post_init__(self) -> None:
        groups = [group("web", delay=5)]
        self.aws = SimulatedAws(1, groups, [target(number, groups) for number in range(self.targets)], CALM)
        self.drivers = self.drivers_of(ME)

    @property
    def groups(self) -> frozenset[Arn]:
        return frozenset(self.aws.group_of)

    @property
    def clock(self) -> SkewedClock:
        return self.drivers.clock

    @property
    def changes(self) -> list[str]:
        """Every call to AWS that was not a question."""
        return [call.kind for call in self.aws.log.calls if call.kind in {"register", "deregister", "start"}]

    def drivers_of(self, owner: Owner) -> SimulatedDrivers:
        aws, who = self.aws, owner.pid
        clock = SkewedClock(aws, timedelta())
        door = (aws, who, clock, lambda: None)
        store = Store(*door).sit(self.store, lambda: None)
        return SimulatedDrivers(
            balancer=Balancer(*door),
            only_executor=FakeExecutor(*door),
            health_checker=Checker(*door),
            journal=store,
            leases=store,
            freezes=MemoryFreezes(clock, self.store),
            clock=clock,
            pool=FakePool(aws),
            only_probe=None,
            owner=owner,
        )

    def events(self, rollout: str = "r-new") -> list[e.Event]:
        return self.store.events.get(RolloutId(rollout), [])
