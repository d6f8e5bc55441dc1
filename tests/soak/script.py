"""Scripts: one rollout with everything that happens to it, drawn from a seed.

The same seed and number always give the same script.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from katakei.lab.options import LabOptions

SLOW_REQUEST = 3.0
"""Duration of the traffic's slow requests in seconds. A delay must be longer, or requests are cut as on AWS."""


class Work(Enum):
    """What the work does on the targets in `bad`; on all others it succeeds."""

    SUCCEEDS = "well"
    SLOW = "slow"
    LATE = "succeeds, and the server is healthy some seconds later"
    FAILS = "fails"
    HANGS = "hangs"
    UNHEALTHY = "succeeds with a release that is not healthy"
    BY_HAND = "by hand"


FAILING_WORK = frozenset({Work.FAILS, Work.HANGS, Work.UNHEALTHY})


class StepKind(Enum):
    """The kinds of steps."""

    KILL = "kill -9"
    FREEZE = "SIGSTOP"
    WAKE = "SIGCONT"
    TERM = "SIGTERM"
    SECOND_ROLLOUT = "a second rollout"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    FAULTS = "faults"
    FREEZE_GROUP = "freeze"
    UNFREEZE_GROUP = "unfreeze"
    SLOW_JOURNAL = "the journal is slow"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: not before `at` seconds after the first command, and not before a target is in `phase`.

    `faults` names targets by their position. Of a slow journal it holds the `seconds`.
    """

    at: float
    act: StepKind
    faults: Mapping[str, object] = field(default_factory=dict)
    phase: str = ""

    def text(self) -> str:
        """Returns one line of text."""
        return f"{self.at:6.2f} {self.act.value} {dict(self.faults) or ''}{self.phase}".rstrip()


@dataclass(frozen=True, slots=True)
class Script:
    """Everything that is drawn. Times are in seconds; `bad` holds the positions of targets."""

    name: str
    targets: int = 2
    window: int = 1
    floor: int = 1
    until: str = "delay"
    delay: int = 4
    settle: int = 1
    soak: int = 0
    lag: float = 0
    close_idle: bool = True
    work: Work = Work.SUCCEEDS
    bad: tuple[int, ...] = ()
    max_failures: int = 0
    failed_target: str = "keep_out"
    then: str = ""  # after the end: `retry` failed targets once repaired, or `revert` a success
    rate: float = 20
    steps: tuple[Step, ...] = ()

    @property
    def kills_servers(self) -> bool:
        """Whether a server dies by itself. Requests that this loses are not Katakei's fault."""
        return any(step.faults.get("target_dead") for step in self.steps)

    def includes(self, *acts: StepKind) -> bool:
        """Whether any of these kinds of steps is included."""
        return any(step.act in acts for step in self.steps)

    def lab(self) -> LabOptions:
        """Returns the options of its lab."""
        delay, lag = timedelta(seconds=self.delay), timedelta(seconds=self.lag)
        return LabOptions(self.targets, delay, lag, interval=timedelta(seconds=1), port=8080)

    def text(self) -> str:
        """Returns the settings that are not defaults, then the steps."""
        defaults = Script("")
        names = [name for name in Script.__dataclass_fields__ if name not in {"name", "deeds"}]
        shown = [f"{name}={getattr(self, name)}" for name in names if getattr(self, name) != getattr(defaults, name)]
        return "\n".join([f"script {self.name}: {', '.join(shown)}", *(step.text() for step in self.steps)])


def random_script(seed: int, number: int, rate: float) -> Script:
    """Draw any rollout."""
    rng = random.Random(f"{seed}-{number}")  # noqa: S311 - dice, not secrets
    targets = rng.randint(2, 6)
    work = rng.choices(list(Work), [5, 2, 1, 2, 1, 1, 1])[0]
    until = rng.choice(("delay", "proof", "answered", "counter"))
    some = rng.sample(range(targets), rng.randint(1, targets)) if work in FAILING_WORK else []
    return Script(
        name=f"{seed}-{number}",
        targets=targets,
        window=rng.randint(1, targets - 1),
        floor=rng.randint(1, targets - 1),
        until=until,
        delay=rng.randint(6, 9) if until == "delay" else rng.choice((10, 300)),
        settle=rng.randint(2, 3),
        soak=rng.randint(0, 2),
        lag=round(rng.choice((0, rng.uniform(0, 2))), 1),
        close_idle=until == "proof" or rng.random() < 0.5,
        work=work,
        bad=tuple(sorted(some)),
        max_failures=rng.choice((0, 0, 1)),
        failed_target=rng.choice(("keep_out", "put_back")),
        then=rng.choice(FOLLOW_UPS[work in FAILING_WORK]),
        rate=rate,
        steps=tuple(sorted(_draw_steps(rng, work, targets), key=lambda step: step.at)),
    )


