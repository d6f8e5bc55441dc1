"""The drivers of one process in a simulated AWS of two servers without faults, and the way to a running rollout.

Time passes only when something sleeps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from tests.properties.builders import group, seconds, target
from tests.properties.fake_ports import FakeBalancer, FakeExecutor, FakeHealthChecker, FakePool, SkewedClock
from tests.properties.memory_journal import JournalConnection, MemoryFreezes, MemoryJournal
from tests.properties.scenarios import CALM
from tests.properties.simulated_aws import SimulatedAws
from tests.properties.simulated_drivers import SimulatedDrivers

from katakei.app.preflight import RolloutRequest
from katakei.app.rollouts import Proposal, Rollouts
from katakei.domain import events as e
from katakei.domain.leases import Owner
from katakei.domain.model import Arn, Group, Registration, RolloutId, Target, TargetId
from katakei.domain.observation import HealthState
from katakei.domain.ports import RolloutHeader
from katakei.domain.replay import replay
from katakei.domain.spec import Check, Command, Drain, Spec
from katakei.runtime.session import RolloutSession

ME, OTHER = Owner("kim", "here", 1, 1, "boot"), Owner("ci", "far", 2, 2, "boot")
SPEC = Spec("shop", ("web",), Command("ssm", "./deploy"), drain=Drain(settle=seconds(30)), check=Check(asked=False))
REQUEST = RolloutRequest(SPEC, "v2")


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


def proposed(stage: Stage, request: RolloutRequest = REQUEST, name: str = "r-new") -> Proposal:
    """Opens a rollout with this id; fails the test if there is nothing to propose."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.drivers, "name", lambda: RolloutId(name))
        proposal = Rollouts(stage.drivers).open(request)
    assert isinstance(proposal, Proposal)
    return proposal


def started(stage: Stage, request: RolloutRequest = REQUEST, name: str = "r-new") -> RolloutSession:
    """Opens a rollout with this id and accepts its proposal."""
    session = Rollouts(stage.drivers).start(proposed(stage, request, name))
    assert isinstance(session, RolloutSession)
    return session


def until(stage: Stage, session: RolloutSession, event: type[e.Event], turns: int = 200) -> None:
    """Takes turns until an event of this type is written."""
    for _ in range(turns):
        turn = session.step()
        if any(isinstance(each, event) for each in turn.written):
            return
        stage.clock.sleep(turn.due - turn.now)
    raise AssertionError(f"{event.__name__} was not written")
