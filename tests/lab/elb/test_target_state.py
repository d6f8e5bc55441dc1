"""Updates of the data plane: lag, combined changes, failures and retries."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.lab.elb_harness import ONE, TWO, RunningElb, running_elb

from katakei.lab import clock
from katakei.lab.desired_config import DesiredConfig, TrafficState
from katakei.lab.elb import sync_loop
from katakei.lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def aws() -> Iterator[RunningElb]:
    with running_elb(timedelta(0)) as aws:
        yield aws


def serving(aws: RunningElb) -> int:
    groups = aws.data_plane.desired.groups if aws.data_plane.desired else ()
    return sum(target.traffic is TrafficState.IN_SERVICE for group in groups for target in group.targets)


def both_healthy(aws: RunningElb, *, delay: int = 300) -> str:
    group = aws.group(delay=delay)
    aws.listener(group, aws.balancer())
    aws.elb.call("RegisterTargets", {"TargetGroupArn": group, "Targets": [{"Id": ONE}, {"Id": TWO}]})
    assert clock.wait_for(lambda: serving(aws) == 2, 5)
    return group


def test_data_plane_follows_the_api_after_the_lag(aws: RunningElb) -> None:
    group = both_healthy(aws)
    aws.lab("faults", lag=0.8)
    aws.elb.call("DeregisterTargets", {"TargetGroupArn": group, "Targets": [{"Id": ONE}]})
    began = clock.monotonic()
    assert aws.states(group)[ONE] == "draining"
    assert serving(aws) == 2
    assert clock.wait_for(lambda: serving(aws) == 1, 5)
    assert clock.monotonic() - began > 0.7


def test_raised_lag_never_moves_the_data_plane_back(aws: RunningElb) -> None:
    both_healthy(aws)
    aws.lab("faults", lag=60)
    clock.sleep(0.4)
    assert serving(aws) == 2


def test_registration_reaches_the_data_plane_after_the_lag(aws: RunningElb) -> None:
    group = aws.group()
    aws.listener(group, aws.balancer())
    clock.sleep(0.3)
    aws.lab("faults", lag=0.8)
    aws.elb.call("RegisterTargets", {"TargetGroupArn": group, "Targets": [{"Id": ONE}]})
    assert clock.wait_for(lambda: aws.states(group) == {ONE: "healthy"}, 5)
    assert serving(aws) == 0
    assert clock.wait_for(lambda: serving(aws) == 1, 5)


def test_connections_are_cut_after_the_delay(aws: RunningElb) -> None:
    group = both_healthy(aws, delay=1)
    aws.elb.call("DeregisterTargets", {"TargetGroupArn": group, "Targets": [{"Id": ONE}]})

    def traffic() -> set[TrafficState]:
        return {t.traffic for g in (aws.data_plane.desired or DesiredConfig()).groups for t in g.targets}

    assert clock.wait_for(lambda: traffic() == {TrafficState.DRAINING, TrafficState.IN_SERVICE}, 1)
    assert clock.wait_for(lambda: traffic() == {TrafficState.CUT, TrafficState.IN_SERVICE}, 2)


def test_failed_configuration_is_applied_again(aws: RunningElb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_loop, "RETRY_DELAY", 0.1)
    refusals = [LabError("not now"), LabError("not yet")]
    taken = aws.data_plane.apply

    def apply(desired: DesiredConfig) -> None:
        if refusals:
            raise refusals.pop()
        taken(desired)

    monkeypatch.setattr(aws.data_plane, "apply", apply)
    both_healthy(aws)
    assert not refusals


def test_invisible_checks_add_no_history(aws: RunningElb) -> None:
    group = both_healthy(aws)
    entries = len(aws.elb.target_state.timelines[group]._groups)
    seen = len(aws.environment.application.seen)
    assert clock.wait_for(lambda: len(aws.environment.application.seen) > seen + 3, 5)
    assert len(aws.elb.target_state.timelines[group]._groups) == entries


def test_deleted_group_leaves_configuration_and_list(aws: RunningElb) -> None:
    group = aws.group()
    assert clock.wait_for(lambda: aws.data_plane.desired and len(aws.data_plane.desired.groups) == 1, 5)
    aws.elb.call("DeleteTargetGroup", {"TargetGroupArn": group})
    assert clock.wait_for(lambda: aws.data_plane.desired and not aws.data_plane.desired.groups, 5)


def test_listener_url_shows_its_bound_address(aws: RunningElb) -> None:
    group = aws.group()
    aws.listener(group, aws.balancer(), port=8088)
    assert [one["url"] for one in aws.lab("listeners")] == ["http://127.250.255.10:8088"]
