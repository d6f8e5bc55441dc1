"""Why a rollout took as long as it did: each longer stay in a phase, what was awaited there, and what was noted."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain.model import TargetId
from katakei.domain.phases import Phase
from katakei.domain.replay import Rollout
from katakei.domain.words import span
from katakei.render import events as event_text
from katakei.render.report.markup import table
from katakei.render.report.story import Bar

SHORT = timedelta(seconds=5)  # a stay that is shorter explains nothing
MANY = 40  # of so many targets at most every stay is told; of more, those that were out for longest


def waits(rollout: Rollout, events: Sequence[e.Event], stays: Mapping[TargetId, Sequence[Bar]]) -> str:
    """A table of every stay that was long enough to need a reason."""
    noted: dict[TargetId, list[tuple[datetime, str]]] = {}
    for event in events:
        if isinstance(event, (e.ObservedBusy, e.BecameUnhealthy, e.FoundServing, e.BaselineTaken)) and (
            said := _note(rollout, event)
        ):
            noted.setdefault(event.target, []).append((event.at, said))
    shown = sorted(stays, key=lambda target: sum((bar.lasted for bar in stays[target]), timedelta()), reverse=True)[
        :MANY
    ]
    rows = [
        (
            rollout.targets[target].name or target,
            bar.phase.value,
            span(bar.lasted),
            _why(rollout, bar, noted.get(target, [])),
        )
        for target in stays
        if target in shown
        for bar in stays[target]
        if bar.lasted >= SHORT
    ]
    return table(("target", "phase", "lasted", "for what"), rows)


def _note(rollout: Rollout, event: e.Event) -> str:
    if isinstance(event, e.BaselineTaken):
        return f"the witness was blind: {event.blind}" if event.blind else ""
    said = event_text.said(rollout, event)
    return said.partition("  ")[2] or said


def _why(rollout: Rollout, bar: Bar, noted: Sequence[tuple[datetime, str]]) -> str:
    """What is awaited in this phase, and what was noted while it lasted."""
    drain = rollout.plan.spec.drain
    awaited = {
        Phase.DRAINING: f"settle of {span(drain.settle)}, then until nothing is pending (until: {drain.until.value})",
        Phase.OUT: "until the work could begin",
        Phase.WORKING: "the work",
        Phase.CHECKING: "until its check passed",
        Phase.WARMING: "until two looks, apart, showed it in service",
        Phase.SOAKING: f"steady service for {span(rollout.plan.spec.soak)}",
        Phase.RETURNING: "until it was back in service",
    }
    during = [said for at, said in noted if bar.begun - SHORT <= at <= bar.ended]
    return "; ".join([awaited[bar.phase], *during, *([bar.why] if bar.why else [])])
