"""The drivers of one process in a calm small world of two servers, whose clock passes only when somebody sleeps."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tests.properties.doors import BalancerDoor, CheckerDoor, ExecutorDoor, SmallPool, WrongClock
from tests.properties.drivers import PlayDrivers
from tests.properties.paper import Desk, Paper
from tests.properties.settings import CALM
from tests.properties.things import group, seconds, target
from tests.properties.world import SmallWorld

from katakei.domain import events as e
from katakei.domain.leases import Owner
from katakei.domain.model import Arn, Group, Registration, RolloutId, TargetId
from katakei.domain.ports import RolloutHeader
from katakei.domain.replay import replay
from katakei.domain.spec import Check, Command, Drain, Spec

ME, OTHER = Owner("kim", "here", 1, 1, "boot"), Owner("ci", "far", 2, 2, "boot")
SPEC = Spec("shop", ("web",), Command("ssm", "./deploy"), drain=Drain(settle=seconds(30)), check=Check(asked=False))


class Balancer(BalancerDoor):
    """Knows groups by name too, and writes restore lines."""

    def groups(self, names: Sequence[str]) -> Sequence[Group]:
        arns = {group.name: group.arn for group in self.world.group_of.values()}
        return super().groups([arns.get(name, Arn(name)) for name in names])

    def restore_lines(self, registrations: Sequence[Registration]) -> Sequence[str]:
        return [f"register {place.id}:{place.port}" for place in registrations]


class Checker(CheckerDoor):
    """Every target can be asked from here."""

    def reachable(self, questions: object, by: timedelta) -> dict[TargetId, str]:
        del questions, by
        return {}


class Store(Desk):
    """The journal and the leases of one process."""

    def find(
        self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False
    ) -> list[RolloutHeader]:
        rollouts = [replay(events) for events in self.paper.events.values()]
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
    """A world, its journal on paper, and the drivers of this process."""

    targets: int = 2
    paper: Paper = field(default_factory=Paper)

    def __post_init__(self) -> None:
        groups = [group("web", delay=5)]
        self.world = SmallWorld(1, groups, [target(number, groups) for number in range(self.targets)], CALM)
        self.drivers = self.drivers_of(ME)

    @property
    def groups(self) -> frozenset[Arn]:
        return frozenset(self.world.group_of)

    @property
    def clock(self) -> WrongClock:
        return self.drivers.clock

    @property
    def changes(self) -> list[str]:
        """Every call to AWS that was not a question."""
        return [call.kind for call in self.world.log.calls if call.kind in {"register", "deregister", "start"}]

    def drivers_of(self, owner: Owner) -> PlayDrivers:
        world, who = self.world, owner.pid
        clock = WrongClock(world, timedelta())
        door = (world, who, clock, lambda: None)
        store = Store(*door).sit(self.paper, lambda: None)
        return PlayDrivers(
            balancer=Balancer(*door),
            only_executor=ExecutorDoor(*door),
            health_checker=Checker(*door),
            journal=store,
            leases=store,
            clock=clock,
            pool=SmallPool(world),
            only_probe=None,
            owner=owner,
        )

    def events(self, rollout: str = "r-new") -> list[e.Event]:
        return self.paper.events.get(RolloutId(rollout), [])
