"""The whole page, from what was measured: prose stands in `document.md`, every figure comes from a result."""

from collections.abc import Sequence
from pathlib import Path
from string import Template

from bench import machine, schedule
from bench.claims import claims, shares
from bench.design import Ground, Leg, Rival, legs
from bench.result import Result, Results
from bench.rivals import ROOT
from bench.scale import section
from bench.startup import Starts
from bench.table import Compared

PAGE = ROOT / "docs" / "benchmarks.md"
TEXT = Path(__file__).with_name("document.md")
MINUTES, ROUNDS = 40, 15


def page(grounds: Sequence[Ground], results: Results, starts: Starts | None) -> str:
    """Also of a run that was cut off: what is missing is named."""
    found = [Compared(ground, _runs(ground, results)) for ground in grounds]
    missing = [leg.name for leg in legs(tuple(grounds)) if results.of(leg) is None]
    return Template(TEXT.read_text()).substitute(
        minutes=MINUTES,
        machine="\n".join(f"* {line}" for line in machine.lines()),
        lag=", ".join(sorted({str(ground.lag) for ground in grounds})),
        quiet=schedule.QUIET,
        busy=schedule.BUSY,
        claims=claims(found),
        missing=f"**Not measured this time:** {', '.join(missing)}.\n\n" if missing else "",
        tables="## The tables\n" + "\n\n".join(each.text for each in found),
        shares=shares(found),
        rounds=ROUNDS,
        startup=starts.text if starts else "Not measured this time.",
        scale=f"\n{section()}",
    )


def _runs(ground: Ground, results: Results) -> dict[Rival, list[Result]]:
    return {
        rival: [run for number in range(1, ground.rounds + 1) if (run := results.of(Leg(ground, rival, number)))]
        for rival in ground.rivals
    }
