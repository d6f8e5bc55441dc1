"""Launch templates and instances. An instance becomes a server of the lab.

moto takes only a part of a launch template, and starts the instance before it rejects a disk without a size. So the
instance gets everything in its own call, with what AWS would take from the image.
"""

from __future__ import annotations

import base64
from typing import Any

from katakei.lab.cloudformation.errors import DeploymentError
from katakei.lab.cloudformation.kinds.kind import Existing, Kind, Made, Properties, Site, delete_unless_gone, picked
from katakei.lab.cloudformation.kinds.network import change_tags, specifications

DISK = {"VolumeSize": 8, "DeleteOnTermination": True}
"""What AWS takes from an image of Amazon Linux 2023 for its disk. Sizes are in GiB."""


class LaunchTemplate(Kind):
    """AWS::EC2::LaunchTemplate. Every change of its data is a new version."""

    type = "AWS::EC2::LaunchTemplate"
    changed = frozenset({"LaunchTemplateData"})
    replaced = frozenset({"LaunchTemplateName"})
    required = frozenset({"LaunchTemplateData"})
    attributes = frozenset({"LaunchTemplateId", "LatestVersionNumber", "DefaultVersionNumber"})
    name = "LaunchTemplateName"

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateLaunchTemplate."""
        made = site.call(
            "ec2",
            "CreateLaunchTemplate",
            LaunchTemplateName=properties.get("LaunchTemplateName") or site.name(128),
            LaunchTemplateData=properties["LaunchTemplateData"],
            TagSpecifications=specifications(site, "launch-template", {}),
        )["LaunchTemplate"]
        return self._made(site, made["LaunchTemplateId"])

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """CreateLaunchTemplateVersion."""
        data = new["LaunchTemplateData"]
        site.call("ec2", "CreateLaunchTemplateVersion", LaunchTemplateId=old.id, LaunchTemplateData=data)
        return self._made(site, old.id)

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteLaunchTemplate, with all versions."""
        delete_unless_gone(lambda: site.call("ec2", "DeleteLaunchTemplate", LaunchTemplateId=old.id))

    def _made(self, site: Site, template: str) -> Made:
        (shown,) = site.call("ec2", "DescribeLaunchTemplates", LaunchTemplateIds=[template])["LaunchTemplates"]
        return Made(template, {name: str(shown[name]) for name in self.attributes})


class Instance(Kind):
    """AWS::EC2::Instance. UserData is kept and shown; the lab's servers do not run it."""

    type = "AWS::EC2::Instance"
    changed = frozenset({"InstanceType", "Tags"})
    replaced = frozenset(
        {
            *("LaunchTemplate", "ImageId", "SubnetId", "SecurityGroupIds", "IamInstanceProfile", "UserData"),
            *("BlockDeviceMappings", "MetadataOptions", "PrivateIpAddress"),
        }
    )
    attributes = frozenset(
        {
            *("InstanceId", "AvailabilityZone", "PrivateIp", "PublicIp", "PrivateDnsName", "PublicDnsName", "VpcId"),
        }
    )

    def create(self, site: Site, properties: Properties) -> Made:
        """RunInstances; returns when the server runs."""
        wanted = picked(properties, (self.replaced | {"InstanceType"}) - {"LaunchTemplate"})
        if "IamInstanceProfile" in wanted:
            wanted["IamInstanceProfile"] = {"Name": wanted["IamInstanceProfile"]}
        chosen = properties.get("LaunchTemplate")
        template = self._template(site, chosen) if chosen else None
        labels: list[dict[str, str]] = []
        if template is not None:
            wanted = {**template["LaunchTemplateData"], **wanted}
            labels = _tags_for_instances(wanted.pop("TagSpecifications", []))
        if "ImageId" not in wanted:
            raise DeploymentError("The request must contain the parameter ImageId")
        if "UserData" in wanted:  # botocore encodes it once more
            wanted["UserData"] = base64.b64decode(wanted["UserData"])
        for device in wanted.get("BlockDeviceMappings", []):
            if "Ebs" in device:
                device["Ebs"] = {**DISK, **device["Ebs"]}
        own = {tag["Key"] for tag in site.tags(properties)}
        tags = [*(tag for tag in labels if tag["Key"] not in own), *site.tags(properties)]
        named = [{"ResourceType": "instance", "Tags": tags}]
        made = site.call("ec2", "RunInstances", MinCount=1, MaxCount=1, TagSpecifications=named, **wanted)
        instance = made["Instances"][0]["InstanceId"]
        if template is not None:
            source = {"id": template["LaunchTemplateId"], "version": str(template["VersionNumber"])}
            origin = [{"Key": f"aws:ec2launchtemplate:{key}", "Value": value} for key, value in source.items()]
            site.call("ec2", "CreateTags", Resources=[instance], Tags=origin)
        site.wait(lambda: _state(site, instance) == "running", f"{instance} does not run")
        return self._made(site, instance)

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """ModifyInstanceAttribute on the stopped instance, and tags."""
        if old.properties.get("InstanceType") != new.get("InstanceType"):
            if "InstanceType" not in new:
                raise DeploymentError("the lab cannot take InstanceType away from an instance")
            site.call("ec2", "StopInstances", InstanceIds=[old.id])
            site.wait(lambda: _state(site, old.id) == "stopped", f"{old.id} does not stop")
            kind = {"Value": new["InstanceType"]}
            site.call("ec2", "ModifyInstanceAttribute", InstanceId=old.id, InstanceType=kind)
            site.call("ec2", "StartInstances", InstanceIds=[old.id])
            site.wait(lambda: _state(site, old.id) == "running", f"{old.id} does not run")
        change_tags(site, old, new)
        return self._made(site, old.id)

    def delete(self, site: Site, old: Existing) -> None:
        """TerminateInstances; returns when the server has ended."""
        delete_unless_gone(lambda: site.call("ec2", "TerminateInstances", InstanceIds=[old.id]))
        site.wait(lambda: _state(site, old.id) in {"terminated", None}, f"{old.id} does not end")

    def _template(self, site: Site, chosen: Properties) -> dict[str, Any]:
        named = picked(chosen, ["LaunchTemplateId", "LaunchTemplateName"])
        versions = [str(chosen["Version"])]
        found = site.call("ec2", "DescribeLaunchTemplateVersions", Versions=versions, **named)
        version: dict[str, Any] = found["LaunchTemplateVersions"][0]
        return version

    def _made(self, site: Site, instance: str) -> Made:
        shown = site.call("ec2", "DescribeInstances", InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        zone = shown["Placement"]["AvailabilityZone"]
        addresses = {"PrivateIp": "PrivateIpAddress", "PublicIp": "PublicIpAddress"}
        named = {name: name for name in ("InstanceId", "PrivateDnsName", "PublicDnsName", "VpcId")} | addresses
        found = {name: str(shown[key]) for name, key in named.items() if key in shown}
        return Made(instance, found | {"AvailabilityZone": zone})


def _tags_for_instances(specified: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Returns the tags that a launch template gives to instances; moto lists those of the template itself there too."""
    return [tag for one in specified if one["ResourceType"] == "instance" for tag in one["Tags"]]


def _state(site: Site, instance: str) -> str | None:
    found = site.calls.find("ec2", "DescribeInstances", {"InstanceIds": [instance]})
    return str(found["Reservations"][0]["Instances"][0]["State"]["Name"]) if found and found["Reservations"] else None


KINDS: tuple[Kind, ...] = (LaunchTemplate(), Instance())
