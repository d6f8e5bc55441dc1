"""HTML building blocks and the drawings of a report: escaped text, tables, the time axis, bars and lines.

Only here does text become markup, so only here must it be escaped.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from katakei.domain.model import Group, TargetId
from katakei.domain.phases import IN_PROGRESS, Phase
from katakei.domain.plan import Floor
from katakei.domain.replay import Rollout
from katakei.render.local_time import local_second
from katakei.render.report.timeline import Bar, Level
from katakei.render.text import harmless
from katakei.render.translation import ENGLISH, Translator

TICKS = tuple(
    timedelta(seconds=seconds)
    for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800)
)
MAX_TICKS = 6
SHORTEST = timedelta(seconds=1)
CROWD = 60  # with more targets than this the rows are thinner


def text(value: object) -> str:
    """A value as text inside HTML: control characters written out, markup escaped."""
    return escape(harmless(str(value)), quote=True)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with escaped cells. It scrolls by itself where it is wider than the page."""
    head = "".join(f'<th scope="col">{text(each)}</th>' for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'


def section(title: str, *parts: str, note: str = "") -> str:
    """A section of the page: its title, a sentence that explains how to read it, and parts that are HTML already."""
    how = f'<p class="note">{text(note)}</p>\n' if note else ""
    return f"<section>\n<h2>{text(title)}</h2>\n{how}{chr(10).join(parts)}\n</section>\n"


def folded(title: str, inside: str, *, shown: bool = False) -> str:
    """A part that the reader opens and closes with a click; it needs no script. In print it is always open."""
    return f"<details{' open' if shown else ''}><summary>{text(title)}</summary>\n{inside}\n</details>\n"


def line(command: object) -> str:
    """A command in one line that can be copied whole."""
    return f'<pre class="line">{text(command)}</pre>'


@dataclass(frozen=True, slots=True)
class Axis:
    """The time axis of all drawings: from the beginning of the rollout to the end of the drawing."""

    begun: datetime
    ended: datetime

    @property
    def length(self) -> timedelta:
        """The length of the axis, at least one second, because positions are divided by it."""
        return max(self.ended - self.begun, SHORTEST)

    def at(self, moment: datetime) -> float:
        """The position of a moment, in percent of the width."""
        return 100 * min(max((moment - self.begun) / self.length, 0.0), 1.0)

    def width(self, begun: datetime, ended: datetime) -> float:
        """The width of the time between two moments, in percent."""
        return self.at(ended) - self.at(begun)

    def ticks(self) -> Iterator[tuple[float, str]]:
        """A few round times since the beginning: position in percent, and text such as '1:30'."""
        step = next((step for step in TICKS if self.length / step <= MAX_TICKS), self.length)
        for number in range(int(self.length / step) + 1):
            yield self.at(self.begun + number * step), _clock(number * step)


def _clock(length: timedelta) -> str:
    """'0:30', '1:02:00'."""
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def gantt(rollout: Rollout, stays: Mapping[TargetId, Sequence[Bar]], axis: Axis, tr: Translator = ENGLISH) -> str:
    """One row per target, in the order of the plan. Each stay in a phase is a bar with a title that describes it."""
    rows = "".join(
        f'<div class="row"><div class="who" title="{text(target)}">{text(rollout.targets[target].name or target)}</div>'
        f'<div class="track">{"".join(_bar(bar, axis, tr) for bar in bars)}</div>'
        f'<div class="end">{text(tr.name(rollout.statuses[target].phase))}</div></div>\n'
        for target, bars in stays.items()
    )
    kind = "gantt crowd" if len(stays) > CROWD else "gantt"
    return f'{_legend(stays, tr)}<div class="{kind}">\n{rows}{_ticks(axis)}</div>'


def serving(group: Group, floor: Floor, found: Sequence[Level], axis: Axis, tr: Translator = ENGLISH) -> str:
    """How many registrations could serve over time, with the floor as a dashed line."""
    top = max([floor.base, floor.count, 1, *(level.serving for level in found)])
    fewest = min(level.serving for level in found)
    caption = tr(
        "{group}: at least {fewest} of {base} served; the floor is {floor}",
        group=group.name,
        fewest=fewest,
        base=floor.base,
        floor=floor.count,
    )
    end = tr("floor {number}", number=floor.count)
    least = _y(floor.count, top)
    drawn = (
        f'<svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label="{text(caption)}">'
        f'<path class="floor" d="M0 {least}L1000 {least}"/><path class="serving" d="{_steps(found, top, axis)}"/></svg>'
    )
    return (
        f"<figure><figcaption>{text(caption)}</figcaption>"
        f'<div class="row"><div class="who scale"><span>{top}</span><span>0</span></div>'
        f'<div class="track high">{drawn}</div><div class="end">{text(end)}</div></div>{_ticks(axis)}</figure>'
    )


def _steps(found: Sequence[Level], top: int, axis: Axis) -> str:
    """The path of a step line: it goes only sideways, up and down."""
    points, height = [f"M0 {_y(found[0].serving, top)}"], found[0].serving
    for level in found:
        x = f"{axis.at(level.at) * 10:.1f}"
        points.append(f"L{x} {_y(height, top)}L{x} {_y(level.serving, top)}")
        height = level.serving
    return "".join([*points, f"L1000 {_y(height, top)}"])


def _bar(bar: Bar, axis: Axis, tr: Translator) -> str:
    why = f": {bar.why}" if bar.why else ""
    lasted = tr("{took} so far", took=tr.span(bar.lasted)) if bar.open else tr.span(bar.lasted)
    title = tr(
        "{phase} {lasted} from {begun}, attempt {attempt}{why}",
        phase=tr.name(bar.phase),
        lasted=lasted,
        begun=local_second(bar.begun),
        attempt=bar.attempt,
        why=why,
    )
    place = f"left:{axis.at(bar.begun):.3f}%;width:{max(axis.width(bar.begun, bar.ended), 0.05):.3f}%"
    return f'<i class="{bar.phase.value}" style="{place}" title="{text(title)}"></i>'


def _legend(stays: Mapping[TargetId, Sequence[Bar]], tr: Translator) -> str:
    seen = {bar.phase for bars in stays.values() for bar in bars}
    named = [phase for phase in Phase if phase in IN_PROGRESS and phase in seen]
    return (
        '<p class="legend">'
        + " ".join(f'<span><i class="{p.value}"></i>{text(tr.name(p))}</span>' for p in named)
        + "</p>\n"
    )


def _ticks(axis: Axis) -> str:
    marks = "".join(f'<span style="left:{at:.3f}%">{shown}</span>' for at, shown in axis.ticks())
    return f'<div class="row"><div class="who"></div><div class="ticks">{marks}</div><div class="end"></div></div>\n'


def _y(number: float, top: int) -> str:
    """The height of a number, with a margin of a few points so that no line is cut in half."""
    return f"{96 - 92 * number / top:.1f}"
