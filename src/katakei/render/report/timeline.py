"""A rollout over time, from its events: the phase of each target, how many registrations served, and the figures.

`data` is the report for programs; the page draws the same values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from katakei.domain import events as e
from katakei.domain.model import Arn, Registration, TargetId
from katakei.domain.phases import FINAL_PHASES, IN_PROGRESS, MAY_SERVE, Cause, Phase
from katakei.domain.plan import Plan
from katakei.domain.replay import Rollout
from katakei.reconcile.outcome import out_of_service
from katakei.render import events as event_text
from katakei.render.json_data import Plain, output, plain
from katakei.render.translation import ENGLISH, Translator


@dataclass(frozen=True, slots=True)
class Bar:
    """One stay of a target in one phase. `open` is true while it has not ended."""

    phase: Phase
    begun: datetime
    ended: datetime
    attempt: int
    why: str = ""
    open: bool = False

    @property
    def lasted(self) -> timedelta:
        """How long the target stayed."""
        return self.ended - self.begun


@dataclass(frozen=True, slots=True)
class Level:
    """How many registrations of a group served from this moment on."""

    at: datetime
    serving: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over the whole rollout: its duration, requests that came after a drain, connections cut off."""

    lasted: timedelta
    late_requests: int
    cut_connections: int


def end_of(rollout: Rollout, events: Sequence[e.Event], now: datetime) -> datetime:
    """Where the drawings end: at the last event, or at `now` while the rollout goes on."""
    return events[-1].at if rollout.finished else max(now, events[-1].at)


def bars(
    rollout: Rollout, events: Sequence[e.Event], end: datetime, tr: Translator = ENGLISH
) -> Mapping[TargetId, tuple[Bar, ...]]:
    """The stays of each target in phases that are in progress, in order."""
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
            attempts[who] += event.to in FINAL_PHASES and event.cause is not Cause.OVERLAP_ENDED
        if event.to in IN_PROGRESS:
            here[who] = (event.to, event.at, event_text.why_of(rollout, event, tr))
    for who, (phase, begun, why) in here.items():
        stays[who].append(Bar(phase, begun, end, attempts[who], why, open=True))
    return {who: tuple(bars) for who, bars in stays.items()}


def levels(rollout: Rollout, events: Sequence[e.Event], group: Arn) -> tuple[Level, ...]:
    """How many registrations of the group could serve, counted from decisions and proofs.

    A registration stops counting when its take-out is decided, and counts again when it is proven to serve. The base
    of the plan's floor is where the count begins.
    """
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
    """Sums over the whole rollout. Each process counts late requests by itself and records its sum so far."""
    return Figures(
        end - events[0].at,
        sum(_late(events)),
        sum(event.connections for event in events if isinstance(event, e.DrainCutShort)),
    )


def data(rollout: Rollout, events: Sequence[e.Event], restore: Sequence[str], now: datetime) -> dict[str, Plain]:
    """The output `report`: what the page shows, without the drawings.

    Args:
        rollout: The rollout.
        events: All of its events.
        restore: The commands that restore every registration by hand.
        now: The time, which ends the bars of a rollout that goes on.
    """
    end = end_of(rollout, events, now)
    groups = [group.arn for group in rollout.plan.groups if group.arn in rollout.plan.floors]
    found = figures(events, end)
    return output(
        "report",
        **event_text.summary_data(rollout),
        figures=output(
            "figures",
            lasted=plain(found.lasted),
            late_requests=found.late_requests,
            cut_connections=found.cut_connections,
        ),
        seconds_out=plain(out_of_service(events)),
        phases={target: [_bar(bar) for bar in stays] for target, stays in bars(rollout, events, end).items()},
        serving={
            arn: [output("level", at=plain(level.at), serving=level.serving) for level in levels(rollout, events, arn)]
            for arn in groups
        },
        floors=plain(rollout.plan.floors),
        restore=list(restore),
    )


def _bar(bar: Bar) -> Plain:
    return output(
        "bar",
        phase=plain(bar.phase),
        begun=plain(bar.begun),
        ended=plain(bar.ended),
        attempt=bar.attempt,
        why=bar.why,
        open=bar.open,
    )


def _late(events: Sequence[e.Event]) -> Iterator[int]:
    newest: dict[TargetId, int] = {}
    for event in events:
        if isinstance(event, e.RequestsAfterQuiet):
            newest[event.target] = event.requests
        elif isinstance(event, e.OwnerChanged) or (isinstance(event, e.PhaseChanged) and event.to is Phase.DRAINING):
            gone = list(newest) if isinstance(event, e.OwnerChanged) else [event.target]
            yield from (newest.pop(target, 0) for target in gone)
    yield from newest.values()
