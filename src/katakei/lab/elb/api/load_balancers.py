"""Actions on load balancers, their attributes and their subnets."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from katakei.lab import clock
from katakei.lab.elb import attributes, lookup
from katakei.lab.elb.errors import ElbError, balancer_not_found, invalid
from katakei.lab.elb.model import LoadBalancer, Zone

if TYPE_CHECKING:
    from datetime import datetime

    from katakei.lab.elb.query_protocol import Params
    from katakei.lab.elb.target_state import TargetState

PREFIX = {"application": "app", "network": "net", "gateway": "gwy"}
PROVISIONING = timedelta(seconds=1)  # minutes on AWS; here long enough to be seen once
ZONE_ID = "Z14GRHDCWA56QT"


def create_load_balancer(target_state: TargetState, params: Params, now: datetime) -> Params:
    """CreateLoadBalancer. The same name with the same settings succeeds again. The DNSName is the node's address."""
    requested = _new(target_state, params, now)
    for old in target_state.balancers.values():
        if old.name == requested.name:
            if _settings(old) != _settings(requested):
                text = f"A load balancer with the same name '{old.name}' exists, but with different settings"
                raise ElbError("DuplicateLoadBalancerName", text)
            return {"LoadBalancers": [described(old, now)]}
    node = target_state.take_node()
    if node is None:
        raise ElbError("TooManyLoadBalancers", "You have reached the limit of load balancers")
    balancer = replace(requested, node=node)
    target_state.balancers[balancer.arn] = balancer
    target_state.tags[balancer.arn] = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", [])}
    return {"LoadBalancers": [described(balancer, now)]}


def describe_load_balancers(target_state: TargetState, params: Params, now: datetime) -> Params:
    """DescribeLoadBalancers, by name or ARN, or all of them in pages."""
    arns, names = params.get("LoadBalancerArns", []), params.get("Names", [])
    if max(len(arns), len(names)) > 20:
        raise invalid("You cannot describe more than '20' load balancers at a time")
    found = [lookup.balancer(target_state, arn) for arn in arns] if arns else list(target_state.balancers.values())
    if names:
        found = [balancer for balancer in found if balancer.name in names]
        if len(found) < len(set(names)):
            raise balancer_not_found()
    page, marker = lookup.page(found, params, lambda balancer: balancer.arn)
    return {"LoadBalancers": [described(balancer, now) for balancer in page], "NextMarker": marker}


def delete_load_balancer(target_state: TargetState, params: Params, now: datetime) -> Params:
    """DeleteLoadBalancer. Its listeners and rules are deleted, its groups stay. An unknown one is not an error."""
    balancer = target_state.balancers.get(params["LoadBalancerArn"])
    if balancer is None:
        return {}
    if balancer.attributes["deletion_protection.enabled"] == "true":
        text = f"Load balancer '{balancer.arn}' cannot be deleted because deletion protection is enabled"
        raise ElbError("OperationNotPermitted", text)
    gone = {one.arn for one in target_state.listeners.values() if one.balancer == balancer.arn}
    target_state.listeners = {arn: one for arn, one in target_state.listeners.items() if arn not in gone}
    target_state.rules = {arn: one for arn, one in target_state.rules.items() if one.listener not in gone}
    del target_state.balancers[balancer.arn]
    target_state.tags.pop(balancer.arn, None)
    target_state.reroute(now)
    return {}


def describe_load_balancer_attributes(target_state: TargetState, params: Params, _now: datetime) -> Params:
    """DescribeLoadBalancerAttributes. Shows all attributes."""
    return {"Attributes": _pairs(lookup.balancer(target_state, params["LoadBalancerArn"]))}


def modify_load_balancer_attributes(target_state: TargetState, params: Params, _now: datetime) -> Params:
    """ModifyLoadBalancerAttributes, all or none. Answers with all attributes."""
    balancer = lookup.balancer(target_state, params["LoadBalancerArn"])
    table = _table(balancer.kind)
    new = attributes.changed(balancer.attributes, params["Attributes"], table, "Load balancer")
    return {"Attributes": _pairs(_put(target_state, replace(balancer, attributes=new)))}


def set_subnets(target_state: TargetState, params: Params, now: datetime) -> Params:
    """SetSubnets."""
    balancer = lookup.balancer(target_state, params["LoadBalancerArn"])
    zones, vpc = _zones(target_state, params, balancer.kind)
    if vpc != balancer.vpc:
        raise ElbError("InvalidSubnet", "The subnets must be in the VPC of the load balancer")
    balancer = _put(target_state, replace(balancer, zones=zones))
    target_state.reroute(now)
    return {"AvailabilityZones": _described_zones(balancer), "IpAddressType": balancer.ip_type}


