"""A switch of traffic from one target group to another by weights: its plan, its status, and its events.

A *route* is the default action of a listener, or a rule. A switch moves all its routes together, share by share. The
share is the percentage of requests that the new group gets; None stands for the actions as they were before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import assert_never

from katakei.domain.model import Arn
from katakei.domain.reasons import Reason, ReasonCode, reason

WHOLE = 100
"""The share at which all requests go to the new group. The two weights of a route always add up to it."""
SETTLE = timedelta(seconds=120)
"""For so long a group may still get requests after its weight became 0 (docs/switch.md)."""

Share = int | None


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of both groups in one route; None: the route does not name the group."""

    old: int | None
    new: int | None


@dataclass(frozen=True, slots=True)
class Route:
    """One listener's default action, or one rule, as it was before the switch.

    Attributes:
        arn: Of the listener, or of the rule.
        name: For people: 'HTTP:80', 'HTTPS:443 rule 10'.
        frame: Everything that its actions say except for the two weights, in one canonical text.
        actions: The whole actions as JSON, so that they can be put back exactly.
        old: The weight of the old group.
        new: The weight of the new group: 0, or None where the route did not name it.
    """

    arn: Arn
    name: str
    frame: str
    actions: str
    old: int
    new: int | None

    def weights(self, share: Share) -> Weights:
        """The weights at this share."""
        return Weights(self.old, self.new) if share is None else Weights(WHOLE - share, share)


@dataclass(frozen=True, slots=True)
class RouteObservation:
    """What a route says now.

    Attributes:
        begun: When the question was sent.
        frame: As `Route.frame`; None where the listener or rule does not exist any more.
        weights: The weights of both groups.
    """

    begun: datetime
    frame: str | None
    weights: Weights


