"""The probe of requests: a reader on the target knows from its packets how many requests are in progress.

The reader (`wire/`) is begun while the target still serves, and answers until the work has begun. Where it cannot run,
or gives no verdict, another probe stands in, so that no drain depends on a process that may die (docs/requests.md).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from katakei.adapters.probes import program_rounds
from katakei.adapters.probes.connection_counts import SPARE
from katakei.adapters.probes.program_rounds import Clocks, ProgramAnswer, Rounds, moment, natural
from katakei.adapters.probes.reader_program import ask_program, start_program
from katakei.domain.model import Target, TargetId, TargetType
from katakei.domain.observation import DrainEvidence, ProbeVerdict
from katakei.domain.outside_text import one_line
from katakei.domain.ports import Clock, Probe, ProbedTarget, ProgramRunner
from katakei.domain.spec import DrainUntil
from katakei.domain.words import counted

START = timedelta(seconds=45)
"""A start waits so long at most: for another start, and for the reader."""

RENEW = timedelta(minutes=2)
"""A reader that nobody asks ends after ten minutes; one whose target still waits is asked so often."""

LOOK = timedelta(seconds=15)
"""A question for a verdict is answered after this long at the latest, so that the reason to wait is never older."""

AGAIN = timedelta(seconds=5)
"""A quiet verdict is renewed after this long, well before it expires."""

RETRY = timedelta(seconds=30)
"""A reader that gave no verdict is asked again after this long."""

LAST = timedelta(seconds=3)
"""The last probe before the start waits this long for quiet."""

ASKED = timedelta(seconds=20)
"""A program that asks the reader runs so long at most, beside the time for which the reader watches."""

POLL = timedelta(seconds=1)
TIMES = 3
"""So many quiet verdicts, a second apart, make one for the rollout."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program printed about the reader.

    Attributes:
        began: The uptime of the target when the program began.
        words: What the reader said.
        why: Why there is no reader, or no answer of it; '' when it answered.
    """

    began: timedelta
    words: Mapping[str, str]
    why: str = ""


class Requests:
    """For drains `until` requests."""

    def __init__(self, carrier: ProgramRunner, clock: Clock, stand_in: Probe, fallback: DrainUntil | None) -> None:
        """Makes the probe.

        Args:
            carrier: Carries programs to the targets.
            clock: Dates the verdicts.
            stand_in: Probes where no reader gives a verdict.
            fallback: What the user listed for targets on which no reader is possible.
        """
        self._clock, self._stand_in, self._fallback = clock, stand_in, fallback
        self._self_from = carrier.self_from
        self._clocks = Clocks()
        self._starts, self._looks = Rounds(carrier, clock), Rounds(carrier, clock)
        self._checks, self._ends = Rounds(carrier, clock), Rounds(carrier, clock)
        self._renewed: dict[TargetId, datetime] = {}
        self._answered: set[TargetId] = set()
        self._gone: dict[TargetId, tuple[str, datetime]] = {}
        self._evidence: dict[TargetId, DrainEvidence] = {}

    def baseline(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, str]:
        """Begins the readers, and keeps them. The stand-in must see the target's traffic too: it may be needed."""
        now = self._clock.now()
        for target, heard, answer in _heard(self._starts):
            self._learn(target, heard, answer)
            self._answered.add(target)
            self._note_gone(target, answer, heard)
        possible = [each for each in targets if not self._impossible(each)]
        due = [each for each in possible if now - self._renewed.get(each.target.id, now - RENEW) >= RENEW]
        failed = self._starts.send(start_program(), {each.target: _words("start", each) for each in due}, START)
        self._renewed |= dict.fromkeys((each.target.id for each in due if each.target.id not in failed), now)
        self._gone |= {target: (why, now) for target, why in failed.items()}
        self._answered |= failed.keys()
        by_timer = {each.target.id: self._impossible(each) for each in targets if self._by_timer(each)}
        others = [each for each in targets if each.target.id not in by_timer]
        known = self._stand_in.baseline(others)
        awaited = {each.target.id for each in possible} - self._answered
        return {**by_timer, **{target: text for target, text in known.items() if target not in awaited}}

    def look(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, DrainEvidence]:
        """The newest verdicts. A reader is found by its key, also one that an earlier owner began."""
        for target, heard, answer in _heard(self._looks):
            self._learn(target, heard, answer)
            self._note_gone(target, answer, heard)
            if answer is not None and not answer.why:
                self._evidence[target] = self._judged(target, heard, answer)
        asked = [each for each in targets if self._asks(each)]
        due = {each.target: _words("look", each, LOOK, TIMES) for each in asked if not self._fresh(each.target.id)}
        failed = self._looks.send(ask_program(), due, LOOK + ASKED)
        self._gone |= {target: (why, self._clock.now()) for target, why in failed.items()}
        mine = {each.target.id for each in asked} - failed.keys()
        found = {target: self._evidence[target] for target in mine if target in self._evidence}
        others = self._stand_in.look([each for each in targets if each.target.id not in mine])
        return {**found, **{target: self._instead(target, evidence) for target, evidence in others.items()}}

    def arrivals(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, int]:
        """The connections tell it, also where a reader gave the verdict."""
        return self._stand_in.arrivals(targets)

    def last_look(self, targets: Sequence[ProbedTarget]) -> str:
        """Asks the reader where one gave the verdict, else as the stand-in does."""
        mine = {each.target.id for each in targets if self._asks(each)}
        if not mine:
            return self._stand_in.last_look(targets)
        lines = {
            str(each.target.id): _words("last", each, LAST) if each.target.id in mine else ["mode=pass"]
            for each in targets
        }
        asks = program_rounds.text(ask_program(), lines, self._self_from)
        others = [each for each in targets if each.target.id not in mine]
        if not others:
            return asks
        return f"(\n{asks})\ncode=$?\n[ $code = 77 ] || exit $code\n{self._stand_in.last_look(others)}"

    def unable(self, targets: Sequence[ProbedTarget], by: timedelta) -> Mapping[TargetId, str]:
        """Where no reader could be begun. A fallback makes that no fault."""
        if self._fallback is not None:
            return {}
        until = self._clock.now() + by
        found = dict(
            self._checks.send(start_program(), {each.target: _words("check", each) for each in targets}, START)
        )
        waiting = {each.target.id for each in targets} - found.keys()
        while waiting and self._clock.now() < until:
            for target, _, answer in _heard(self._checks):
                waiting.discard(target)
                if answer is not None and answer.why:
                    found[target] = f"the reader of requests cannot run there: {answer.why}"
            if waiting:
                self._clock.sleep(POLL)
        return found

    def end(self, targets: Sequence[ProbedTarget], *, forbid: bool) -> None:
        """Ends the readers; one that is not reached ends by itself."""
        over = [each for each in targets if each.target.id in self._renewed or self._asks(each)]
        words = {each.target: [*_words("end", each), *(["forbid=1"] if forbid else [])] for each in over}
        self._ends.send(ask_program(), words, ASKED)
        for each in over:
            self._renewed.pop(each.target.id, None)
            self._answered.discard(each.target.id)
            self._evidence.pop(each.target.id, None)

    def _impossible(self, watched: ProbedTarget) -> str:
        """Why no reader can follow this target; '' when one can."""
        for group in watched.groups:
            if not group.plain_http:
                return f"requests cannot be counted: {group.name} speaks {group.protocol} ({group.protocol_version})"
        return "" if "" not in _addresses(watched) else "requests cannot be counted: its address is not known"

    def _by_timer(self, watched: ProbedTarget) -> bool:
        return self._fallback is DrainUntil.DELAY and bool(self._impossible(watched))

    def _asks(self, watched: ProbedTarget) -> bool:
        """Whether the reader is asked, and not the stand-in."""
        if watched.blind or self._impossible(watched):
            return False
        gone = self._gone.get(watched.target.id)
        return gone is None or self._clock.now() - gone[1] >= RETRY

    def _note_gone(self, target: TargetId, answer: Answer | None, heard: ProgramAnswer) -> None:
        why = answer.why if answer else heard.printed.why or "its answer was incomplete"
        if why:
            self._gone[target] = (why, self._clock.now())
            self._evidence.pop(target, None)
        else:
            self._gone.pop(target, None)

    def _instead(self, target: TargetId, evidence: DrainEvidence) -> DrainEvidence:
        gone = self._gone.get(target)
        if gone is None or not evidence.why:
            return evidence
        return replace(evidence, why=f"{evidence.why} (no verdict of the reader of requests: {gone[0]})")

    def _learn(self, target: TargetId, heard: ProgramAnswer, answer: Answer | None) -> None:
        if answer is not None and answer.began:
            self._clocks.learn(target, answer.began, heard.sent)

    def _judged(self, target: TargetId, heard: ProgramAnswer, answer: Answer) -> DrainEvidence:
        ended = self._clocks.earliest(target, moment(answer.words["at"]), self._clock.now())
        verdict, why, pending = judge(answer.words)
        return DrainEvidence(verdict, min(heard.sent, ended), ended, why, pending)

    def _fresh(self, target: TargetId) -> bool:
        last = self._evidence.get(target)
        return last is not None and last.verdict is ProbeVerdict.QUIET and self._clock.now() - last.ended < AGAIN


