"""Actions on target groups and their attributes."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from katakei.lab import clock
from katakei.lab.elb import attributes, lookup, states
from katakei.lab.elb.errors import ElbError, group_not_found, invalid
from katakei.lab.elb.health_codes import check_matcher
from katakei.lab.elb.model import Check, Group, TargetType

if TYPE_CHECKING:
    from datetime import datetime

    from katakei.lab.elb.query_protocol import Params
    from katakei.lab.elb.target_state import TargetState

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
MAX_AT_ONCE = 20
HTTP = ("HTTP", "HTTPS")


def create_target_group(target_state: TargetState, params: Params, now: datetime) -> Params:
    """CreateTargetGroup. The same name with the same settings succeeds again."""
    _check_name(params["Name"])
    group = _new(target_state, params)
    for old in target_state.groups():
        if old.name == group.name:
            if _settings(old) != _settings(group):
                text = f"A target group with the same name '{group.name}' exists, but with different settings"
                raise ElbError("DuplicateTargetGroupName", text)
            return {"TargetGroups": [described(target_state, old)]}
    target_state.put(group, now)
    target_state.tags[group.arn] = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", [])}
    return {"TargetGroups": [described(target_state, group)]}


def describe_target_groups(target_state: TargetState, params: Params, _now: datetime) -> Params:
    """DescribeTargetGroups: by name, ARN or load balancer, at most 20 names or ARNs at a time, or all in pages."""
    arns, names = params.get("TargetGroupArns", []), params.get("Names", [])
    balancer = params.get("LoadBalancerArn")
    if sum(map(bool, (arns, names, balancer))) > 1:
        raise invalid(
            "Target group names, target group ARNs, and a load balancer ARN cannot be specified at the same time"
        )
    if max(len(arns), len(names)) > MAX_AT_ONCE:
        raise invalid(f"You cannot describe more than '{MAX_AT_ONCE}' target groups at a time")
    if arns:
        return {"TargetGroups": [described(target_state, lookup.group(target_state, arn)) for arn in arns]}
    groups = target_state.groups()
    if names:
        by_name = {group.name: group for group in groups}
        if not set(names) <= set(by_name):
            raise group_not_found()
        return {"TargetGroups": [described(target_state, by_name[name]) for name in names]}
    if balancer:
        lookup.balancer(target_state, balancer)
        groups = [group for group in groups if balancer in target_state.balancers_of(group.arn)]
    groups_shown, marker = lookup.page(groups, params, lambda group: group.arn)
    return {"TargetGroups": [described(target_state, group) for group in groups_shown], "NextMarker": marker}


def modify_target_group(target_state: TargetState, params: Params, now: datetime) -> Params:
    """ModifyTargetGroup. Absent settings stay."""
    group = lookup.group(target_state, params["TargetGroupArn"])
    check = _check(params, group.check, group.protocol, group.version)
    group = replace(group, check=check)
    target_state.put(group, now)
    return {"TargetGroups": [described(target_state, group)]}


def delete_target_group(target_state: TargetState, params: Params, _now: datetime) -> Params:
    """DeleteTargetGroup, unless a listener or rule forwards to it. An unknown one is not an error."""
    arn = params["TargetGroupArn"]
    if not lookup.GROUP_ARN.fullmatch(arn):
        raise invalid(f"'{arn}' is not a valid target group ARN")
    if target_state.balancers_of(arn):
        raise ElbError("ResourceInUse", f"Target group '{arn}' is currently in use by a listener or a rule")
    target_state.timelines.pop(arn, None)
    target_state.tags.pop(arn, None)
    target_state.changed.set()
    return {}


def describe_target_group_attributes(target_state: TargetState, params: Params, _now: datetime) -> Params:
    """DescribeTargetGroupAttributes. Shows all attributes."""
    return {"Attributes": _pairs(lookup.group(target_state, params["TargetGroupArn"]))}


def modify_target_group_attributes(target_state: TargetState, params: Params, now: datetime) -> Params:
    """ModifyTargetGroupAttributes, all or none. Answers with all attributes."""
    group = lookup.group(target_state, params["TargetGroupArn"])
    table = attributes.group_table(group.protocol, group.target_type)
    new = attributes.changed(group.attributes, params["Attributes"], table, "Target group")
    if new.get("slow_start.duration_seconds", "0") != "0" and new["load_balancing.algorithm.type"] != "round_robin":
        raise invalid("Slow start can only be enabled with the round robin load balancing algorithm")
    group = states.change_attributes(group, new, target_state.switches)
    target_state.put(group, now)
    return {"Attributes": _pairs(group)}


def _whole_seconds(span: timedelta) -> int:
    """Round up to whole seconds. The lab's own groups may have shorter intervals, but never show 0."""
    return max(1, math.ceil(span.total_seconds()))


def described(target_state: TargetState, group: Group) -> Params:
    """Returns one TargetGroup as AWS shows it."""
    check = group.check
    return {
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "Protocol": group.protocol,
        "Port": group.port,
        "VpcId": group.vpc,
        "HealthCheckProtocol": check.protocol if group.target_type is not TargetType.LAMBDA else None,
        "HealthCheckPort": check.port if group.target_type is not TargetType.LAMBDA else None,
        "HealthCheckEnabled": check.enabled,
        "HealthCheckIntervalSeconds": _whole_seconds(check.interval),
        "HealthCheckTimeoutSeconds": _whole_seconds(check.timeout),
        "HealthyThresholdCount": check.healthy,
        "UnhealthyThresholdCount": check.unhealthy,
        "HealthCheckPath": check.path,
        "Matcher": _matcher(group),
        "LoadBalancerArns": list(target_state.balancers_of(group.arn)),
        "TargetType": group.target_type.value,
        "ProtocolVersion": group.version,
        "IpAddressType": group.ip_type,
    }


