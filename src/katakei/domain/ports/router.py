"""The port of a load balancer's routes: listeners and rules that forward to target groups by weight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Protocol

from katakei.domain.model import Arn, Group
from katakei.domain.traffic import Route, RouteObservation, Share, Switch


class RouteTrouble(Enum):
    """Why a route that forwards to the old group cannot be moved.

    OTHER_GROUPS: it forwards to a third group too. ALREADY_NEW: it sends requests to the new group already.
    NO_REQUESTS: the old group has weight 0 there. UNKNOWN_ACTION: one of its actions is of a type that Katakei does not
    know, and might not put back exactly.
    """

    OTHER_GROUPS = "other groups"
    ALREADY_NEW = "already new"
    NO_REQUESTS = "no requests"
    UNKNOWN_ACTION = "unknown action"


@dataclass(frozen=True, slots=True)
class SurveyedRoute:
    """A route that names the old group, as it was read for a plan.

    Attributes:
        route: What a plan records of it.
        listener: Its listener; for a default action the same ARN as the route's.
        port: The port of its listener.
        trouble: Why it cannot be moved; None when it can.
        sticky: How long a client keeps its group (target group stickiness); None where that is off.
    """

    route: Route
    listener: Arn
    port: int
    trouble: RouteTrouble | None = None
    sticky: timedelta | None = None


@dataclass(frozen=True, slots=True)
class RouteSurvey:
    """What is read of the routes before a switch is planned.

    Attributes:
        routes: Every route of the load balancer that names the old group, by port and priority.
        sticky_sessions: Of the two groups, those whose targets keep clients by a cookie (`stickiness.enabled`).
    """

    routes: tuple[SurveyedRoute, ...]
    sticky_sessions: tuple[Arn, ...] = ()


class Router(Protocol):
    """The routes of a load balancer. Every call is tried once. The errors are those of `Balancer`."""

    def survey(self, old: Group, new: Group) -> RouteSurvey:
        """Every route that names the old group."""
        ...

    def look(self, switch: Switch) -> Mapping[Arn, RouteObservation]:
        """What each route of the switch says now; one that was deleted has no frame."""
        ...

    def set_weights(self, switch: Switch, route: Route, share: Share, known: frozenset[Share], by: timedelta) -> None:
        """Bring a route to a share. AWS has no conditional write, so the route is read right before the call.

        Args:
            switch: Names the two groups.
            route: One of its routes.
            share: None: exactly the actions that the plan recorded.
            known: The shares that the route may have right before the call.
            by: Nothing is sent later than this, from now.

        Raises:
            RouteChangedError: The route is not as planned, right before the call or in its answer.
            RejectedError: AWS refuses the actions.
        """
        ...

    def restore_lines(self, switch: Switch) -> Sequence[str]:
        """The commands that a person can paste to put every route back. No call is made."""
        ...
