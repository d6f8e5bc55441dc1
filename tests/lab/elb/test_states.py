"""State machine of registrations, with time as an argument."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from katakei.lab.desired_config import TrafficState
from katakei.lab.elb import health_codes
from katakei.lab.elb.health_codes import Health
from katakei.lab.elb.model import Check, Group, InstancePower, TargetKey, TargetType
from katakei.lab.elb.states import (
    NewRegistration,
    change_attributes,
    change_power,
    deregister,
    list_health,
    lookup_health,
    record_check,
    register,
    remove_expired,
    set_in_use,
    traffic,
)
from katakei.lab.elb.switches import Switches

T0 = datetime(2026, 1, 1, tzinfo=UTC)
A, B = TargetKey("i-a", 80), TargetKey("i-b", 80)
SWITCHES = Switches()
ZONES = frozenset({"ap-northeast-1a", "ap-northeast-1c"})


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def used(**settings: object) -> Group:
    check = Check(healthy=2, unhealthy=2)
    group = Group(
        "arn", "g", 80, "HTTP", check=check, attributes={"deregistration_delay.timeout_seconds": "6"},
        in_use=True, zones=ZONES,
    )  # fmt: skip
    return replace(group, **settings)  # type: ignore[arg-type]  # only fields of Group come in


def with_both(group: Group | None = None, *, healthy: bool = True) -> Group:
    group = register(
        group or used(), [NewRegistration(A, "ap-northeast-1a"), NewRegistration(B, "ap-northeast-1c")], T0, SWITCHES
    )
    for key in (A, B) if healthy else ():
        group = record_check(group, key, health_codes.HEALTHY, after(1), SWITCHES)
    return group


def states(group: Group, at: float) -> dict[str, str]:
    return {r.key.id: h.state.value for r, h in list_health(group, after(at), SWITCHES)}


def test_group_without_listener_has_unused_targets() -> None:
    group = with_both(used(in_use=False), healthy=False)
    assert {h for _, h in list_health(group, after(1), SWITCHES)} == {health_codes.GROUP_NOT_IN_USE}


def test_target_in_a_disabled_zone_is_unused() -> None:
    group = with_both(used(zones=frozenset({"ap-northeast-1a"})), healthy=False)
    assert lookup_health(group, B, None, after(1), SWITCHES)[1] == health_codes.ZONE_NOT_ENABLED


def test_group_taken_into_use_resets_health() -> None:
    group = with_both(used(in_use=False), healthy=False)
    group = set_in_use(group, in_use=True, zones=ZONES, now=after(10))
    assert lookup_health(group, A, None, after(10), SWITCHES)[1] == health_codes.REGISTERING
    assert lookup_health(group, A, None, after(11.5), SWITCHES)[1] == health_codes.CHECKING


def test_initial_needs_one_pass_unhealthy_the_threshold() -> None:
    group = with_both(healthy=False)
    group = record_check(group, A, health_codes.HEALTHY, after(1), SWITCHES)
    assert states(group, 2)["i-a"] == "healthy"
    for _ in range(2):
        group = record_check(group, A, health_codes.FAILED, after(2), SWITCHES)
    assert lookup_health(group, A, None, after(3), SWITCHES)[1] == health_codes.FAILED
    group = record_check(group, A, health_codes.HEALTHY, after(4), SWITCHES)
    assert states(group, 5)["i-a"] == "unhealthy"
    group = record_check(group, A, health_codes.HEALTHY, after(5), SWITCHES)
    assert states(group, 5)["i-a"] == "healthy"


def test_single_failure_keeps_a_target_healthy() -> None:
    group = with_both()
    for result in (health_codes.FAILED, health_codes.HEALTHY, health_codes.FAILED):
        group = record_check(group, A, result, after(2), SWITCHES)
    assert states(group, 3)["i-a"] == "healthy"


def test_initial_fails_with_the_last_reason() -> None:
    group = with_both(healthy=False)
    group = record_check(group, A, health_codes.TIMED_OUT, after(1), SWITCHES)
    group = record_check(group, A, health_codes.mismatch(404), after(2), SWITCHES)
    shown = lookup_health(group, A, None, after(2), SWITCHES)[1]
    assert shown.description == "Health checks failed with these codes: [404]"


def test_draining_lasts_the_whole_delay() -> None:
    group = deregister(with_both(), [A], after(10), SWITCHES)
    assert states(group, 15.9) == {"i-a": "draining", "i-b": "healthy"}
    assert states(group, 16) == {"i-b": "healthy"}
    assert lookup_health(group, A, None, after(16), SWITCHES)[1] == health_codes.NOT_REGISTERED


def test_second_deregister_keeps_the_timer() -> None:
    group = deregister(with_both(), [A], after(10), SWITCHES)
    group = deregister(group, [A, TargetKey("i-stranger", 80)], after(14), SWITCHES)
    assert "i-a" not in states(group, 16)


def test_register_while_draining_clears_the_timer() -> None:
    group = deregister(with_both(), [A], after(10), SWITCHES)
    group = register(group, [NewRegistration(A, "ap-northeast-1a")], after(12), SWITCHES)
    assert lookup_health(group, A, None, after(12), SWITCHES)[1] == health_codes.REGISTERING
    group = record_check(group, A, health_codes.HEALTHY, after(13), SWITCHES)
    assert states(remove_expired(group, after(60)), 60)["i-a"] == "healthy"


def test_register_of_a_registered_target_resets_nothing() -> None:
    group = register(with_both(), [NewRegistration(A, "ap-northeast-1a")], after(5), SWITCHES)
    assert states(group, 5)["i-a"] == "healthy"


def test_check_from_before_a_reset_is_ignored() -> None:
    group = deregister(with_both(), [A], after(10), SWITCHES)
    group = register(group, [NewRegistration(A, "ap-northeast-1a")], after(12), SWITCHES)
    group = record_check(group, A, health_codes.HEALTHY, after(9), SWITCHES)
    assert states(group, 14)["i-a"] == "initial"


def test_deregister_from_an_unused_group_is_immediate() -> None:
    group = deregister(with_both(used(in_use=False), healthy=False), [A], after(3), SWITCHES)
    assert list(states(group, 3)) == ["i-b"]


def test_stopped_instance_stays_registered_and_starts_anew() -> None:
    group = change_power(with_both(), "i-a", InstancePower.STOPPED, after(5))
    assert lookup_health(group, A, None, after(5), SWITCHES)[1] == health_codes.STOPPED
    assert set(states(group, 5)) == {"i-a", "i-b"}
    group = change_power(group, "i-a", InstancePower.RUNNING, after(9))
    assert states(group, 9)["i-a"] == "initial"


def test_terminated_instance_drains_by_name_ten_minutes() -> None:
    group = change_power(with_both(), "i-a", InstancePower.TERMINATED, after(5))
    assert set(states(group, 6)) == {"i-b"}
    assert lookup_health(group, A, None, after(599), SWITCHES)[1] == health_codes.DRAINING
    assert (
        lookup_health(remove_expired(group, after(700)), A, None, after(700), SWITCHES)[1]
        == health_codes.NOT_REGISTERED
    )


def test_same_id_on_two_ports_registers_twice() -> None:
    group = register(with_both(), [NewRegistration(TargetKey("i-a", 8081), "ap-northeast-1a")], T0, SWITCHES)
    group = deregister(group, [TargetKey("i-a", 8081)], after(3), SWITCHES)
    assert lookup_health(group, A, None, after(4), SWITCHES)[1] == health_codes.HEALTHY
    assert lookup_health(group, TargetKey("i-a", 8081), None, after(4), SWITCHES)[1] == health_codes.DRAINING


def test_lookup_with_another_zone_is_not_registered() -> None:
    ip = TargetKey("10.0.0.5", 80)
    group = register(used(target_type=TargetType.IP), [NewRegistration(ip, "z", shown_zone="z")], T0, SWITCHES)
    assert lookup_health(group, ip, "other", after(1), SWITCHES)[1] == health_codes.NOT_REGISTERED
    assert lookup_health(group, ip, None, after(1), SWITCHES)[0].shown_zone == "z"


def test_traffic_is_cut_after_the_delay() -> None:
    group = deregister(with_both(), [A], after(10), SWITCHES)
    assert traffic(group, after(11), SWITCHES) == {A: TrafficState.DRAINING, B: TrafficState.IN_SERVICE}
    assert traffic(group, after(16), SWITCHES)[A] is TrafficState.CUT
    assert A not in traffic(remove_expired(group, after(30)), after(30), SWITCHES)


def test_fail_open_excludes_draining_targets() -> None:
    group = deregister(fallen(with_both()), [B], after(5), SWITCHES)
    assert traffic(group, after(6), SWITCHES) == {A: TrafficState.IN_SERVICE, B: TrafficState.DRAINING}


def test_one_healthy_target_prevents_fail_open() -> None:
    group = with_both()
    for _ in range(2):
        group = record_check(group, A, health_codes.FAILED, after(3), SWITCHES)
    assert traffic(group, after(4), SWITCHES) == {A: TrafficState.DRAINING, B: TrafficState.IN_SERVICE}


@pytest.mark.parametrize(("included", "expected"), [(False, TrafficState.DRAINING), (True, TrafficState.IN_SERVICE)])
def test_fail_open_for_initial_is_a_switch(included: bool, expected: TrafficState) -> None:  # noqa: FBT001 - a row
    group = deregister(with_both(healthy=False), [B], after(2), SWITCHES)
    assert traffic(group, after(3), replace(SWITCHES, fail_open_includes_initial=included))[A] is expected


def test_fail_open_follows_the_minimum_percentage() -> None:
    attributes = {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "60"}
    group = with_both(used(attributes=attributes))
    for _ in range(2):
        group = record_check(group, A, health_codes.FAILED, after(3), SWITCHES)
    assert traffic(group, after(4), SWITCHES)[A] is TrafficState.IN_SERVICE


def test_changed_delay_keeps_running_timers() -> None:
    group = deregister(with_both(), [A], after(10), SWITCHES)
    group = change_attributes(group, {"deregistration_delay.timeout_seconds": "60"}, SWITCHES)
    assert "i-a" not in states(group, 16)
    assert group.delay == timedelta(seconds=60)


def test_past_is_read_from_the_old_group() -> None:
    before = with_both()
    deregister(before, [A], after(10), SWITCHES)
    assert states(before, 9)["i-a"] == "healthy"


def fallen(group: Group) -> Group:
    for key in (A, B):
        for result in (health_codes.FAILED, Health(health_codes.FAILED.state, "Target.Timeout", "Request timed out")):
            group = record_check(group, key, result, after(4), SWITCHES)
    return group
