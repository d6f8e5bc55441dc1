"""The actions RegisterTargets, DeregisterTargets and DescribeTargetHealth."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from katakei.lab.elb import health_codes, lookup, states
from katakei.lab.elb.errors import ElbError, invalid
from katakei.lab.elb.model import Group, Registration, TargetKey, TargetType
from katakei.lab.elb.states import NewRegistration
from katakei.lab.elb.switches import DrainingIp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from katakei.lab.elb.environment import Environment
    from katakei.lab.elb.health_codes import Health
    from katakei.lab.elb.query_protocol import Params
    from katakei.lab.elb.target_state import TargetState

INSTANCE_ID = re.compile(r"i-([0-9a-f]{8}|[0-9a-f]{17})")
MAX_TARGETS = 1000
NO_OVERRIDE = {
    "State": "no_override",
    "Reason": "AdministrativeOverride.NoOverride",
    "Description": "No override is currently active on target",
}
TARGET_NETWORKS = tuple(
    ipaddress.ip_network(net)
    for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8")
)


def register_targets(target_state: TargetState, params: Params, now: datetime) -> Params:
    """RegisterTargets, all or none."""
    group = lookup.group(target_state, params["TargetGroupArn"])
    requested = params["Targets"]
    new_registrations = _new_registrations(target_state, group, requested)
    if group.target_type is TargetType.IP:
        new_registrations = _without_draining(target_state, group, new_registrations, now)
    after = states.register(group, new_registrations, now, target_state.switches)
    _check_quota(target_state, after)
    target_state.put(after, now)
    return {}


def _check_quota(target_state: TargetState, group: Group) -> None:
    if len(group.registrations) > MAX_TARGETS:
        text = f"The maximum number of targets per target group '{MAX_TARGETS}' has been reached on '{group.arn}'"
        raise ElbError("TooManyTargets", text)
    for balancer in target_state.balancers_of(group.arn):
        others = (
            g for g in target_state.groups() if g.arn != group.arn and balancer in target_state.balancers_of(g.arn)
        )
        if sum(len(g.registrations) for g in others) + len(group.registrations) > MAX_TARGETS:
            text = f"The maximum number of targets per load balancer '{MAX_TARGETS}' has been reached"
            raise ElbError("TooManyTargets", f"{text} on load balancer '{balancer}'")


def deregister_targets(target_state: TargetState, params: Params, now: datetime) -> Params:
    """DeregisterTargets. A target without Port means the group's port. Targets that are not registered are ignored."""
    group = lookup.group(target_state, params["TargetGroupArn"])
    keys = []
    for target in params["Targets"]:
        _check_id(group, target["Id"])
        key = _key(group, target)
        r = group.registrations.get(key)
        if r is not None and target.get("AvailabilityZone") in {None, r.shown_zone}:
            keys.append(key)
    target_state.put(states.deregister(group, keys, now, target_state.switches), now)
    return {}


def describe_target_health(target_state: TargetState, params: Params, now: datetime) -> Params:
    """DescribeTargetHealth: all targets, or one entry for each target asked for. An unknown target is not an error."""
    present = lookup.group(target_state, params["TargetGroupArn"])
    then = now - target_state.stale
    group = target_state.timelines[present.arn].as_of(then)
    if "Targets" in params:
        seen: Sequence[tuple[Registration, Health]] = [
            entry for target in params["Targets"] for entry in _requested_health(target_state, group, target, then)
        ]
    else:
        seen = states.list_health(group, then, target_state.switches)
    anomaly = bool({"AnomalyDetection", "All"} & set(params.get("Include", [])))
    return {"TargetHealthDescriptions": [_described(group, r, h, anomaly=anomaly) for r, h in seen]}


def _requested_health(
    target_state: TargetState, group: Group, target: Params, now: datetime
) -> list[tuple[Registration, Health]]:
    _check_id(group, target["Id"])
    if "Port" not in target and target_state.switches.portless_describe_means_all_ports:
        listed = states.list_health(group, now, target_state.switches)
        if all_ports := [(r, h) for r, h in listed if r.key.id == target["Id"]]:
            return all_ports
    return [
        states.lookup_health(group, _key(group, target), target.get("AvailabilityZone"), now, target_state.switches)
    ]


def _described(group: Group, r: Registration, h: Health, *, anomaly: bool) -> Params:
    target: Params = {"Id": r.key.id, "Port": r.key.port, "AvailabilityZone": r.shown_zone}
    described: Params = {
        "Target": target,
        "HealthCheckPort": health_check_port(group, r.key),
        "TargetHealth": {"State": h.state.value, "Reason": h.reason, "Description": h.description},
        # AWS tells overrides of registered targets only.
        "AdministrativeOverride": NO_OVERRIDE if h != health_codes.NOT_REGISTERED else None,
    }
    if anomaly:
        described["AnomalyDetection"] = {"Result": "normal", "MitigationInEffect": "no"}
    return described


