"""One whole rollout of a calm world through the real runner, and what it took: turns, calls, events.

The journal is given: in memory, or whatever a URL names. Nothing is measured in seconds of this machine here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bench.scale.fake_drivers import SmallAlb, SmallChecker, SmallExecutor, SmallPool, SmallWitness
from bench.scale.simulated_aws import CalmWorld
from katakei.domain import events as e
from katakei.domain.errors import ConcurrentAppendError
from katakei.domain.leases import Heartbeat, Lease, Owner
from katakei.domain.model import Arn, RolloutId
from katakei.domain.plan import Floor, Plan, PlanKind
from katakei.domain.ports import Journal, Leases, RolloutHeader
from katakei.domain.replay import Rollout
from katakei.domain.spec import Command, Drain, DrainUntil, Limits, Spec
from katakei.runtime import inline
from katakei.runtime.lease_keeper import LeaseKeeper
from katakei.runtime.runner import Runner, RunnerDrivers, Turn

ID = RolloutId("r-scale")
OWNER = Owner("bench", "host", 1, 1, "boot")


@dataclass
class Paper:
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
class Rolled:
    """What is left of it."""

    world: CalmWorld
    rollout: Rollout
    turns: int
    took: timedelta
    out: timedelta  # how long a target was out of service, on average


def plan_of(world: CalmWorld, window: int) -> Plan:
    """At the defaults: drains end by proof, half of each group serves; only work may take as long as it likes."""
    spec = Spec(
        service="web",
        groups=tuple(group.name for group in world.groups),
        work=Command("ssm", "./deploy.sh"),
        drain=Drain(until=DrainUntil.PROOF),
        limits=Limits(working=timedelta(days=1)),
    )
    sizes = {group.arn: len(world.members[group.arn]) for group in world.groups}
    return Plan(
        rollout=ID,
        kind=PlanKind.ROLL,
        spec=spec,
        release="v2",
        account="123456789012",
        region="ap-northeast-1",
        groups=world.groups,
        targets=world.targets,
        bystanders=(),
        window=window,
        floors={arn: Floor(-(-size // 2), size) for arn, size in sizes.items()},
        who="bench",
        versions={"katakei": "bench"},
    )


def roll(world: CalmWorld, window: int, journal: Journal, leases: Leases) -> Rolled:
    """From Planned to Finished, every target done."""
    lease = leases.take(frozenset(group.arn for group in world.groups), OWNER, ID)
    journal.append(lease, ID, 0, [e.Planned(world.clock.now(), plan_of(world, window))])
    runner = Runner(_drivers(world, journal), LeaseKeeper(leases, world.clock, lease, world.clock.now()), ID)
    runner.note(e.OwnerChanged(world.clock.now(), OWNER))
    turns: list[datetime] = []

    def told(turn: Turn) -> None:
        turns.append(turn.now)

    rollout = inline.drive(runner, world.clock, told)
    out = [life.back - life.left for life in world.lives.values() if life.back and life.left]
    took = world.clock.now() - rollout.begun
    return Rolled(world, rollout, len(turns), took, sum(out, timedelta()) / len(out))


def _drivers(world: CalmWorld, journal: Journal) -> RunnerDrivers:
    clock = world.clock
    return RunnerDrivers(
        balancer=SmallAlb(world),
        executor=SmallExecutor(world),
        health_checker=SmallChecker(clock),
        journal=journal,
        clock=clock,
        pool=SmallPool(clock),
        probe=SmallWitness(clock),
    )
