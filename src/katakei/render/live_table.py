"""A rollout as a live table on a terminal: who is where, since when, the window, and the one sentence of the wait."""

from collections.abc import Mapping
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from katakei.domain.model import TargetId
from katakei.domain.phases import FINAL_PHASES, IN_PROGRESS, Phase
from katakei.domain.replay import Rollout
from katakei.domain.words import span
from katakei.planning.forecast import Forecast

MOST = 20  # lines of the table; a fleet shows who is in hand first
COLOURS: Mapping[Phase, str] = {
    Phase.WAITING: "dim",
    Phase.DONE: "green",
    Phase.RETURNED: "yellow",
    Phase.LEFT_OUT: "bold red",
    Phase.FAILED_SERVING: "red",
    Phase.SKIPPED: "yellow",
    Phase.GONE: "yellow",
}


def live(rollout: Rollout, why: str, whys: Mapping[TargetId, str], forecast: Forecast, now: datetime) -> RenderableType:
    """The whole picture of one turn."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("TARGET", "NAME", "ZONE", "PHASE", "FOR", "WHY"):
        table.add_column(head, overflow="fold")
    shown = [*rollout.at(*IN_PROGRESS), *rollout.at(Phase.WAITING), *rollout.at(*FINAL_PHASES)]
    for target_id in sorted(shown[:MOST], key=list(rollout.targets).index):
        target, status = rollout.targets[target_id], rollout.statuses[target_id]
        phase = Text(status.phase.value, COLOURS.get(status.phase, "cyan"))
        wait = "" if status.phase in FINAL_PHASES or status.phase is Phase.WAITING else span(now - status.since)
        reason = whys.get(target_id, status.why)
        table.add_row(Text(target_id), Text(target.name), Text(target.zone), phase, wait, Text(reason, "dim"))
    return Group(table, Text(_more(len(shown))), Text(_line(rollout, forecast, now), "bold"), Text(why, "italic"))


def _more(count: int) -> str:
    return f"and {count - MOST} more" if count > MOST else ""


def _line(rollout: Rollout, forecast: Forecast, now: datetime) -> str:
    over = sum(len(rollout.by_phase[phase]) for phase in FINAL_PHASES)
    left = forecast.total - (now - rollout.begun)
    return (
        f"{over} of {len(rollout.statuses)} over, {rollout.in_progress} of {rollout.plan.window} out at a time,"
        f" {span(now - rollout.begun)} so far, about {span(left)} to go without the work itself"
    )
