"""The drivers of one recorded process: a real journal and real leases over the simulated AWS of the properties.

They stand where `katakei.bootstrap` puts the real drivers, so that the real commands run over them. Only AWS and the
servers are replaced.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.properties.adversary import Adversary
from tests.properties.fake_ports import FakeBalancer, FakeExecutor, FakeHealthChecker, FakePool, FakePort, SkewedClock
from tests.properties.simulated_aws import Crash, SimulatedAws

from katakei.adapters.aws.session import AwsSession
from katakei.adapters.balancers.alb import AlbBalancer
from katakei.adapters.executors.manual import ManualExecutor
from katakei.adapters.system.awake import SleepInhibitor
from katakei.domain.actions import Job
from katakei.domain.events import Event, UserCommand, WorkKey
from katakei.domain.leases import Heartbeat, Lease, Owner
from katakei.domain.model import Arn, Group, Registration, RolloutId, Target, TargetId
from katakei.domain.observation import DrainEvidence, HealthState, ProbeVerdict, WorkState, WorkStatus
from katakei.domain.ports import (
    CheckRequest,
    GroupMember,
    Leases,
    LeaseStatus,
    ListedGroup,
    ProbedTarget,
    RolloutHeader,
)
from katakei.domain.replay import Rollout, replay
from katakei.domain.spec import Command, Spec
from katakei.runtime.drivers import Site

if TYPE_CHECKING:
    from tests.recording.stage import Stage

ACCOUNT, REGION = "123456789012", "ap-northeast-1"
BOOT = "00000000-0000-4000-8000-000000000000"
FOLDER = "k3v9x2m7p4qd"  # the name of the folder in which local work keeps its marks
WORDS = {
    HealthState.DRAINING: ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
    HealthState.INITIAL: ("Elb.RegistrationInProgress", "Target registration is in progress"),
    HealthState.UNHEALTHY: ("Target.FailedHealthChecks", "Health checks failed"),
}
OUTPUT = "stopping web\nrelease v2 → /srv/app/current\nweb is 再起動 (restarted)\n"
Condition = Callable[[Rollout], bool]
Happening = tuple[Condition, Callable[[], object]]


def never(rollout: Rollout) -> bool:
    """The condition of a process that lives to the end of its command."""
    del rollout
    return False


@dataclass
class Servers:
    """What the servers of one stage are like, beside what the simulated AWS knows of them.

    Attributes:
        tags: The tags of each machine.
        blind: Why a probe cannot see the traffic of a target.
        busy_until: Until when a probe sees pending requests.
        arrivals: How many requests reached a target after its quiet verdict.
        tickets: How many tickets were issued so far.
    """

    tags: dict[TargetId, Mapping[str, str]] = field(default_factory=dict)
    blind: dict[TargetId, str] = field(default_factory=dict)
    busy_until: dict[TargetId, datetime] = field(default_factory=dict)
    arrivals: dict[TargetId, int] = field(default_factory=dict)
    tickets: int = 0


class StageAws(SimulatedAws):
    """The simulated AWS of one stage; the servers say how long requests are pending."""

    def __init__(
        self,
        servers: Servers,
        seed: int,
        groups: Sequence[Group],
        targets: Sequence[Target],
        bystanders: Sequence[Target] = (),
    ) -> None:
        super().__init__(seed, groups, targets, Adversary(), bystanders)
        self.servers = servers

    def pending(self, target: TargetId, at: datetime) -> bool:
        return at < self.servers.busy_until.get(target, at)


class Process:
    """The drivers of one command (`katakei.runtime.drivers.Drivers`).

    Args:
        stage: Where the command runs.
        number: The process id.
        dies: Ends the process, as `kill -9` does, right after the first event with which this condition holds.
        meanwhile: What happens between two turns, one after the other, each once its condition holds.
        tell: Shows a sentence to the user.
    """

    def __init__(
        self, stage: "Stage", number: int, dies: Condition, meanwhile: Sequence[Happening], tell: Callable[[str], None]
    ) -> None:
        aws = stage.aws
        self.stage, self.dies, self.meanwhile, self.tell = stage, dies, list(meanwhile), tell
        self.owner = Owner("kim", "deploy-1", number, 10 * number, BOOT, "linux/1", f"{number:016}")
        self.clock = StageClock(aws, self._between)
        self.pool = FakePool(aws)
        self._port = (aws, number, self.clock, lambda: None)
        self.balancer = Balancer(*self._port).on(stage.servers)
        self.lister = Lister(self.balancer)
        self.health_checker = HealthCheckers(*self._port)
        self.real_journal = stage.store.journal()
        self.journal = MortalJournal(self)
        self.leases = MortalLeases(self, stage.store.leases(stage.fate))
        self.freezes = stage.freezes
        self.notifier = None  # no configuration of a recording sends messages
        self.wait_reports = None  # no worker publishes what it waits for
        self.site = Site(ACCOUNT, REGION, lab=False)
        self.sleep_inhibitor = SleepInhibitor("linux")  # nothing keeps a Mac awake while tests run
        self._executors: dict[Command, ManualExecutor | Worker] = {}

    @property
    def alive(self) -> bool:
        return self.owner in self.stage.living

    def executor(self, command: Command) -> "ManualExecutor | Worker":
        if command not in self._executors:
            self._executors[command] = self._worker(command.executor)
        return self._executors[command]

    def probe(self, spec: Spec) -> "Prober | None":
        return Prober(*self._port).on(self.stage.servers) if spec.carrier else None

    def name(self) -> RolloutId:
        return self.stage.name()

    def die(self) -> None:
        """Ends the process at once: it does nothing more, and does not give its lease back."""
        self.stage.living.discard(self.owner)
        raise Crash

    def close(self) -> None:
        """The command has ended."""
        self.stage.living.discard(self.owner)

    def seen(self, rollout: RolloutId) -> None:
        """Ends the process if its condition holds for what the journal has now."""
        if self.dies is not never and self.dies(replay(self.real_journal.read(rollout, 0))):
            self.die()

    def _worker(self, name: str) -> "ManualExecutor | Worker":
        if name == "manual":
            return ManualExecutor()
        worker = Worker(*self._port).on(self.stage.servers)
        worker.marks = f"deploy-1 {BOOT} pid:[4026531836] {FOLDER}" if name == "local" else ""
        return worker

    def _between(self) -> None:
        while self.meanwhile and self.stage.rollouts:
            condition, happens = self.meanwhile[0]
            if not condition(replay(self.real_journal.read(self.stage.rollouts[-1], 0))):
                return
            self.meanwhile.pop(0)
            happens()


class StageClock(SkewedClock):
    """The time of the simulated AWS. What happens between two turns happens while this clock sleeps."""

    def __init__(self, aws: SimulatedAws, between: Callable[[], None]) -> None:
        super().__init__(aws, timedelta())
        self._between = between

    def sleep(self, span: timedelta) -> None:
        super().sleep(span)
        self._between()


class MortalJournal:
    """The real journal of a process that may end right after it has written."""

    def __init__(self, process: Process) -> None:
        self._process, self._real = process, process.real_journal

    def read(self, rollout: RolloutId, after: int) -> Sequence[Event]:
        return self._real.read(rollout, after)

    def find(
        self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False
    ) -> Sequence[RolloutHeader]:
        return self._real.find(service=service, group=group, unfinished=unfinished)

    def append(self, lease: Lease, rollout: RolloutId, after: int, events: Sequence[Event]) -> None:
        self._real.append(lease, rollout, after, events)
        self._process.seen(rollout)

    def tell(self, rollout: RolloutId, word: UserCommand) -> None:
        self._real.tell(rollout, word)
        self._process.seen(rollout)


class MortalLeases:
    """The real leases of a process that renews and gives back nothing once it has ended."""

    def __init__(self, process: Process, real: Leases) -> None:
        self._process, self._real = process, real

    def take(
        self, groups: frozenset[Arn], owner: Owner, rollout: RolloutId, silent: frozenset[Heartbeat] = frozenset()
    ) -> Lease:
        return self._real.take(groups, owner, rollout, silent)

    def renew(self, lease: Lease) -> None:
        if self._process.alive:
            self._real.renew(lease)

    def release(self, lease: Lease) -> None:
        if self._process.alive:
            self._real.release(lease)

    def holder(self, group: Arn) -> LeaseStatus | None:
        return self._real.holder(group)

    def unlock(self, group: Arn) -> str | None:
        return self._real.unlock(group)


class Balancer(FakeBalancer):
    """Finds groups by name too, and lists members with their tags and the texts of ELBv2."""

    def on(self, servers: Servers) -> "Balancer":
        self.servers = servers
        return self

    def groups(self, names: Sequence[str]) -> Sequence[Group]:
        arns = {group.name: group.arn for group in self.aws.group_of.values()}
        return super().groups([arns.get(name, Arn(name)) for name in names or arns])

    def members(self, group: Group) -> Sequence[GroupMember]:
        return [self._told(member) for member in super().members(group)]

    def restore_lines(self, registrations: Sequence[Registration]) -> Sequence[str]:
        """As the real adapter writes them; it asks AWS nothing for them."""
        return AlbBalancer(AwsSession(REGION, None, self.clock), self.clock).restore_lines(registrations)

    def _told(self, member: GroupMember) -> GroupMember:
        reason, description = WORDS.get(member.seen.state, ("", ""))
        seen = replace(member.seen, reason=reason, description=description)
        return replace(member, seen=seen, tags=self.servers.tags.get(member.machine, {}))


class Lister:
    """What the commands that only read ask."""

    def __init__(self, balancer: Balancer) -> None:
        self._balancer = balancer

    def names(self) -> Sequence[str]:
        return [group.name for group in self._balancer.groups(())]

    def listed(self, names: Sequence[str]) -> Sequence[ListedGroup]:
        return [
            ListedGroup(g.arn, g.name, g.port, g.protocol, g.target_type, tuple(self._balancer.members(g)))
            for g in self._balancer.groups(names)
        ]

    def restore_lines(self, registrations: Sequence[Registration]) -> Sequence[str]:
        return self._balancer.restore_lines(registrations)


class HealthCheckers(FakeHealthChecker):
    """The health checks; every target can be reached."""

    def reachable(self, questions: Mapping[TargetId, Sequence[CheckRequest]], by: timedelta) -> Mapping[TargetId, str]:
        del questions, by
        return {}


class Worker(FakeExecutor):
    """Work with a ticket like that of Systems Manager, or that of local work, and with output of several lines."""

    def on(self, servers: Servers) -> "Worker":
        self.servers = servers
        return self

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        taken = super().start(jobs, by)
        self.servers.tickets += 1
        return dict.fromkeys(taken, self.marks or f"0b8c5a1e-7d42-4c1f-9a60-{self.servers.tickets:012x}")

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        works = super().look(tickets, by)
        return {
            key: replace(work, out=OUTPUT) if work.state is WorkState.ENDED else work for key, work in works.items()
        }


class Prober(FakePort):
    """A probe that sees what `Servers` says."""

    def on(self, servers: Servers) -> "Prober":
        self.servers = servers
        return self

    def baseline(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, str]:
        return {each.target.id: self.servers.blind.get(each.target.id, "") for each in targets}

    def look(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, DrainEvidence]:
        return {each.target.id: self._verdict(each.target.id) for each in targets}

    def arrivals(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, int]:
        return {
            t.target.id: self.servers.arrivals[t.target.id] for t in targets if t.target.id in self.servers.arrivals
        }

    def last_look(self, targets: Sequence[ProbedTarget]) -> str:
        del targets
        return "exit 0"

    def unable(self, targets: Sequence[ProbedTarget], by: timedelta) -> Mapping[TargetId, str]:
        del targets, by
        return {}

    def end(self, targets: Sequence[ProbedTarget], *, forbid: bool) -> None:
        """It leaves nothing running."""

    def _verdict(self, target: TargetId) -> DrainEvidence:
        now = self.clock.now()
        if self.aws.pending(target, now):
            why = "2 connections, one silent for 31 s, proved at 60 s"
            return DrainEvidence(ProbeVerdict.BUSY, now - timedelta(seconds=1), now, why, 2)
        return DrainEvidence(ProbeVerdict.QUIET, now - timedelta(seconds=1), now, "no connection")
