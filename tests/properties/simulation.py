"""The simulation of one whole rollout: processes die, are suspended and taken over, and users give commands.

The result is an `Outcome`, which `judge.py` judges. Nothing here judges.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.properties.builders import group, seconds, target
from tests.properties.fake_ports import FakeBalancer, FakeExecutor, FakeHealthChecker, FakePool, SkewedClock
from tests.properties.fake_probe import FakeProbe, FakeReader
from tests.properties.fake_stops import StoppingExecutor
from tests.properties.holds import FrozenSpan
from tests.properties.memory_journal import FreezesConnection, JournalConnection, MemoryFreezes, MemoryJournal
from tests.properties.scenarios import Scenario, spec_of
from tests.properties.simulated_aws import NOON, Crash, HealthChange, SimulatedAws
from tests.properties.simulated_drivers import SimulatedDrivers
from tests.properties.users import Users

from katakei.domain import events as e
from katakei.domain.errors import KatakeiError, LeaseHeldError, LeaseLostError
from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.observation import HealthState
from katakei.domain.phases import Phase
from katakei.domain.plan import Floor, Plan, PlanKind
from katakei.domain.ports import Freezes, Probe
from katakei.domain.replay import Rollout, replay
from katakei.domain.spec import DrainUntil, Spec
from katakei.render.reasons import sentence
from katakei.runtime.lease_keeper import LeaseKeeper, acquire_lease
from katakei.runtime.runner import Runner, Turn

__all__ = ["Outcome", "Simulation", "plan_of", "simulate", "spec_of"]

ID, RIVAL = RolloutId("r-test"), RolloutId("r-rival")
PROCESSES = 25  # after this many the adversary stops
HOME, LONGEST = seconds(3600), seconds(2 * 3600)
TURNS = 3000  # more than three times the longest way to the end
RIVALS = 0.02
STALL, TAKEOVER = 70, 60  # seconds: without progress the heartbeat stops; then another process takes over
KNOWN_DEAD_SHARE = 0.5  # share of dead processes whose death the next process can see


@dataclass
class Outcome:
    """The result of a simulation.

    Attributes:
        refused: What every rival rollout was told.
        sentences: Every wait that was shown, and whether targets were in progress.
        frozen: The freezes that held the rollout.
    """

    scenario: Scenario
    aws: SimulatedAws
    store: MemoryJournal
    rollout: Rollout
    ended: datetime
    figures: Counter[str]
    refused: list[str]
    sentences: dict[str, bool]
    frozen: list[FrozenSpan] = field(default_factory=list)


@dataclass(frozen=True)
class Process:
    """One process that drives the rollout, or drove it."""

    owner: Owner
    hold: LeaseKeeper
    runner: Runner
    clock: SkewedClock
    pool: FakePool


def plan_of(aws: SimulatedAws, *, window: int, floor: int, spec: Spec, per_zone: int = 0) -> Plan:
    groups = tuple(aws.group_of.values())
    members = len(aws.targets) + len(aws.bystanders)
    return Plan(
        rollout=ID,
        kind=PlanKind.ROLL,
        spec=spec,
        release="v2",
        account="123456789012",
        region="ap-northeast-1",
        groups=groups,
        targets=tuple(aws.targets.values()),
        bystanders=aws.bystanders,
        window=window,
        floors={group.arn: Floor(floor, members, per_zone) for group in groups},
        who="tester",
        versions={"katakei": "test"},
    )


def simulate(scenario: Scenario) -> Outcome:
    """Simulate one rollout from Planned to Finished, whatever the adversary does."""
    return Simulation(scenario).run()


class Simulation:
    """One simulation: the process that drives, those that died or are suspended, and the users."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.aws = _aws(scenario)
        self.store = MemoryJournal()
        self.store.events[ID] = [e.Planned(NOON, _plan(scenario, self.aws))]
        self.users = Users(scenario, self.aws, self.store, ID)
        self.driving: Process | None = None
        self.suspended: list[Process] = []
        self.standing_still = False
        self.figures: Counter[str] = Counter()
        self.refused: list[str] = []
        self.watched: list[str] = []
        self.sentences: dict[str, bool] = {}

    @property
    def over(self) -> bool:
        return self.aws.clock.time - NOON > LONGEST or self.figures["turns"] > TURNS

    def run(self) -> Outcome:
        while (not self.users.finished or self.users.wants_it_back()) and not self.over:
            try:
                self._drive(self.driving or self._take_up())
            except LeaseHeldError:  # the former process died a moment ago on another machine: try again
                self.aws.clock.sleep(seconds(10))
        ended = self.aws.clock.time
        self.aws.frozen = True
        self.aws.clock.sleep(seconds(20))
        self.aws.pass_time()
        return Outcome(
            scenario=self.scenario,
            aws=self.aws,
            store=self.store,
            rollout=replay(self.store.events[ID]),
            ended=ended,
            figures=self.figures,
            refused=self.refused,
            sentences=self.sentences,
            frozen=self.users.frozen,
        )

    # -- processes

    def _take_up(self) -> Process:
        number = self.figures["processes"] + 1
        aws, owner = self.aws, Owner("deploy", "host", number, number, "boot")
        if self.scenario.twins:  # machines from one snapshot: only the nonce differs
            owner = Owner("deploy", "host", 1, 1, "boot", nonce=str(number))
        error = aws.rng.uniform(-7200, 7200) if self.scenario.wrong_clocks and aws.rng.random() < 0.6 else 0
        clock, pool = SkewedClock(aws, seconds(error)), FakePool(aws)
        pause = lambda: self._stand_still(owner)  # noqa: E731 - bound to this owner
        desk = JournalConnection(aws, number, clock, pause).sit(self.store, self.users.speak)
        groups = frozenset(aws.group_of)
        kind = StoppingExecutor if self.scenario.spec.work.stops else FakeExecutor
        executor = kind(aws, number, clock, pause)
        executor.by_hand = self.scenario.by_hand
        drivers = SimulatedDrivers(
            balancer=FakeBalancer(aws, number, clock, pause),
            only_executor=executor,
            health_checker=FakeHealthChecker(aws, number, clock, pause),
            journal=desk,
            leases=desk,
            freezes=self._freezes(number, clock, pause),
            clock=clock,
            pool=pool,
            only_probe=self._probe(number, clock, pause),
            owner=owner,
            said=self.watched,
        )
        hold = acquire_lease(drivers, groups, ID)
        self.figures["processes"] += 1
        runner = Runner(drivers, hold, ID)
        runner.note(e.OwnerChanged(clock.now(), owner))
        self.driving = Process(owner, hold, runner, clock, pool)
        return self.driving

    def _probe(self, number: int, clock: SkewedClock, pause: Callable[[], None]) -> Probe | None:
        kind = FakeReader if self.scenario.spec.drain.until is DrainUntil.REQUESTS else FakeProbe
        return kind(self.aws, number, clock, pause) if self.scenario.probe else None

    def _freezes(self, number: int, clock: SkewedClock, pause: Callable[[], None]) -> Freezes:
        """Where nobody freezes, the store of freezes has no faults: it must not change what the seed draws."""
        if self.scenario.holds is None:
            return MemoryFreezes(self.aws.clock, self.store)
        return FreezesConnection(self.aws, number, clock, pause).sit(self.store)

    def _drive(self, process: Process, turns: int = 10**9) -> None:
        """Run turns until nothing is left for this process, or until this many turns."""
        for _ in range(turns):
            if not self._turned(process):
                return

    def _turned(self, process: Process) -> bool:
        """One turn and the sleep after it. False when the process is gone."""
        too_long = self.figures["processes"] > PROCESSES or self.aws.clock.time - NOON > HOME
        self.aws.frozen = self.aws.frozen or too_long
        try:
            turn = process.runner.turn()
        except Crash:
            self.figures["crashes"] += 1
            self.store.heartbeats[process.owner].stops(self.aws.clock.time)
            if self.users.rng.random() < KNOWN_DEAD_SHARE:
                self.store.dead.add(process.owner)
            self.suspended.append(process)
            return self._gone(process)
        except LeaseLostError:
            return self._gone(process)
        except KatakeiError:
            self.figures["gave up"] += 1
            return self._tries_again(process) or self._leave(process)
        self.figures["turns"] += 1
        self._after(process, turn)
        if turn.over or self.over:
            return self._leave(process)
        process.clock.sleep(turn.due - process.clock.now())
        return True

    def _tries_again(self, process: Process) -> bool:
        """Some processes continue with the same runner, others end."""
        process.clock.sleep(seconds(5))
        return self.users.rng.random() < 0.5

    def _leave(self, process: Process) -> bool:
        self.store.release(process.hold.lease)
        return self._gone(process)

    def _gone(self, process: Process) -> bool:
        self.driving = None if self.driving is process else self.driving
        return False

    def _stand_still(self, owner: Owner) -> None:
        """Suspend the machine at this call; another process tries to take over; then it continues where it was.

        A suspend of the operating system counts in its clock. When a hypervisor stops the machine, its clock stops too.
        """
        process = self.driving
        if self.standing_still or process is None or process.owner != owner:
            return
        blocked = self.aws.roll(self.aws.adversary.blocked)
        stopped = not blocked and self.aws.roll(self.aws.adversary.stopped)
        if not blocked and not stopped and not self.aws.roll(self.aws.adversary.pause):
            return
        self.standing_still = True
        heart, now = self.store.heartbeats[owner], self.aws.clock.time
        until = now + seconds(self.aws.rng.uniform(5, 150))
        stops = now
        if blocked:  # the heartbeat's thread goes on until it finds no progress
            until = now + seconds(self.aws.rng.uniform(5, 400))
            stops = min(until, max(now, now + (process.hold.beats_until - process.clock.now())))
        heart.stops(stops, until)
        begun = now + seconds(STALL) if blocked and until - now > seconds(STALL + TAKEOVER) else now
        self.aws.clock.sleep(begun - now + seconds(self.aws.rng.uniform(0, 60 if begun == now else 1)))
        try:
            self._drive(self._take_up(), turns=self.aws.rng.randint(1, 30))
            self.figures["taken over"] += 1
        except LeaseHeldError:
            self.figures["woke in time"] += 1
            self.figures["stalled"] += begun > now
        with _calm(self.aws):
            self.aws.clock.sleep(max(until - self.aws.clock.time, seconds(0)))
            if stopped:
                process.clock.stood_still(self.aws.clock.time - now)
                self.figures["stopped"] += 1
            process.pool.run_what_is_due()
        self.standing_still = False

    def _wake_suspended(self) -> None:
        """Let a process that was thought dead continue."""
        self.figures["zombies"] += 1
        process = self.suspended.pop()
        with _calm(self.aws):
            try:
                process.runner.turn()
            except KatakeiError:
                return

    # -- people

    def _after(self, process: Process, turn: Turn) -> None:
        self.figures["restless"] += turn.due <= turn.now
        if not turn.over:
            self.sentences.setdefault(sentence(turn.why), bool(turn.rollout.in_progress))
        if self.suspended and self.aws.roll(0.05):
            self._wake_suspended()
        if self.users.rng.random() < RIVALS:
            self._rival()
        self.users.speak()
        for who in turn.rollout.at(Phase.WORKING) if self.scenario.by_hand else ():
            if self.users.rng.random() < 0.1:
                self.users.tell(e.Approved(self.aws.clock.time, "anna", self.users.rng.choice((who, None))))
        if self.users.rng.random() < self.scenario.interrupts and not turn.over:
            process.runner.note(e.Interrupted(process.clock.now(), "anna"))

    def _rival(self) -> None:
        """Let another rollout ask for a group while a process of this rollout is alive."""
        if not any(holder[0] not in self.store.dead for holder in self.store.holders.values()):
            return
        try:
            wanted, eve = frozenset(list(self.aws.group_of)[:1]), Owner("eve", "host", 0, 0, "boot")
            self.store.take(wanted, eve, RIVAL, frozenset(), self.aws.clock.time)
            self.refused.append("")
        except LeaseHeldError as held:
            self.refused.append(str(held))


