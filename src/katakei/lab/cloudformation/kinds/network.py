"""Networks: VPCs, gateways, subnets, routes and security groups."""

from __future__ import annotations

from typing import Any

from katakei.lab.cloudformation.kinds.kind import (
    Existing,
    Kind,
    Made,
    Properties,
    Site,
    delete_unless_gone,
    deleted_on_failure,
    known_only,
    picked,
)

RULE = ("IpProtocol", "FromPort", "ToPort", "CidrIp", "CidrIpv6", "Description")


def specifications(site: Site, kind: str, properties: Properties) -> list[dict[str, Any]]:
    """Returns the TagSpecifications of a call to EC2."""
    return [{"ResourceType": kind, "Tags": site.tags(properties)}]


def change_tags(site: Site, old: Existing, new: Properties) -> None:
    """Give an EC2 resource its new tags."""
    if gone := old.lost_tags(new):
        site.call("ec2", "DeleteTags", Resources=[old.id], Tags=[{"Key": key} for key in gone])
    site.call("ec2", "CreateTags", Resources=[old.id], Tags=site.tags(new))


class Vpc(Kind):
    """AWS::EC2::VPC."""

    type = "AWS::EC2::VPC"
    changed = frozenset({"EnableDnsSupport", "EnableDnsHostnames", "Tags"})
    replaced = frozenset({"CidrBlock", "InstanceTenancy"})
    required = frozenset({"CidrBlock"})
    attributes = frozenset({"VpcId", "CidrBlock", "DefaultSecurityGroup", "DefaultNetworkAcl"})

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateVpc and ModifyVpcAttribute."""
        given = picked(properties, self.replaced)
        vpc = site.call("ec2", "CreateVpc", TagSpecifications=specifications(site, "vpc", properties), **given)["Vpc"]
        found = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
        groups = site.call("ec2", "DescribeSecurityGroups", Filters=found)["SecurityGroups"]
        lists = site.call("ec2", "DescribeNetworkAcls", Filters=found)["NetworkAcls"]
        self._set(site, vpc["VpcId"], properties)
        shown = {"VpcId": vpc["VpcId"], "CidrBlock": vpc["CidrBlock"]}
        shown["DefaultSecurityGroup"] = next(one["GroupId"] for one in groups if one["GroupName"] == "default")
        shown["DefaultNetworkAcl"] = next((one["NetworkAclId"] for one in lists), "")
        return Made(vpc["VpcId"], shown)

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """ModifyVpcAttribute and tags."""
        self._set(site, old.id, {"EnableDnsSupport": True, "EnableDnsHostnames": False, **new})
        change_tags(site, old, new)
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteVpc."""
        delete_unless_gone(lambda: site.call("ec2", "DeleteVpc", VpcId=old.id))

    def _set(self, site: Site, vpc: str, properties: Properties) -> None:
        for name in ("EnableDnsSupport", "EnableDnsHostnames"):
            if name in properties:
                site.call("ec2", "ModifyVpcAttribute", VpcId=vpc, **{name: {"Value": properties[name]}})


class InternetGateway(Kind):
    """AWS::EC2::InternetGateway."""

    type = "AWS::EC2::InternetGateway"
    changed = frozenset({"Tags"})
    attributes = frozenset({"InternetGatewayId"})

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateInternetGateway."""
        tags = specifications(site, "internet-gateway", properties)
        made = site.call("ec2", "CreateInternetGateway", TagSpecifications=tags)["InternetGateway"]["InternetGatewayId"]
        return Made(made, {"InternetGatewayId": made})

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """Tags."""
        change_tags(site, old, new)
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteInternetGateway."""
        delete_unless_gone(lambda: site.call("ec2", "DeleteInternetGateway", InternetGatewayId=old.id))


