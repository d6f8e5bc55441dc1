"""What is compared on which ground, and how often: the whole design, bounded, as values. Nothing is run here."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum


class Load(Enum):
    """What the clients do meanwhile."""

    IDLE = "2 requests a second"
    BUSY = "200 requests a second, 5 % of which take 3 s"
    STREAMS = "20 streams of 40 s at any time"


class Tool(Enum):
    """Who does it."""

    RUNBOOK = "runbook"
    IMPATIENT = "impatient"
    ANSIBLE = "ansible"
    KATAKEI = "katakei"


@dataclass(frozen=True, slots=True)
class Rival:
    """A tool as it is used. All but `window` (Ansible's serial) and `keeps_idle` is Katakei's own; soak in seconds.

    `keeps_idle` is whether the load balancer keeps its idle connections to a deregistered target.
    """

    tool: Tool
    window: str = "1"
    until: str = "proof"
    soak: int = 30
    keeps_idle: bool = True

    @property
    def name(self) -> str:
        """For a file."""
        words = [self.tool.value, *(["serial"] if self.tool is Tool.ANSIBLE else [])]
        if self.tool is Tool.KATAKEI:
            words += [self.until, f"soak{self.soak}", "kept" if self.keeps_idle else "closed", "window"]
        return "-".join([*words, *([self.window.replace("%", "pc")] if len(words) > 1 else [])])

    @property
    def title(self) -> str:
        """For a person."""
        if self.tool is Tool.RUNBOOK:
            return "runbook script (`aws`)"
        if self.tool is Tool.IMPATIENT:
            return "impatient script (`aws`)"
        if self.tool is Tool.ANSIBLE:
            return f"Ansible, `serial: {self.window}`"
        default = self.until == "proof" and self.soak == 30
        how = "defaults (`proof`)" if default else f"`{self.until}`, `soak: {self.soak}s`"
        return f"**Katakei**, {how}, window {self.window}, idle {'kept' if self.keeps_idle else 'closed'}"

    def at_once(self, targets: int) -> int:
        """How many targets its window holds."""
        return max(1, targets * int(self.window[:-1]) // 100) if self.window.endswith("%") else int(self.window)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where and under which load; times in seconds. Rivals stand in the order in which they are begun."""

    targets: int
    delay: int
    load: Load
    rivals: tuple[Rival, ...]
    rounds: int = 2
    lag: int = 15
    interval: int = 10
    settle: int = 30

    @property
    def name(self) -> str:
        """For a file."""
        return f"{self.targets}-{self.delay}s-{self.load.name.lower()}"

    @property
    def title(self) -> str:
        """For a person."""
        return f"{self.targets} targets, delay {self.delay} s, {self.load.value}"


@dataclass(frozen=True, slots=True)
class Leg:
    """One run of one rival."""

    ground: Ground
    rival: Rival
    round: int

    @property
    def name(self) -> str:
        """For a file."""
        return f"{self.ground.name}.{self.rival.name}.{self.round}"


RUNBOOK, IMPATIENT = Rival(Tool.RUNBOOK), Rival(Tool.IMPATIENT)
SERIAL, QUARTER = Rival(Tool.ANSIBLE), Rival(Tool.ANSIBLE, "25%")
PROOF = Rival(Tool.KATAKEI)
ANSWERED = Rival(Tool.KATAKEI, until="answered", soak=0)
COUNTER = Rival(Tool.KATAKEI, until="counter", soak=0)


def _closed(*rivals: Rival) -> tuple[Rival, ...]:
    return tuple(replace(each, keeps_idle=False) for each in rivals)


def _wide(*rivals: Rival) -> tuple[Rival, ...]:
    return tuple(replace(each, window="25%") for each in rivals)


_EACH = (PROOF, *_closed(PROOF), ANSWERED, *_closed(ANSWERED), COUNTER, *_closed(COUNTER))
_EIGHT = (RUNBOOK, PROOF, COUNTER, QUARTER, *_wide(PROOF, *_closed(PROOF), ANSWERED, COUNTER), IMPATIENT)

FULL = (
    Ground(2, 300, Load.BUSY, (RUNBOOK, PROOF, *_closed(PROOF), ANSWERED, COUNTER, IMPATIENT)),
    Ground(8, 60, Load.IDLE, _EIGHT),
    Ground(2, 300, Load.IDLE, (RUNBOOK, SERIAL, *_EACH, IMPATIENT)),
    Ground(2, 300, Load.STREAMS, (RUNBOOK, PROOF, COUNTER, IMPATIENT)),
    Ground(2, 60, Load.IDLE, (RUNBOOK, SERIAL, PROOF, *_closed(PROOF), ANSWERED, COUNTER, IMPATIENT)),
    Ground(8, 60, Load.BUSY, (QUARTER, *_wide(*_closed(PROOF), COUNTER), IMPATIENT)),
)
"""The whole: those of 300 s with two targets only."""

QUICK = tuple(
    Ground(2, 30, load, (RUNBOOK, QUARTER, PROOF, *_closed(PROOF, COUNTER), IMPATIENT), 1, lag=3, interval=2, settle=5)
    for load in (Load.IDLE, Load.BUSY)
)
"""Whether everything works, in a few minutes; its figures mean little."""


def legs(grounds: tuple[Ground, ...]) -> Iterator[Leg]:
    """A B A B: every rival of every ground once, then again."""
    for number in range(1, max(ground.rounds for ground in grounds) + 1):
        for ground in grounds:
            if number <= ground.rounds:
                yield from (Leg(ground, rival, number) for rival in ground.rivals)
