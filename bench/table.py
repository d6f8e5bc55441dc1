"""Markdown tables of one scenario: medians of what was measured. Missing figures are shown as missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.design import Contender, Scenario, Tool
from bench.limit import SafetyTerms, TimeParts, parts, shortest
from bench.result import CALL_KINDS, Result

Runs = Mapping[Contender, Sequence[Result]]
MISSING = "-"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One scenario with all results by contender. A contender without results was not measured."""

    scenario: Scenario
    runs: Runs

    @property
    def text(self) -> str:
        """The heading and the two tables."""
        return f"### {self.scenario.title}\n\n{self._times()}\n\n{self._costs()}"

    def wall(self, contender: Contender) -> float | None:
        """Returns the median duration."""
        walls = [run.used.wall for run in self.runs.get(contender, ())]
        return median(walls) if walls else None

    def ratio(self, contender: Contender) -> float | None:
        """Returns the median ratio of duration to limit."""
        ratios = [
            run.used.wall / limit for run in self.runs.get(contender, ()) if (limit := self._limit(contender, run))
        ]
        return median(ratios) if ratios else None

    def limit(self, contender: Contender) -> float | None:
        """Returns the median limit."""
        limits = [limit for run in self.runs.get(contender, ()) if (limit := self._limit(contender, run))]
        return median(limits) if limits else None

    def shares(self, contender: Contender) -> TimeParts | None:
        """Returns the median parts of the limit over all targets."""
        each = [
            parts(times, self._terms(contender))
            for run in self.runs.get(contender, ())
            for times in run.times_by_target
        ]
        if not each:
            return None
        drain, work, check, soak = (median(spans) for spans in zip(*map(_spans, each), strict=True))
        return TimeParts(drain, work, check, soak)

    def _terms(self, contender: Contender) -> SafetyTerms:
        return SafetyTerms(
            self.scenario.settle,
            self.scenario.delay,
            contender.soak,
            contender.until,
            contender.keeps_idle,
            overlap=self.scenario.targets > 2,
        )

    def _limit(self, contender: Contender, run: Result) -> float:
        if contender.tool is not Tool.KATAKEI:
            return 0.0
        terms = self._terms(contender)
        in_order = sorted(run.times_by_target, key=lambda times: times.deregistered)
        return shortest([parts(times, terms) for times in in_order], contender.at_once(self.scenario.targets), terms)

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
        return table(head, [self._time(contender) for contender in self.scenario.contenders])

    def _time(self, contender: Contender) -> list[str]:
        runs, wall, first = self.runs.get(contender, ()), self.wall(contender), self.wall(self.scenario.contenders[0])
        if not runs or wall is None:
            return [contender.title, "0", *[MISSING] * 7]
        limit, ratio = self.limit(contender), self.ratio(contender)
        return [
            contender.title,
            str(len(runs)),
            f"{wall:.0f} s",
            f"{first / wall:.1f}" if first else MISSING,
            f"{median(span for run in runs for span in run.out):.0f} s",
            f"{sum(run.failed for run in runs):,} of {sum(run.requests for run in runs):,}",
            f"{min(run.serving for run in runs)} of {self.scenario.targets}",
            f"{limit:.0f} s" if limit else MISSING,
            f"{ratio:.2f}" if ratio else MISSING,
        ]

    def _costs(self) -> str:
        head = ("", *(f"{kind}, calls" for kind in CALL_KINDS), "bytes sent", "bytes received", "CPU", "memory")
        return table(
            head, [self._cost(contender) for contender in self.scenario.contenders if self.runs.get(contender)]
        )

    def _cost(self, contender: Contender) -> list[str]:
        runs = self.runs[contender]
        return [
            contender.title,
            *(f"{median(run.calls.get(kind, 0) for run in runs):.0f}" for kind in CALL_KINDS),
            f"{median(run.bytes_in for run in runs) / 1000:.0f} kB",
            f"{median(run.bytes_out for run in runs) / 1000:.0f} kB",
            f"{median(run.used.cpu for run in runs):.1f} s",
            f"{median(run.used.memory for run in runs):.0f} MB",
        ]


def _spans(each: TimeParts) -> tuple[float, float, float, float]:
    return each.drain, each.work, each.check, each.soak


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a GitHub Markdown table; all columns but the first are right-aligned."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