def judge(words: Mapping[str, str]) -> tuple[ProbeVerdict, str, int]:
    """The verdict of a reader's answer, its sentence, and how many requests may be pending."""
    if words["verdict"] == "elsewhere":
        return ProbeVerdict.BLIND, "packets reach its port whose connections end in no socket of this machine", 0
    requests, unknown = natural(words["requests"]), natural(words["unknown"])
    known = natural(words["idle"]) + natural(words["silent"])
    if words["verdict"] == "quiet" and not requests and not unknown:
        return ProbeVerdict.QUIET, f"no request in progress, {counted(known, 'connection')} idle", 0
    parts = (
        [f"{counted(requests, 'request')} in progress, oldest {natural(words['oldest']) // 1000} s"] if requests else []
    )
    parts += [f"{counted(unknown, 'connection')} unknown"] if unknown else []
    return ProbeVerdict.BUSY, "; ".join(parts) or "quiet, but not yet for long enough", requests + unknown


def read_answer(output: str) -> Answer | None:
    """What a program printed about the reader; None when that is incomplete or not its output."""
    lines = [line.split(" ") for line in output.splitlines()]
    if len(lines) != 3 or lines[0][0] != "katakei-requests" or lines[2] != ["katakei-end"]:
        return None
    try:
        began = moment(lines[0][1])
        kind, *rest = lines[1]
        words = dict(word.split("=", 1) for word in rest) if kind == "answer" else {}
        answer = Answer(began, words, one_line(" ".join(rest)) or kind if kind in {"gone", "unable"} else "")
        if "verdict" in words:
            judge(words)
            moment(words["at"])
    except (ValueError, IndexError, KeyError):
        return None
    return answer if kind in {"answer", "gone", "unable", "able", "ended"} else None


def _heard(rounds: Rounds) -> Iterator[tuple[TargetId, ProgramAnswer, Answer | None]]:
    for target, heard in rounds.gather().items():
        yield target, heard, read_answer(heard.printed.out)


def _words(mode: str, watched: ProbedTarget, run: timedelta = timedelta(), times: int = 1) -> list[str]:
    """The arguments of a program for one target."""
    words = [f"mode={mode}", f"key={watched.rollout or 'none'}"]
    if mode in {"start", "check"}:
        ports = sorted({place.port for place in watched.target.registrations})
        return [*words, f"ports={','.join(map(str, ports))}", f"addresses={','.join(_addresses(watched))}"]
    idle = max(group.idle_timeout for group in watched.groups) + SPARE
    seconds = int(run.total_seconds())
    return [*words, f"seconds={seconds}", f"idle={idle // timedelta(milliseconds=1)}", f"times={times}"]


def _addresses(watched: ProbedTarget) -> list[str]:
    """The addresses at which the target receives requests; a group of type `ip` knows the target by its address."""
    by_ip = {group.arn for group in watched.groups if group.target_type is TargetType.IP}
    target: Target = watched.target
    return sorted({place.id if place.group in by_ip else target.address for place in target.registrations})