class GatewayAttachment(Kind):
    """AWS::EC2::VPCGatewayAttachment, of an internet gateway."""

    type = "AWS::EC2::VPCGatewayAttachment"
    replaced = frozenset({"VpcId", "InternetGatewayId"})
    required = frozenset({"VpcId", "InternetGatewayId"})

    def create(self, site: Site, properties: Properties) -> Made:
        """AttachInternetGateway."""
        site.call("ec2", "AttachInternetGateway", **picked(properties, self.replaced))
        return Made(f"IGW|{properties['VpcId']}")

    def delete(self, site: Site, old: Existing) -> None:
        """DetachInternetGateway."""
        given = picked(old.properties, self.replaced)
        delete_unless_gone(lambda: site.call("ec2", "DetachInternetGateway", **given))


class Subnet(Kind):
    """AWS::EC2::Subnet."""

    type = "AWS::EC2::Subnet"
    changed = frozenset({"MapPublicIpOnLaunch", "Tags"})
    replaced = frozenset({"VpcId", "CidrBlock", "AvailabilityZone"})
    required = frozenset({"VpcId", "CidrBlock"})
    attributes = frozenset({"SubnetId", "VpcId", "CidrBlock", "AvailabilityZone"})

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateSubnet and ModifySubnetAttribute."""
        tags = specifications(site, "subnet", properties)
        given = picked(properties, self.replaced)
        subnet = site.call("ec2", "CreateSubnet", TagSpecifications=tags, **given)["Subnet"]
        self._set(site, subnet["SubnetId"], properties)
        return Made(subnet["SubnetId"], {name: subnet[name] for name in self.attributes})

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """ModifySubnetAttribute and tags."""
        self._set(site, old.id, {"MapPublicIpOnLaunch": False, **new})
        change_tags(site, old, new)
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteSubnet."""
        delete_unless_gone(lambda: site.call("ec2", "DeleteSubnet", SubnetId=old.id))

    def _set(self, site: Site, subnet: str, properties: Properties) -> None:
        if "MapPublicIpOnLaunch" in properties:
            value = {"Value": properties["MapPublicIpOnLaunch"]}
            site.call("ec2", "ModifySubnetAttribute", SubnetId=subnet, MapPublicIpOnLaunch=value)


class RouteTable(Kind):
    """AWS::EC2::RouteTable."""

    type = "AWS::EC2::RouteTable"
    changed = frozenset({"Tags"})
    replaced = frozenset({"VpcId"})
    required = frozenset({"VpcId"})
    attributes = frozenset({"RouteTableId"})

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateRouteTable."""
        tags = specifications(site, "route-table", properties)
        made = site.call("ec2", "CreateRouteTable", VpcId=properties["VpcId"], TagSpecifications=tags)["RouteTable"]
        return Made(made["RouteTableId"], {"RouteTableId": made["RouteTableId"]})

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """Tags."""
        change_tags(site, old, new)
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteRouteTable."""
        delete_unless_gone(lambda: site.call("ec2", "DeleteRouteTable", RouteTableId=old.id))


class Route(Kind):
    """AWS::EC2::Route, to an internet gateway."""

    type = "AWS::EC2::Route"
    changed = frozenset({"GatewayId"})
    replaced = frozenset({"RouteTableId", "DestinationCidrBlock"})
    required = frozenset({"RouteTableId", "DestinationCidrBlock", "GatewayId"})

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateRoute."""
        site.call("ec2", "CreateRoute", **properties)
        return Made(f"{properties['RouteTableId']}|{properties['DestinationCidrBlock']}")

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """ReplaceRoute."""
        site.call("ec2", "ReplaceRoute", **new)
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteRoute."""
        given = picked(old.properties, self.replaced)
        delete_unless_gone(lambda: site.call("ec2", "DeleteRoute", **given))