def kill_script(seed: int, number: int, rate: float) -> Script:
    """Draw a fast rollout with `kill -9` at random moments."""
    rng = random.Random(f"kills-{seed}-{number}")  # noqa: S311 - as above
    moments = sorted(round(rng.uniform(0.3, 25), 2) for _ in range(rng.randint(1, 5)))
    first = round(rng.uniform(0.3, 12), 2)  # no rollout has ended by then
    steps = tuple(Step(at, StepKind.KILL) for at in sorted([first, *moments]))
    lag = rng.choice((0, 0.5))
    return Script(f"{seed}-{number}", settle=2, lag=lag, close_idle=rng.random() < 0.5, rate=rate, steps=steps)


FOLLOW_UPS = {True: ("", "retry"), False: ("", "revert")}
"""The follow-ups to draw from, by whether the work fails."""
WEIGHTS = {
    "kill": 5,
    "freeze": 2,
    "long freeze": 1,
    "term": 2,
    "second rollout": 3,
    "pause": 1,
    "abort": 0.5,
    "faults": 6,
    "freeze of the group": 1,
    "slow journal": 2,
}


def _draw_steps(rng: random.Random, work: Work, targets: int) -> Iterator[Step]:
    """Draw one to six steps, some with a second step that ends them."""
    for _ in range(rng.randint(1, 6)):
        at = round(rng.uniform(0.3, 40), 2)
        then = round(at + rng.uniform(1, 12), 2)
        match rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]:
            case "kill":
                yield Step(at, StepKind.KILL)
            case "freeze":
                yield from (Step(at, StepKind.FREEZE), Step(then, StepKind.WAKE))
            case "long freeze":  # longer than a lease, with a second rollout before and after its expiry
                yield from (
                    Step(at, StepKind.FREEZE),
                    Step(at + 1, StepKind.SECOND_ROLLOUT),
                    Step(at + 32, StepKind.SECOND_ROLLOUT),
                )
                yield Step(at + 45, StepKind.WAKE)
            case "term":
                yield from [Step(at, StepKind.TERM)] * rng.choice((1, 1, 2))
            case "second rollout" if work in {
                Work.SUCCEEDS,
                Work.SLOW,
                Work.LATE,
            }:  # after other results a second rollout would start anew
                yield from [Step(at, StepKind.SECOND_ROLLOUT)] * rng.choice((1, 2))
            case "pause":
                yield from (Step(at, StepKind.PAUSE), Step(then, StepKind.RESUME))
            case "abort" if work is not Work.BY_HAND:  # a person would restart a server that serves again by then
                yield Step(at, StepKind.ABORT)
            case "freeze of the group":
                yield from (Step(at, StepKind.FREEZE_GROUP), Step(then, StepKind.UNFREEZE_GROUP))
            case "slow journal":
                yield Step(at, StepKind.SLOW_JOURNAL, {"seconds": round(then - at, 1)})
            case "faults":
                faults, repaired = _draw_faults(rng, targets)
                yield from (Step(at, StepKind.FAULTS, faults), Step(then, StepKind.FAULTS, repaired))


def _draw_faults(rng: random.Random, targets: int) -> tuple[dict[str, object], dict[str, object]]:
    """Draw a fault and the change that ends it."""
    one = [rng.randrange(targets)]
    storm: dict[str, object] = {"throttle": 0.3, "error": 0.1, "timeout": 0.05, "hold": 6, "seed": rng.randrange(1000)}
    calm: dict[str, object] = {"throttle": 0, "error": 0, "timeout": 0}
    troubles: list[tuple[dict[str, object], dict[str, object]]] = [
        (storm, calm),
        ({"throttle": 0.8}, {"throttle": 0}),
        ({"error": 0.5}, {"error": 0}),
        ({"stale": rng.choice((1, 2))}, {"stale": 0}),  # at most as long as settle; AWS has no answers that are older
        ({"agent_dead": one}, {"agent_dead": []}),
        ({"deliver_late": True}, {"deliver_late": False}),
        ({"deliver_twice": True}, {"deliver_twice": False}),
        ({"deny": [rng.choice(("DescribeTargetHealth", "RegisterTargets", "SendCommand"))]}, {"deny": []}),
        ({"target_dead": one}, {"target_dead": []}),
    ]
    return rng.choice(troubles)
