"""Tables in Markdown from the results of one ground: medians of what was measured. What was not is never guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.design import Ground, Rival, Tool
from bench.limit import Parts, Terms, least, parts
from bench.result import KINDS, Result

Runs = Mapping[Rival, Sequence[Result]]
LACKING = "-"


@dataclass(frozen=True, slots=True)
class Compared:
    """One ground with all its results, by rival; a rival without any was not measured."""

    ground: Ground
    runs: Runs

    @property
    def text(self) -> str:
        """A heading and its two tables."""
        return f"### {self.ground.title}\n\n{self._times()}\n\n{self._costs()}"

    def wall(self, rival: Rival) -> float | None:
        """The median of how long it took."""
        walls = [run.used.wall for run in self.runs.get(rival, ())]
        return median(walls) if walls else None

    def ratio(self, rival: Rival) -> float | None:
        """How long it took to how long it had to take: the median of its runs."""
        ratios = [run.used.wall / limit for run in self.runs.get(rival, ()) if (limit := self._limit(rival, run))]
        return median(ratios) if ratios else None

    def limit(self, rival: Rival) -> float | None:
        """How long it had to take at least: the median of its runs."""
        limits = [limit for run in self.runs.get(rival, ()) if (limit := self._limit(rival, run))]
        return median(limits) if limits else None

    def shares(self, rival: Rival) -> Parts | None:
        """What the limit of one target is made of: medians over all its targets."""
        each = [parts(way, self._terms(rival)) for run in self.runs.get(rival, ()) for way in run.ways]
        if not each:
            return None
        drain, work, check, soak = (median(spans) for spans in zip(*map(_spans, each), strict=True))
        return Parts(drain, work, check, soak)

    def _terms(self, rival: Rival) -> Terms:
        return Terms(self.ground.settle, self.ground.delay, rival.soak, rival.until, rival.keeps_idle)

    def _limit(self, rival: Rival, run: Result) -> float:
        if rival.tool is not Tool.KATAKEI:
            return 0.0
        return least([parts(way, self._terms(rival)).whole for way in run.ways], rival.at_once(self.ground.targets))

    def _times(self) -> str:
        head = (
            "",
            "runs",
            "took",
            "times as fast as the first",
            "out, each",
            "failed",
            "least serving",
            "limit",
            "took ÷ limit",
        )
        return table(head, [self._time(rival) for rival in self.ground.rivals])

    def _time(self, rival: Rival) -> list[str]:
        runs, wall, first = self.runs.get(rival, ()), self.wall(rival), self.wall(self.ground.rivals[0])
        if not runs or wall is None:
            return [rival.title, "0", *[LACKING] * 7]
        limit, ratio = self.limit(rival), self.ratio(rival)
        return [
            rival.title,
            str(len(runs)),
            f"{wall:.0f} s",
            f"{first / wall:.1f}" if first else LACKING,
            f"{median(span for run in runs for span in run.out):.0f} s",
            f"{sum(run.failed for run in runs):,} of {sum(run.requests for run in runs):,}",
            f"{min(run.serving for run in runs)} of {self.ground.targets}",
            f"{limit:.0f} s" if limit else LACKING,
            f"{ratio:.2f}" if ratio else LACKING,
        ]

    def _costs(self) -> str:
        head = ("", *(f"{kind}, calls" for kind in KINDS), "bytes sent", "bytes received", "CPU", "memory")
        return table(head, [self._cost(rival) for rival in self.ground.rivals if self.runs.get(rival)])

    def _cost(self, rival: Rival) -> list[str]:
        runs = self.runs[rival]
        return [
            rival.title,
            *(f"{median(run.calls.get(kind, 0) for run in runs):.0f}" for kind in KINDS),
            f"{median(run.bytes_in for run in runs) / 1000:.0f} kB",
            f"{median(run.bytes_out for run in runs) / 1000:.0f} kB",
            f"{median(run.used.cpu for run in runs):.1f} s",
            f"{median(run.used.memory for run in runs):.0f} MB",
        ]


def _spans(each: Parts) -> tuple[float, float, float, float]:
    return each.drain, each.work, each.check, each.soak


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """In GitHub's Markdown; all but the first column are figures."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
