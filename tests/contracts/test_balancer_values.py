"""Answers of AWS as values: attributes and their defaults, states, and overrides."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from tests.contracts.fake_account import arn, entry

from katakei.adapters.balancers.alb.group_attributes import LoadBalancer, read_group
from katakei.adapters.balancers.alb.instances import InstanceIndex
from katakei.adapters.balancers.alb.target_health import GroupListing, HealthAnswer, read_health
from katakei.domain.model import Group, Minimum, TargetType
from katakei.domain.observation import HealthState

NOW = datetime(2026, 4, 1, tzinfo=UTC)
ROUTING = "target_group_health.unhealthy_state_routing.minimum_healthy_targets"


def read(attributes: dict[str, str], *balancers: tuple[str, dict[str, str]], **raw: Any) -> Group:
    described = cast("Any", {"TargetGroupName": "web", "TargetGroupArn": arn("web"), "TargetType": "instance"} | raw)
    listing = GroupListing(described, HealthAnswer([], NOW, NOW), InstanceIndex([]))
    return read_group(described, attributes, [LoadBalancer(*one) for one in balancers], listing)


def test_read_group_reads_every_attribute() -> None:
    group = read(
        {"deregistration_delay.timeout_seconds": "120", "slow_start.duration_seconds": "30"},
        ("application", {"idle_timeout.timeout_seconds": "90"}),
        Port=80,
        Protocol="HTTP",
        ProtocolVersion="HTTP1",
        LoadBalancerArns=["lb"],
        HealthCheckPort="8081",
        HealthCheckPath="/up",
        HealthCheckIntervalSeconds=10,
        Matcher={"HttpCode": "200-299"},
    )
    assert (group.port, group.protocol, group.protocol_version) == (80, "HTTP", "HTTP1")
    assert (group.delay, group.slow_start) == (timedelta(seconds=120), timedelta(seconds=30))
    assert (group.idle_timeout, group.balancer_type) == (timedelta(seconds=90), "application")
    assert group.load_balancers == ("lb",)
    assert (group.check.port, group.check.path, group.check.matcher) == (8081, "/up", "200-299")
    assert group.check.interval == timedelta(seconds=10)


def test_read_group_uses_documented_defaults() -> None:
    group = read({})
    assert (group.delay, group.slow_start) == (timedelta(seconds=300), timedelta(0))
    assert (group.idle_timeout, group.balancer_type, group.load_balancers) == (timedelta(seconds=60), "", ())
    assert (group.cross_zone, group.minima, group.check.port) == (True, (), None)


@pytest.mark.parametrize(
    ("attributes", "lasts"),
    [
        ({}, None),
        ({"stickiness.enabled": "false", "stickiness.lb_cookie.duration_seconds": "60"}, None),
        ({"stickiness.enabled": "true"}, 86400),
        ({"stickiness.enabled": "true", "stickiness.lb_cookie.duration_seconds": "60"}, 60),
        (
            {
                "stickiness.enabled": "true",
                "stickiness.type": "app_cookie",
                "stickiness.lb_cookie.duration_seconds": "60",
                "stickiness.app_cookie.duration_seconds": "90",
            },
            90,
        ),
    ],
)
def test_sticky_sessions_last_as_long_as_their_cookie(attributes: dict[str, str], lasts: int | None) -> None:
    assert read(attributes).sticky == (None if lasts is None else timedelta(seconds=lasts))


def test_target_optimizer_is_a_port_of_the_group() -> None:
    assert not read({}).target_control
    assert read({}, TargetControlPort=3000).target_control


def test_largest_idle_timeout_counts() -> None:
    idle = "idle_timeout.timeout_seconds"
    assert read({}, ("application", {idle: "30"}), ("application", {idle: "4000"})).idle_timeout.total_seconds() == 4000


def test_other_balancer_type_is_not_hidden() -> None:
    assert read({}, ("application", {}), ("network", {})).balancer_type == "network"


@pytest.mark.parametrize(
    ("own", "kind", "of_balancer", "on"),
    [
        ("true", "application", None, True),
        ("false", "application", None, False),
        ("use_load_balancer_configuration", "application", None, True),
        (None, "application", None, True),
        ("use_load_balancer_configuration", "network", "true", True),
        ("use_load_balancer_configuration", "network", "false", False),
        ("use_load_balancer_configuration", "network", None, False),
    ],
)
def test_cross_zone_follows_group_then_balancer(
    own: str | None, kind: str, of_balancer: str | None, *, on: bool
) -> None:
    key = "load_balancing.cross_zone.enabled"
    group = read({key: own} if own else {}, (kind, {key: of_balancer} if of_balancer else {}))
    assert group.cross_zone is on


def test_health_minima_are_counts_or_percentages() -> None:
    attributes = {f"{ROUTING}.count": "2", f"{ROUTING}.percentage": "off"}
    attributes |= {f"{ROUTING.replace('unhealthy_state_routing', 'dns_failover')}.percentage": "50"}
    routing, failover = read(attributes).minima
    assert routing == Minimum(ROUTING, 2, None)
    assert (failover.count, failover.percent) == (None, 50)
    assert read({f"{ROUTING}.count": "off", f"{ROUTING}.percentage": "off"}).minima == ()


def test_lambda_group_has_no_port_or_protocol() -> None:
    group = read({}, TargetType="lambda")
    assert (group.target_type, group.port, group.protocol) == (TargetType.LAMBDA, 0, "")


@pytest.mark.parametrize(
    ("state", "reason", "means"),
    [
        ("initial", "Elb.RegistrationInProgress", HealthState.INITIAL),
        ("healthy", "", HealthState.HEALTHY),
        ("unhealthy", "Target.Timeout", HealthState.UNHEALTHY),
        ("unhealthy.draining", "Target.FailedHealthChecks", HealthState.UNHEALTHY),
        ("draining", "Target.DeregistrationInProgress", HealthState.DRAINING),
        ("unused", "Target.NotRegistered", HealthState.ABSENT),
        ("unused", "Target.InvalidState", HealthState.UNUSED),
        ("unused", "Target.NotInUse", HealthState.UNUSED),
        ("unavailable", "Target.HealthCheckDisabled", HealthState.UNAVAILABLE),
        ("something new", "", HealthState.UNAVAILABLE),
        ("absent", "", HealthState.UNAVAILABLE),
    ],
)
def test_elb_state_becomes_health_state(state: str, reason: str, means: HealthState) -> None:
    raw = cast("Any", {"Target": {"Id": "i-1"}, "TargetHealth": {"State": state, "Reason": reason, "Description": "d"}})
    look = read_health(raw, NOW, NOW)
    assert (look.state, look.reason, look.description) == (means, reason, "d")


@pytest.mark.parametrize(
    ("override", "serving"),
    [(None, True), ("no_override", True), ("zonal_shift_active", False), ("unknown", False)],
)
def test_overridden_healthy_target_does_not_serve(override: str | None, *, serving: bool) -> None:
    more = {"AdministrativeOverride": {"State": override}} if override else {}
    assert read_health(cast("Any", entry("i-1") | more), NOW, NOW).serving is serving
