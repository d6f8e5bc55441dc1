"""Load balancers, listeners, rules and target groups, made by the lab's own ELBv2."""

from __future__ import annotations

from typing import Any

from katakei.lab.cloudformation.errors import DeploymentError
from katakei.lab.cloudformation.kinds.kind import (
    Existing,
    Kind,
    Made,
    Properties,
    Site,
    delete_unless_gone,
    deleted_on_failure,
    picked,
)

ELB = "elbv2"
LONGEST_NAME = 32


def change_tags(site: Site, old: Existing, new: Properties) -> None:
    """Give a load balancer or target group its new tags."""
    if gone := old.lost_tags(new):
        site.call(ELB, "RemoveTags", ResourceArns=[old.id], TagKeys=gone)
    site.call(ELB, "AddTags", ResourceArns=[old.id], Tags=site.tags(new))


def _name(site: Site, properties: Properties, operation: str) -> str:
    """Returns the name to use. ELBv2 would return an existing one with the same settings: it belongs to others."""
    name = properties.get("Name")
    if name is None:
        return site.name(LONGEST_NAME)
    if site.calls.find(ELB, operation, {"Names": [name]}) is not None:
        raise DeploymentError(f"{name} already exists")
    return str(name)


class LoadBalancer(Kind):
    """AWS::ElasticLoadBalancingV2::LoadBalancer."""

    type = "AWS::ElasticLoadBalancingV2::LoadBalancer"
    changed = frozenset({"Subnets", "SecurityGroups", "IpAddressType", "LoadBalancerAttributes", "Tags"})
    replaced = frozenset({"Name", "Type", "Scheme"})
    required = frozenset({"Subnets"})
    attributes = frozenset(
        {"LoadBalancerArn", "LoadBalancerName", "LoadBalancerFullName", "DNSName", "CanonicalHostedZoneID"}
    )
    name = "Name"

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateLoadBalancer and its attributes; returns when it is active."""
        shown = site.call(
            ELB,
            "CreateLoadBalancer",
            Name=_name(site, properties, "DescribeLoadBalancers"),
            Tags=site.tags(properties),
            **picked(properties, ["Type", "Scheme", "Subnets", "SecurityGroups", "IpAddressType"]),
        )["LoadBalancers"][0]
        arn = shown["LoadBalancerArn"]
        with deleted_on_failure(lambda: site.calls.find(ELB, "DeleteLoadBalancer", {"LoadBalancerArn": arn})):
            self._set(site, arn, properties)
        site.wait(lambda: _is_active(site, arn), f"{arn} does not become active")
        named = {name: shown[name] for name in ("LoadBalancerArn", "LoadBalancerName", "DNSName")}
        named["LoadBalancerFullName"] = arn.partition(":loadbalancer/")[2]
        named["CanonicalHostedZoneID"] = shown["CanonicalHostedZoneId"]
        return Made(arn, named)

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """SetSubnets, SetSecurityGroups, attributes and tags."""
        arn = {"LoadBalancerArn": old.id}
        for name, operation in (
            ("Subnets", "SetSubnets"),
            ("SecurityGroups", "SetSecurityGroups"),
            ("IpAddressType", "SetIpAddressType"),
        ):
            if name in new and old.properties.get(name) != new[name]:
                site.call(ELB, operation, **arn, **picked(new, [name]))
        self._set(site, old.id, new)
        change_tags(site, old, new)
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteLoadBalancer."""
        site.call(ELB, "DeleteLoadBalancer", LoadBalancerArn=old.id)

    def _set(self, site: Site, arn: str, properties: Properties) -> None:
        if given := properties.get("LoadBalancerAttributes"):
            site.call(ELB, "ModifyLoadBalancerAttributes", LoadBalancerArn=arn, Attributes=given)


class Listener(Kind):
    """AWS::ElasticLoadBalancingV2::Listener."""

    type = "AWS::ElasticLoadBalancingV2::Listener"
    changed = frozenset({"Port", "Protocol", "DefaultActions", "Certificates", "SslPolicy"})
    replaced = frozenset({"LoadBalancerArn"})
    required = frozenset({"LoadBalancerArn", "DefaultActions"})
    attributes = frozenset({"ListenerArn"})

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateListener, which opens its port."""
        arn = site.call(ELB, "CreateListener", **properties)["Listeners"][0]["ListenerArn"]
        return Made(arn, {"ListenerArn": arn})

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """ModifyListener."""
        site.call(ELB, "ModifyListener", ListenerArn=old.id, **picked(new, self.changed))
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteListener."""
        delete_unless_gone(lambda: site.call(ELB, "DeleteListener", ListenerArn=old.id))


