"""The benchmarks at a glance: minutes and failed requests on the grounds that a user knows, as rows and as a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.design import CODEDEPLOY, PROOF, RUNBOOK, ClientLoad, Contender, Tool
from bench.table import Comparison, table


@dataclass(frozen=True, slots=True)
class GlanceRow:
    """One way on one ground.

    Attributes:
        ground: the number of servers and the deregistration delay, for a person.
        way: the tool and its settings.
        ours: whether it is Katakei.
        seconds: the median time of a whole rollout.
        failed, requests: the requests of all its runs.
    """

    ground: str
    way: str
    ours: bool
    seconds: float
    failed: int
    requests: int

    @property
    def minutes(self) -> str:
        """The time as it is shown."""
        return f"{self.seconds / 60:.1f} min"


def rows(found: Sequence[Comparison]) -> list[GlanceRow]:
    """Returns the rows of every comparison with few requests, the longest delay first. What was not run is left out."""
    quiet = [each for each in found if each.scenario.load is ClientLoad.IDLE]
    quiet.sort(key=lambda each: (each.scenario.targets, -each.scenario.delay))
    return [row for each in quiet for row in _rows(each)]


def _rows(each: Comparison) -> Iterator[GlanceRow]:
    ground = f"{each.scenario.targets} servers, delay {each.scenario.delay} s"
    for contender in _shown(each):
        seconds = each.wall(contender)
        if seconds is not None:
            runs = each.runs[contender]
            failed, requests = sum(run.failed for run in runs), sum(run.requests for run in runs)
            yield GlanceRow(ground, _way(contender), contender.tool is Tool.KATAKEI, seconds, failed, requests)


def _shown(each: Comparison) -> Iterator[Contender]:
    """The runbook, Ansible, CodeDeploy's scripts, Katakei's defaults with Ansible's window, and its fastest way."""
    ansible = [one for one in each.scenario.contenders if one.tool is Tool.ANSIBLE]
    window = ansible[0].window if ansible and each.scenario.targets > 2 else PROOF.window
    ours = [one for one in each.scenario.contenders if one.tool is Tool.KATAKEI and one.window == window]
    defaults = [one for one in ours if (one.until, one.soak, one.keeps_idle) == (PROOF.until, PROOF.soak, True)]
    others = [one for one in ours if one not in defaults and one.keeps_idle and each.wall(one) is not None]
    yield from (RUNBOOK, *ansible, CODEDEPLOY, *defaults)
    if others:
        yield min(others, key=lambda one: each.wall(one) or 0.0)


def _way(contender: Contender) -> str:
    """The title without what is the same in every row."""
    return contender.title.replace(", window 1,", ",").replace(", idle kept", "").replace("**", "")


def glance_table(shown: Sequence[GlanceRow]) -> str:
    """Returns the rows as a Markdown table. The first way of a ground counts as 1."""
    lines: list[list[str]] = []
    first = GlanceRow("", "", ours=False, seconds=0.0, failed=0, requests=0)
    for row in shown:
        named = row.ground != first.ground
        first = row if named else first
        way = f"**{row.way}**" if row.ours else row.way
        times = f"{first.seconds / row.seconds:.1f}"
        failed = f"{row.failed:,} of {row.requests:,}"
        lines.append([row.ground if named else "", way, row.minutes, times, failed])
    return table(("", "way", "a whole rollout", "times as fast as the first", "failed requests"), lines)
