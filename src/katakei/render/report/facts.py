"""The figures of a report as data for programs."""

from collections.abc import Sequence
from datetime import datetime

from katakei.domain import events as e
from katakei.domain.replay import Rollout
from katakei.reconcile.figures import out_of_service
from katakei.render import events as event_text
from katakei.render.json_data import Plain, plain
from katakei.render.report.story import bars, end_of, figures, levels


def data(rollout: Rollout, events: Sequence[e.Event], restore: Sequence[str], now: datetime) -> dict[str, Plain]:
    """What the page draws and tells, without the drawing."""
    end = end_of(rollout, events, now)
    groups = [group.arn for group in rollout.plan.groups if group.arn in rollout.plan.floors]
    return {
        **event_text.summary_data(rollout),
        "figures": plain(figures(events, end)),
        "seconds_out": plain(out_of_service(events)),
        "phases": plain(bars(rollout, events, end)),
        "serving": {arn: plain(levels(rollout, events, arn)) for arn in groups},
        "floors": plain(rollout.plan.floors),
        "restore": list(restore),
    }
