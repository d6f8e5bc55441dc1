"""The drawings of a report, as plain markup and SVG: phases of each target over time, and who served."""

from collections.abc import Mapping, Sequence

from katakei.domain.model import Group, TargetId
from katakei.domain.phases import IN_PROGRESS, Phase
from katakei.domain.plan import Floor
from katakei.domain.replay import Rollout
from katakei.domain.words import span
from katakei.render.report.axis import Axis
from katakei.render.report.markup import text
from katakei.render.report.story import Bar, Level

CROWD = 60  # more targets than this are drawn in thinner rows


def gantt(rollout: Rollout, stays: Mapping[TargetId, Sequence[Bar]], axis: Axis) -> str:
    """One row per target, in the order of the plan; each stay in a phase is a bar that says what it is."""
    rows = "".join(
        f'<div class="row"><div class="who" title="{text(target)}">{text(rollout.targets[target].name or target)}</div>'
        f'<div class="track">{"".join(_bar(bar, axis) for bar in bars)}</div>'
        f'<div class="end">{text(rollout.statuses[target].phase.value)}</div></div>\n'
        for target, bars in stays.items()
    )
    kind = "gantt crowd" if len(stays) > CROWD else "gantt"
    return f'{_legend(stays)}<div class="{kind}">\n{rows}{_ticks(axis)}</div>'


def serving(group: Group, floor: Floor, found: Sequence[Level], axis: Axis) -> str:
    """How many registrations could serve over time, above the line that they must not fall under."""
    top = max([floor.base, floor.count, 1, *(level.serving for level in found)])
    fewest = min(level.serving for level in found)
    said = f"{group.name}: never fewer than {fewest} of {floor.base} served; {floor.count} must"
    least = _y(floor.count, top)
    drawn = (
        f'<svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label="{text(said)}">'
        f'<path class="floor" d="M0 {least}L1000 {least}"/><path class="serving" d="{_steps(found, top, axis)}"/></svg>'
    )
    return (
        f"<figure><figcaption>{text(said)}</figcaption>"
        f'<div class="row"><div class="who scale"><span>{top}</span><span>0</span></div>'
        f'<div class="track high">{drawn}</div><div class="end">floor {floor.count}</div></div>{_ticks(axis)}</figure>'
    )


def _steps(found: Sequence[Level], top: int, axis: Axis) -> str:
    """The path of a line that goes only sideways, up and down."""
    points, height = [f"M0 {_y(found[0].serving, top)}"], found[0].serving
    for level in found:
        x = f"{axis.at(level.at) * 10:.1f}"
        points.append(f"L{x} {_y(height, top)}L{x} {_y(level.serving, top)}")
        height = level.serving
    return "".join([*points, f"L1000 {_y(height, top)}"])


def _bar(bar: Bar, axis: Axis) -> str:
    why = f": {bar.why}" if bar.why else ""
    said = f"{bar.phase.value} {span(bar.lasted)}{' so far' if bar.open else ''}, attempt {bar.attempt}{why}"
    place = f"left:{axis.at(bar.begun):.3f}%;width:{max(axis.width(bar.begun, bar.ended), 0.05):.3f}%"
    return f'<i class="{bar.phase.value}" style="{place}" title="{text(said)}"></i>'


def _legend(stays: Mapping[TargetId, Sequence[Bar]]) -> str:
    seen = {bar.phase for bars in stays.values() for bar in bars}
    named = [phase for phase in Phase if phase in IN_PROGRESS and phase in seen]
    return '<p class="legend">' + " ".join(f'<span><i class="{p.value}"></i>{p.value}</span>' for p in named) + "</p>\n"


def _ticks(axis: Axis) -> str:
    marks = "".join(f'<span style="left:{at:.3f}%">{said}</span>' for at, said in axis.ticks())
    return f'<div class="row"><div class="who"></div><div class="ticks">{marks}</div><div class="end"></div></div>\n'


def _y(number: float, top: int) -> str:
    """Room of a few points above and below, lest a line be cut in half."""
    return f"{96 - 92 * number / top:.1f}"