def _matcher(group: Group) -> Params | None:
    if group.check.matcher is None:
        return None
    return {"GrpcCode" if group.version == "GRPC" else "HttpCode": group.check.matcher}


def _pairs(group: Group) -> list[Params]:
    return [{"Key": key, "Value": value} for key, value in group.attributes.items()]


def _settings(group: Group) -> Group:
    """Returns what a second CreateTargetGroup must repeat to succeed."""
    return replace(group, arn="", attributes={}, in_use=False, zones=frozenset(), registrations={})


def _check_name(name: str) -> None:
    if len(name) > 32:
        raise invalid(f"Target group name '{name}' cannot be longer than '32' characters")
    if not NAME.fullmatch(name) or "--" in name:
        if name.startswith("-") or name.endswith("-"):
            raise invalid(f"Target group name '{name}' cannot begin or end with '-'")
        raise invalid(
            f"Target group name '{name}' can only contain characters that are alphanumeric characters or hyphens(-)"
        )


def _new(target_state: TargetState, params: Params) -> Group:
    kind = TargetType(params.get("TargetType", "instance"))
    protocol = params.get("Protocol")
    for name in ("Protocol", "Port", "VpcId"):
        if kind is TargetType.LAMBDA and name in params:
            raise invalid(f"{name} cannot be specified for target groups with target type 'lambda'")
        if kind is not TargetType.LAMBDA and name not in params:
            what = {"Protocol": "protocol", "Port": "port", "VpcId": "VPC ID"}[name]
            raise invalid(f"A {what} must be specified")
    if "VpcId" in params and not target_state.environment.vpc_cidrs(params["VpcId"]):
        raise invalid(f"The VPC ID '{params['VpcId']}' is not found")
    version = params.get("ProtocolVersion", "HTTP1") if protocol in HTTP else None
    if version not in {"HTTP1", "HTTP2", "GRPC", None}:
        raise invalid(f"Protocol version '{version}' must be one of 'HTTP1, HTTP2, GRPC'")
    return Group(
        target_state.arn(f"targetgroup/{params['Name']}/{clock.unique()[:16]}"),
        params["Name"],
        params.get("Port"),
        protocol,
        vpc=params.get("VpcId"),
        version=version,
        target_type=kind,
        ip_type=params.get("IpAddressType", "ipv4") if kind is not TargetType.LAMBDA else None,
        check=_check(params, _default_check(target_state, kind, protocol, version), protocol, version),
        attributes=attributes.defaults(attributes.group_table(protocol, kind)),
    )


def _default_check(target_state: TargetState, kind: TargetType, protocol: str | None, version: str | None) -> Check:
    if kind is TargetType.LAMBDA:
        slow = timedelta(seconds=35), timedelta(seconds=30)
        return Check(interval=slow[0], timeout=slow[1], unhealthy=5, enabled=False)
    if protocol in HTTP:
        grpc = version == "GRPC"
        timeout = timedelta(seconds=target_state.switches.default_check_timeout)
        path = "/AWS.ALB/healthcheck" if grpc else "/"
        return Check(protocol=protocol or "HTTP", path=path, timeout=timeout, matcher="12" if grpc else "200")
    return Check(protocol="TCP", path=None, matcher=None, timeout=timedelta(seconds=10))


def _check(params: Params, old: Check, protocol: str | None, version: str | None) -> Check:
    given = params.get("Matcher", {})
    matcher = given.get("GrpcCode") or given.get("HttpCode")
    if params.get("HealthCheckEnabled") is False and protocol is not None:
        raise invalid("Health check enabled must be true for target groups with target type 'instance', 'ip' or 'alb'")
    checked_by = params.get("HealthCheckProtocol", old.protocol)
    http = checked_by in HTTP
    if protocol in HTTP and not http:
        raise invalid(f"Health check protocol '{checked_by}' must be one of 'HTTP, HTTPS'")
    check = Check(
        protocol=checked_by,
        port=params.get("HealthCheckPort", old.port),
        path=params.get("HealthCheckPath", old.path or ("/" if http else None)) if http else None,
        interval=_seconds(params, "HealthCheckIntervalSeconds", old.interval),
        timeout=_seconds(params, "HealthCheckTimeoutSeconds", old.timeout),
        healthy=params.get("HealthyThresholdCount", old.healthy),
        unhealthy=params.get("UnhealthyThresholdCount", old.unhealthy),
        matcher=matcher or old.matcher or ("200-399" if http else None),
        enabled=params.get("HealthCheckEnabled", old.enabled),
    )
    _check_check(check, protocol, version)
    return check


def _check_check(check: Check, protocol: str | None, version: str | None) -> None:
    if protocol in HTTP and check.timeout >= check.interval:
        timeout, interval = (int(d.total_seconds()) for d in (check.timeout, check.interval))
        raise invalid(f"Health check timeout '{timeout}' must be smaller than the interval '{interval}'")
    if check.port != "traffic-port" and not (check.port.isdigit() and 1 <= int(check.port) <= 65535):
        raise invalid(f"Health check port '{check.port}' must be 'traffic-port' or a number between 1 and 65535")
    if check.path is not None and not check.path.startswith("/"):
        raise invalid(f"Health check path '{check.path}' must begin with a '/' character")
    if check.matcher is not None:
        highest = 499 if protocol in HTTP else 599
        check_matcher(check.matcher, *((0, 99) if version == "GRPC" else (200, highest)))


def _seconds(params: Params, name: str, old: timedelta) -> timedelta:
    return timedelta(seconds=params[name]) if name in params else old
