"""One whole rollout of a calm world through the real runner, and what it took: turns, calls, events.

The journal is given: in memory, or whatever a URL names. Nothing is measured in seconds of this machine here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bench.scale.fake_drivers import FakeAlb, FakeExecutor, FakeHealthChecker, FakePool, FakeProbe
from bench.scale.simulated_aws import SimulatedAws
from katakei.domain import events as e
from katakei.domain.errors import ConcurrentAppendError
from katakei.domain.leases import Heartbeat, Lease, Owner
from katakei.domain.model import Arn, RolloutId
from katakei.domain.plan import Floor, Plan, PlanKind
from katakei.domain.ports import Journal, Leases, RolloutHeader
from katakei.domain.replay import Rollout
from katakei.domain.spec import Command, Drain, DrainUntil, Limits, Spec
from katakei.runtime.drivers import Site
from katakei.runtime.lease_keeper import LeaseKeeper
from katakei.runtime.runner import Runner

ID = RolloutId("r-scale")
OWNER = Owner("bench", "host", 1, 1, "boot")
SITE = Site("123456789012", "ap-northeast-1", lab=False)


@dataclass
class MemoryJournal:
    """A journal and its leases in memory: as little as a rollout can be kept in."""

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
            raise ConcurrentAppendError("somebody was faster")
        self.events += events
        self.appends += 1

    def tell(self, rollout: RolloutId, word: e.UserCommand) -> None:
        """As the port says."""
        del rollout
        self.events.append(word)

    def find(
        self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False
    ) -> Sequence[RolloutHeader]:
        """Nobody asks."""
        del service, group, unfinished
        return []

    def take(
        self, groups: frozenset[Arn], owner: Owner, rollout: RolloutId, silent: frozenset[Heartbeat] = frozenset()
    ) -> Lease:
        """There is one process only."""
        del rollout, silent
        return Lease(groups, owner, 1)

    def renew(self, lease: Lease) -> None:
        """There is one process only."""

    def release(self, lease: Lease) -> None:
        """There is one process only."""

    def unlock(self, group: Arn) -> str:
        """Nobody has it."""
        del group
        return ""


@dataclass(frozen=True, slots=True)
class RolloutFigures:
    """What is left of it."""

    aws: SimulatedAws
    rollout: Rollout
    turns: int
    took: timedelta
    out: timedelta  # how long a target was out of service, on average


def plan_of(aws: SimulatedAws, window: int) -> Plan:
    """At the defaults: drains end by proof, half of each group serves; only work may take as long as it likes."""
    spec = Spec(
        service="web",
        groups=tuple(group.name for group in aws.groups),
        work=Command("ssm", "./deploy.sh"),
        drain=Drain(until=DrainUntil.PROOF),
        limits=Limits(working=timedelta(days=1)),
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


def roll(aws: SimulatedAws, window: int, journal: Journal, leases: Leases) -> RolloutFigures:
    """From Planned to Finished, every target done."""
    lease = leases.take(frozenset(group.arn for group in aws.groups), OWNER, ID)
    journal.append(lease, ID, 0, [e.Planned(aws.clock.now(), plan_of(aws, window))])
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
        self._executor = FakeExecutor(self.aws)

    def executor(self, command: Command) -> FakeExecutor:
        """The same for every command."""
        del command
        return self._executor

    def probe(self, spec: Spec) -> FakeProbe:
        """The same for every spec."""
        del spec
        return FakeProbe(self.clock)

    def name(self) -> RolloutId:
        """The one rollout."""
        return ID

    def tell(self, sentence: str) -> None:
        """Nobody reads it."""
