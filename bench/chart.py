"""The chart at the beginning of docs/benchmarks.md: one bar for each way, in minutes, as SVG.

It has its own background and colors for light and dark, because a page cannot pass them to an image.
"""

from collections.abc import Iterator, Sequence
from html import escape

from bench.glance import GlanceRow

WIDTH, LEFT, RIGHT = 900, 310, 250
"""Pixels of the picture, of the names at the left, and of the figures at the right."""
BAR, STEP, HEAD = 16, 24, 34
"""Pixels of a bar, from bar to bar, and of the title of a ground."""

STYLE = """\
svg { font: 13px system-ui, sans-serif; color-scheme: light dark }
.page { fill: #ffffff } text { fill: #1f2328 } .head { font-weight: 600 } .figure { fill: #59636e }
.other { fill: #9aa4af } .ours { fill: #1a7f37 } .failed { fill: #cf222e }
@media (prefers-color-scheme: dark) {
  .page { fill: #0d1117 } text { fill: #f0f6fc } .figure { fill: #9198a1 }
  .other { fill: #656c76 } .ours { fill: #3fb950 } .failed { fill: #f85149 }
}"""


def chart(rows: Sequence[GlanceRow]) -> str:
    """Returns the chart. The longest bar of each ground has the same length."""
    lines, y = [], 10
    for ground in dict.fromkeys(row.ground for row in rows):
        own = [row for row in rows if row.ground == ground]
        lines.append(f'<text class="head" x="16" y="{y + 18}">{escape(ground)}</text>')
        y += HEAD
        for row in own:
            lines += _bar(row, max(one.seconds for one in own), y)
            y += STEP
        y += 10
    told = "; ".join(f"{row.ground}, {row.way}: {row.minutes}, {_failed(row)}" for row in rows)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" role="img">'
    named = f"<title>Minutes of a whole rollout</title><desc>{escape(told)}</desc>"
    page = f'<rect class="page" width="{WIDTH}" height="{y}"/>'
    return "\n".join([head, named, f"<style>{STYLE}</style>", page, *lines, "</svg>"]) + "\n"


def _bar(row: GlanceRow, longest: float, y: int) -> Iterator[str]:
    length = max(2.0, (WIDTH - LEFT - RIGHT) * row.seconds / longest)
    middle = y + BAR - 4
    name = escape(row.way.replace("`", ""))
    yield f'<text x="{LEFT - 10}" y="{middle}" text-anchor="end">{name}</text>'
    yield f'<rect class="{"ours" if row.ours else "other"}" x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}"/>'
    kind = "failed" if row.failed else "figure"
    told = f"{row.minutes}, {_failed(row)}"
    yield f'<text class="{kind}" x="{LEFT + length + 8:.1f}" y="{middle}">{told}</text>'


def _failed(row: GlanceRow) -> str:
    return f"{row.failed:,} requests failed" if row.failed else "no request failed"
