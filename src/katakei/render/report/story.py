"""What the events of a rollout tell over time: in which phase each target was, how many served, what was said."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain.model import Arn, Registration, TargetId
from katakei.domain.phases import FINAL_PHASES, IN_PROGRESS, MAY_SERVE, Phase
from katakei.domain.plan import Plan
from katakei.domain.replay import Rollout


@dataclass(frozen=True, slots=True)
class Bar:
    """One stay in one phase; `open` when it had not ended yet."""

    phase: Phase
    begun: datetime
    ended: datetime
    attempt: int
    why: str = ""
    open: bool = False

    @property
    def lasted(self) -> timedelta:
        """How long it stayed."""
        return self.ended - self.begun


@dataclass(frozen=True, slots=True)
class Level:
    """From this moment on so many registrations of a group served."""

    at: datetime
    serving: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a rollout is asked for afterwards."""

    lasted: timedelta
    late_requests: int
    cut_connections: int


def end_of(rollout: Rollout, events: Sequence[e.Event], now: datetime) -> datetime:
    """Where the drawing ends: at its last event, or now while it goes on."""
    return events[-1].at if rollout.finished else max(now, events[-1].at)


def bars(rollout: Rollout, events: Sequence[e.Event], end: datetime) -> Mapping[TargetId, tuple[Bar, ...]]:
    """Each target's stays in hand, in order."""
    stays: dict[TargetId, list[Bar]] = {target: [] for target in rollout.targets}
    here: dict[TargetId, tuple[Phase, datetime, str]] = {}
    attempts = dict.fromkeys(rollout.targets, 1)
    if rollout.plan.begin is not Phase.WAITING:
        here = dict.fromkeys(rollout.targets, (rollout.plan.begin, rollout.begun, ""))
    for event in events:
        if not isinstance(event, e.PhaseChanged):
            continue
        who = event.target
        if who in here:
            phase, begun, why = here.pop(who)
            stays[who].append(Bar(phase, begun, event.at, attempts[who], why))
            attempts[who] += event.to in FINAL_PHASES
        if event.to in IN_PROGRESS:
            here[who] = (event.to, event.at, event.why)
    for who, (phase, begun, why) in here.items():
        stays[who].append(Bar(phase, begun, end, attempts[who], why, open=True))
    return {who: tuple(bars) for who, bars in stays.items()}


def levels(rollout: Rollout, events: Sequence[e.Event], group: Arn) -> tuple[Level, ...]:
    """How many of the group's registrations could serve, by what was resolved; the plan's base is where it begins."""
    places = {
        target.id: sum(place.group == group for place in target.registrations) for target in rollout.targets.values()
    }
    serving = rollout.plan.floors[group].base
    found = [Level(rollout.begun, serving)]
    out: set[TargetId] = set()
    known = {place for event in events[:1] if isinstance(event, e.Planned) for place in _places(event.plan)}
    for event in events:
        if isinstance(event, e.TargetAdded):
            new = {place for place in event.target.registrations if place.group == group} - known
            known |= new
            serving += len(new)
            found.append(Level(event.at, serving))
        elif isinstance(event, e.PhaseChanged) and places[event.target]:
            serves = event.to in MAY_SERVE
            if serves and event.target in out:
                out.remove(event.target)
                serving += places[event.target]
            elif not serves and event.target not in out:
                out.add(event.target)
                serving -= places[event.target]
            found.append(Level(event.at, serving))
    return tuple(found)


def _places(plan: Plan) -> Iterator[Registration]:
    return (place for target in (*plan.targets, *plan.bystanders) for place in target.registrations)


def figures(events: Sequence[e.Event], end: datetime) -> Figures:
    """Sums over the whole rollout; each process counts late requests for itself and tells the sum so far."""
    return Figures(
        end - events[0].at,
        sum(_late(events)),
        sum(event.connections for event in events if isinstance(event, e.DrainCutShort)),
    )


def _late(events: Sequence[e.Event]) -> Iterator[int]:
    told: dict[TargetId, int] = {}
    for event in events:
        if isinstance(event, e.RequestsAfterQuiet):
            told[event.target] = event.requests
        elif isinstance(event, e.OwnerChanged) or (isinstance(event, e.PhaseChanged) and event.to is Phase.DRAINING):
            gone = list(told) if isinstance(event, e.OwnerChanged) else [event.target]
            yield from (told.pop(target, 0) for target in gone)
    yield from told.values()
