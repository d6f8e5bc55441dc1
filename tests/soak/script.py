"""One whole rollout with everything that is done to it, drawn from a seed: nothing here touches the world.

The same seed and number give the same script for ever, whatever else runs beside it.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from katakei.lab.options import LabOptions

SLOW_REQUEST = 3.0
"""Seconds of the slow requests of the traffic; a delay is longer, or requests are cut as on AWS."""


class Work(Enum):
    """What becomes of the work on the targets that are `bad`; on all others it succeeds."""

    SUCCEEDS = "well"
    SLOW = "slow"
    LATE = "succeeds, and the server is healthy some seconds later"
    FAILS = "fails"
    HANGS = "hangs"
    UNHEALTHY = "succeeds with a release that is not healthy"
    BY_HAND = "by hand"


FAILING_WORK = frozenset({Work.FAILS, Work.HANGS, Work.UNHEALTHY})


class StepKind(Enum):
    """What somebody does to the rollout, or to its world."""

    KILL = "kill -9"
    FREEZE = "SIGSTOP"
    WAKE = "SIGCONT"
    TERM = "SIGTERM"
    SECOND_ROLLOUT = "a rival"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    FAULTS = "faults"


@dataclass(frozen=True, slots=True)
class Step:
    """One act, so many seconds after the rollout's first command, and not before a target is in `phase`.

    Of `faults`, targets are named by their place.
    """

    at: float
    act: StepKind
    faults: Mapping[str, object] = field(default_factory=dict)
    phase: str = ""

    def text(self) -> str:
        """For a person."""
        return f"{self.at:6.2f} {self.act.value} {dict(self.faults) or ''}{self.phase}".rstrip()


@dataclass(frozen=True, slots=True)
class Script:
    """Everything that is drawn. Times in seconds; `bad` tells targets by their place."""

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
    then: str = ""  # when the rollout has ended: `retry` what failed, mended; or `revert` what went well
    rate: float = 20
    steps: tuple[Step, ...] = ()

    @property
    def kills_servers(self) -> bool:
        """A server dies by itself: requests are lost then, and not by us."""
        return any(step.faults.get("target_dead") for step in self.steps)

    def includes(self, *acts: StepKind) -> bool:
        """Whether any of these is done."""
        return any(step.act in acts for step in self.steps)

    def lab(self) -> LabOptions:
        """The lab for it."""
        delay, lag = timedelta(seconds=self.delay), timedelta(seconds=self.lag)
        return LabOptions(self.targets, delay, lag, interval=timedelta(seconds=1), port=8080)

    def text(self) -> str:
        """For a person: what is unusual about it, then what is done."""
        defaults = Script("")
        names = [name for name in Script.__dataclass_fields__ if name not in {"name", "deeds"}]
        shown = [f"{name}={getattr(self, name)}" for name in names if getattr(self, name) != getattr(defaults, name)]
        return "\n".join([f"script {self.name}: {', '.join(shown)}", *(step.text() for step in self.steps)])


def random_script(seed: int, number: int, rate: float) -> Script:
    """Any rollout."""
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
        steps=tuple(sorted(_steps(rng, work, targets), key=lambda step: step.at)),
    )


def kill_script(seed: int, number: int, rate: float) -> Script:
    """The quickest rollout there is, and nothing but `kill -9` at random moments."""
    rng = random.Random(f"kills-{seed}-{number}")  # noqa: S311 - as above
    moments = sorted(round(rng.uniform(0.3, 25), 2) for _ in range(rng.randint(1, 5)))
    first = round(rng.uniform(0.3, 12), 2)  # by then none is over
    steps = tuple(Step(at, StepKind.KILL) for at in sorted([first, *moments]))
    lag = rng.choice((0, 0.5))
    return Script(f"{seed}-{number}", settle=2, lag=lag, close_idle=rng.random() < 0.5, rate=rate, steps=steps)


FOLLOW_UPS = {True: ("", "retry"), False: ("", "revert")}
"""What is drawn for the time after the end, by whether the work is bad."""
WEIGHTS = {"kill": 5, "freeze": 2, "long freeze": 1, "term": 2, "rival": 3, "pause": 1, "abort": 0.5, "trouble": 6}


def _steps(rng: random.Random, work: Work, targets: int) -> Iterator[Step]:
    """One to six of them, some with their end."""
    for _ in range(rng.randint(1, 6)):
        at = round(rng.uniform(0.3, 40), 2)
        then = round(at + rng.uniform(1, 12), 2)
        match rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]:
            case "kill":
                yield Step(at, StepKind.KILL)
            case "freeze":
                yield from (Step(at, StepKind.FREEZE), Step(then, StepKind.WAKE))
            case "long freeze":  # longer than a lease lives, and somebody tries before and after
                yield from (
                    Step(at, StepKind.FREEZE),
                    Step(at + 1, StepKind.SECOND_ROLLOUT),
                    Step(at + 32, StepKind.SECOND_ROLLOUT),
                )
                yield Step(at + 45, StepKind.WAKE)
            case "term":
                yield from [Step(at, StepKind.TERM)] * rng.choice((1, 1, 2))
            case "rival" if work in {Work.SUCCEEDS, Work.SLOW, Work.LATE}:  # after other ends a rival would begin anew
                yield from [Step(at, StepKind.SECOND_ROLLOUT)] * rng.choice((1, 2))
            case "pause":
                yield from (Step(at, StepKind.PAUSE), Step(then, StepKind.RESUME))
            case "abort" if work is not Work.BY_HAND:  # a person would restart what serves again by then
                yield Step(at, StepKind.ABORT)
            case "trouble":
                faults, mended = _inject_faults(rng, targets)
                yield from (Step(at, StepKind.FAULTS, faults), Step(then, StepKind.FAULTS, mended))


def _inject_faults(rng: random.Random, targets: int) -> tuple[dict[str, object], dict[str, object]]:
    """What goes wrong, and what makes it right again."""
    one = [rng.randrange(targets)]
    storm: dict[str, object] = {"throttle": 0.3, "error": 0.1, "timeout": 0.05, "hold": 6, "seed": rng.randrange(1000)}
    calm: dict[str, object] = {"throttle": 0, "error": 0, "timeout": 0}
    troubles: list[tuple[dict[str, object], dict[str, object]]] = [
        (storm, calm),
        ({"throttle": 0.8}, {"throttle": 0}),
        ({"error": 0.5}, {"error": 0}),
        ({"stale": rng.choice((1, 2))}, {"stale": 0}),  # as long as settle at most: so old no answer is on AWS
        ({"agent_dead": one}, {"agent_dead": []}),
        ({"deliver_late": True}, {"deliver_late": False}),
        ({"deliver_twice": True}, {"deliver_twice": False}),
        ({"deny": [rng.choice(("DescribeTargetHealth", "RegisterTargets", "SendCommand"))]}, {"deny": []}),
        ({"target_dead": one}, {"target_dead": []}),
    ]
    return rng.choice(troubles)
