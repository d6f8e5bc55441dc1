"""What a rollout's own events tell in numbers. (What became of requests, only an outside judge can tell.)"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from katakei.domain import events as e
from katakei.domain.model import TargetId
from katakei.domain.phases import MAY_SERVE, Phase


def out_of_service(events: Sequence[e.Event]) -> Mapping[TargetId, timedelta]:
    """For each target taken out: from the resolve to the moment it counted as serving again, or to the last event."""
    spans: dict[TargetId, timedelta] = {}
    left = {}
    for event in events:
        if isinstance(event, e.PhaseChanged):
            if event.to is Phase.DRAINING:
                left[event.target] = event.at
            elif event.to in MAY_SERVE and event.target in left:
                gone = event.at - left.pop(event.target)
                spans[event.target] = spans.get(event.target, timedelta()) + gone
    for target, at in left.items():
        spans[target] = spans.get(target, timedelta()) + (events[-1].at - at)
    return spans


def drained(events: Sequence[e.Event]) -> Mapping[TargetId, timedelta]:
    """For each target whose work began: from the last resolve to take it out to the beginning of its work."""
    spans: dict[TargetId, timedelta] = {}
    left = {}
    for event in events:
        if isinstance(event, e.PhaseChanged) and event.to is Phase.DRAINING:
            left[event.target] = event.at
        elif isinstance(event, e.PhaseChanged) and event.to is Phase.WORKING and event.target in left:
            spans[event.target] = event.at - left.pop(event.target)
    return spans
