"""The router `AlbRouter`: listeners and rules that forward to target groups by weight. It never decides or waits.

ModifyListener and ModifyRule replace the whole list of actions, and ELBv2 has no conditional write. So the actions are
read right before a write and compared with the plan, and the answer of the write is compared again.
"""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from katakei.adapters.aws import ELB, AwsSession
from katakei.adapters.aws.errors import code_of
from katakei.adapters.balancers.alb.queries import Queries, chunks, in_parallel
from katakei.adapters.balancers.routes import forward_actions
from katakei.domain.errors import RejectedError, RouteChangedError
from katakei.domain.model import Arn, Group
from katakei.domain.ports import Clock, RouteSurvey, SurveyedRoute
from katakei.domain.traffic import Route, RouteObservation, Share, Switch, Weights, difference

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
NOT_FOUND = frozenset({"ListenerNotFound", "RuleNotFound"})
TOGETHER = 20
"""Listeners, or rules, that are read by one call."""


class RouteLines:
    """What a command with `--server` needs of a router: the lines by which a person puts routes back."""

    def restore_lines(self, switch: Switch) -> Sequence[str]:
        """Returns lines for a POSIX shell, one per route."""
        return restore_lines(switch)


def restore_lines(switch: Switch) -> Sequence[str]:
    """Returns lines for a POSIX shell, one per route. No call is made."""
    return [_restore_line(route, switch) for route in switch.routes]


def is_rule(arn: Arn) -> bool:
    """Whether an ARN is that of a rule; else it is that of a listener."""
    return ":listener-rule/" in arn


class AlbRouter:
    """The listeners and rules of one account and region. Implements `Router`; errors as `AlbBalancer`."""

    def __init__(self, aws: AwsSession, clock: Clock) -> None:
        self._aws, self._clock = aws, clock
        self._queries = Queries(aws, clock)

    def survey(self, old: Group, new: Group) -> RouteSurvey:
        """Returns every route that names the old group, by port and priority."""
        listeners = sorted(
            (one for arn in old.load_balancers for one in self._listeners_of(arn)), key=lambda one: one.get("Port", 0)
        )
        rules = in_parallel(lambda one: self._rules_of(one["ListenerArn"]), listeners)
        found = [
            route
            for listener, own in zip(listeners, rules, strict=True)
            for route in _routes(listener, own, old.arn, new.arn)
        ]
        sticky = [
            group.arn for group in (old, new) if self._queries.attributes(group.arn).get("stickiness.enabled") == "true"
        ]
        return RouteSurvey(tuple(found), tuple(sticky))

    def look(self, switch: Switch) -> Mapping[Arn, RouteObservation]:
        """Returns what each route of the switch says now."""
        begun = self._clock.now()
        asked = [
            *chunks((route.arn for route in switch.routes if not is_rule(route.arn)), TOGETHER),
            *chunks((route.arn for route in switch.routes if is_rule(route.arn)), TOGETHER),
        ]
        said = {arn: actions for few in asked for arn, actions in self._actions(few, None).items()}
        return {route.arn: _observed(switch, begun, said.get(route.arn)) for route in switch.routes}

    def set_weights(self, switch: Switch, route: Route, share: Share, known: frozenset[Share], by: timedelta) -> None:
        """Brings a route to a share; a route that is there already is not written. No call begins after `by`."""
        until, begun = self._clock.now() + by, self._clock.now()
        seen = _observed(switch, begun, self._actions([route.arn], until).get(route.arn))
        if change := difference(route, seen, known):
            raise RouteChangedError(reasons=(change,))
        if seen.weights == route.weights(share):
            return
        sent = forward_actions.written(json.loads(route.actions), switch.old, switch.new, share)
        answered = _observed(switch, begun, self._write(route.arn, sent, until))
        if change := difference(route, answered, (share,)):
            raise RouteChangedError(reasons=(change,))

    def restore_lines(self, switch: Switch) -> Sequence[str]:
        """Returns lines for a POSIX shell, one per route."""
        return restore_lines(switch)

    def _actions(self, arns: Sequence[Arn], until: datetime | None) -> dict[Arn, Sequence[Any]]:
        """The actions of listeners, or of rules. One that is gone fails the question for all, so each is asked."""
        try:
            return self._read(arns, until)
        except RejectedError as refused:
            if code_of(refused.__cause__ or refused) not in NOT_FOUND:
                raise
            if len(arns) > 1:
                return {arn: actions for one in arns for arn, actions in self._actions([one], until).items()}
            return {}

    def _read(self, arns: Sequence[Arn], until: datetime | None) -> dict[Arn, Sequence[Any]]:
        if is_rule(arns[0]):
            rules = self._aws.call(ELB, "DescribeRules", lambda elb: elb.describe_rules(RuleArns=list(arns)), by=until)
            return {Arn(one["RuleArn"]): one["Actions"] for one in rules["Rules"]}
        listeners = self._aws.call(
            ELB, "DescribeListeners", lambda elb: elb.describe_listeners(ListenerArns=list(arns)), by=until
        )
        return {Arn(one["ListenerArn"]): one["DefaultActions"] for one in listeners["Listeners"]}

    def _write(self, arn: Arn, actions: Any, until: datetime) -> Sequence[Any]:
        if is_rule(arn):
            rules = self._aws.call(
                ELB, "ModifyRule", lambda elb: elb.modify_rule(RuleArn=arn, Actions=actions), by=until
            )
            return rules["Rules"][0]["Actions"]
        listeners = self._aws.call(
            ELB, "ModifyListener", lambda elb: elb.modify_listener(ListenerArn=arn, DefaultActions=actions), by=until
        )
        return listeners["Listeners"][0]["DefaultActions"]

    def _listeners_of(self, balancer: Arn) -> list[Any]:
        return _pages(
            lambda marker: self._aws.call(
                ELB,
                "DescribeListeners",
                lambda elb: elb.describe_listeners(LoadBalancerArn=balancer, **marker),  # type: ignore[arg-type]  # a marker or nothing
            ),
            "Listeners",
        )

    def _rules_of(self, listener: str) -> list[Any]:
        return _pages(
            lambda marker: self._aws.call(
                ELB,
                "DescribeRules",
                lambda elb: elb.describe_rules(ListenerArn=listener, **marker),  # type: ignore[arg-type]  # a marker or nothing
            ),
            "Rules",
        )


