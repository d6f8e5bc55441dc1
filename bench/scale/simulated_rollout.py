"""One complete rollout on simulated AWS with the real runner, and its counts: turns, calls, events.

The journal is an argument. Nothing here measures real time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bench.scale.fake_drivers import FakeAlb, FakeExecutor, FakeHealthChecker, FakePool, FakeProbe
from bench.scale.simulated_aws import ManualClock, SimulatedAws
from katakei.domain import events as e
from katakei.domain.errors import ConcurrentAppendError
from katakei.domain.freezes import Freeze
from katakei.domain.leases import Heartbeat, Lease, Owner
from katakei.domain.model import Arn, RolloutId
from katakei.domain.plan import Floor, Plan, PlanKind
from katakei.domain.ports import Journal, Leases, RolloutHeader, Router
from katakei.domain.replay import Rollout
from katakei.domain.spec import Command, Drain, DrainUntil, Limits, Overlap, Spec
from katakei.runtime.drivers import Site
from katakei.runtime.lease_keeper import LeaseKeeper
from katakei.runtime.runner import Runner

ID = RolloutId("r-scale")
OWNER = Owner("bench", "host", 1, 1, "boot")
SITE = Site("123456789012", "ap-northeast-1", lab=False)


@dataclass
class MemoryJournal:
    """A minimal journal with leases, in memory."""

    events: list[e.Event] = field(default_factory=list)
    appends: int = 0

    def read(self, rollout: RolloutId, after: int) -> Sequence[e.Event]:
        """As the port says."""
        del rollout
        return self.events[after:]

    def append(self, lease: Lease, rollout: RolloutId, after: int, events: Sequence[e.Event]) -> None:
        """As the port says."""
        del lease, rollout
        if after != len(self.events):
            raise ConcurrentAppendError("another append was first")
        self.events += events
        self.appends += 1

    def tell(self, rollout: RolloutId, word: e.UserCommand) -> None:
        """As the port says."""
        del rollout
        self.events.append(word)

    def find(
        self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False
    ) -> Sequence[RolloutHeader]:
        """Never called."""
        del service, group, unfinished
        return []

    def take(
        self, groups: frozenset[Arn], owner: Owner, rollout: RolloutId, silent: frozenset[Heartbeat] = frozenset()
    ) -> Lease:
        """There is only one process."""
        del rollout, silent
        return Lease(groups, owner, 1)

    def renew(self, lease: Lease) -> None:
        """There is one process only."""

    def release(self, lease: Lease) -> None:
        """There is one process only."""

    def holder(self, group: Arn) -> None:
        """Never called."""

    def unlock(self, group: Arn) -> str:
        """No group is locked."""
        del group
        return ""


@dataclass(frozen=True, slots=True)
class RolloutFigures:
    """The figures of one rollout."""

    aws: SimulatedAws
    rollout: Rollout
    turns: int
    took: timedelta
    out: timedelta  # average time out of service of a target


def plan_of(aws: SimulatedAws, window: int) -> Plan:
    """Returns a plan with default settings: drains end by proof, half of each group serves, work has no limit."""
    spec = Spec(
        service="web",
        groups=tuple(group.name for group in aws.groups),
        work=Command("ssm", "./deploy.sh"),
        drain=Drain(until=DrainUntil.PROOF),
        limits=Limits(working=timedelta(days=1)),
        overlap=Overlap.AUTO,
    )
    sizes = {group.arn: len(aws.members[group.arn]) for group in aws.groups}
    return Plan(
        rollout=ID,
        kind=PlanKind.ROLL,
        spec=spec,
        release="v2",
        account="123456789012",
        region="ap-northeast-1",
        groups=aws.groups,
        targets=aws.targets,
        bystanders=(),
        window=window,
        floors={arn: Floor(-(-size // 2), size) for arn, size in sizes.items()},
        who="bench",
        versions={"katakei": "bench"},
    )


@dataclass(frozen=True)
class NoFreezes:
    """A store in which nothing is frozen."""

    clock: ManualClock

    def read(self) -> tuple[datetime, Sequence[Freeze]]:
        """As the port says."""
        return self.clock.now(), ()

    def active(self) -> Sequence[Freeze]:
        """As the port says."""
        return ()

    def freeze(self, name: str, who: str, why: str, until: datetime | None) -> Freeze:
        """As the port says, but keeps nothing."""
        return Freeze(name, who, why, self.clock.now(), until)

    def unfreeze(self, name: str, who: str) -> Freeze | None:
        """As the port says."""
        del name, who
        return None


def roll(aws: SimulatedAws, window: int, journal: Journal, leases: Leases, plan: Plan | None = None) -> RolloutFigures:
    """Run from Planned to Finished, by default with the default settings."""
    lease = leases.take(frozenset(group.arn for group in aws.groups), OWNER, ID)
    journal.append(lease, ID, 0, [e.Planned(aws.clock.now(), plan or plan_of(aws, window))])
    runner = Runner(Drivers(aws, journal, leases), LeaseKeeper(leases, aws.clock, lease, aws.clock.now()), ID)
    runner.note(e.OwnerChanged(aws.clock.now(), OWNER))
    turns = 1
    while not (turn := runner.turn()).over:
        turns += 1
        aws.clock.sleep(turn.due - aws.clock.now())
    rollout = turn.rollout
    out = [life.back - life.left for life in aws.lives.values() if life.back and life.left]
    took = aws.clock.now() - rollout.begun
    return RolloutFigures(aws, rollout, turns, took, sum(out, timedelta()) / len(out))


@dataclass
class Drivers:
    """The drivers of the simulated AWS (`katakei.runtime.drivers`)."""

    aws: SimulatedAws
    journal: Journal
    leases: Leases
    owner: Owner = OWNER
    site: Site = SITE

    def __post_init__(self) -> None:
        self.clock = self.aws.clock
        self.balancer = self.lister = FakeAlb(self.aws)
        self.health_checker = FakeHealthChecker(self.clock)
        self.pool = FakePool(self.clock)
        self.freezes = NoFreezes(self.clock)
        self._executor = FakeExecutor(self.aws)

    def executor(self, command: Command) -> FakeExecutor:
        """The same for every command."""
        del command
        return self._executor

    @property
    def router(self) -> Router:
        """No switch is measured."""
        raise NotImplementedError

    def probe(self, spec: Spec) -> FakeProbe:
        """The same for every spec."""
        del spec
        return FakeProbe(self.clock)

    def name(self) -> RolloutId:
        """The one rollout."""
        return ID

    def tell(self, sentence: str) -> None:
        """Nobody reads it."""
