"""Buckets of S3, secrets, and databases. The lab runs no database: it is kept and shown."""

from __future__ import annotations

import json
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
    known_only,
    picked,
)

S3, SECRETS, RDS = "s3", "secretsmanager", "rds"


class Bucket(Kind):
    """AWS::S3::Bucket."""

    type = "AWS::S3::Bucket"
    changed = frozenset(
        {
            *("BucketEncryption", "OwnershipControls", "PublicAccessBlockConfiguration"),
            *("VersioningConfiguration", "Tags"),
        }
    )
    replaced = frozenset({"BucketName"})
    attributes = frozenset({"Arn", "DomainName", "RegionalDomainName"})
    name = "BucketName"

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateBucket and its settings."""
        name = properties.get("BucketName") or site.name(63).lower()
        region = site.calls.region
        place = None if region == "us-east-1" else {"LocationConstraint": region}
        site.call(S3, "CreateBucket", Bucket=name, CreateBucketConfiguration=place)
        shown = {"Arn": f"arn:aws:s3:::{name}", "DomainName": f"{name}.s3.amazonaws.com"}
        made = Made(name, shown | {"RegionalDomainName": f"{name}.s3.{region}.amazonaws.com"})
        with deleted_on_failure(lambda: self.delete(site, Existing(made, properties))):
            self._set(site, name, properties)
        return made

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """The settings that are given; one that is gone from the template is refused."""
        if gone := sorted((self.changed - {"Tags"}) & (set(old.properties) - set(new))):
            raise DeploymentError(f"the lab cannot take {', '.join(gone)} away from a bucket")
        self._set(site, old.id, new)
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteBucket, which fails while it holds objects."""
        delete_unless_gone(lambda: site.call(S3, "DeleteBucket", Bucket=old.id))

    def _set(self, site: Site, name: str, properties: Properties) -> None:
        if encryption := properties.get("BucketEncryption"):
            known_only(encryption, ["ServerSideEncryptionConfiguration"], "BucketEncryption")
            rules = [self._rule(rule) for rule in encryption["ServerSideEncryptionConfiguration"]]
            site.call(S3, "PutBucketEncryption", Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
        for property_name, operation in {
            "OwnershipControls": "PutBucketOwnershipControls",
            "PublicAccessBlockConfiguration": "PutPublicAccessBlock",
            "VersioningConfiguration": "PutBucketVersioning",
        }.items():
            if property_name in properties:
                site.call(S3, operation, Bucket=name, **{property_name: properties[property_name]})
        # moto takes no tags of CloudFormation itself for a bucket.
        if tags := [tag for tag in site.tags(properties) if not tag["Key"].startswith("aws:")]:
            site.call(S3, "PutBucketTagging", Bucket=name, Tagging={"TagSet": tags})

    def _rule(self, rule: Properties) -> dict[str, Any]:
        known_only(rule, ["ServerSideEncryptionByDefault", "BucketKeyEnabled"], "BucketEncryption")
        default = {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
        return default | picked(rule, ["BucketKeyEnabled"])


class BucketPolicy(Kind):
    """AWS::S3::BucketPolicy."""

    type = "AWS::S3::BucketPolicy"
    changed = frozenset({"PolicyDocument"})
    replaced = frozenset({"Bucket"})
    required = frozenset({"Bucket", "PolicyDocument"})

    def create(self, site: Site, properties: Properties) -> Made:
        """PutBucketPolicy."""
        policy = json.dumps(properties["PolicyDocument"])
        site.call(S3, "PutBucketPolicy", Bucket=properties["Bucket"], Policy=policy)
        return Made(properties["Bucket"])

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """PutBucketPolicy."""
        self.create(site, new)
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteBucketPolicy."""
        delete_unless_gone(lambda: site.call(S3, "DeleteBucketPolicy", Bucket=old.id))


class Secret(Kind):
    """AWS::SecretsManager::Secret. Ref returns its ARN."""

    type = "AWS::SecretsManager::Secret"
    changed = frozenset({"Description", "GenerateSecretString", "SecretString", "Tags"})
    replaced = frozenset({"Name"})
    attributes = frozenset({"Id"})
    name = "Name"

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateSecret, with a value that was given or is made now."""
        name = properties.get("Name") or site.name(64)
        given = picked(properties, ["Description"])
        tags = site.tags(properties) or None
        text = self._text(site, properties)
        arn = site.call(SECRETS, "CreateSecret", Name=name, SecretString=text, Tags=tags, **given)["ARN"]
        return Made(arn, {"Id": arn})

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """UpdateSecret. A new value is made only if the way to make it has changed."""
        sources = ["GenerateSecretString", "SecretString"]
        text = self._text(site, new) if picked(old.properties, sources) != picked(new, sources) else None
        about = new.get("Description", "")
        site.call(SECRETS, "UpdateSecret", SecretId=old.id, Description=about, SecretString=text)
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteSecret, at once."""
        given = {"SecretId": old.id, "ForceDeleteWithoutRecovery": True}
        delete_unless_gone(lambda: site.call(SECRETS, "DeleteSecret", **given))

    def _text(self, site: Site, properties: Properties) -> str:
        generated = properties.get("GenerateSecretString")
        if generated is None:
            return str(properties.get("SecretString", ""))
        shape = ("SecretStringTemplate", "GenerateStringKey")
        rest = {key: value for key, value in generated.items() if key not in shape}
        password = str(site.call(SECRETS, "GetRandomPassword", **rest)["RandomPassword"])
        if not any(key in generated for key in shape):
            return password
        try:
            template, key = (generated[key] for key in shape)
            return json.dumps({**json.loads(template), key: password})
        except (KeyError, TypeError, ValueError):
            text = "GenerateSecretString needs a SecretStringTemplate with a JSON object, and a GenerateStringKey"
            raise DeploymentError(text) from None


class DatabaseSubnets(Kind):
    """AWS::RDS::DBSubnetGroup."""

    type = "AWS::RDS::DBSubnetGroup"
    changed = frozenset({"DBSubnetGroupDescription", "SubnetIds"})
    replaced = frozenset({"DBSubnetGroupName"})
    required = frozenset({"DBSubnetGroupDescription", "SubnetIds"})
    name = "DBSubnetGroupName"

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateDBSubnetGroup."""
        name = (properties.get("DBSubnetGroupName") or site.name(255)).lower()
        given = picked(properties, self.changed)
        site.call(RDS, "CreateDBSubnetGroup", DBSubnetGroupName=name, Tags=site.tags({}), **given)
        return Made(name)

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """ModifyDBSubnetGroup."""
        site.call(RDS, "ModifyDBSubnetGroup", DBSubnetGroupName=old.id, **picked(new, self.changed))
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteDBSubnetGroup."""
        delete_unless_gone(lambda: site.call(RDS, "DeleteDBSubnetGroup", DBSubnetGroupName=old.id))


class Database(Kind):
    """AWS::RDS::DBInstance."""

    type = "AWS::RDS::DBInstance"
    changed = frozenset(
        {
            *("AllocatedStorage", "BackupRetentionPeriod", "DBInstanceClass", "PubliclyAccessible"),
            *("MasterUserPassword", "VPCSecurityGroups"),
        }
    )
    replaced = frozenset(
        {
            *("DBInstanceIdentifier", "DBName", "DBSubnetGroupName", "Engine", "MasterUsername"),
            "StorageEncrypted",
        }
    )
    required = frozenset({"DBInstanceClass"})
    attributes = frozenset({"Endpoint.Address", "Endpoint.Port", "DBInstanceArn"})
    name = "DBInstanceIdentifier"
    snapshots = True

    def create(self, site: Site, properties: Properties) -> Made:
        """CreateDBInstance."""
        name = (properties.get("DBInstanceIdentifier") or site.name(63)).lower()
        given = self._given(properties, (self.replaced | self.changed) - {"DBInstanceIdentifier"})
        site.call(RDS, "CreateDBInstance", DBInstanceIdentifier=name, Tags=site.tags({}), **given)
        (shown,) = site.call(RDS, "DescribeDBInstances", DBInstanceIdentifier=name)["DBInstances"]
        endpoint = {f"Endpoint.{key}": str(shown["Endpoint"][key]) for key in ("Address", "Port")}
        return Made(name, endpoint | {"DBInstanceArn": shown["DBInstanceArn"]})

    def update(self, site: Site, old: Existing, new: Properties) -> Made:
        """ModifyDBInstance."""
        given = self._given(new, self.changed)
        site.call(RDS, "ModifyDBInstance", DBInstanceIdentifier=old.id, ApplyImmediately=True, **given)
        return old.made

    def delete(self, site: Site, old: Existing) -> None:
        """DeleteDBInstance."""
        given = {"DBInstanceIdentifier": old.id, "SkipFinalSnapshot": True}
        delete_unless_gone(lambda: site.call(RDS, "DeleteDBInstance", **given))

    def snapshot(self, site: Site, old: Existing) -> None:
        """CreateDBSnapshot."""
        name = site.name(200).lower()
        site.call(RDS, "CreateDBSnapshot", DBInstanceIdentifier=old.id, DBSnapshotIdentifier=name)

    def _given(self, properties: Properties, names: frozenset[str]) -> dict[str, Any]:
        found = picked(properties, names - {"VPCSecurityGroups"})
        if "VPCSecurityGroups" in properties:
            found["VpcSecurityGroupIds"] = properties["VPCSecurityGroups"]
        return found


KINDS: tuple[Kind, ...] = (Bucket(), BucketPolicy(), Secret(), DatabaseSubnets(), Database())
