"""A rollout as a live table on a terminal: the phase of every target, the window, and what the rollout waits for."""

from collections.abc import Mapping
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from katakei.domain.model import TargetId
from katakei.domain.phases import FINAL_PHASES, IN_PROGRESS, Phase
from katakei.domain.reasons import Reason
from katakei.domain.replay import Rollout
from katakei.planning.forecast import Forecast
from katakei.render.reasons import sentence
from katakei.render.text import one_line, span

MOST = 20  # lines of the table; targets in progress come first
COLORS: Mapping[Phase, str] = {
    Phase.WAITING: "dim",
    Phase.DONE: "green",
    Phase.RETURNED: "yellow",
    Phase.LEFT_OUT: "bold red",
    Phase.FAILED_SERVING: "red",
    Phase.SKIPPED: "yellow",
    Phase.GONE: "yellow",
}


def live(
    rollout: Rollout, waiting: str, reasons: Mapping[TargetId, Reason], forecast: Forecast, now: datetime
) -> RenderableType:
    """The table of one turn.

    Args:
        rollout: The rollout.
        waiting: What the rollout waits for, as one sentence.
        reasons: What single targets wait for; without one, why a target is in its phase.
        forecast: The prediction made for the plan.
        now: The time of the turn.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("TARGET", "NAME", "ZONE", "PHASE", "FOR", "WHY"):
        table.add_column(head, overflow="fold")
    shown = [*rollout.at(*IN_PROGRESS), *rollout.at(Phase.WAITING), *rollout.at(*FINAL_PHASES)]
    for target_id in sorted(shown[:MOST], key=list(rollout.targets).index):
        target, status = rollout.targets[target_id], rollout.statuses[target_id]
        phase = Text(status.phase.value, COLORS.get(status.phase, "cyan"))
        wait = "" if status.phase in FINAL_PHASES or status.phase is Phase.WAITING else span(now - status.since)
        why = sentence(reasons.get(target_id, status.reason))
        table.add_row(Text(target_id), Text(one_line(target.name)), Text(target.zone), phase, wait, Text(why, "dim"))
    return Group(
        table,
        Text(_more(len(shown))),
        Text(_progress(rollout, forecast, now), "bold"),
        Text(one_line(waiting), "italic"),
    )


def _more(count: int) -> str:
    return f"and {count - MOST} more" if count > MOST else ""


def _progress(rollout: Rollout, forecast: Forecast, now: datetime) -> str:
    ended = sum(len(rollout.by_phase[phase]) for phase in FINAL_PHASES)
    took = rollout.driven_until(now)
    left = forecast.total - took
    return (
        f"{ended} of {len(rollout.statuses)} targets ended,"
        f" {rollout.in_progress} of {rollout.plan.window} out at a time,"
        f" {span(took)} so far, about {span(left)} left without the work itself"
    )
