"""The plan of a switch: what moves, in which steps, what is refused and what a person must know."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.properties.fake_router import route
from tests.unit.given import NOON, a_group, a_target
from tests.unit.surveyed import DOWN, HEALTHY

from katakei.domain.errors import RefusedError, UsageError
from katakei.domain.model import Arn, Group, RolloutId, TargetType
from katakei.domain.observation import HealthState, RegistrationHealth
from katakei.domain.plan import Plan, PlanKind
from katakei.domain.ports import GroupMember, RouteSurvey, RouteTrouble, SurveyedRoute
from katakei.domain.reasons import Reason
from katakei.domain.spec import Command, Spec
from katakei.domain.traffic import Switch
from katakei.planning.forecast import forecast
from katakei.planning.survey import NO_ACCEPTED_RISKS, AcceptedRisks, PlanRequest, Survey
from katakei.planning.switching import SwitchRequest, make_switch
from katakei.render.reasons import sentence

OLD, NEW = a_group("web"), a_group("green")
STEPS = SwitchRequest((25, 100))
FORCE = AcceptedRisks(force=True)
STICKY = timedelta(hours=1)


def surveyed(number: int, port: int = 80, trouble: RouteTrouble | None = None, **more: object) -> SurveyedRoute:
    found = SurveyedRoute(route(number), Arn(f"listener-{port}"), port, trouble)
    return replace(found, **more)  # type: ignore[arg-type]  # fields of SurveyedRoute, by name


ROUTES = RouteSurvey((surveyed(1), surveyed(2), surveyed(3, 443)))


def members(group: Group, states: Sequence[HealthState]) -> tuple[GroupMember, ...]:
    targets = [a_target(number, [group]) for number in range(len(states))]
    return tuple(
        GroupMember(each.registrations[0], RegistrationHealth(state, NOON, NOON), each.id, "", "", each.zone, {})
        for each, state in zip(targets, states, strict=True)
    )


def made(
    old: Sequence[HealthState] = (HEALTHY, HEALTHY),
    new: Sequence[HealthState] = (HEALTHY, HEALTHY),
    *,
    groups: Sequence[Group] = (OLD, NEW),
    routes: RouteSurvey = ROUTES,
    asked: SwitchRequest = STEPS,
    accepted: AcceptedRisks = NO_ACCEPTED_RISKS,
    lab: bool = False,
) -> Plan:
    spec = Spec("web", tuple(group.arn for group in groups), Command("manual"), soak=timedelta(minutes=1))
    request = PlanRequest(RolloutId("r-1"), PlanKind.SWITCH, spec, "", "1", "eu", "kim", {})
    listed = {group.arn: members(group, states) for group, states in zip(groups, (old, new), strict=False)}
    return make_switch(request, Survey(tuple(groups), listed, lab=lab), routes, accepted, asked)


def moves(plan: Plan) -> Switch:
    assert plan.switch
    return plan.switch


def refusals(**more: object) -> list[Reason]:
    with pytest.raises(RefusedError) as refused:
        made(**more)  # type: ignore[arg-type]  # arguments of made, by name
    assert all(sentence(each) for each in refused.value.reasons)
    return list(refused.value.reasons)


def codes(reasons: Sequence[Reason]) -> list[str]:
    return [each.code for each in reasons]


def test_every_route_of_the_old_group_moves() -> None:
    plan = made()
    switch = moves(plan)
    assert (switch.old, switch.new, switch.steps, switch.needed) == (OLD.arn, NEW.arn, (25, 100), 2)
    assert [each.name for each in switch.routes] == ["HTTP:1", "HTTP:2", "HTTP:3"]
    assert (plan.targets, plan.notices, switch.whole) == ((), (), True)
    assert forecast(plan).total == timedelta(minutes=2)


def test_unused_new_group_is_added_with_weight_zero_first() -> None:
    unused = replace(NEW, load_balancers=(), balancer_type="")
    plan = made(new=(HealthState.UNUSED, HealthState.UNUSED), groups=(OLD, unused))
    assert moves(plan).steps == (0, 25, 100)
    assert codes(plan.notices) == ["new_group_checked_first"]
    assert forecast(plan).total == timedelta(minutes=2)


def test_listeners_and_rules_may_be_chosen() -> None:
    by_port = moves(made(asked=replace(STEPS, listeners=("80",))))
    assert ([each.name for each in by_port.routes], by_port.whole) == (["HTTP:1", "HTTP:2"], False)
    by_rule = made(asked=replace(STEPS, rules=(str(route(3).arn),)))
    assert [each.name for each in moves(by_rule).routes] == ["HTTP:3"]
    assert codes(by_rule.notices) == ["other_routes_stay"]
    with pytest.raises(UsageError) as wrong:
        made(asked=replace(STEPS, listeners=("8443",)))
    assert codes(wrong.value.reasons) == ["route_unknown"]


def test_same_group_twice_is_wrong_usage() -> None:
    with pytest.raises(UsageError) as wrong:
        made(groups=(OLD,))
    assert codes(wrong.value.reasons) == ["switch_same_group"]


def test_a_new_group_that_serves_too_few_is_refused_or_accepted() -> None:
    [why] = refusals(new=(HEALTHY, DOWN))
    assert dict(why.data) == {"group": "green", "serving": 1, "needed": 2, "risk": "below_floor"}
    plan = made(new=(HEALTHY, DOWN), accepted=FORCE)
    assert moves(plan).needed == 1
    assert codes(plan.notices) == ["smaller_group_accepted"]
    assert codes(refusals(new=(DOWN, DOWN), accepted=FORCE)) == ["new_group_serves_too_few"]
    assert codes(refusals(old=(DOWN, DOWN), new=())) == ["new_group_serves_too_few"]


@pytest.mark.parametrize("trouble", [each for each in RouteTrouble if each is not RouteTrouble.NO_REQUESTS])
def test_a_route_that_cannot_be_moved_is_refused(trouble: RouteTrouble) -> None:
    assert codes(refusals(routes=RouteSurvey((surveyed(1), surveyed(2, trouble=trouble))))) == ["route_not_movable"]


def test_a_route_without_requests_is_left_alone() -> None:
    plan = made(routes=RouteSurvey((surveyed(1), surveyed(2, trouble=RouteTrouble.NO_REQUESTS))))
    assert ([each.name for each in moves(plan).routes], moves(plan).whole) == (["HTTP:1"], True)
    assert codes(refusals(routes=RouteSurvey(()))) == ["no_routes"]


def test_groups_that_have_no_weights_are_refused() -> None:
    types = replace(NEW, target_type=TargetType.LAMBDA)
    assert codes(refusals(groups=(OLD, types))) == ["target_type_not_supported"]
    gateway = replace(OLD, balancer_type="gateway")
    assert codes(refusals(groups=(gateway, NEW))) == ["balancer_without_weights"]
    elsewhere = replace(NEW, load_balancers=(Arn("other"),))
    assert codes(refusals(groups=(OLD, elsewhere))) == ["new_group_elsewhere"]


def test_sticky_sessions_need_group_stickiness() -> None:
    sticky = RouteSurvey((surveyed(1), surveyed(2, sticky=STICKY)), (OLD.arn,))
    [why] = refusals(routes=sticky)
    assert dict(why.data) == {"groups": ("web",), "routes": ("HTTP:1",)}
    plan = made(routes=RouteSurvey((surveyed(2, sticky=STICKY), surveyed(3, sticky=STICKY)), (OLD.arn,)))
    assert [dict(each.data) for each in plan.notices] == [{"routes": ("HTTP:2", "HTTP:3"), "length": 3600.0}]


def test_network_load_balancer_keeps_open_connections() -> None:
    network = replace(OLD, balancer_type="network", protocol="TCP")
    assert codes(made(groups=(network, NEW)).notices) == ["connections_stay"]


def test_short_settle_is_refused_except_on_the_lab() -> None:
    short = replace(STEPS, settle=timedelta(seconds=5))
    assert codes(refusals(asked=short)) == ["weight_settle_too_short"]
    assert moves(made(asked=short, lab=True)).settle == timedelta(seconds=5)
    assert moves(made(asked=short, accepted=FORCE)).settle == timedelta(seconds=5)