def set_security_groups(target_state: TargetState, params: Params, _now: datetime) -> Params:
    """SetSecurityGroups. Stored without effect; the lab has no firewall."""
    balancer = lookup.balancer(target_state, params["LoadBalancerArn"])
    _put(target_state, replace(balancer, security_groups=tuple(params["SecurityGroups"])))
    return {"SecurityGroupIds": params["SecurityGroups"]}


def set_ip_address_type(target_state: TargetState, params: Params, _now: datetime) -> Params:
    """SetIpAddressType. Stored without effect; the lab uses IPv4 only."""
    balancer = lookup.balancer(target_state, params["LoadBalancerArn"])
    _put(target_state, replace(balancer, ip_type=params["IpAddressType"]))
    return {"IpAddressType": params["IpAddressType"]}


def described(balancer: LoadBalancer, now: datetime) -> Params:
    """Returns one LoadBalancer as AWS shows it."""
    return {
        "LoadBalancerArn": balancer.arn,
        "DNSName": balancer.node,
        "CanonicalHostedZoneId": ZONE_ID,
        "CreatedTime": balancer.created,
        "LoadBalancerName": balancer.name,
        "Scheme": balancer.scheme,
        "VpcId": balancer.vpc,
        "State": {"Code": "active" if now >= balancer.created + PROVISIONING else "provisioning"},
        "Type": balancer.kind,
        "AvailabilityZones": _described_zones(balancer),
        "SecurityGroups": list(balancer.security_groups),
        "IpAddressType": balancer.ip_type,
    }


def _described_zones(balancer: LoadBalancer) -> list[Params]:
    return [{"ZoneName": z.name, "SubnetId": z.subnet, "LoadBalancerAddresses": []} for z in balancer.zones]


def _put(target_state: TargetState, balancer: LoadBalancer) -> LoadBalancer:
    target_state.balancers[balancer.arn] = balancer
    target_state.changed.set()
    return balancer


def _table(kind: str) -> attributes.Table:
    return attributes.ALB if kind == "application" else attributes.NLB


def _pairs(balancer: LoadBalancer) -> list[Params]:
    return [{"Key": key, "Value": value} for key, value in balancer.attributes.items()]


def _settings(balancer: LoadBalancer) -> LoadBalancer:
    """Returns what a second CreateLoadBalancer must repeat to succeed. The caller does not choose the node."""
    return replace(balancer, arn="", node="", created=None, attributes={})  # type: ignore[arg-type]  # compared only


def _new(target_state: TargetState, params: Params, now: datetime) -> LoadBalancer:
    name, kind = params["Name"], params.get("Type", "application")
    if len(name) > 32:
        raise invalid(f"Load balancer name '{name}' cannot be longer than '32' characters")
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", name) or name.startswith("internal-"):
        raise invalid(f"Load balancer name '{name}' can only contain alphanumeric characters or hyphens(-)")
    zones, vpc = _zones(target_state, params, kind)
    return LoadBalancer(
        target_state.arn(f"loadbalancer/{PREFIX[kind]}/{name}/{clock.unique()[:16]}"),
        name,
        node="",
        scheme=params.get("Scheme", "internet-facing"),
        kind=kind,
        vpc=vpc,
        created=now,
        zones=zones,
        security_groups=tuple(params.get("SecurityGroups", [])),
        ip_type=params.get("IpAddressType", "ipv4"),
        attributes=attributes.defaults(_table(kind)),
    )


def _zones(target_state: TargetState, params: Params, kind: str) -> tuple[tuple[Zone, ...], str]:
    mapped = [mapping["SubnetId"] for mapping in params.get("SubnetMappings", []) if "SubnetId" in mapping]
    ids = params.get("Subnets", []) or mapped
    if not ids:
        raise invalid("At least two subnets in two different Availability Zones must be specified")
    subnets = []
    for subnet_id in ids:
        subnet = target_state.environment.subnet(subnet_id)
        if subnet is None:
            raise ElbError("SubnetNotFound", f"The subnet ID '{subnet_id}' does not exist")
        subnets.append(subnet)
    if len({subnet.zone for subnet in subnets}) < len(subnets):
        raise ElbError(
            "InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in a zone"
        )
    if kind == "application" and len(subnets) < 2:
        raise invalid("At least two subnets in two different Availability Zones must be specified")
    return tuple(Zone(subnet.zone, subnet.id) for subnet in subnets), subnets[0].vpc
