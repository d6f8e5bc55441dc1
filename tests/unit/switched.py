"""Builders of a switch: its plan, its rollout after some events, and observations of its routes and groups."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.properties.builders import group, target
from tests.properties.fake_router import route

from katakei.domain import events as e
from katakei.domain import traffic as t
from katakei.domain.freezes import Freeze, FreezeReading
from katakei.domain.model import Arn, Registration, RolloutId
from katakei.domain.observation import GroupObservation, HealthState, Observation, RegistrationHealth
from katakei.domain.plan import Floor, Plan, PlanKind
from katakei.domain.replay import Rollout, replay
from katakei.domain.spec import Approval, Command, Gate, Spec

T0 = datetime(2026, 11, 28, 12, tzinfo=UTC)
OLD, NEW = group("web"), group("green")
ROUTES = (route(1), route(2, new=0))
SWITCH = t.Switch(OLD.arn, NEW.arn, ROUTES, (0, 25, 100), 2)
SOAK = timedelta(seconds=30)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def plan(*gates: Gate, switch: t.Switch = SWITCH) -> Plan:
    spec = Spec("web", (OLD.arn, NEW.arn), Command("manual"), soak=SOAK, gates=gates)
    floors = {OLD.arn: Floor(0, 2), NEW.arn: Floor(0, 2)}
    place = ("123456789012", "ap-northeast-1")
    groups, nobody = (OLD, NEW), ()
    return Plan(
        RolloutId("r-1"), PlanKind.SWITCH, spec, "", *place, groups, nobody, nobody, 0, floors, "kim", {}, switch=switch
    )


def gate(share: int) -> Gate:
    return Gate(f"{share}%", share, Approval())


def rollout(*events: e.Event, of: Plan | None = None) -> Rollout:
    return replay([e.Planned(T0, of or plan()), *events])


def moved_to(share: t.Share, seconds: float = 0) -> tuple[e.Event, ...]:
    """Every route was brought to a share, and observed there."""
    calls = tuple(t.WeightsSet(at(seconds + 1), each.arn, share) for each in ROUTES)
    return t.ShareDecided(at(seconds), share), *calls, t.ShareObserved(at(seconds + 2), share)


def health(arn: Arn, serving: int, down: int, begun: datetime) -> GroupObservation:
    seen = {}
    for number in range(serving + down):
        state = HealthState.HEALTHY if number < serving else HealthState.UNHEALTHY
        place = Registration(arn, target(number, [OLD]).id, 80)
        seen[place] = RegistrationHealth(state, begun, begun)
    return GroupObservation(seen, begun)


def observed(
    seconds: float,
    share: t.Share = None,
    *,
    old: int = 2,
    new: int = 2,
    routes: Mapping[Arn, t.RouteObservation] | None = None,
    freeze: Freeze | None = None,
) -> Observation:
    """Every route at a share, both groups with these numbers of serving targets, all read at this moment."""
    begun = at(seconds)
    seen = {each.arn: t.RouteObservation(begun, each.frame, each.weights(share)) for each in ROUTES}
    return Observation(
        groups={OLD.arn: health(OLD.arn, old, 2 - old, begun), NEW.arn: health(NEW.arn, new, 2 - new, begun)},
        routes={**seen, **(routes or {})},
        freezes=FreezeReading(begun, begun, (freeze,) if freeze else ()),
    )


def changed(route: t.Route, seconds: float, **changes: object) -> dict[Arn, t.RouteObservation]:
    seen = t.RouteObservation(at(seconds), route.frame, route.weights(None))
    return {route.arn: replace(seen, **changes)}  # type: ignore[arg-type]  # fields of RouteObservation, by name
