"""Stacks of the lab by boto3: created, changed in place and by replacement, rolled back, kept and deleted."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.lab.conftest import Clients

pytestmark = pytest.mark.lab
SHOP = """
Parameters:
  Name: {Type: String, Default: first-of-shop}
  Age: {Type: Number, Default: 3600}
  Broken: {Type: String, Default: ""}
Conditions: {IsBroken: !Equals [!Ref Broken, "yes"]}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      MaxSessionDuration: !Ref Age
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}]
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref Name, Tags: [{Key: Role, Value: !GetAtt Role.Arn}]}}
  Kept: {Type: AWS::S3::Bucket, DeletionPolicy: Retain}
  Last:
    Type: AWS::EC2::Subnet
    Condition: IsBroken
    DependsOn: Bucket
    Properties: {VpcId: vpc-0, CidrBlock: 10.0.0.0/24}
Outputs:
  Bucket: {Value: !Ref Bucket, Export: {Name: !Sub "${AWS::StackName}-Bucket"}}
"""
USER = """
Resources:
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !ImportValue shop-Bucket
      PolicyDocument:
        Statement:
          - Effect: Deny
            Principal: "*"
            Action: "s3:*"
            Resource: "*"
            Condition: {Bool: {"aws:SecureTransport": "false"}}
"""


class Stacks:
    """The calls of a user, and what they have made."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.api: Any = clients.get("cloudformation")

    def create(self, name: str, template: str, **parameters: str) -> str:
        """Returns the status afterwards."""
        self.api.create_stack(StackName=name, TemplateBody=template, **self.given(parameters))
        return self.status(name)

    def update(self, name: str, template: str, **parameters: str) -> str:
        """Returns the status afterwards."""
        self.api.update_stack(StackName=name, TemplateBody=template, **self.given(parameters))
        return self.status(name)

    def status(self, name: str) -> str:
        return str(self.api.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    def ids(self, name: str) -> dict[str, str]:
        shown = self.api.describe_stack_resources(StackName=name)["StackResources"]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in shown}

    def buckets(self) -> set[str]:
        return {one["Name"] for one in self.clients.get("s3").list_buckets()["Buckets"]}

    def age(self) -> int:
        role = self.clients.get("iam").get_role(RoleName=self.ids("shop")["Role"])["Role"]
        return int(role["MaxSessionDuration"])

    def reasons(self, name: str) -> str:
        events = self.api.describe_stack_events(StackName=name)["StackEvents"]
        return "\n".join(one.get("ResourceStatusReason", "") for one in events)

    def given(self, parameters: dict[str, str]) -> dict[str, Any]:
        """Returns the arguments of a call that brings a template."""
        named = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        return {"Parameters": named, "Capabilities": ["CAPABILITY_IAM"]}


@pytest.fixture
def stacks(clients: Clients) -> Iterator[Stacks]:
    """CloudFormation without stacks, before and after."""
    found = Stacks(clients)
    before = found.buckets()
    yield found
    for name in ("user", "shop"):
        found.api.delete_stack(StackName=name)
    for bucket in found.buckets() - before:
        clients.get("s3").delete_bucket(Bucket=bucket)
    assert found.api.describe_stacks()["Stacks"] == []


def test_update_changes_in_place_and_by_replacement(stacks: Stacks) -> None:
    assert stacks.create("shop", SHOP) == "CREATE_COMPLETE"
    before = stacks.ids("shop")
    assert stacks.update("shop", SHOP, Age="7200") == "UPDATE_COMPLETE"
    assert (stacks.age(), stacks.ids("shop")) == (7200, before)
    assert stacks.update("shop", SHOP, Age="7200", Name="second-of-shop") == "UPDATE_COMPLETE"
    assert stacks.ids("shop") == {**before, "Bucket": "second-of-shop"}
    assert "first-of-shop" not in stacks.buckets()
    with pytest.raises(ClientError, match="No updates are to be performed"):
        stacks.update("shop", SHOP, Age="7200", Name="second-of-shop")


def test_failed_update_takes_everything_back(stacks: Stacks) -> None:
    stacks.create("shop", SHOP)
    before = stacks.ids("shop")
    failed = stacks.update("shop", SHOP, Age="7200", Name="second-of-shop", Broken="yes")
    assert failed == "UPDATE_ROLLBACK_COMPLETE"
    assert (stacks.age(), stacks.ids("shop")) == (3600, before)
    assert "second-of-shop" not in stacks.buckets()
    assert "failed to create: [Last]" in stacks.reasons("shop")
    assert "vpc-0" in stacks.reasons("shop")
    assert stacks.update("shop", SHOP, Age="7200") == "UPDATE_COMPLETE"


