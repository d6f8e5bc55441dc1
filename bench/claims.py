"""Expectations of the benchmarks, each with its figure, met or not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bench.design import (
    ANSWERED,
    COUNTER,
    PROOF,
    QUARTER,
    REQUESTS,
    REQUESTS_SOAK,
    RUNBOOK,
    SERIAL,
    Contender,
    Scenario,
    Tool,
)
from bench.result import Result
from bench.table import MISSING, Comparison, table

LIMIT = 1.06
CLOSED = replace(PROOF, keeps_idle=False)
_COUNTS = {replace(each, keeps_idle=keeps): 6.0 for each in (ANSWERED, COUNTER) for keeps in (True, False)}
GOALS: Mapping[tuple[int, int, Contender], Mapping[Contender, float]] = {
    (2, 300, RUNBOOK): {PROOF: 2.65, CLOSED: 4.7, REQUESTS_SOAK: 4.6, REQUESTS: 7.5, **_COUNTS},
    (2, 300, SERIAL): {PROOF: 2.55, CLOSED: 4.7, REQUESTS_SOAK: 4.6, REQUESTS: 7.5, **_COUNTS},
    (2, 60, SERIAL): {PROOF: 0.66, CLOSED: 0.97, REQUESTS_SOAK: 0.95, REQUESTS: 1.6},
    (8, 60, QUARTER): {PROOF: 0.86, CLOSED: 1.45, REQUESTS_SOAK: 1.45, REQUESTS: 1.65},
    (8, 60, RUNBOOK): {PROOF: 1.03, CLOSED: 1.83, REQUESTS_SOAK: 1.83, REQUESTS: 1.95},
}
"""How many times as fast as a peer each way has to be, by targets, delay and peer; with the window of the peer."""

Row = list[str]


def claims(scenarios: Sequence[Comparison]) -> str:
    """Returns the expectations as a table."""
    rows = [*_faster(scenarios), *_lost(scenarios), *_near(scenarios), *_thrifty(scenarios)]
    return table(("expected", "on", "measured", "at the limit", ""), rows)


def shares(scenarios: Sequence[Comparison]) -> str:
    """Returns where the time of one target goes, for every way to use Katakei, as a table."""
    head = ("", "settle, or proof", "work", "first check", "soak, or second observation", "on top")
    return table(
        head, [row for each in scenarios for contender in _ours(each.scenario) for row in _share(each, contender)]
    )


def _share(each: Comparison, contender: Contender) -> Iterator[Row]:
    limit, wall = each.shares(contender), each.wall(contender)
    if limit is None or wall is None:
        return
    one = wall * contender.at_once(each.scenario.targets) / each.scenario.targets
    spans = (limit.drain, limit.work, limit.check, limit.soak, one - limit.whole)
    yield [f"{each.scenario.title}: {contender.title}", *(f"{span:.1f} s" for span in spans)]


def _faster(scenarios: Sequence[Comparison]) -> Iterator[Row]:
    """Compare with the tools that wait for the timer."""
    for each in scenarios:
        for (targets, delay, slow), goals in GOALS.items():
            if (targets, delay) == (each.scenario.targets, each.scenario.delay):
                for contender in _ours(each.scenario):
                    if contender.window == slow.window and (times := goals.get(replace(contender, window="1"))):
                        yield from _times(each, contender, slow, times)


def _times(each: Comparison, contender: Contender, slow: Contender, times: float) -> Iterator[Row]:
    ours, theirs = each.wall(contender), each.wall(slow)
    if ours is None or theirs is None:
        return
    found, limit = theirs / ours, each.limit(contender)
    where = f"{each.scenario.title}: {contender.title}"
    most = f"{theirs / limit:.2f}" if limit else MISSING
    yield [f"at least {times:g} times as fast as {slow.title}", where, f"{found:.2f}", most, _met(met=found >= times)]


def _lost(scenarios: Sequence[Comparison]) -> Iterator[Row]:
    """Compare lost requests with those of the impatient script."""
    for each in scenarios:
        ours, theirs = _runs(each, Tool.KATAKEI), _runs(each, Tool.IMPATIENT)
        lost = sum(run.failed for run in ours)
        if ours:
            yield ["no request lost", f"{each.scenario.title}: all runs of Katakei", str(lost), "", _met(met=lost == 0)]
        if theirs:
            found = f"{sum(run.failed for run in theirs)} of {sum(run.requests for run in theirs):,}"
            yield ["some lost", f"{each.scenario.title}: the impatient script", found, "", ""]


def _near(scenarios: Sequence[Comparison]) -> Iterator[Row]:
    """Compare with the limit; shows the largest ratio of each scenario."""
    for each in scenarios:
        ratios = [ratio for contender in _ours(each.scenario) if (ratio := each.ratio(contender))]
        if ratios:
            where = f"{each.scenario.title}: the farthest of {len(ratios)} ways"
            met = round(max(ratios), 2) <= LIMIT
            yield [f"at most {LIMIT:.2f} of the limit", where, f"{max(ratios):.2f}", "1", _met(met=met)]


def _thrifty(scenarios: Sequence[Comparison]) -> Iterator[Row]:
    """Show the run of Katakei that used the most calls."""
    runs = [(each.scenario.targets, run) for each in scenarios for run in _runs(each, Tool.KATAKEI)]
    if not runs:
        return
    changing_calls = max(run.calls.get("acts", 0) / targets for targets, run in runs)
    observations = max(run.observations for _, run in runs)
    yield [
        "at most 2 changing calls a target",
        "all runs of Katakei",
        f"{changing_calls:.1f}",
        "",
        _met(met=changing_calls <= 2),
    ]
    yield [
        "at most 30 observations a minute",
        "all runs of Katakei",
        str(observations),
        "",
        _met(met=observations <= 30),
    ]


def _runs(each: Comparison, tool: Tool) -> list[Result]:
    return [
        run for contender in each.scenario.contenders if contender.tool is tool for run in each.runs.get(contender, ())
    ]


def _ours(scenario: Scenario) -> list[Contender]:
    return [contender for contender in scenario.contenders if contender.tool is Tool.KATAKEI]


def _met(*, met: bool) -> str:
    return "met" if met else "**not met**"
