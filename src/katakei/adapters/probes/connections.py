"""The probe of connections: it counts on the target itself what may hold a request, and dates that by our clock.

It reaches targets through a program runner only, and never waits: programs run on the target for up to half a minute,
and are sent again while something is open.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from katakei.adapters.probes import program_rounds
from katakei.adapters.probes.connection_counts import (
    Count,
    Mode,
    Terms,
    arguments,
    blind_reason,
    judge_count,
    ports,
    read_count,
    terms,
)
from katakei.adapters.probes.program_rounds import Clocks, ProgramAnswer, Rounds
from katakei.domain.model import TargetId
from katakei.domain.observation import DrainEvidence, ProbeVerdict
from katakei.domain.ports import Clock, ProbedTarget, ProgramRunner
from katakei.domain.spec import DrainUntil

RUN = timedelta(seconds=30)
"""A program runs for at most this long. Its answer comes only when it ends."""

LOOK = timedelta(seconds=15)
"""A program for a verdict runs for at most this long, so that the reason why we wait is never much older."""

AGAIN = timedelta(seconds=5)
"""A quiet verdict is renewed after this long, well before it expires."""

LAST = timedelta(seconds=3)
"""The last probe before the start waits this long for quiet: one stray connection must not refuse the work."""

FIRST = timedelta(seconds=5)
"""The first count of arrivals lasts this long: most work is short, and late requests come at its beginning."""

T = TypeVar("T")
_INCOMPLETE = "its answer was incomplete"


class Connections:
    """For drains `until` proof or answered. `quiet` is how long an answered connection must have been silent."""

    def __init__(self, carrier: ProgramRunner, clock: Clock, until: DrainUntil, quiet: timedelta) -> None:
        self._clock, self._until, self._quiet = clock, until, quiet
        self._self_from = carrier.self_from
        self._clocks = Clocks()
        self._asked = {mode: Rounds(carrier, clock) for mode in Mode}
        self._blind: dict[TargetId, str] = {}
        self._seen: dict[TargetId, frozenset[int]] = {}
        self._evidence: dict[TargetId, DrainEvidence] = {}
        self._since: dict[TargetId, timedelta] = {}
        self._came: dict[TargetId, int] = {}

    def baseline(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, str]:
        """A target is asked again only while its baseline is blind: its traffic may just be rare."""
        mode = Mode.BASELINE
        for watched, heard, count in self._gathered(mode, targets):
            target = watched.target.id
            if count is None:
                self._blind[target] = heard.printed.why or _INCOMPLETE
                continue
            self._seen[target] = self._seen.get(target, frozenset()) | count.seen
            self._blind[target] = blind_reason(count, set(ports(watched)) - self._seen[target])
        unsighted = [each for each in targets if self._blind.get(each.target.id, "?")]
        self._blind |= self._send(mode, unsighted, RUN)
        return _of(self._blind, targets)

    def look(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, DrainEvidence]:
        """A target whose baseline is blind is not asked: its answer could not be believed."""
        mode = Mode.QUIET
        for watched, heard, count in self._gathered(mode, targets):
            self._evidence[watched.target.id] = self._judged(watched, heard, count)
        now = self._clock.now()
        for each in targets:
            if each.blind:
                self._evidence[each.target.id] = DrainEvidence(ProbeVerdict.BLIND, now, now, each.blind)
        failed = self._send(mode, [each for each in targets if not each.blind and not self._fresh(each)], LOOK)
        for target, why in failed.items():
            self._evidence[target] = DrainEvidence(ProbeVerdict.BLIND, now, now, f"the probe cannot be sent: {why}")
        return _of(self._evidence, targets)

    def arrivals(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, int]:
        """Counted from the quiet verdict on; from now on where another process had that verdict."""
        mode = Mode.ARRIVALS
        for watched, heard, count in self._gathered(mode, targets):
            target = watched.target.id
            quiet = self._evidence.get(target)
            if count is not None and not (quiet and heard.sent < quiet.ended):  # else it belongs to an attempt before
                self._came[target] = self._came.get(target, 0) + count.arrivals
                self._since[target] = count.at
        new = [each for each in targets if each.target.id not in self._came]
        self._send(mode, new, FIRST)
        self._send(mode, [each for each in targets if each not in new], RUN)
        return _of(self._came, targets)

    def last_look(self, targets: Sequence[ProbedTarget]) -> str:
        """For the start script, by the same terms as the verdict before it."""
        lines = {str(each.target.id): self._words(Mode.ONCE, each, LAST) for each in targets}
        return program_rounds.text(program_rounds.program("count.sh"), lines, self._self_from)

    def unable(self, targets: Sequence[ProbedTarget], by: timedelta) -> Mapping[TargetId, str]:  # noqa: ARG002 - the port's shape
        """A shell is all it needs."""
        return {}

    def end(self, targets: Sequence[ProbedTarget], *, forbid: bool) -> None:
        """It leaves nothing running."""

    def _fresh(self, watched: ProbedTarget) -> bool:
        """A quiet target answers at once; it is not asked again at once."""
        last = self._evidence.get(watched.target.id)
        return last is not None and last.verdict is ProbeVerdict.QUIET and self._clock.now() - last.ended < AGAIN

    def _judged(self, watched: ProbedTarget, heard: ProgramAnswer, count: Count | None) -> DrainEvidence:
        if count is None:
            now = self._clock.now()
            return DrainEvidence(
                ProbeVerdict.BLIND, heard.sent, now, f"the probe had no answer: {heard.printed.why or _INCOMPLETE}"
            )
        target = watched.target.id
        said = judge_count(count, self._terms(watched))
        ended = self._clocks.earliest(target, count.at, self._clock.now())
        if said.verdict is ProbeVerdict.QUIET:
            self._since[target] = count.at
            self._came.pop(target, None)
        return DrainEvidence(said.verdict, min(heard.sent, ended), ended, said.why, said.open)

    def _gathered(
        self, mode: Mode, targets: Sequence[ProbedTarget]
    ) -> Iterable[tuple[ProbedTarget, ProgramAnswer, Count | None]]:
        by_id = {each.target.id: each for each in targets}
        for target, heard in self._asked[mode].gather().items():
            count = read_count(heard.printed.out)
            if count is not None and count.mode is not mode:
                count = None
            if count is not None:
                self._clocks.learn(target, count.began, heard.sent)
            if target in by_id:
                yield by_id[target], heard, count

    def _send(self, mode: Mode, targets: Iterable[ProbedTarget], run: timedelta) -> Mapping[TargetId, str]:
        asked = {each.target: self._words(mode, each, run) for each in targets}
        return self._asked[mode].send(program_rounds.program("count.sh"), asked, run)

    def _words(self, mode: Mode, watched: ProbedTarget, run: timedelta) -> list[str]:
        since = self._since.get(watched.target.id) if mode is Mode.ARRIVALS else None
        return arguments(mode, watched, self._terms(watched), run, since)

    def _terms(self, watched: ProbedTarget) -> Terms:
        return terms(watched, self._until, self._quiet)


def _of(known: Mapping[TargetId, T], targets: Sequence[ProbedTarget]) -> dict[TargetId, T]:
    return {each.target.id: known[each.target.id] for each in targets if each.target.id in known}