def _pages(question: "Callable[[Mapping[str, str]], Any]", name: str) -> list[Any]:
    found: list[Any] = []
    marker: Mapping[str, str] = {}
    while True:
        answer = question(marker)
        found += answer[name]
        if not answer.get("NextMarker"):
            return found
        marker = {"Marker": answer["NextMarker"]}


def _routes(listener: Any, rules: Sequence[Any], old: Arn, new: Arn) -> Iterator[SurveyedRoute]:
    """The routes of one listener that name the old group. Its default action is one of its rules too."""
    name = f"{listener.get('Protocol', '')}:{listener.get('Port', '')}"
    arn = Arn(listener["ListenerArn"])
    places = [(arn, name, listener["DefaultActions"])]
    places += [(Arn(r["RuleArn"]), f"{name} rule {r['Priority']}", r["Actions"]) for r in rules if not r["IsDefault"]]
    for at, called, actions in places:
        has = forward_actions.weights(actions, old, new)
        if has.old is None:
            continue
        frame = forward_actions.frame(actions, old, new)
        yield SurveyedRoute(
            Route(at, called, frame, json.dumps(actions), has.old, has.new),
            arn,
            listener.get("Port", 0),
            forward_actions.trouble(actions, old, new),
            forward_actions.stickiness(actions),
        )


def _observed(switch: Switch, begun: datetime, actions: Sequence[Any] | None) -> RouteObservation:
    if actions is None:
        return RouteObservation(begun, None, Weights(None, None))
    frame = forward_actions.frame(actions, switch.old, switch.new)
    return RouteObservation(begun, frame, forward_actions.weights(actions, switch.old, switch.new))


def _restore_line(route: Route, switch: Switch) -> str:
    actions = json.dumps(forward_actions.written(json.loads(route.actions), switch.old, switch.new, None))
    what = ["modify-rule", "--rule-arn", route.arn, "--actions"]
    if not is_rule(route.arn):
        what = ["modify-listener", "--listener-arn", route.arn, "--default-actions"]
    return shlex.join(["aws", "elbv2", *what, actions, "--region", route.arn.split(":")[3]])
