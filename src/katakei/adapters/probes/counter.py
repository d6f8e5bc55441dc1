"""The probe of a counter: a number that the user's own software prints, and that must be 0 for `quiet`.

The number is read on the target itself, because status pages often answer only there. The user is responsible for what
it counts; whether it prints a number at all is checked before the target is taken out.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from katakei.adapters.probes import program_rounds
from katakei.adapters.probes.connection_counts import Finding
from katakei.adapters.probes.program_rounds import Clocks, ProgramAnswer, Rounds, moment, natural
from katakei.domain.model import TargetId
from katakei.domain.observation import DrainEvidence, ProbeVerdict
from katakei.domain.outside_text import one_line
from katakei.domain.ports import Clock, ProbedTarget, ProgramRunner
from katakei.domain.spec import CounterSource
from katakei.domain.words import span

RUN = timedelta(seconds=10)
AGAIN = timedelta(seconds=5)
_PROGRAM = "counter.sh"


@dataclass(frozen=True, slots=True)
class Numbers:
    """What one run read: moments in the target's uptime, and the number read right after each; None for no number."""

    began: timedelta
    said: tuple[tuple[timedelta, int | None], ...]
    heard: str = ""


class Counter:
    """For drains `until` counter. The protocol and idle timeout of the load balancer do not matter."""

    def __init__(self, carrier: ProgramRunner, clock: Clock, tally: CounterSource, quiet: timedelta) -> None:
        self._clock, self._tally, self._quiet = clock, tally, quiet
        self._self_from = carrier.self_from
        self._first, self._rounds = Rounds(carrier, clock), Rounds(carrier, clock)
        self._clocks = Clocks()
        self._blind: dict[TargetId, str] = {}
        self._evidence: dict[TargetId, DrainEvidence] = {}

    def baseline(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, str]:
        """A counter that prints a number now is expected to print one later."""
        for target, heard, numbers in self._gathered(self._first):
            said = judge(numbers, self._quiet) if numbers else Finding(ProbeVerdict.BLIND, _incomplete(heard))
            self._blind[target] = said.why if said.verdict is ProbeVerdict.BLIND else ""
        unknown = [each for each in targets if self._blind.get(each.target.id, "?")]
        asked = {each.target: self._words("quiet", timedelta(), timedelta()) for each in unknown}
        self._blind |= self._first.send(program_rounds.program(_PROGRAM), asked, timedelta(seconds=6))
        return {each.target.id: self._blind[each.target.id] for each in targets if each.target.id in self._blind}

    def look(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, DrainEvidence]:
        """The newest verdicts. A counter that failed is asked again, because it may work again."""
        for target, heard, numbers in self._gathered(self._rounds):
            self._evidence[target] = self._judged(target, heard, numbers)
        now = self._clock.now()
        asked = {each.target: self._words("quiet", RUN) for each in targets if not self._fresh(each.target.id)}
        for target, why in self._rounds.send(
            program_rounds.program(_PROGRAM), asked, RUN + self._quiet + AGAIN
        ).items():
            self._evidence[target] = DrainEvidence(ProbeVerdict.BLIND, now, now, f"the counter cannot be asked: {why}")
        return {each.target.id: self._evidence[each.target.id] for each in targets if each.target.id in self._evidence}

    def arrivals(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, int]:  # noqa: ARG002 - the port's shape
        """A number in flight does not tell how many requests came."""
        return {}

    def last_look(self, targets: Sequence[ProbedTarget]) -> str:
        """One reading of 0 right before the work begins."""
        lines = {str(each.target.id): self._words("once", timedelta(seconds=3), timedelta()) for each in targets}
        return program_rounds.text(program_rounds.program(_PROGRAM), lines, self._self_from)

    def unable(self, targets: Sequence[ProbedTarget], by: timedelta) -> Mapping[TargetId, str]:  # noqa: ARG002 - the port's shape
        """The baseline shows whether the counter prints a number."""
        return {}

    def end(self, targets: Sequence[ProbedTarget], *, forbid: bool) -> None:
        """It leaves nothing running."""

    def _judged(self, target: TargetId, heard: ProgramAnswer, numbers: Numbers | None) -> DrainEvidence:
        if numbers is None:
            return DrainEvidence(ProbeVerdict.BLIND, heard.sent, self._clock.now(), _incomplete(heard))
        said = judge(numbers, self._quiet)
        ended = self._clocks.earliest(target, numbers.said[-1][0], self._clock.now())
        return DrainEvidence(said.verdict, min(heard.sent, ended), ended, said.why, said.open)

    def _fresh(self, target: TargetId) -> bool:
        last = self._evidence.get(target)
        return last is not None and last.verdict is ProbeVerdict.QUIET and self._clock.now() - last.ended < AGAIN

    def _gathered(self, rounds: Rounds) -> list[tuple[TargetId, ProgramAnswer, Numbers | None]]:
        found = []
        for target, heard in rounds.gather().items():
            numbers = read(heard.printed.out)
            if numbers:
                self._clocks.learn(target, numbers.began, heard.sent)
            found.append((target, heard, numbers))
        return found

    def _words(self, mode: str, run: timedelta, quiet: timedelta | None = None) -> list[str]:
        milliseconds = (self._quiet if quiet is None else quiet) // timedelta(milliseconds=1)
        return [f"mode={mode}", f"seconds={int(run.total_seconds())}", f"quiet={milliseconds}", *asked(self._tally)]


def asked(tally: CounterSource) -> list[str]:
    """The counter as arguments of the program."""
    given = {"command": tally.command, "url": tally.url, "field": tally.field}
    return [f"{name}={program_rounds.encoded(value)}" for name, value in given.items() if value]


def judge(numbers: Numbers, quiet: timedelta) -> Finding:
    """Quiet when the number was 0, and nothing else, for at least `quiet` up to the end."""
    last = numbers.said[-1][1]
    if last is None:
        told = one_line(numbers.heard)[:120]
        return Finding(ProbeVerdict.BLIND, f"its counter told no number{f': {told}' if told else ''}")
    if last:
        return Finding(ProbeVerdict.BUSY, f"its counter says {last} in flight", last)
    zeros = 0
    while zeros < len(numbers.said) and numbers.said[-1 - zeros][1] == 0:
        zeros += 1
    lasted = numbers.said[-1][0] - numbers.said[-zeros][0]
    if lasted >= quiet:
        return Finding(ProbeVerdict.QUIET, f"its counter said 0 for {span(lasted)}")
    return Finding(ProbeVerdict.BUSY, f"its counter says 0, but not yet for {span(quiet)}")


def read(output: str) -> Numbers | None:
    """What the program printed; None when that is incomplete or not its output."""
    lines = [line.split(" ") for line in output.splitlines()]
    if not lines or lines[-1] != ["katakei-end"]:
        return None
    try:
        began = next(moment(line[1]) for line in lines if line[0] == "katakei-counter")
        said = tuple(
            (moment(line[1]), None if line[2] == "-" else natural(line[2])) for line in lines if line[0] == "said"
        )
        heard = next((base64.b64decode(line[1], validate=True) for line in lines if line[0] == "heard"), b"")
    except (ValueError, IndexError, StopIteration, binascii.Error):
        return None
    return Numbers(began, said, heard.decode(errors="replace")) if said else None


def _incomplete(heard: ProgramAnswer) -> str:
    return heard.printed.why or "the counter's answer was incomplete"
