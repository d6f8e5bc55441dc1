"""A fake router: routes in memory, as one process reaches them, with calls that fail, get lost or take effect late."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from katakei.domain.errors import (
    NoAnswerError,
    RejectedError,
    RouteChangedError,
    TemporarilyUnavailableError,
    UnreachableError,
)
from katakei.domain.model import Arn, Group
from katakei.domain.ports import Clock, RouteSurvey, SurveyedRoute
from katakei.domain.traffic import Route, RouteObservation, Share, Switch, Weights, difference

LISTENER = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:listener/app/lb/1/"


def route(number: int, *, new: int | None = None) -> Route:
    return Route(Arn(f"{LISTENER}{number}"), f"HTTP:{number}", f"frame {number}", "[]", 1, new)


@dataclass
class Routes:
    """The routes as they really are, and every change of them.

    Attributes:
        refused: Routes that AWS refuses to change, with its words.
        denied: Routes that this user may not change.
        down: Why the endpoint cannot be reached; '' when it can.
        unanswered: The share of calls without an answer; half of these take effect, some of them late.
        blind: The share of questions without an answer.
        writes: Every change by a switch.
    """

    plan: tuple[Route, ...]
    now: Callable[[], datetime]
    rng: Random = field(default_factory=lambda: Random(1))  # noqa: S311 - reproducible faults
    refused: dict[Arn, str] = field(default_factory=dict)
    denied: set[Arn] = field(default_factory=set)
    down: str = ""
    unanswered: float = 0
    blind: float = 0
    late: list[tuple[datetime, Route, Share]] = field(default_factory=list)
    writes: list[tuple[datetime, Arn, Share]] = field(default_factory=list)
    rivals: set[Arn] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.frames: dict[Arn, str | None] = {each.arn: each.frame for each in self.plan}
        self.weights: dict[Arn, Weights] = {each.arn: each.weights(None) for each in self.plan}

    def pass_time(self) -> None:
        """Applies each late call that is due."""
        due = [each for each in self.late if each[0] <= self.now()]
        self.late = [each for each in self.late if each not in due]
        for _, late, share in due:
            if self.frames[late.arn] == late.frame:
                self.weights[late.arn] = late.weights(share)

    def edit(self, arn: Arn, frame: str | None = "somebody else's", weights: Weights | None = None) -> None:
        """Somebody else changes a route."""
        self.rivals.add(arn)
        self.frames[arn] = frame
        self.weights[arn] = weights or self.weights[arn]

    def seen(self, arn: Arn, begun: datetime) -> RouteObservation:
        return RouteObservation(begun, self.frames[arn], self.weights[arn])


class FakeRouter:
    """The routes, as one process reaches them."""

    def __init__(self, truth: Routes, clock: Clock) -> None:
        self.truth = truth
        self._clock = clock

    def survey(self, old: Group, new: Group) -> RouteSurvey:
        del old, new
        return RouteSurvey(tuple(SurveyedRoute(each, each.arn, number) for number, each in enumerate(self.truth.plan)))

    def look(self, switch: Switch) -> Mapping[Arn, RouteObservation]:
        self.truth.pass_time()
        if self.truth.rng.random() < self.truth.blind:
            raise NoAnswerError("HealthUnavailable")
        return {each.arn: self.truth.seen(each.arn, self._clock.now()) for each in switch.routes}

    def set_weights(self, switch: Switch, route: Route, share: Share, known: frozenset[Share], by: timedelta) -> None:
        del switch, by
        truth = self.truth
        truth.pass_time()
        if change := difference(route, truth.seen(route.arn, self._clock.now()), known):
            raise RouteChangedError(reasons=(change,))
        if truth.down:
            raise TemporarilyUnavailableError(truth.down)
        if text := truth.refused.get(route.arn):
            raise RejectedError(text)
        if route.arn in truth.denied:
            raise UnreachableError("access denied: ModifyListener")
        answered = truth.rng.random() >= truth.unanswered
        if not answered and truth.rng.random() < 0.5:
            truth.late.append((truth.now() + timedelta(seconds=truth.rng.uniform(0, 8)), route, share))
        elif answered or truth.rng.random() < 0.5:
            truth.weights[route.arn] = route.weights(share)
            truth.writes.append((truth.now(), route.arn, share))
        if not answered:
            raise NoAnswerError("timed out")

    def restore_lines(self, switch: Switch) -> Sequence[str]:
        return [f"modify {each.name}" for each in switch.routes]
