"""Design of the benchmarks as values: scenarios, contenders and the order of runs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from katakei.domain.spec import DrainUntil


class ClientLoad(Enum):
    """The load during a rollout."""

    IDLE = "2 requests a second"
    BUSY = "200 requests a second, 5 % of which take 3 s"
    STREAMS = "20 streams of 40 s at any time"


class Tool(Enum):
    """The tools."""

    RUNBOOK = "runbook"
    IMPATIENT = "impatient"
    ANSIBLE = "ansible"
    CODEDEPLOY = "codedeploy"
    KATAKEI = "katakei"


@dataclass(frozen=True, slots=True)
class Contender:
    """A tool with its settings.

    Attributes:
        window: Katakei's window, or Ansible's `serial`.
        until, soak: settings of Katakei; soak in seconds.
        keeps_idle: whether the load balancer keeps idle connections to a deregistered target.
    """

    tool: Tool
    window: str = "1"
    until: str = "proof"
    soak: int = 30
    keeps_idle: bool = True

    @property
    def name(self) -> str:
        """The name in file names."""
        words = [self.tool.value, *(["serial"] if self.tool is Tool.ANSIBLE else [])]
        if self.tool is Tool.KATAKEI:
            words += [self.until, f"soak{self.soak}", "kept" if self.keeps_idle else "closed", "window"]
        return "-".join([*words, *([self.window.replace("%", "pc")] if len(words) > 1 else [])])

    @property
    def title(self) -> str:
        """The name in tables."""
        if self.tool is Tool.RUNBOOK:
            return "runbook script (`aws`)"
        if self.tool is Tool.IMPATIENT:
            return "impatient script (`aws`)"
        if self.tool is Tool.CODEDEPLOY:
            return "CodeDeploy's load balancer scripts"
        if self.tool is Tool.ANSIBLE:
            return f"Ansible, `serial: {self.window}`"
        default = self.until == "proof" and self.soak == 30
        how = "defaults (`proof`)" if default else f"`{self.until}`, `soak: {self.soak}s`"
        return f"**Katakei**, {how}, window {self.window}, idle {'kept' if self.keeps_idle else 'closed'}"

    def at_once(self, targets: int) -> int:
        """Returns the number of targets in its window."""
        return max(1, targets * int(self.window[:-1]) // 100) if self.window.endswith("%") else int(self.window)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario; times in seconds. Contenders start in the given order."""

    targets: int
    delay: int
    load: ClientLoad
    contenders: tuple[Contender, ...]
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
    """One run of one contender."""

    scenario: Scenario
    contender: Contender
    round: int

    @property
    def name(self) -> str:
        """For a file."""
        return f"{self.scenario.name}.{self.contender.name}.{self.round}"


RUNBOOK, IMPATIENT, CODEDEPLOY = Contender(Tool.RUNBOOK), Contender(Tool.IMPATIENT), Contender(Tool.CODEDEPLOY)
SERIAL, QUARTER = Contender(Tool.ANSIBLE), Contender(Tool.ANSIBLE, "25%")
PROOF = Contender(Tool.KATAKEI)
ANSWERED = Contender(Tool.KATAKEI, until="answered", soak=0)
COUNTER = Contender(Tool.KATAKEI, until="counter", soak=0)
REQUESTS, REQUESTS_SOAK = (Contender(Tool.KATAKEI, until="requests", soak=soak) for soak in (0, 30))


def _closed(*contenders: Contender) -> tuple[Contender, ...]:
    return tuple(replace(each, keeps_idle=False) for each in contenders)


def _wide(*contenders: Contender) -> tuple[Contender, ...]:
    return tuple(replace(each, window="25%") for each in contenders)


def _known(*contenders: Contender) -> tuple[Contender, ...]:
    """Those whose way this version has."""
    known = {way.value for way in DrainUntil}
    return tuple(each for each in contenders if each.until in known)


_COUNTED = _known(REQUESTS_SOAK, REQUESTS)
_EACH = (PROOF, *_closed(PROOF), ANSWERED, *_closed(ANSWERED), COUNTER, *_closed(COUNTER), *_COUNTED)
_EIGHT = (
    *(RUNBOOK, CODEDEPLOY, PROOF, *_closed(PROOF), COUNTER, *_COUNTED, QUARTER),
    *_wide(PROOF, *_closed(PROOF), ANSWERED, COUNTER, *_COUNTED),
    IMPATIENT,
)
_TWO = (RUNBOOK, SERIAL, CODEDEPLOY, PROOF, *_closed(PROOF), ANSWERED, COUNTER, *_COUNTED, IMPATIENT)
_LONG = (RUNBOOK, CODEDEPLOY, QUARTER, *_wide(PROOF, *_closed(PROOF), COUNTER, *_COUNTED))

FULL = (
    Scenario(2, 300, ClientLoad.BUSY, (RUNBOOK, PROOF, *_closed(PROOF), ANSWERED, COUNTER, *_COUNTED, IMPATIENT)),
    Scenario(8, 60, ClientLoad.IDLE, _EIGHT),
    Scenario(2, 300, ClientLoad.IDLE, (RUNBOOK, SERIAL, CODEDEPLOY, *_EACH, IMPATIENT)),
    Scenario(2, 300, ClientLoad.STREAMS, (RUNBOOK, PROOF, COUNTER, *_COUNTED, IMPATIENT)),
    Scenario(2, 60, ClientLoad.IDLE, _TWO),
    Scenario(8, 60, ClientLoad.BUSY, (QUARTER, *_wide(*_closed(PROOF), COUNTER, *_COUNTED), IMPATIENT)),
    Scenario(8, 300, ClientLoad.IDLE, _LONG, rounds=1),
)
"""All scenarios. Eight targets with 300 s run once: the runbook alone takes 42 minutes."""

_QUICK = (RUNBOOK, QUARTER, CODEDEPLOY, PROOF, *_closed(PROOF, COUNTER), *_COUNTED, IMPATIENT)
QUICK = tuple(
    Scenario(2, 30, load, _QUICK, 1, lag=3, interval=2, settle=5) for load in (ClientLoad.IDLE, ClientLoad.BUSY)
)
"""A quick try of everything in a few minutes. Its figures mean little."""


def legs(scenarios: tuple[Scenario, ...]) -> Iterator[Leg]:
    """Yields every contender of every scenario once, then again (A B A B)."""
    for number in range(1, max(scenario.rounds for scenario in scenarios) + 1):
        for scenario in scenarios:
            if number <= scenario.rounds:
                yield from (Leg(scenario, contender, number) for contender in scenario.contenders)
