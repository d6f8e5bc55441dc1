"""Plays one whole rollout in a small world: processes that die, stand still and are taken over, and people who speak.

What remains is an `Outcome`; `judge.py` says what it is worth. Nothing here judges.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

from tests.properties.doors import BalancerDoor, CheckerDoor, ExecutorDoor, SmallPool, WrongClock
from tests.properties.drivers import PlayDrivers
from tests.properties.paper import Desk, Paper
from tests.properties.people import People
from tests.properties.probe import WitnessDoor
from tests.properties.settings import Setting, spec_of
from tests.properties.things import group, seconds, target
from tests.properties.world import NOON, Crash, SmallWorld, Was

from katakei.domain import events as e
from katakei.domain.errors import KatakeiError, LeaseHeldError, LeaseLostError
from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.observation import HealthState
from katakei.domain.phases import Phase
from katakei.domain.plan import Floor, Plan, PlanKind
from katakei.domain.replay import Rollout, replay
from katakei.domain.spec import Spec
from katakei.render.reasons import sentence
from katakei.runtime.lease_keeper import LeaseKeeper, acquire_lease
from katakei.runtime.runner import Runner, Turn

__all__ = ["Outcome", "Play", "plan_of", "play", "spec_of"]

ID, RIVAL = RolloutId("r-test"), RolloutId("r-rival")
PROCESSES = 25  # after so many the adversary goes home
HOME, LONGEST = seconds(3600), seconds(2 * 3600)
TURNS = 3000  # more than three times the longest way to the end
RIVALS = 0.02
KNOWN = 0.5  # of those that die, so many died where whoever comes next can see it


@dataclass
class Outcome:
    """What remains after the play. `refused` says what every rival was told, `sentences` what was said meanwhile."""

    setting: Setting
    world: SmallWorld
    paper: Paper
    rollout: Rollout
    ended: datetime
    figures: Counter[str]
    refused: list[str]
    sentences: dict[str, bool]


@dataclass(frozen=True)
class Process:
    """One process that drives the rollout, or did."""

    owner: Owner
    hold: LeaseKeeper
    runner: Runner
    clock: WrongClock
    pool: SmallPool


def plan_of(world: SmallWorld, *, window: int, floor: int, spec: Spec, per_zone: int = 0) -> Plan:
    groups = tuple(world.group_of.values())
    members = len(world.targets) + len(world.bystanders)
    return Plan(
        rollout=ID,
        kind=PlanKind.ROLL,
        spec=spec,
        release="v2",
        account="123456789012",
        region="ap-northeast-1",
        groups=groups,
        targets=tuple(world.targets.values()),
        bystanders=world.bystanders,
        window=window,
        floors={group.arn: Floor(floor, members, per_zone) for group in groups},
        who="tester",
        versions={"katakei": "test"},
    )


def play(setting: Setting) -> Outcome:
    """From Planned to Finished, whatever the adversary does in between."""
    return Play(setting).run()


class Play:
    """The stage: who drives now, who lies dead, who speaks."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.world = _world(setting)
        self.paper = Paper()
        self.paper.events[ID] = [e.Planned(NOON, _plan(setting, self.world))]
        self.people = People(setting, self.world, self.paper, ID)
        self.driving: Process | None = None
        self.zombies: list[Process] = []
        self.standing_still = False
        self.figures: Counter[str] = Counter()
        self.refused: list[str] = []
        self.watched: list[str] = []
        self.sentences: dict[str, bool] = {}

    @property
    def over(self) -> bool:
        return self.world.clock.time - NOON > LONGEST or self.figures["turns"] > TURNS

    def run(self) -> Outcome:
        while (not self.people.finished or self.people.wants_it_back()) and not self.over:
            try:
                self._drive(self.driving or self._take_up())
            except LeaseHeldError:  # the former one, far away, died a moment ago: whoever was refused comes again
                self.world.clock.sleep(seconds(10))
        ended = self.world.clock.time
        self.world.frozen = True
        self.world.clock.sleep(seconds(20))
        self.world.pass_time()
        return Outcome(
            setting=self.setting,
            world=self.world,
            paper=self.paper,
            rollout=replay(self.paper.events[ID]),
            ended=ended,
            figures=self.figures,
            refused=self.refused,
            sentences=self.sentences,
        )

    # -- processes

    def _take_up(self) -> Process:
        number = self.figures["processes"] + 1
        world, owner = self.world, Owner("deploy", "host", number, number, "boot")
        error = world.dice.uniform(-7200, 7200) if self.setting.wrong_clocks and world.dice.random() < 0.6 else 0
        clock, pool = WrongClock(world, seconds(error)), SmallPool(world)
        pause = lambda: self._stand_still(owner)  # noqa: E731 - a door's own bell
        desk = Desk(world, number, clock, pause).sit(self.paper, self.people.speak)
        groups = frozenset(world.group_of)
        executor = ExecutorDoor(world, number, clock, pause)
        executor.by_hand = self.setting.by_hand
        drivers = PlayDrivers(
            balancer=BalancerDoor(world, number, clock, pause),
            only_executor=executor,
            health_checker=CheckerDoor(world, number, clock, pause),
            journal=desk,
            leases=desk,
            clock=clock,
            pool=pool,
            only_probe=WitnessDoor(world, number, clock, pause) if self.setting.probe else None,
            owner=owner,
            said=self.watched,
        )
        hold = acquire_lease(drivers, groups, ID)
        self.figures["processes"] += 1
        runner = Runner(drivers, hold, ID)
        runner.note(e.OwnerChanged(clock.now(), owner))
        self.driving = Process(owner, hold, runner, clock, pool)
        return self.driving

    def _drive(self, process: Process, turns: int = 10**9) -> None:
        """Turn after turn, until nothing is left for this process, or so many turns."""
        for _ in range(turns):
            if not self._turned(process):
                return

    def _turned(self, process: Process) -> bool:
        """One turn and the rest after it. False when the process is gone."""
        too_long = self.figures["processes"] > PROCESSES or self.world.clock.time - NOON > HOME
        self.world.frozen = self.world.frozen or too_long
        try:
            turn = process.runner.turn()
        except Crash:
            self.figures["crashes"] += 1
            self.paper.hearts[process.owner].stops(self.world.clock.time)
            if self.people.talk.random() < KNOWN:
                self.paper.dead.add(process.owner)
            self.zombies.append(process)
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
        """Some engines go on with the same runner, others end the process."""
        process.clock.sleep(seconds(5))
        return self.people.talk.random() < 0.5

    def _leave(self, process: Process) -> bool:
        self.paper.release(process.hold.lease)
        return self._gone(process)

    def _gone(self, process: Process) -> bool:
        self.driving = None if self.driving is process else self.driving
        return False

    def _stand_still(self, owner: Owner) -> None:
        """The machine is suspended at this very call; somebody wants to take over; then it goes on where it stood."""
        process = self.driving
        if self.standing_still or process is None or process.owner != owner:
            return
        if not self.world.roll(self.world.wicked.pause):
            return
        self.standing_still = True
        heart, until = self.paper.hearts[owner], self.world.clock.time + seconds(self.world.dice.uniform(5, 150))
        heart.stops(self.world.clock.time, until)
        self.world.clock.sleep(seconds(self.world.dice.uniform(0, 60)))
        try:
            self._drive(self._take_up(), turns=self.world.dice.randint(1, 30))
            self.figures["taken over"] += 1
        except LeaseHeldError:
            self.figures["woke in time"] += 1
        with _calm(self.world):
            self.world.clock.sleep(max(until - self.world.clock.time, seconds(0)))
            process.pool.run_what_is_due()
        self.standing_still = False

    def _wake_zombie(self) -> None:
        """A process thought dead goes on."""
        self.figures["zombies"] += 1
        zombie = self.zombies.pop()
        with _calm(self.world):
            try:
                zombie.runner.turn()
            except KatakeiError:
                return

    # -- people

    def _after(self, process: Process, turn: Turn) -> None:
        self.figures["restless"] += turn.due <= turn.now
        if not turn.over:
            self.sentences.setdefault(sentence(turn.why), bool(turn.rollout.in_progress))
        if self.zombies and self.world.roll(0.05):
            self._wake_zombie()
        if self.people.talk.random() < RIVALS:
            self._rival()
        self.people.speak()
        for who in turn.rollout.at(Phase.WORKING) if self.setting.by_hand else ():
            if self.people.talk.random() < 0.1:
                self.people.tell(e.Approved(self.world.clock.time, "anna", self.people.talk.choice((who, None))))
        if self.people.talk.random() < self.setting.interrupts and not turn.over:
            process.runner.note(e.Interrupted(process.clock.now(), "anna"))

    def _rival(self) -> None:
        """Another rollout wants a group of ours while a process of ours lives."""
        if not any(holder[0] not in self.paper.dead for holder in self.paper.holders.values()):
            return
        try:
            wanted, eve = frozenset(list(self.world.group_of)[:1]), Owner("eve", "host", 0, 0, "boot")
            self.paper.take(wanted, eve, RIVAL, frozenset(), self.world.clock.time)
            self.refused.append("")
        except LeaseHeldError as held:
            self.refused.append(str(held))


