"""The plan of a switch: which routes move, in which steps, and every reason against it. Planning changes nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from katakei.domain.errors import RefusedError, UsageError
from katakei.domain.model import Group, TargetType
from katakei.domain.plan import Floor, Plan
from katakei.domain.ports import RouteSurvey, RouteTrouble, SurveyedRoute
from katakei.domain.reasons import Reason
from katakei.domain.traffic import SETTLE, WHOLE, Switch
from katakei.planning.reasons import PlanCode, Risk, reason
from katakei.planning.survey import AcceptedRisks, PlanRequest, Survey

SAFE_SETTLE = timedelta(seconds=60)
"""Requests were seen up to a minute after a weight became 0; see `traffic.SETTLE`."""
BALANCERS = frozenset({"application", "network"})
"""Load balancers whose listeners forward by weight."""


@dataclass(frozen=True, slots=True)
class SwitchRequest:
    """What a person asks of a switch, beside its two groups.

    Attributes:
        steps: The shares of the new group, rising to 100.
        listeners: Ports or ARNs of listeners, each with all its rules; none for every route of the old group.
        rules: ARNs of single rules.
        settle: See `Switch.settle`.
    """

    steps: tuple[int, ...] = (WHOLE,)
    listeners: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    settle: timedelta = SETTLE


def make_switch(
    request: PlanRequest, survey: Survey, routes: RouteSurvey, accepted: AcceptedRisks, asked: SwitchRequest
) -> Plan:
    """Makes the plan of a switch.

    Raises:
        UsageError: The groups are the same, or a named listener or rule does not send requests to the old group.
        RefusedError: The plan would be unsafe, or is not supported; the error carries every reason.
    """
    if len(survey.groups) != 2:
        raise UsageError(reasons=(reason(PlanCode.SWITCH_SAME_GROUP, group=survey.groups[0].name),))
    old, new = survey.groups
    chosen = _chosen(routes, asked, old)
    base, in_use = _serving(survey, old), bool(new.load_balancers)
    if accepted.force:
        base = min(base, max(1, _available(survey, new)))
    needed = max(1, base)  # a group that serves nobody now still needs one target to move to
    switch = Switch(
        old.arn,
        new.arn,
        tuple(each.route for each in chosen),
        asked.steps if in_use else (0, *asked.steps),
        needed,
        asked.settle,
        len(chosen) == sum(each.trouble is not RouteTrouble.NO_REQUESTS for each in routes.routes),
    )
    plan = _draw(request, survey, switch)
    if against := tuple(_against(plan, switch, survey, routes, chosen, accepted)):
        raise RefusedError(reasons=against)
    return replace(plan, notices=tuple(_notices(plan, switch, survey, chosen, accepted)))


def _draw(request: PlanRequest, survey: Survey, switch: Switch) -> Plan:
    return Plan(
        rollout=request.rollout,
        kind=request.kind,
        spec=request.spec,
        release=request.release,
        account=request.account,
        region=request.region,
        groups=survey.groups,
        targets=(),
        bystanders=(),
        window=0,
        floors={group.arn: Floor(0, _serving(survey, group)) for group in survey.groups},
        who=request.who,
        versions=request.versions,
        switch=switch,
    )


def _serving(survey: Survey, group: Group) -> int:
    return sum(member.seen.serving for member in survey.members[group.arn])


def _available(survey: Survey, new: Group) -> int:
    """How many targets of the new group serve; where nobody checks them yet, how many there are."""
    return _serving(survey, new) if new.load_balancers else len(survey.members[new.arn])


def _chosen(routes: RouteSurvey, asked: SwitchRequest, old: Group) -> list[SurveyedRoute]:
    """The routes to move: all that send requests to the old group, or those of the named listeners and rules."""
    if not asked.listeners and not asked.rules:
        return [each for each in routes.routes if each.trouble is not RouteTrouble.NO_REQUESTS]
    known = {named for each in routes.routes for named in _names(each)}
    for typed in (*asked.listeners, *asked.rules):
        if typed not in known:
            names = tuple(each.route.name for each in routes.routes)
            raise UsageError(reasons=(reason(PlanCode.ROUTE_UNKNOWN, route=typed, group=old.name, routes=names),))
    wanted = {*asked.listeners, *asked.rules}
    return [each for each in routes.routes if wanted & set(_names(each))]


def _names(route: SurveyedRoute) -> tuple[str, ...]:
    return (str(route.port), str(route.listener), str(route.route.arn))


def _against(  # noqa: PLR0913, PLR0917 - what every rule may read
    plan: Plan,
    switch: Switch,
    survey: Survey,
    routes: RouteSurvey,
    chosen: Sequence[SurveyedRoute],
    accepted: AcceptedRisks,
) -> Iterator[Reason]:
    old, new = plan.groups
    yield from _groups_against(old, new)
    if not chosen:
        yield reason(PlanCode.NO_ROUTES, group=old.name)
    for each in chosen:
        if each.trouble:
            yield reason(PlanCode.ROUTE_NOT_MOVABLE, route=each.route.name, trouble=each.trouble.value)
    sticky = [group.name for group in plan.groups if group.arn in routes.sticky_sessions]
    unstuck = [each.route.name for each in chosen if each.sticky is None]
    if sticky and unstuck:
        yield reason(PlanCode.STICKY_SESSIONS_NEED_GROUP, groups=tuple(sticky), routes=tuple(unstuck))
    yield from _capacity_against(switch, survey, new)
    if switch.settle < SAFE_SETTLE and not (survey.lab or accepted.force):
        settle, safe = switch.settle.total_seconds(), SAFE_SETTLE.total_seconds()
        yield reason(PlanCode.WEIGHT_SETTLE_TOO_SHORT, settle=settle, safe=safe, risk=Risk.SHORT_SETTLE)


def _groups_against(old: Group, new: Group) -> Iterator[Reason]:
    for group in (old, new):
        if group.target_type in {TargetType.LAMBDA, TargetType.ALB}:
            yield reason(PlanCode.TARGET_TYPE_NOT_SUPPORTED, group=group.name, type=group.target_type.value)
    if old.balancer_type and old.balancer_type not in BALANCERS:
        yield reason(PlanCode.BALANCER_WITHOUT_WEIGHTS, group=old.name, balancer_type=old.balancer_type)
    if set(new.load_balancers) - set(old.load_balancers):
        yield reason(PlanCode.NEW_GROUP_ELSEWHERE, group=new.name)


def _capacity_against(switch: Switch, survey: Survey, new: Group) -> Iterator[Reason]:
    """A group that is in no listener yet is checked by nobody: it is added with weight 0 first, and then decides."""
    serving, needed = _available(survey, new), max(1, switch.needs(WHOLE))
    if serving < needed:
        yield reason(
            PlanCode.NEW_GROUP_SERVES_TOO_FEW, group=new.name, serving=serving, needed=needed, risk=Risk.BELOW_FLOOR
        )


def _notices(
    plan: Plan, switch: Switch, survey: Survey, chosen: Sequence[SurveyedRoute], accepted: AcceptedRisks
) -> Iterator[Reason]:
    old, new = plan.groups
    if not switch.steps[0]:
        yield reason(PlanCode.NEW_GROUP_CHECKED_FIRST, group=new.name)
    if not switch.whole:
        yield reason(PlanCode.OTHER_ROUTES_STAY, group=old.name)
    for length in sorted({each.sticky for each in chosen if each.sticky}):
        names = tuple(each.route.name for each in chosen if each.sticky == length)
        yield reason(PlanCode.CLIENTS_STICK, routes=names, length=length.total_seconds())
    if old.balancer_type == "network":
        yield reason(PlanCode.CONNECTIONS_STAY, group=old.name)
    if accepted.force and (serving := _serving(survey, old)) > switch.needed:
        yield reason(PlanCode.SMALLER_GROUP_ACCEPTED, group=new.name, serving=switch.needed, was=serving)