@dataclass(frozen=True, slots=True)
class Switch:
    """What a switch moves, and how.

    Attributes:
        old: The group that loses its requests.
        new: The group that gets them.
        routes: Every route that moves.
        steps: The shares, rising to 100. The first is 0 where the new group is not in use yet: its targets are then
            checked by the load balancer before they get a request.
        needed: How many targets must serve to carry all requests; a share needs its part of them, rounded up.
        settle: How long the old group may still get requests after its weight became 0.
        whole: No other route sends requests to the old group: it gets none once every route is at 100 %.
    """

    old: Arn
    new: Arn
    routes: tuple[Route, ...]
    steps: tuple[int, ...]
    needed: int
    settle: timedelta = SETTLE
    whole: bool = True

    def needs(self, share: Share) -> int:
        """How many targets of the new group must serve for this share."""
        return -(-self.needed * (share or 0) // WHOLE)

    def after(self, share: Share) -> int | None:
        """The step that follows this share; None after the last one."""
        return next((step for step in self.steps if share is None or step > share), None)


@dataclass(frozen=True, slots=True)
class ShareDecided:
    """Every route is to be at this share from now on.

    Attributes:
        share: None: as it was before the switch.
        reason: Why the requests go back; None on the way forward.
    """

    at: datetime
    share: Share
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class WeightsSet:
    """The call that brings a route to a share returned, or the route was there already."""

    at: datetime
    route: Arn
    share: Share


@dataclass(frozen=True, slots=True)
class WeightsRejected:
    """AWS refused to change a route; `why` is in its own words."""

    at: datetime
    route: Arn
    why: str


@dataclass(frozen=True, slots=True)
class WeightsUnanswered:
    """A call for a route had no answer: it may still take effect."""

    at: datetime
    route: Arn


@dataclass(frozen=True, slots=True)
class RouteChanged:
    """Somebody else changed a route during the switch. It is not written again."""

    at: datetime
    route: Arn
    reason: Reason


@dataclass(frozen=True, slots=True)
class ShareObserved:
    """An observation begun after all calls returned showed every route at this share."""

    at: datetime
    share: Share


@dataclass(frozen=True, slots=True)
class TrafficMoved:
    """All requests go to the new group and its last soak is over. The way back stays open until a person finishes."""

    at: datetime


@dataclass(frozen=True, slots=True)
class FinishAsked:
    """A person gives up the way back: the old group may be worked on."""

    at: datetime
    by: str


TrafficEvent = (
    ShareDecided
    | WeightsSet
    | WeightsRejected
    | WeightsUnanswered
    | RouteChanged
    | ShareObserved
    | TrafficMoved
    | FinishAsked
)


@dataclass(frozen=True, slots=True)
class TrafficStatus:
    """How a switch stands. Moments are by the clock of the process that drives it, except for `zero`.

    Attributes:
        share: The share that was decided last.
        since: When it was decided, or when the present process took over.
        decided: Every share that was ever decided: a late call may still bring a route to one of them.
        back: Why the requests go back; None on the way forward.
        called: When the last call returned.
        unsure: When a call was last left without an answer: it may take effect late.
        observed: When every route was first observed at `share`; None while routes move.
        promoted: A person ended the soak of this share.
        rejected: Routes that AWS refused to change, each with its words, since `share` was decided.
        rejected_at: When AWS refused the last time.
        changed: Routes that somebody else changed.
        moved: When all requests had moved and the last soak was over.
        finishing: Who gave up the way back.
        zero: When a group was first observed with weight 0, in the routes of the switch, by the clock of that process.
    """

    since: datetime
    share: Share = None
    decided: frozenset[Share] = frozenset({None})
    back: Reason | None = None
    called: datetime | None = None
    unsure: datetime | None = None
    observed: datetime | None = None
    promoted: bool = False
    rejected: Mapping[Arn, str] = field(default_factory=dict)
    rejected_at: datetime | None = None
    changed: Mapping[Arn, Reason] = field(default_factory=dict)
    moved: datetime | None = None
    finishing: str | None = None
    zero: Mapping[Arn, datetime] = field(default_factory=dict)

    @property
    def begun(self) -> bool:
        """Whether a call may have changed a route."""
        return self.decided != {None}

    @property
    def moving(self) -> bool:
        """Whether the routes are on their way to a share."""
        return self.begun and self.observed is None


def folded(status: TrafficStatus, switch: Switch, event: TrafficEvent) -> TrafficStatus:
    """The status after an event."""
    match event:
        case ShareDecided(at, share, why):
            decided = status.decided | {share}
            after = replace(status, share=share, since=at, decided=decided, back=status.back or why, called=None)
            return replace(after, observed=None, promoted=False, moved=None, rejected={}, rejected_at=None)
        case WeightsSet(at, route):
            rest = {arn: why for arn, why in status.rejected.items() if arn != route}
            return replace(status, called=at, rejected=rest)
        case WeightsRejected(at, route, why):
            return replace(status, rejected={**status.rejected, route: why}, rejected_at=at)
        case WeightsUnanswered(at):
            return replace(status, unsure=at)
        case RouteChanged(_, route, why):
            return replace(status, changed={**status.changed, route: why})
        case ShareObserved(at, share):
            return replace(status, observed=at, zero=_zero(status, switch, share, at))
        case TrafficMoved(at):
            return replace(status, moved=at)
        case FinishAsked(_, by):
            return replace(status, finishing=by)
        case _:
            assert_never(event)


def _zero(status: TrafficStatus, switch: Switch, share: Share, at: datetime) -> Mapping[Arn, datetime]:
    """Since when each group has weight 0. Groups with weight, and routes that somebody else changed, do not count."""
    if status.changed:
        return {}
    without = {switch.old} if share == WHOLE else {switch.new} if not share else set()
    return {arn: status.zero.get(arn, at) for arn in sorted(without)}


def taken_over(status: TrafficStatus, at: datetime) -> TrafficStatus:
    """The status for a new process, which has another clock: every span starts again, so that none gets shorter."""
    return replace(
        status,
        since=at,
        called=None,
        unsure=at if status.moving or status.unsure else None,
        observed=at if status.observed else None,
        moved=at if status.moved else None,
        rejected_at=None,
    )


def difference(route: Route, seen: RouteObservation, known: Iterable[Share]) -> Reason | None:
    """How a route differs from the plan at every share that it may have now.

    Args:
        route: The route as the plan recorded it.
        seen: What it says now.
        known: The shares that it may have.

    Returns:
        None where it is as planned.
    """
    if seen.frame is None:
        return reason(ReasonCode.ROUTE_DELETED, route=route.name)
    if seen.frame != route.frame:
        return reason(ReasonCode.ROUTE_ACTIONS_CHANGED, route=route.name)
    if seen.weights in {route.weights(share) for share in known}:
        return None
    return reason(ReasonCode.ROUTE_WEIGHTS_CHANGED, route=route.name, old=seen.weights.old, new=seen.weights.new)