class _calm:  # noqa: N801 - reads as a word
    """For a moment the adversary looks away."""

    def __init__(self, world: SmallWorld) -> None:
        self._world = world
        self._was = world.frozen

    def __enter__(self) -> None:
        self._world.frozen = True

    def __exit__(self, *_: object) -> None:
        self._world.frozen = self._was


def _world(setting: Setting) -> SmallWorld:
    groups = [group(f"web{n}", delay=setting.delay, ip=setting.ip) for n in range(setting.groups)]
    everyone = [target(n, groups) for n in range(setting.targets + setting.bystanders)]
    taking_part, others = everyone[: setting.targets], everyone[setting.targets :]
    world = SmallWorld(setting.seed, groups, taking_part, setting.wicked, others)
    world.script = setting.script
    return world


def _plan(setting: Setting, world: SmallWorld) -> Plan:
    plan = plan_of(world, window=setting.window, floor=setting.floor, spec=setting.spec, per_zone=setting.per_zone)
    if setting.kind is PlanKind.ROLL:
        return plan
    plan = replace(plan, kind=setting.kind, window=len(plan.targets), waits=setting.waits)
    if setting.kind is PlanKind.DEREGISTER:
        return plan
    for place in [place for it in plan.targets for place in it.registrations]:
        world.past[place] = [Was(NOON, HealthState.ABSENT)]
    return replace(plan, begin=Phase.OUT)