class _calm:  # noqa: N801 - reads as a word
    """No adversary for a moment."""

    def __init__(self, aws: SimulatedAws) -> None:
        self._aws = aws
        self._was = aws.frozen

    def __enter__(self) -> None:
        self._aws.frozen = True

    def __exit__(self, *_: object) -> None:
        self._aws.frozen = self._was


def _aws(scenario: Scenario) -> SimulatedAws:
    given, number = scenario, range(scenario.groups)
    groups = [group(f"web{n}", delay=given.delay, ip=given.ip, slow_start=given.slow_start) for n in number]
    everyone = [target(n, groups) for n in range(scenario.targets + scenario.bystanders)]
    taking_part, others = everyone[: scenario.targets], everyone[scenario.targets :]
    aws = SimulatedAws(scenario.seed, groups, taking_part, scenario.adversary, others)
    aws.script = scenario.script
    return aws


def _plan(scenario: Scenario, aws: SimulatedAws) -> Plan:
    plan = plan_of(aws, window=scenario.window, floor=scenario.floor, spec=scenario.spec, per_zone=scenario.per_zone)
    if scenario.kind is PlanKind.ROLL:
        return replace(plan, limit=scenario.limit, waves=scenario.spec.window.wave_ends(len(plan.targets)))
    plan = replace(plan, kind=scenario.kind, window=len(plan.targets), waits=scenario.waits)
    if scenario.kind is PlanKind.DEREGISTER:
        return plan
    for place in [place for it in plan.targets for place in it.registrations]:
        aws.past[place] = [HealthChange(NOON, HealthState.ABSENT)]
    return replace(plan, begin=Phase.OUT)
