"""The contract of routers (domain/ports/), on a running lab: routes are found, moved, compared and put back exactly."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.lab.conftest import Clients
from tests.second_group import add_group

from katakei.adapters.aws import AwsSession
from katakei.adapters.balancers.alb import AlbBalancer
from katakei.adapters.balancers.routes import AlbRouter
from katakei.adapters.system.clock import SystemClock
from katakei.domain.errors import RejectedError, RouteChangedError, UnknownGroupError
from katakei.domain.model import Group
from katakei.domain.ports import RouteTrouble
from katakei.domain.traffic import Switch, Weights
from katakei.lab.options import LabOptions
from katakei.lab.process import Lab

pytestmark = pytest.mark.lab
SOON = timedelta(seconds=10)
ALL = frozenset({None, 0, 25, 100})


class Site:
    """A lab with two groups, a second listener, and three rules: two that move, one that names a third group."""

    def __init__(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in lab.env.items():
            monkeypatch.setenv(name, value)
        clock = SystemClock()
        aws = AwsSession(None, None, clock)
        self.elb: Any = Clients(lab.env).get("elbv2")
        self.router = AlbRouter(aws, clock)
        green = add_group(lab, "green", 1, listener_port=None, delay=2)
        third = add_group(lab, "third", 1, listener_port=8090, delay=2)
        self.add_routes(lab, third)
        balancer = AlbBalancer(aws, clock)
        self.old, self.new = balancer.groups([lab.target_group_arn, green])

    def add_routes(self, lab: Lab, third: str) -> None:
        forward = {"Type": "forward", "TargetGroupArn": lab.target_group_arn}
        listeners = self.elb.describe_listeners(LoadBalancerArn=lab.load_balancer_arn)["Listeners"]
        first = min(listeners, key=lambda one: one["Port"])["ListenerArn"]
        self.elb.create_listener(
            LoadBalancerArn=lab.load_balancer_arn, Protocol="HTTP", Port=8091, DefaultActions=[forward]
        )
        sticky = {"Enabled": True, "DurationSeconds": 60}
        groups = [{"TargetGroupArn": lab.target_group_arn, "Weight": 7}]
        config = {"TargetGroups": groups, "TargetGroupStickinessConfig": sticky}
        mixed = {"TargetGroups": [*groups, {"TargetGroupArn": third, "Weight": 1}]}
        actions = (forward, {"Type": "forward", "ForwardConfig": config}, {"Type": "forward", "ForwardConfig": mixed})
        for number, action in enumerate(actions, 1):
            where = [{"Field": "path-pattern", "Values": [f"/{number}/*"]}]
            self.elb.create_rule(ListenerArn=first, Priority=number, Conditions=where, Actions=[action])

    def switch(self) -> Switch:
        found = self.router.survey(self.old, self.new).routes
        return Switch(self.old.arn, self.new.arn, tuple(each.route for each in found if not each.trouble), (100,), 1)

    def actions(self, switch: Switch) -> dict[str, str]:
        """The actions of the routes as AWS shows them."""
        found = {}
        for each in switch.routes:
            if ":listener-rule/" in each.arn:
                found[each.name] = self.elb.describe_rules(RuleArns=[each.arn])["Rules"][0]["Actions"]
            else:
                found[each.name] = self.elb.describe_listeners(ListenerArns=[each.arn])["Listeners"][0][
                    "DefaultActions"
                ]
        return {name: json.dumps(actions, sort_keys=True) for name, actions in found.items()}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    options = LabOptions(targets=1, delay=timedelta(seconds=2), interval=timedelta(seconds=1), port=8080)
    with Lab(options) as lab, pytest.MonkeyPatch.context() as monkeypatch:
        yield Site(lab, monkeypatch)


def test_a_survey_names_every_route_of_the_old_group(site: Site) -> None:
    found = site.router.survey(site.old, site.new)
    kinds = [(each.route.name.partition(" ")[2], each.trouble, each.sticky) for each in found.routes]
    assert kinds == [
        ("", None, None),
        ("rule 1", None, None),
        ("rule 2", None, timedelta(seconds=60)),
        ("rule 3", RouteTrouble.OTHER_GROUPS, None),
        ("", None, None),
    ]
    assert [each.route.old for each in found.routes] == [1, 1, 7, 7, 1]
    assert found.sticky_sessions == ()


def test_routes_are_moved_and_put_back_exactly(site: Site) -> None:
    switch = site.switch()
    before = site.actions(switch)
    for each in switch.routes:
        site.router.set_weights(switch, each, 25, ALL, SOON)
    seen = site.router.look(switch)
    assert {seen[each.arn].weights for each in switch.routes} == {Weights(75, 25)}
    assert all(seen[each.arn].frame == each.frame for each in switch.routes)
    for each in switch.routes:
        site.router.set_weights(switch, each, None, ALL, SOON)
    assert site.actions(switch) == before


def test_a_route_that_somebody_changed_is_not_written(site: Site) -> None:
    switch = site.switch()
    rule = next(each for each in switch.routes if each.name.endswith("rule 1"))
    before = site.elb.describe_rules(RuleArns=[rule.arn])["Rules"][0]["Actions"]
    other = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
    site.elb.modify_rule(RuleArn=rule.arn, Actions=[other])
    with pytest.raises(RouteChangedError) as changed:
        site.router.set_weights(switch, rule, 25, ALL, SOON)
    assert changed.value.reasons[0].code == "route_actions_changed"
    assert site.elb.describe_rules(RuleArns=[rule.arn])["Rules"][0]["Actions"] == [other]
    site.elb.modify_rule(RuleArn=rule.arn, Actions=before)
    with pytest.raises(RouteChangedError):
        site.router.set_weights(switch, rule, 25, frozenset({25}), SOON)


def test_a_route_that_is_gone_is_told_from_the_others(site: Site) -> None:
    switch = site.switch()
    gone = replace(switch.routes[1], arn=type(switch.routes[1].arn)(f"{switch.routes[1].arn[:-4]}0000"))
    seen = site.router.look(replace(switch, routes=(*switch.routes, gone)))
    assert seen[gone.arn].frame is None
    assert all(seen[each.arn].frame == each.frame for each in switch.routes)
    with pytest.raises(RouteChangedError):
        site.router.set_weights(switch, gone, 25, ALL, SOON)


def test_what_aws_refuses_is_rejected(site: Site) -> None:
    switch = site.switch()
    unknown: Group = replace(site.new, arn=type(site.new.arn)(f"{site.new.arn[:-4]}0000"))
    with pytest.raises((RejectedError, UnknownGroupError)):
        site.router.set_weights(replace(switch, new=unknown.arn), switch.routes[0], 25, ALL, SOON)


def test_restore_lines_put_everything_back_by_hand(site: Site) -> None:
    switch = site.switch()
    lines = site.router.restore_lines(switch)
    assert len(lines) == len(switch.routes)
    assert lines[0].startswith(f"aws elbv2 modify-listener --listener-arn {switch.routes[0].arn} --default-actions ")
    assert lines[1].startswith(f"aws elbv2 modify-rule --rule-arn {switch.routes[1].arn} --actions ")
