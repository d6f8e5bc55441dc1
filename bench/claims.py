"""What the benchmarks were to show, beside what they did: each expectation with its figure, met or not."""

from collections.abc import Iterator, Sequence

from bench.design import ANSWERED, COUNTER, PROOF, RUNBOOK, SERIAL, Ground, Rival, Tool
from bench.result import Result
from bench.table import LACKING, Compared, table

LIMIT = 1.10
Row = list[str]


def claims(grounds: Sequence[Compared]) -> str:
    """The expectations, as a table."""
    rows = [*_faster(grounds), *_lost(grounds), *_near(grounds), *_thrifty(grounds)]
    return table(("expected", "on", "measured", "at the limit", ""), rows)


def shares(grounds: Sequence[Compared]) -> str:
    """Where the time of one target goes, for every way to use Katakei: the parts of the limit, and what is on top."""
    head = ("", "settle, or proof", "work", "first check", "soak, or second observation", "on top")
    return table(head, [row for each in grounds for rival in _ours(each.ground) for row in _share(each, rival)])


def _share(each: Compared, rival: Rival) -> Iterator[Row]:
    limit, wall = each.shares(rival), each.wall(rival)
    if limit is None or wall is None:
        return
    one = wall * rival.at_once(each.ground.targets) / each.ground.targets
    spans = (limit.drain, limit.work, limit.check, limit.soak, one - limit.whole)
    yield [f"{each.ground.title}: {rival.title}", *(f"{span:.1f} s" for span in spans)]


def _faster(grounds: Sequence[Compared]) -> Iterator[Row]:
    """Against those who wait for the timer of 300 s."""
    for each in grounds:
        if each.ground.delay != 300:
            continue
        for slow in (RUNBOOK, SERIAL):
            for rival, times in _expected(each.ground):
                yield from _times(each, rival, slow, times)


def _expected(ground: Ground) -> Iterator[tuple[Rival, float]]:
    for rival in _ours(ground):
        if rival.until == PROOF.until:
            yield rival, 3 if rival.keeps_idle else 5
        elif rival.until in {ANSWERED.until, COUNTER.until}:
            yield rival, 6


def _times(each: Compared, rival: Rival, slow: Rival, times: float) -> Iterator[Row]:
    ours, theirs = each.wall(rival), each.wall(slow)
    if ours is None or theirs is None:
        return
    found, limit = theirs / ours, each.limit(rival)
    where = f"{each.ground.title}: {rival.title}"
    most = f"{theirs / limit:.1f}" if limit else LACKING
    yield [f"at least {times:.0f} times as fast as {slow.title}", where, f"{found:.1f}", most, _met(met=found >= times)]


def _lost(grounds: Sequence[Compared]) -> Iterator[Row]:
    """Nothing is lost by us, where the impatient lose."""
    for each in grounds:
        ours, theirs = _runs(each, Tool.KATAKEI), _runs(each, Tool.IMPATIENT)
        lost = sum(run.failed for run in ours)
        if ours:
            yield ["no request lost", f"{each.ground.title}: all runs of Katakei", str(lost), "", _met(met=lost == 0)]
        if theirs:
            found = f"{sum(run.failed for run in theirs)} of {sum(run.requests for run in theirs):,}"
            yield ["some lost", f"{each.ground.title}: the impatient script", found, "", ""]


def _near(grounds: Sequence[Compared]) -> Iterator[Row]:
    """The farthest of each ground."""
    for each in grounds:
        ratios = [ratio for rival in _ours(each.ground) if (ratio := each.ratio(rival))]
        if ratios:
            where = f"{each.ground.title}: the farthest of {len(ratios)} ways"
            met = round(max(ratios), 2) <= LIMIT
            yield [f"at most {LIMIT:.2f} of the limit", where, f"{max(ratios):.2f}", "1", _met(met=met)]


def _thrifty(grounds: Sequence[Compared]) -> Iterator[Row]:
    """Of all our runs the one that asked most of AWS."""
    runs = [(each.ground.targets, run) for each in grounds for run in _runs(each, Tool.KATAKEI)]
    if not runs:
        return
    acts = max(run.calls.get("acts", 0) / targets for targets, run in runs)
    looks = max(run.looks for _, run in runs)
    yield ["at most 2 changing calls a target", "all runs of Katakei", f"{acts:.1f}", "", _met(met=acts <= 2)]
    yield ["at most 30 observations a minute", "all runs of Katakei", str(looks), "", _met(met=looks <= 30)]


def _runs(each: Compared, tool: Tool) -> list[Result]:
    return [run for rival in each.ground.rivals if rival.tool is tool for run in each.runs.get(rival, ())]


def _ours(ground: Ground) -> list[Rival]:
    return [rival for rival in ground.rivals if rival.tool is Tool.KATAKEI]


def _met(*, met: bool) -> str:
    return "met" if met else "**not met**"