def test_failed_creation_leaves_nothing(stacks: Stacks) -> None:
    before = stacks.buckets()
    assert stacks.create("shop", SHOP, Broken="yes") == "ROLLBACK_COMPLETE"
    assert (stacks.ids("shop"), stacks.buckets()) == ({}, before)
    with pytest.raises(ClientError, match="ROLLBACK_COMPLETE state and can not be updated"):
        stacks.update("shop", SHOP)


def test_half_made_resource_is_deleted(stacks: Stacks) -> None:
    half = "{Type: AWS::S3::Bucket, Properties: {BucketName: half-of-shop, BucketEncryption: {Unknown: yes}}}"
    assert stacks.create("shop", f"Resources: {{Half: {half}}}") == "ROLLBACK_COMPLETE"
    assert "does not know Unknown of BucketEncryption" in stacks.reasons("shop")
    assert "half-of-shop" not in stacks.buckets()


def test_change_set_shows_what_would_change_and_changes_nothing(stacks: Stacks) -> None:
    stacks.create("shop", SHOP)
    given = stacks.given({"Age": "7200", "Name": "second-of-shop"})
    made = stacks.api.create_change_set(StackName="shop", ChangeSetName="c", TemplateBody=SHOP, **given)
    shown = stacks.api.describe_change_set(ChangeSetName=made["Id"])
    changes = {one["ResourceChange"]["LogicalResourceId"]: one["ResourceChange"] for one in shown["Changes"]}
    assert {name: one["Replacement"] for name, one in changes.items()} == {"Role": "False", "Bucket": "True"}
    assert stacks.age() == 3600
    stacks.api.delete_change_set(ChangeSetName=made["Id"])
    with pytest.raises(ClientError, match="ChangeSetNotFound"):
        stacks.api.describe_change_set(ChangeSetName=made["Id"])


def test_export_in_use_stays(stacks: Stacks) -> None:
    stacks.create("shop", SHOP)
    assert stacks.create("user", USER) == "CREATE_COMPLETE"
    assert stacks.api.list_imports(ExportName="shop-Bucket")["Imports"] == ["user"]
    with pytest.raises(ClientError, match="Export shop-Bucket cannot be deleted as it is in use by user"):
        stacks.api.delete_stack(StackName="shop")
    assert stacks.update("shop", SHOP, Name="second-of-shop") == "UPDATE_ROLLBACK_COMPLETE"
    assert "cannot be updated as it is in use by user" in stacks.reasons("shop")
    stacks.api.delete_stack(StackName="user")
    stacks.api.delete_stack(StackName="shop")
    assert stacks.api.list_exports()["Exports"] == []


def test_resource_that_cannot_be_deleted_is_named(stacks: Stacks) -> None:
    stacks.create("shop", SHOP)
    kept, s3 = stacks.ids("shop")["Kept"], stacks.clients.get("s3")
    s3.put_object(Bucket="first-of-shop", Key="file", Body=b"")
    stacks.api.delete_stack(StackName="shop")
    assert stacks.status("shop") == "DELETE_FAILED"
    assert "failed to delete: [Bucket]" in stacks.reasons("shop")
    s3.delete_object(Bucket="first-of-shop", Key="file")
    stacks.api.delete_stack(StackName="shop")
    with pytest.raises(ClientError, match="Stack with id shop does not exist"):
        stacks.status("shop")
    assert kept in stacks.buckets()


def test_policy_of_a_bucket_denies_what_it_says(stacks: Stacks) -> None:
    stacks.create("shop", SHOP)
    s3 = stacks.clients.get("s3")
    once = """{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
      "Resource": "arn:aws:s3:::first-of-shop/once/*", "Condition": {"Null": {"s3:if-none-match": "true"}}}]}"""
    s3.put_bucket_policy(Bucket="first-of-shop", Policy=once)
    s3.put_object(Bucket="first-of-shop", Key="once/a", Body=b"", IfNoneMatch="*")
    s3.put_object(Bucket="first-of-shop", Key="other", Body=b"")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket="first-of-shop", Key="once/b", Body=b"")
    unknown = once.replace("Null", "NumericLessThan")
    with pytest.raises(ClientError, match="the lab does not know the condition NumericLessThan"):
        s3.put_bucket_policy(Bucket="first-of-shop", Policy=unknown)
    s3.delete_objects(Bucket="first-of-shop", Delete={"Objects": [{"Key": "once/a"}, {"Key": "other"}]})
