"""Rate limits, matchers, timelines, switches and conditions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from katakei.lab.desired_config import QueryPair
from katakei.lab.elb import conditions
from katakei.lab.elb.errors import ElbError
from katakei.lab.elb.health_codes import check_matcher, matches
from katakei.lab.elb.history import ENTRIES, REACH, Timeline
from katakei.lab.elb.model import Group
from katakei.lab.elb.rate_limits import RateLimiter
from katakei.lab.elb.switches import DrainingIp, Switches

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def passed(limits: RateLimiter, action: str, calls: int, at: float) -> int:
    return sum(limits.take(action, at) for _ in range(calls))


def test_rate_limiter_refills_registrations() -> None:
    limits = RateLimiter(0)
    assert passed(limits, "RegisterTargets", 25, 0) == 20
    assert passed(limits, "DeregisterTargets", 25, 1) == 4


def test_rate_limiter_refills_the_account() -> None:
    limits = RateLimiter(0)
    assert passed(limits, "RegisterTargets", 20, 0) == 20
    assert passed(limits, "DescribeTargetHealth", 45, 0) == 20
    assert passed(limits, "DescribeTargetHealth", 45, 2) == 20


def test_rate_limiter_is_strictest_for_load_balancers() -> None:
    limits = RateLimiter(0)
    assert passed(limits, "CreateLoadBalancer", 15, 0) == 10
    assert passed(limits, "SetSubnets", 15, 10) == 2


@pytest.mark.parametrize(
    ("matcher", "code", "fits"),
    [
        ("200", 200, True),
        ("200", 201, False),
        ("200,202", 202, True),
        ("200-299", 250, True),
        ("200-299,404", 404, True),
    ],
)
def test_matcher_accepts_codes_lists_and_ranges(matcher: str, code: int, fits: bool) -> None:  # noqa: FBT001 - a row
    assert matches(matcher, code) is fits


@pytest.mark.parametrize("matcher", ["", "abc", "200-", "100", "500", "299-200", "999"])
def test_matcher_rejects_invalid_syntax(matcher: str) -> None:
    with pytest.raises(ElbError):
        check_matcher(matcher, 200, 499)


def test_timeline_keeps_what_readers_can_reach() -> None:
    group = Group("arn", "g", 0, "HTTP")
    timeline = Timeline(group, T0)
    for minute in range(1, 181):
        timeline.put(replace(group, port=minute), T0 + timedelta(minutes=minute))
    assert timeline.now.port == 180
    assert timeline.as_of(T0 + timedelta(minutes=150, seconds=30)).port == 150
    assert timeline.as_of(T0).port == 180 - REACH // timedelta(minutes=1)


def test_timeline_is_bounded() -> None:
    group = Group("arn", "g", 0, "HTTP")
    timeline = Timeline(group, T0)
    for number in range(ENTRIES + 10):
        timeline.put(group, T0 + timedelta(microseconds=number))
    assert len(timeline._groups) <= ENTRIES + 1


def test_switches_change_by_name_and_reject_invalid_values() -> None:
    turned = Switches().changed({"draining_ip": "accepted", "propagation": 5, "initial_failures": 3})
    assert (turned.draining_ip, turned.propagation) == (DrainingIp.ACCEPTED, timedelta(seconds=5))
    assert turned.as_json()["propagation"] == 5.0
    wishes: tuple[object, ...] = ({"nope": 1}, {"throttling": "yes"}, {"propagation": -1}, {"initial_failures": 0}, [])
    for changes in wishes:
        with pytest.raises(ValueError, match=r"switches are|cannot be"):
            Switches().changed(changes)


def test_conditions_convert_for_the_data_plane() -> None:
    taken = conditions.validated(
        [
            {"Field": "host-header", "Values": ["*.example.com"]},
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X", "Values": ["a"]}},
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2"}]}},
        ]
    )
    drawn = conditions.desired_conditions(taken)
    assert (drawn.hosts, drawn.headers) == (("*.example.com",), (("X", ("a",)),))
    assert drawn.queries == ((QueryPair("2", "v"),),)


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [{"Field": "moon-phase", "Values": ["full"]}],
        [{"Field": "path-pattern"}],
        [{"Field": "source-ip", "Values": ["10.0.0.0/8"]}],
        [{"Field": "path-pattern", "Values": ["/a"], "PathPatternConfig": {"Values": ["/b"]}}],
        [{"Field": "path-pattern", "Values": list("abcdef")}],
    ],
)
def test_conditions_reject_what_aws_rejects(wrong: list[dict[str, object]]) -> None:
    with pytest.raises(ElbError):
        conditions.validated(wrong)
