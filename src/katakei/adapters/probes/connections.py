"""The witness `connections`: counts on the target itself what may hold a request, and dates what it saw by our clock.

It talks to targets through a carrier only, and never waits: programs run there for up to half a minute and are sent
again while something is open.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from katakei.adapters.probes import carried, judging
from katakei.adapters.probes.counting import Count, Mode, Terms, arguments, ports, read, terms
from katakei.adapters.probes.rounds import Clocks, Heard, Rounds
from katakei.domain.model import TargetId
from katakei.domain.observation import DrainEvidence, ProbeVerdict
from katakei.domain.ports import Clock, ProbedTarget, ProgramRunner
from katakei.domain.spec import DrainUntil

RUN = timedelta(seconds=30)
"""The longest that a program runs; its answer comes only when it ends."""

LOOK = timedelta(seconds=15)
"""The longest that one for a verdict runs, so that the sentence of why we wait is never older than that by much."""

AGAIN = timedelta(seconds=5)
"""A quiet verdict is renewed after this long, well before it is too old to be believed."""

LAST = timedelta(seconds=3)
"""So long may the last look before the start wait for quiet, lest one stray connection refuse the work for good."""

FIRST = timedelta(seconds=5)
"""So long the first count of arrivals lasts: most work is short, and what comes late comes early in it."""

T = TypeVar("T")
_CUT = "its answer was not whole"


class Connections:
    """For drains `until` proof or answered. `quiet` is how long an answered connection has to have been silent."""

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
        """A target that answered is asked again only while it was blind, because its traffic may just be seldom."""
        mode = Mode.BASELINE
        for watched, heard, count in self._gathered(mode, targets):
            target = watched.target.id
            if count is None:
                self._blind[target] = heard.printed.why or _CUT
                continue
            self._seen[target] = self._seen.get(target, frozenset()) | count.seen
            self._blind[target] = judging.blind(count, set(ports(watched)) - self._seen[target])
        unsighted = [each for each in targets if self._blind.get(each.target.id, "?")]
        self._blind |= self._send(mode, unsighted, RUN)
        return _of(self._blind, targets)

    def look(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, DrainEvidence]:
        """A blind target is not asked at all: nothing that it says could be believed."""
        mode = Mode.QUIET
        for watched, heard, count in self._gathered(mode, targets):
            self._evidence[watched.target.id] = self._judged(watched, heard, count)
        now = self._clock.now()
        for each in targets:
            if each.blind:
                self._evidence[each.target.id] = DrainEvidence(ProbeVerdict.BLIND, now, now, each.blind)
        failed = self._send(mode, [each for each in targets if not each.blind and not self._fresh(each)], LOOK)
        for target, why in failed.items():
            self._evidence[target] = DrainEvidence(ProbeVerdict.BLIND, now, now, f"the witness cannot be sent: {why}")
        return _of(self._evidence, targets)

    def arrivals(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, int]:
        """Counted from the quiet verdict; from now on where another process had that verdict."""
        mode = Mode.ARRIVALS
        for watched, heard, count in self._gathered(mode, targets):
            target = watched.target.id
            quiet = self._evidence.get(target)
            if count is not None and not (quiet and heard.sent < quiet.ended):  # else left over from an attempt before
                self._came[target] = self._came.get(target, 0) + count.arrivals
                self._since[target] = count.at
        new = [each for each in targets if each.target.id not in self._came]
        self._send(mode, new, FIRST)
        self._send(mode, [each for each in targets if each not in new], RUN)
        return _of(self._came, targets)

    def last_look(self, targets: Sequence[ProbedTarget]) -> str:
        """For the start script; by the same terms as the verdict before it."""
        lines = {str(each.target.id): self._words(Mode.ONCE, each, LAST) for each in targets}
        return carried.text(carried.program("count.sh"), lines, self._self_from)

    def _fresh(self, watched: ProbedTarget) -> bool:
        """What is quiet answers at once; it is not asked again at once."""
        last = self._evidence.get(watched.target.id)
        return last is not None and last.verdict is ProbeVerdict.QUIET and self._clock.now() - last.ended < AGAIN

    def _judged(self, watched: ProbedTarget, heard: Heard, count: Count | None) -> DrainEvidence:
        if count is None:
            now = self._clock.now()
            return DrainEvidence(
                ProbeVerdict.BLIND, heard.sent, now, f"the witness had no answer: {heard.printed.why or _CUT}"
            )
        target = watched.target.id
        said = judging.verdict(count, self._terms(watched))
        ended = self._clocks.earliest(target, count.at)
        if said.pending is ProbeVerdict.QUIET:
            self._since[target] = count.at
            self._came.pop(target, None)
        return DrainEvidence(said.pending, min(heard.sent, ended), ended, said.why, said.open)

    def _gathered(
        self, mode: Mode, targets: Sequence[ProbedTarget]
    ) -> Iterable[tuple[ProbedTarget, Heard, Count | None]]:
        by_id = {each.target.id: each for each in targets}
        for target, heard in self._asked[mode].gather().items():
            count = read(heard.printed.out)
            if count is not None and count.mode is not mode:
                count = None
            if count is not None:
                self._clocks.learn(target, count.began, heard.sent)
            if target in by_id:
                yield by_id[target], heard, count

    def _send(self, mode: Mode, targets: Iterable[ProbedTarget], run: timedelta) -> Mapping[TargetId, str]:
        asked = {each.target: self._words(mode, each, run) for each in targets}
        return self._asked[mode].send(carried.program("count.sh"), asked, run)

    def _words(self, mode: Mode, watched: ProbedTarget, run: timedelta) -> list[str]:
        since = self._since.get(watched.target.id) if mode is Mode.ARRIVALS else None
        return arguments(mode, watched, self._terms(watched), run, since)

    def _terms(self, watched: ProbedTarget) -> Terms:
        return terms(watched, self._until, self._quiet)


def _of(known: Mapping[TargetId, T], targets: Sequence[ProbedTarget]) -> dict[TargetId, T]:
    return {each.target.id: known[each.target.id] for each in targets if each.target.id in known}
