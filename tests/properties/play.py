"""Plays one whole rollout in a small world, with crashes and zombies, and says what an outside judge saw."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from tests.properties.world import (
    NOON,
    Crash,
    InlinePool,
    Machines,
    Paper,
    SmallWorld,
    Wickedness,
    group,
    seconds,
    target,
)

from katakei.core import events as e
from katakei.core.errors import LeaseLost
from katakei.core.model import RolloutId
from katakei.core.planned import Floor, Kind, Plan
from katakei.core.rollout import Rollout, replay
from katakei.core.spec import Check, Command, Drain, Limits, Spec, Window
from katakei.runner import Runner, World

ID = RolloutId("r-test")
LONGEST = timedelta(hours=30)


@dataclass
class Outcome:
    """What remains after the play."""

    world: SmallWorld
    paper: Paper
    rollout: Rollout
    zombies_woken: int = 0
    crashes: int = 0
    faults: list[str] = field(default_factory=list)


def plan_of(world: SmallWorld, *, window: int, floor: int, spec: Spec, per_zone: int = 0) -> Plan:
    groups = tuple(world.group_of.values())
    return Plan(
        rollout=ID,
        kind=Kind.ROLL,
        spec=spec,
        release="v2",
        account="123456789012",
        region="ap-northeast-1",
        groups=groups,
        targets=tuple(world.targets.values()),
        bystanders=(),
        window=window,
        floors={group.arn: Floor(floor, len(world.targets), per_zone) for group in groups},
        who="tester",
        versions={"katakei": "test"},
    )


def spec_of(**changes: object) -> Spec:
    values: dict[str, object] = {
        "service": "web",
        "groups": ("web",),
        "work": Command("ssm", "true"),
        "window": Window(),
        "drain": Drain(settle=seconds(30)),
        "check": Check(within=seconds(20)),
        "soak": seconds(10),
        "limits": Limits(working=seconds(60), warming=seconds(60), waiting=seconds(600)),
    }
    return Spec(**{**values, **changes})  # type: ignore[arg-type]  # a test's own choice of values


def owner(number: int) -> e.Owner:
    return e.Owner("deploy", "host", number, number, "boot")


def play(
    seed: int,
    wicked: Wickedness,
    *,
    targets: int = 4,
    window: int = 1,
    floor: int = 2,
    per_zone: int = 0,
    groups: int = 1,
    ip: bool = False,
    spec: Spec | None = None,
    after_turn: Callable[[SmallWorld, Paper, Rollout], None] | None = None,
) -> Outcome:
    """From Planned to Finished, whatever the adversary does in between."""
    all_groups = [group(f"web{n}", ip=ip) for n in range(groups)]
    world = SmallWorld(seed, all_groups, [target(n, all_groups) for n in range(targets)], wicked)
    paper = Paper()
    plan = plan_of(world, window=window, floor=floor, spec=spec or spec_of(), per_zone=per_zone)
    paper.events[ID] = [e.Planned(NOON, plan)]
    outcome = Outcome(world, paper, replay(paper.events[ID]))
    zombies: list[Runner] = []
    process = 0
    while outcome.rollout.finished is None:
        process += 1
        runner = _take_up(world, paper, process)
        try:
            _drive(runner, world, outcome, zombies, after_turn)
        except Crash:
            outcome.crashes += 1
            paper.dead.add(owner(process))
            zombies.append(runner)
        outcome.rollout = replay(paper.events[ID])
        if world.clock.time - NOON > LONGEST:
            outcome.faults.append("it never ends")
            break
        world.frozen = world.frozen or process > 60 or world.clock.time - NOON > LONGEST / 2
    return outcome


def _take_up(world: SmallWorld, paper: Paper, process: int) -> Runner:
    lease = paper.take(frozenset(world.group_of), owner(process), ID)
    machines = Machines(world)
    runner = Runner(World(world, machines, world, paper, paper, world.clock, InlinePool()), lease, ID)  # type: ignore[arg-type]  # only what a turn asks of a balancer
    runner.note(e.Taken(world.clock.now(), owner(process)))
    return runner


def _drive(
    runner: Runner,
    world: SmallWorld,
    outcome: Outcome,
    zombies: list[Runner],
    after_turn: Callable[[SmallWorld, Paper, Rollout], None] | None,
) -> None:
    while True:
        turn = runner.turn()
        if after_turn:
            after_turn(world, outcome.paper, turn.rollout)
        if zombies and world.dice.random() < 0.05:
            _wake(zombies.pop(), world, outcome)
        if turn.over or world.clock.time - NOON > LONGEST:
            return
        world.clock.sleep(turn.due - world.clock.now())


def _wake(zombie: Runner, world: SmallWorld, outcome: Outcome) -> None:
    """A process thought dead goes on: it must write nothing and act no more."""
    outcome.zombies_woken += 1
    written = len(outcome.paper.events[ID])
    acts = (len(world.deregistrations), len(world.starts))
    frozen, world.frozen = world.frozen, True
    try:
        zombie.turn()
        outcome.faults.append("an old owner went on")
    except LeaseLost:
        pass
    world.frozen = frozen
    if written != len(outcome.paper.events[ID]) or acts != (len(world.deregistrations), len(world.starts)):
        outcome.faults.append("an old owner wrote or acted")
