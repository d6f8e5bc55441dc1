"""Roles, instance profiles and policies of IAM. The lab checks no rights: they are kept and shown."""

from __future__ import annotations

import json

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

IAM = "iam"


class Role(Kind):
    """AWS::IAM::Role."""

    type = "AWS::IAM::Role"
    changed = frozenset(
        {"AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "ManagedPolicyArns", "Policies", "Tags"}
    )
    replaced = frozenset({"RoleName", "Path"})
    required = frozenset({"AssumeRolePolicyDocument"})
    attributes = frozenset({"Arn", "RoleId"})
    name = "RoleName"
    grants_rights = True

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateRole and its policies."""
        name = properties.get("RoleName") or site.name(64)
        shown = site.call(
            IAM,
            "CreateRole",
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
            Tags=site.tags(properties),
            **picked(properties, ["Path", "Description", "MaxSessionDuration"]),
        )["Role"]
        made = Made(name, {"Arn": shown["Arn"], "RoleId": shown["RoleId"]})
        with deleted_on_failure(lambda: self.delete(site, Existing(made, properties))):
            self._set(site, name, {}, properties)
        return made

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """UpdateAssumeRolePolicy, UpdateRole, policies and tags."""
        if old.properties["AssumeRolePolicyDocument"] != new["AssumeRolePolicyDocument"]:
            trust = json.dumps(new["AssumeRolePolicyDocument"])
            site.call(IAM, "UpdateAssumeRolePolicy", RoleName=old.id, PolicyDocument=trust)
        about = {"Description": "", "MaxSessionDuration": 3600, **picked(new, ["Description", "MaxSessionDuration"])}
        site.call(IAM, "UpdateRole", RoleName=old.id, **about)
        self._set(site, old.id, old.properties, new)
        if gone := old.lost_tags(new):
            site.call(IAM, "UntagRole", RoleName=old.id, TagKeys=gone)
        site.call(IAM, "TagRole", RoleName=old.id, Tags=site.tags(new))
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteRole, after its policies."""
        for arn in old.properties.get("ManagedPolicyArns", []):
            site.calls.find(IAM, "DetachRolePolicy", {"RoleName": old.id, "PolicyArn": arn})
        for policy in old.properties.get("Policies", []):
            site.calls.find(IAM, "DeleteRolePolicy", {"RoleName": old.id, "PolicyName": policy["PolicyName"]})
        delete_unless_gone(lambda: site.call(IAM, "DeleteRole", RoleName=old.id))

    def _set(self, site: Site, role: str, old: Properties, new: Properties) -> None:
        before, after = set(old.get("ManagedPolicyArns", [])), set(new.get("ManagedPolicyArns", []))
        for arn in sorted(before - after):
            site.call(IAM, "DetachRolePolicy", RoleName=role, PolicyArn=arn)
        for arn in sorted(after - before):
            site.call(IAM, "AttachRolePolicy", RoleName=role, PolicyArn=arn)
        names = {policy["PolicyName"] for policy in new.get("Policies", [])}
        for policy in old.get("Policies", []):
            if policy["PolicyName"] not in names:
                site.call(IAM, "DeleteRolePolicy", RoleName=role, PolicyName=policy["PolicyName"])
        for policy in new.get("Policies", []):
            known_only(policy, ["PolicyName", "PolicyDocument"], "a policy of AWS::IAM::Role")
            document = json.dumps(policy["PolicyDocument"])
            site.call(IAM, "PutRolePolicy", RoleName=role, PolicyName=policy["PolicyName"], PolicyDocument=document)


class InstanceProfile(Kind):
    """AWS::IAM::InstanceProfile."""

    type = "AWS::IAM::InstanceProfile"
    changed = frozenset({"Roles"})
    replaced = frozenset({"InstanceProfileName", "Path"})
    required = frozenset({"Roles"})
    attributes = frozenset({"Arn"})
    name = "InstanceProfileName"
    grants_rights = True

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateInstanceProfile with its role."""
        name = properties.get("InstanceProfileName") or site.name(128)
        given = picked(properties, ["Path"])
        shown = site.call(IAM, "CreateInstanceProfile", InstanceProfileName=name, **given)["InstanceProfile"]
        made = Made(name, {"Arn": shown["Arn"]})
        with deleted_on_failure(lambda: self.delete(site, Existing(made, properties))):
            self._set(site, name, [], properties["Roles"])
        return made

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """Take the old role out and the new one in."""
        self._set(site, old.id, old.properties["Roles"], new["Roles"])
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteInstanceProfile."""
        for role in old.properties["Roles"]:
            given = {"InstanceProfileName": old.id, "RoleName": role}
            site.calls.find(IAM, "RemoveRoleFromInstanceProfile", given)
        delete_unless_gone(lambda: site.call(IAM, "DeleteInstanceProfile", InstanceProfileName=old.id))

    def _set(self, site: Site, profile: str, old: list[str], new: list[str]) -> None:
        for role in set(old) - set(new):
            site.call(IAM, "RemoveRoleFromInstanceProfile", InstanceProfileName=profile, RoleName=role)
        for role in set(new) - set(old):
            site.call(IAM, "AddRoleToInstanceProfile", InstanceProfileName=profile, RoleName=role)


class ManagedPolicy(Kind):
    """AWS::IAM::ManagedPolicy. Ref returns its ARN."""

    type = "AWS::IAM::ManagedPolicy"
    changed = frozenset({"PolicyDocument", "Roles"})
    replaced = frozenset({"ManagedPolicyName", "Path", "Description"})
    required = frozenset({"PolicyDocument"})
    attributes = frozenset({"PolicyArn", "PolicyId"})
    name = "ManagedPolicyName"
    grants_rights = True

    def create(self, site: Site, properties: Properties) -> Made:
        """CreatePolicy, attached to its roles."""
        shown = site.call(
            IAM,
            "CreatePolicy",
            PolicyName=properties.get("ManagedPolicyName") or site.name(128),
            PolicyDocument=json.dumps(properties["PolicyDocument"]),
            **picked(properties, ["Path", "Description"]),
        )["Policy"]
        made = Made(shown["Arn"], {"PolicyArn": shown["Arn"], "PolicyId": shown["PolicyId"]})
        with deleted_on_failure(lambda: self.delete(site, Existing(made, properties))):
            self._attach(site, made.id, [], properties.get("Roles", []))
        return made

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """CreatePolicyVersion, without the version before: IAM keeps at most five."""
        if old.properties["PolicyDocument"] != new["PolicyDocument"]:
            versions = site.call(IAM, "ListPolicyVersions", PolicyArn=old.id)["Versions"]
            document = json.dumps(new["PolicyDocument"])
            site.call(IAM, "CreatePolicyVersion", PolicyArn=old.id, PolicyDocument=document, SetAsDefault=True)
            for version in versions:
                site.call(IAM, "DeletePolicyVersion", PolicyArn=old.id, VersionId=version["VersionId"])
        self._attach(site, old.id, old.properties.get("Roles", []), new.get("Roles", []))
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeletePolicy, after it is detached."""
        for role in old.properties.get("Roles", []):
            site.calls.find(IAM, "DetachRolePolicy", {"RoleName": role, "PolicyArn": old.id})
        delete_unless_gone(lambda: site.call(IAM, "DeletePolicy", PolicyArn=old.id))

    def _attach(self, site: Site, arn: str, old: list[str], new: list[str]) -> None:
        for role in sorted(set(old) - set(new)):
            site.call(IAM, "DetachRolePolicy", RoleName=role, PolicyArn=arn)
        for role in sorted(set(new) - set(old)):
            site.call(IAM, "AttachRolePolicy", RoleName=role, PolicyArn=arn)


KINDS: tuple[Kind, ...] = (Role(), InstanceProfile(), ManagedPolicy())
