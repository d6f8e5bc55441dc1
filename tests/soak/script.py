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

    WELL = "well"
    SLOW = "slow"
    LATE = "succeeds, and the server is healthy some seconds later"
    FAILS = "fails"
    HANGS = "hangs"
    SICK = "succeeds with a release that is not healthy"
    BY_HAND = "by hand"


BAD = frozenset({Work.FAILS, Work.HANGS, Work.SICK})


class Act(Enum):
    """What somebody does to the rollout, or to its world."""

    KILL = "kill -9"
    FREEZE = "SIGSTOP"
    WAKE = "SIGCONT"
    TERM = "SIGTERM"
    RIVAL = "a rival"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    TROUBLE = "faults"


@dataclass(frozen=True, slots=True)
class Deed:
    """One act, so many seconds after the rollout's first command, and not before a target is in `phase`.

    Of `faults`, targets are named by their place.
    """

    at: float
    act: Act
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
    work: Work = Work.WELL
    bad: tuple[int, ...] = ()
    max_failures: int = 0
    failed_target: str = "keep_out"
    then: str = ""  # when the rollout has ended: `retry` what failed, mended; or `revert` what went well
    rate: float = 20
    deeds: tuple[Deed, ...] = ()

    @property
    def mortal(self) -> bool:
        """A server dies by itself: requests are lost then, and not by us."""
        return any(deed.faults.get("target_dead") for deed in self.deeds)

    def does(self, *acts: Act) -> bool:
        """Whether any of these is done."""
        return any(deed.act in acts for deed in self.deeds)

    def lab(self) -> LabOptions:
        """The lab for it."""
        delay, lag = timedelta(seconds=self.delay), timedelta(seconds=self.lag)
        return LabOptions(self.targets, delay, lag, interval=timedelta(seconds=1), port=8080)

    def text(self) -> str:
        """For a person: what is unusual about it, then what is done."""
        usual = Script("")
        names = [name for name in Script.__dataclass_fields__ if name not in {"name", "deeds"}]
        shown = [f"{name}={getattr(self, name)}" for name in names if getattr(self, name) != getattr(usual, name)]
        return "\n".join([f"script {self.name}: {', '.join(shown)}", *(deed.text() for deed in self.deeds)])


def drawn(seed: int, number: int, rate: float) -> Script:
    """Any rollout."""
    dice = random.Random(f"{seed}-{number}")  # noqa: S311 - dice, not secrets
    targets = dice.randint(2, 6)
    work = dice.choices(list(Work), [5, 2, 1, 2, 1, 1, 1])[0]
    until = dice.choice(("delay", "proof", "answered", "counter"))
    some = dice.sample(range(targets), dice.randint(1, targets)) if work in BAD else []
    return Script(
        name=f"{seed}-{number}",
        targets=targets,
        window=dice.randint(1, targets - 1),
        floor=dice.randint(1, targets - 1),
        until=until,
        delay=dice.randint(6, 9) if until == "delay" else dice.choice((10, 300)),
        settle=dice.randint(2, 3),
        soak=dice.randint(0, 2),
        lag=round(dice.choice((0, dice.uniform(0, 2))), 1),
        close_idle=until == "proof" or dice.random() < 0.5,
        work=work,
        bad=tuple(sorted(some)),
        max_failures=dice.choice((0, 0, 1)),
        failed_target=dice.choice(("keep_out", "put_back")),
        then=dice.choice(AFTERWARDS[work in BAD]),
        rate=rate,
        deeds=tuple(sorted(_deeds(dice, work, targets), key=lambda deed: deed.at)),
    )


def killed(seed: int, number: int, rate: float) -> Script:
    """The quickest rollout there is, and nothing but `kill -9` at random moments."""
    dice = random.Random(f"kills-{seed}-{number}")  # noqa: S311 - as above
    moments = sorted(round(dice.uniform(0.3, 25), 2) for _ in range(dice.randint(1, 5)))
    first = round(dice.uniform(0.3, 12), 2)  # by then none is over
    deeds = tuple(Deed(at, Act.KILL) for at in sorted([first, *moments]))
    lag = dice.choice((0, 0.5))
    return Script(f"{seed}-{number}", settle=2, lag=lag, close_idle=dice.random() < 0.5, rate=rate, deeds=deeds)


AFTERWARDS = {True: ("", "retry"), False: ("", "revert")}
"""What is drawn for the time after the end, by whether the work is bad."""
ODDS = {"kill": 5, "freeze": 2, "long freeze": 1, "term": 2, "rival": 3, "pause": 1, "abort": 0.5, "trouble": 6}


def _deeds(dice: random.Random, work: Work, targets: int) -> Iterator[Deed]:
    """One to six of them, some with their end."""
    for _ in range(dice.randint(1, 6)):
        at = round(dice.uniform(0.3, 40), 2)
        then = round(at + dice.uniform(1, 12), 2)
        match dice.choices(list(ODDS), list(ODDS.values()))[0]:
            case "kill":
                yield Deed(at, Act.KILL)
            case "freeze":
                yield from (Deed(at, Act.FREEZE), Deed(then, Act.WAKE))
            case "long freeze":  # longer than a lease lives, and somebody tries before and after
                yield from (Deed(at, Act.FREEZE), Deed(at + 1, Act.RIVAL), Deed(at + 32, Act.RIVAL))
                yield Deed(at + 45, Act.WAKE)
            case "term":
                yield from [Deed(at, Act.TERM)] * dice.choice((1, 1, 2))
            case "rival" if work in {Work.WELL, Work.SLOW, Work.LATE}:  # after other ends a rival would begin anew
                yield from [Deed(at, Act.RIVAL)] * dice.choice((1, 2))
            case "pause":
                yield from (Deed(at, Act.PAUSE), Deed(then, Act.RESUME))
            case "abort" if work is not Work.BY_HAND:  # a person would restart what serves again by then
                yield Deed(at, Act.ABORT)
            case "trouble":
                faults, mended = _trouble(dice, targets)
                yield from (Deed(at, Act.TROUBLE, faults), Deed(then, Act.TROUBLE, mended))


def _trouble(dice: random.Random, targets: int) -> tuple[dict[str, object], dict[str, object]]:
    """What goes wrong, and what makes it right again."""
    one = [dice.randrange(targets)]
    storm: dict[str, object] = {"throttle": 0.3, "error": 0.1, "timeout": 0.05, "hold": 6, "seed": dice.randrange(1000)}
    calm: dict[str, object] = {"throttle": 0, "error": 0, "timeout": 0}
    troubles: list[tuple[dict[str, object], dict[str, object]]] = [
        (storm, calm),
        ({"throttle": 0.8}, {"throttle": 0}),
        ({"error": 0.5}, {"error": 0}),
        ({"stale": dice.choice((1, 2))}, {"stale": 0}),  # as long as settle at most: so old no answer is on AWS
        ({"agent_dead": one}, {"agent_dead": []}),
        ({"deliver_late": True}, {"deliver_late": False}),
        ({"deliver_twice": True}, {"deliver_twice": False}),
        ({"deny": [dice.choice(("DescribeTargetHealth", "RegisterTargets", "SendCommand"))]}, {"deny": []}),
        ({"target_dead": one}, {"target_dead": []}),
    ]
    return dice.choice(troubles)
