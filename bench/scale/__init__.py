"""Measurements of scale with simulated AWS and the real runner, at any size.

They make the part about scale of docs/benchmarks.md. Nothing here is a measurement of AWS.
"""

from pathlib import Path
from string import Template

TEXT = Path(__file__).with_name("section.md")
SEEDS = 1000


def section(*journals: str, seeds: int = SEEDS) -> str:
    """Measure and return the Markdown; takes ten minutes of CPU. `journals` are URLs to measure besides SQLite."""
    from bench.scale import journal_speed, makespan, sizes  # noqa: PLC0415 - so that using one does not load the others

    return Template(TEXT.read_text(encoding="utf-8")).substitute(
        seeds=f"{seeds:,}",
        makespan=makespan.distribution(seeds),
        sizes=sizes.table(),
        journals=journal_speed.table(*journals),
    )
