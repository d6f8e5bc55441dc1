"""What the benchmarks were to show, beside what they did: each expectation with its figure, met or not."""

from collections.abc import Iterator, Sequence

from bench.design import ANSWERED, COUNTER, PROOF, RUNBOOK, SERIAL, Ground, Rival, Tool
from bench.table import LACKING, Compared, table

LIMIT = 1.10
Row = list[str]


def claims(grounds: Sequence[Compared]) -> str:
    """The expectations, as a table."""
    return table(("expected", "on", "measured", ""), [*_faster(grounds), *_lost(grounds), *_near(grounds)])


def shares(grounds: Sequence[Compared]) -> str:
    """Where the time of one target goes, for every way to use Katakei: the parts of the limit, and what is on top."""
    head = ("", "settle, or proof", "work", "first check", "soak, or second look", "on top")
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
    found = theirs / ours
    where = f"{each.ground.title}: {rival.title}"
    yield [f"at least {times:.0f} times as fast as {slow.title}", where, f"{found:.1f}", _met(met=found >= times)]


def _lost(grounds: Sequence[Compared]) -> Iterator[Row]:
    """Nothing is lost by us, where the impatient lose."""
    for each in grounds:
        ours = sum(run.failed for rival in _ours(each.ground) for run in each.runs.get(rival, ()))
        yield ["no request lost", f"{each.ground.title}: Katakei, all runs", str(ours), _met(met=ours == 0)]
        theirs = [
            run for rival in each.ground.rivals if rival.tool is Tool.IMPATIENT for run in each.runs.get(rival, ())
        ]
        if theirs:
            found = f"{sum(run.failed for run in theirs)} of {sum(run.requests for run in theirs):,}"
            yield ["some lost", f"{each.ground.title}: the impatient script", found, ""]


def _near(grounds: Sequence[Compared]) -> Iterator[Row]:
    for each in grounds:
        for rival in _ours(each.ground):
            found = each.ratio(rival)
            shown = f"{found:.2f}" if found else LACKING
            where = f"{each.ground.title}: {rival.title}"
            yield [
                f"at most {LIMIT:.2f} of the limit",
                where,
                shown,
                _met(met=bool(found) and round(found or 9, 2) <= LIMIT),
            ]


def _ours(ground: Ground) -> list[Rival]:
    return [rival for rival in ground.rivals if rival.tool is Tool.KATAKEI]


def _met(*, met: bool) -> str:
    return "met" if met else "**not met**"