class SubnetRoutes(Kind):
    """AWS::EC2::SubnetRouteTableAssociation."""

    type = "AWS::EC2::SubnetRouteTableAssociation"
    changed = frozenset({"RouteTableId"})
    replaced = frozenset({"SubnetId"})
    required = frozenset({"RouteTableId", "SubnetId"})
    attributes = frozenset({"Id"})

    def create(self, site: Site, properties: Properties) -> Made:
        """AssociateRouteTable."""
        made = site.call("ec2", "AssociateRouteTable", **properties)["AssociationId"]
        return Made(made, {"Id": made})

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """ReplaceRouteTableAssociation, which gives it another id."""
        given = {"AssociationId": old.id, "RouteTableId": new["RouteTableId"]}
        now = site.call("ec2", "ReplaceRouteTableAssociation", **given)["NewAssociationId"]
        return Made(now, {"Id": now})

    def delete(self, site: Site, old: Existing) -> None:
        """DisassociateRouteTable."""
        delete_unless_gone(lambda: site.call("ec2", "DisassociateRouteTable", AssociationId=old.id))


class SecurityGroup(Kind):
    """AWS::EC2::SecurityGroup. The lab has no firewall: rules are kept and shown without effect."""

    type = "AWS::EC2::SecurityGroup"
    changed = frozenset({"SecurityGroupIngress", "SecurityGroupEgress", "Tags"})
    replaced = frozenset({"GroupName", "GroupDescription", "VpcId"})
    required = frozenset({"GroupDescription"})
    attributes = frozenset({"GroupId", "VpcId", "GroupName"})
    name = "GroupName"

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateSecurityGroup and its rules."""
        rules = self._rules(properties)
        group = site.call(
            "ec2",
            "CreateSecurityGroup",
            GroupName=properties.get("GroupName") or site.name(255),
            Description=properties["GroupDescription"],
            TagSpecifications=specifications(site, "security-group", properties),
            **picked(properties, ["VpcId"]),
        )["GroupId"]
        with deleted_on_failure(lambda: site.calls.find("ec2", "DeleteSecurityGroup", {"GroupId": group})):
            self._change(site, group, {"SecurityGroupIngress": [], "SecurityGroupEgress": []}, rules)
        (shown,) = site.call("ec2", "DescribeSecurityGroups", GroupIds=[group])["SecurityGroups"]
        return Made(group, {name: shown[name] for name in self.attributes})

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """Rules and tags."""
        self._change(site, old.id, self._rules(old.properties), self._rules(new))
        change_tags(site, old, new)
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteSecurityGroup."""
        delete_unless_gone(lambda: site.call("ec2", "DeleteSecurityGroup", GroupId=old.id))

    def _change(self, site: Site, group: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        """Revoke rules that are gone and authorize new ones. Without rules for egress, everything may leave."""
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        for name, way in (("SecurityGroupIngress", "Ingress"), ("SecurityGroupEgress", "Egress")):
            default = everything if way == "Egress" else []
            before, after = old[name] or default, new[name] or default
            if gone := [rule for rule in before if rule not in after]:
                site.call("ec2", f"RevokeSecurityGroup{way}", GroupId=group, IpPermissions=gone)
            if added := [rule for rule in after if rule not in before]:
                site.call("ec2", f"AuthorizeSecurityGroup{way}", GroupId=group, IpPermissions=added)

    def _rules(self, properties: Properties) -> dict[str, list[dict[str, Any]]]:
        ways = {"SecurityGroupIngress": "SourceSecurityGroupId", "SecurityGroupEgress": "DestinationSecurityGroupId"}
        return {name: [self._rule(rule, peer) for rule in properties.get(name, [])] for name, peer in ways.items()}

    def _rule(self, rule: Properties, peer: str) -> dict[str, Any]:
        known_only(rule, (*RULE, peer), "a rule of AWS::EC2::SecurityGroup")
        about = picked(rule, ["Description"])
        made = picked(rule, ["IpProtocol", "FromPort", "ToPort"])
        if "CidrIp" in rule:
            made["IpRanges"] = [{"CidrIp": rule["CidrIp"], **about}]
        if "CidrIpv6" in rule:
            made["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **about}]
        if peer in rule:
            made["UserIdGroupPairs"] = [{"GroupId": rule[peer], **about}]
        return made


KINDS: tuple[Kind, ...] = (
    Vpc(),
    InternetGateway(),
    GatewayAttachment(),
    Subnet(),
    RouteTable(),
    Route(),
    SubnetRoutes(),
    SecurityGroup(),
)