class ListenerRule(Kind):
    """AWS::ElasticLoadBalancingV2::ListenerRule."""

    type = "AWS::ElasticLoadBalancingV2::ListenerRule"
    changed = frozenset({"Priority", "Conditions", "Actions"})
    replaced = frozenset({"ListenerArn"})
    required = frozenset({"ListenerArn", "Priority", "Conditions", "Actions"})
    attributes = frozenset({"RuleArn"})

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateRule."""
        arn = site.call(ELB, "CreateRule", **properties)["Rules"][0]["RuleArn"]
        return Made(arn, {"RuleArn": arn})

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """ModifyRule and SetRulePriorities."""
        site.call(ELB, "ModifyRule", RuleArn=old.id, **picked(new, ["Conditions", "Actions"]))
        if old.properties["Priority"] != new["Priority"]:
            priority: dict[str, Any] = {"RuleArn": old.id, "Priority": new["Priority"]}
            site.call(ELB, "SetRulePriorities", RulePriorities=[priority])
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteRule."""
        delete_unless_gone(lambda: site.call(ELB, "DeleteRule", RuleArn=old.id))


class TargetGroup(Kind):
    """AWS::ElasticLoadBalancingV2::TargetGroup.

    A change of `Targets` registers every target that it names, also one that was taken out by hand.
    """

    type = "AWS::ElasticLoadBalancingV2::TargetGroup"
    checks = frozenset(
        {
            *("HealthCheckProtocol", "HealthCheckPort", "HealthCheckPath", "HealthCheckIntervalSeconds"),
            *("HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount", "Matcher"),
            "HealthCheckEnabled",
        }
    )
    changed = checks | {"TargetGroupAttributes", "Targets", "Tags"}
    replaced = frozenset({"Name", "Port", "Protocol", "ProtocolVersion", "VpcId", "TargetType", "IpAddressType"})
    attributes = frozenset({"TargetGroupArn", "TargetGroupName", "TargetGroupFullName"})
    name = "Name"

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateTargetGroup, its attributes and targets."""
        shown = site.call(
            ELB,
            "CreateTargetGroup",
            Name=_name(site, properties, "DescribeTargetGroups"),
            Tags=site.tags(properties),
            **picked(properties, (self.replaced | self.checks) - {"Name"}),
        )["TargetGroups"][0]
        arn = shown["TargetGroupArn"]
        with deleted_on_failure(lambda: site.calls.find(ELB, "DeleteTargetGroup", {"TargetGroupArn": arn})):
            self._set(site, arn, {}, properties)
        named = {"TargetGroupArn": arn, "TargetGroupName": shown["TargetGroupName"]}
        return Made(arn, named | {"TargetGroupFullName": arn.rpartition(":")[2]})

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """ModifyTargetGroup, attributes, targets and tags."""
        if picked(old.properties, self.checks) != picked(new, self.checks):
            site.call(ELB, "ModifyTargetGroup", TargetGroupArn=old.id, **picked(new, self.checks))
        self._set(site, old.id, old.properties, new)
        change_tags(site, old, new)
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteTargetGroup."""
        site.call(ELB, "DeleteTargetGroup", TargetGroupArn=old.id)

    def _set(self, site: Site, arn: str, old: Properties, new: Properties) -> None:
        attributes, targets = "TargetGroupAttributes", "Targets"
        if old.get(attributes, []) != new.get(attributes, []) and new.get(attributes):
            site.call(ELB, "ModifyTargetGroupAttributes", TargetGroupArn=arn, Attributes=new[attributes])
        if old.get(targets, []) != new.get(targets, []):
            if gone := [one for one in old.get(targets, []) if one not in new.get(targets, [])]:
                site.call(ELB, "DeregisterTargets", TargetGroupArn=arn, Targets=gone)
            if new.get(targets):
                site.call(ELB, "RegisterTargets", TargetGroupArn=arn, Targets=new[targets])


def _is_active(site: Site, arn: str) -> bool:
    (shown,) = site.call(ELB, "DescribeLoadBalancers", LoadBalancerArns=[arn])["LoadBalancers"]
    return bool(shown["State"]["Code"] == "active")


KINDS: tuple[Kind, ...] = (LoadBalancer(), Listener(), ListenerRule(), TargetGroup())
