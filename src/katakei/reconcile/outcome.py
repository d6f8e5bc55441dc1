"""The outcome of a rollout: its exit code, and how long each target was out of service.

What became of requests meanwhile, only an observer outside can say.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain.errors import ExitCode
from katakei.domain.model import TargetId
from katakei.domain.phases import MAY_SERVE, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.replay import Rollout
from katakei.domain.results import Result, completed, result, reverted
from katakei.domain.traffic import TrafficStatus


def verdict(rollout: Rollout) -> ExitCode:
    """The exit code of a rollout.

    Returns:
        0 when everything asked for was done; 3 when a target is out of service that should serve; 130 when the
        rollout is not finished; else 1. A rollout that was reverted did not do what was asked for: see `taken_back`.
    """
    if rollout.traffic:
        return _of_switch(rollout, rollout.traffic)
    if rollout.finished is None:
        return ExitCode.INTERRUPTED
    if completed(rollout):
        return ExitCode.DONE
    if rollout.plan.kind is PlanKind.DEREGISTER:
        return ExitCode.FAILED
    out_again = any(rollout.statuses[target].unhealthy_since for target in rollout.lost)
    return ExitCode.LEFT_OUT if rollout.by_phase[Phase.LEFT_OUT] or out_again else ExitCode.FAILED


def _of_switch(rollout: Rollout, status: TrafficStatus) -> ExitCode:
    """Also 0 when all requests have moved and the way back is open; 4 when somebody else changed a route."""
    if status.changed:
        return ExitCode.REFUSED
    if rollout.finished is None:
        return ExitCode.DONE if status.moved else ExitCode.INTERRUPTED
    if status.moving:  # a route could not be put back
        return ExitCode.LEFT_OUT
    return ExitCode.FAILED if status.share is None else ExitCode.DONE


def taken_back(rollout: Rollout) -> ExitCode:
    """The exit code for a person who asked for a revert.

    Returns:
        0 when every target that was touched serves what the revert brought; else as `verdict`.
    """
    code = verdict(rollout)
    back = result(rollout) is Result.REVERTED if rollout.traffic else reverted(rollout)
    return ExitCode.DONE if code is ExitCode.FAILED and back else code


def out_of_service(events: Sequence[e.Event]) -> Mapping[TargetId, timedelta]:
    """How long each target that was taken out did not serve.

    Args:
        events: All events of one rollout.

    Returns:
        From the decision to take it out to the moment when it counted as serving again, or to the last event; the sum
        where it was taken out more than once. Nothing is known, and counted, after the rollout finished and before
        somebody reopened it.
    """
    spans: dict[TargetId, timedelta] = {}
    left: dict[TargetId, datetime] = {}
    for event in events:
        back: list[TargetId] = []
        if isinstance(event, e.PhaseChanged) and event.to is Phase.DRAINING:
            left.setdefault(event.target, event.at)
        elif isinstance(event, e.PhaseChanged) and event.to in MAY_SERVE and event.target in left:
            back = [event.target]
        if isinstance(event, e.Finished) or event is events[-1]:
            back = list(left)
        for target in back:
            spans[target] = spans.get(target, timedelta()) + (event.at - left.pop(target))
    return spans


def drained(events: Sequence[e.Event]) -> Mapping[TargetId, timedelta]:
    """For each target whose work began: from the last decision to take it out to the beginning of its work."""
    spans: dict[TargetId, timedelta] = {}
    left = {}
    for event in events:
        if isinstance(event, e.PhaseChanged) and event.to is Phase.DRAINING:
            left[event.target] = event.at
        elif isinstance(event, e.PhaseChanged) and event.to is Phase.WORKING and event.target in left:
            spans[event.target] = event.at - left.pop(event.target)
    return spans