def health_check_port(group: Group, key: TargetKey) -> str | None:
    """Returns the health check port as a number, never `traffic-port`. A lambda without checks has none."""
    if group.target_type is TargetType.LAMBDA:
        return None
    return str(key.port) if group.check.port == "traffic-port" else group.check.port


def _key(group: Group, target: Params) -> TargetKey:
    if group.target_type is TargetType.LAMBDA:
        return TargetKey(target["Id"], None)
    return TargetKey(target["Id"], target.get("Port", group.port))


def _check_id(group: Group, target: str) -> None:
    if group.target_type is TargetType.INSTANCE and not INSTANCE_ID.fullmatch(target):
        raise invalid(f"Instance ID '{target}' is not valid")
    if group.target_type is TargetType.IP:
        _address(target)


def _new_registrations(target_state: TargetState, group: Group, requested: list[Params]) -> list[NewRegistration]:
    for target in requested:
        _check_id(group, target["Id"])
        if group.target_type is TargetType.INSTANCE and "AvailabilityZone" in target:
            raise invalid("You cannot specify an Availability Zone for instance targets")
    if group.target_type is TargetType.INSTANCE:
        _require_running(target_state.environment, group, [target["Id"] for target in requested])
        return [NewRegistration(_key(group, t), _instance_zone(target_state.environment, t["Id"])) for t in requested]
    if group.target_type is TargetType.IP:
        return [_new_ip_registration(target_state, group, target) for target in requested]
    return [NewRegistration(_key(group, target), "all", "all") for target in requested]


def _instance_zone(environment: Environment, instance: str) -> str | None:
    machine = environment.instance(instance)
    return machine.zone if machine else None


def _require_running(environment: Environment, group: Group, ids: list[str]) -> None:
    instances = {instance: environment.instance(instance) for instance in ids}
    unknown = [i for i, m in instances.items() if m is None or (group.vpc is not None and m.vpc != group.vpc)]
    if unknown:
        raise ElbError("InvalidTarget", f"The following instances do not exist: {_quoted(unknown)}")
    not_running = [i for i, m in instances.items() if m is not None and m.state != "running"]
    if not_running:
        text = f"The following targets are not in a running state and cannot be registered: {_quoted(not_running)}"
        raise ElbError("InvalidTarget", text)


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise invalid(f"The IP address '{text}' is not a valid IPv4 address") from error


def _new_ip_registration(target_state: TargetState, group: Group, target: Params) -> NewRegistration:
    """Validate an IP target. Inside the VPC its zone is derived and must not differ; outside it must be given."""
    ip, given = _address(target["Id"]), target.get("AvailabilityZone")
    unusable = (
        health_codes.IP_UNUSABLE if any(b.node == target["Id"] for b in target_state.balancers.values()) else None
    )
    found = _zone_of(target_state.environment, group, ip)
    if found is not None:
        if given not in {None, found}:
            text = f"The IP address '{ip}' is within the VPC, and cannot have its Availability Zone overridden"
            raise invalid(f"{text} to '{given}' from '{found}'")
        return NewRegistration(_key(group, target), found, found, unusable)
    if not any(ip.version == net.version and ip in net for net in TARGET_NETWORKS):
        raise invalid(f"The IP address '{ip}' is not within the VPC, RFC 1918 or RFC 6598, and cannot be a target")
    zones = {subnet.zone for subnet in target_state.environment.subnets(group.vpc or "")}
    if given is None:
        raise invalid(f"The Availability Zone is required for IP address '{ip}' because it is not in the VPC")
    if given != "all" and given not in zones:
        raise invalid(
            "You must specify a valid Availability Zone or select 'all' for all enabled Availability zones, "
            f"since the IP address '{ip}' is outside the VPC"
        )
    return NewRegistration(_key(group, target), given, given, unusable)


def _zone_of(environment: Environment, group: Group, ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str | None:
    machine = environment.instance_at(str(ip))
    if machine is not None and machine.vpc == group.vpc:
        return machine.zone
    for subnet in environment.subnets(group.vpc or ""):
        net = ipaddress.ip_network(subnet.cidr)
        if ip.version == net.version and ip in net:
            return subnet.zone
    return None


def _without_draining(
    target_state: TargetState, group: Group, new_registrations: list[NewRegistration], now: datetime
) -> list[NewRegistration]:
    """Leave out or refuse what DescribeTargetHealth shows as draining at this moment, and nothing else."""
    switches = target_state.switches
    draining: list[Any] = [
        n.key.id
        for n in new_registrations
        if (r := group.registrations.get(n.key)) and states.health(group, r, now, switches) == health_codes.DRAINING
    ]
    if not draining or switches.draining_ip is DrainingIp.ACCEPTED:
        return new_registrations
    if switches.draining_ip is DrainingIp.REFUSED:
        text = f"The following targets are deregistering and cannot be registered yet: {_quoted(draining)}"
        raise ElbError("InvalidTarget", text)
    return [n for n in new_registrations if n.key.id not in draining]
