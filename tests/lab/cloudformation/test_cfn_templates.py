"""What the lab's CloudFormation does not know: refused with a sentence before anything is made, and never skipped."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest
from botocore.awsrequest import AWSPreparedRequest
from tests.project.structure import ROOT

from katakei.lab.cloudformation import api
from katakei.lab.cloudformation.calls import Reply
from katakei.lab.cloudformation.kinds import KINDS
from katakei.lab.cloudformation.service import CloudFormation


def no_call(_request: AWSPreparedRequest, service: str, _region: str, _account: str) -> Reply:
    raise AssertionError(f"{service} was called for a template that is refused")


@pytest.fixture
def service() -> Iterator[CloudFormation]:
    """CloudFormation without a lab: every call to a service fails the test."""
    found = CloudFormation(no_call)
    yield found
    found.close()


def answer(service: CloudFormation, action: str, **form: str) -> tuple[str, str]:
    """Returns the code and the message of an error, or ("", the answer)."""
    status, body = api.answer(service, action, form, "123456789012", "ap-northeast-1")
    root = ET.fromstring(body)  # noqa: S314 - the lab's own answer
    found = {element.tag.rpartition("}")[2]: element.text or "" for element in root.iter()}
    return (found["Code"], found["Message"]) if status != 200 else ("", body.decode())


def refusal(service: CloudFormation, template: str, **form: str) -> str:
    code, message = answer(service, "CreateStack", StackName="s", TemplateBody=template, **form)
    assert code == "ValidationError", message
    assert "does not exist" in answer(service, "DescribeStacks", StackName="s")[1]
    return message


BUCKET = "Type: AWS::S3::Bucket"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("Resources: {Q: {Type: AWS::SQS::Queue}}", "the lab does not know the resource type AWS::SQS::Queue (Q)"),
        (f"Resources: {{B: {{{BUCKET}, Properties: {{Colour: red}}}}}}", "the lab does not know the property Colour"),
        ("Resources: {S: {Type: AWS::EC2::Subnet}}", "the property VpcId of AWS::EC2::Subnet (S) is required"),
        (f"Resources: {{B: {{{BUCKET}, CreationPolicy: {{}}}}}}", "does not know CreationPolicy of the resource B"),
        (f"Resources: {{B: {{{BUCKET}, DeletionPolicy: Keep}}}}", "does not know the DeletionPolicy Keep"),
        (f"Resources: {{B: {{{BUCKET}, DeletionPolicy: Snapshot}}}}", "the policy Snapshot of AWS::S3::Bucket (B)"),
        (f"Transform: X\nResources: {{B: {{{BUCKET}}}}}", "the lab does not know the section Transform"),
        (f"Resources: {{B: {{{BUCKET}}}}}\nOutputs: {{O: {{Value: !GetAtt B.Colour}}}}", "attribute Colour of AWS::S3"),
        (f"Resources: {{B: {{{BUCKET}}}}}\nOutputs: {{O: {{Value: !Ref C}}}}", "dependencies [C] in the Outputs block"),
        (f"Resources: {{B: {{{BUCKET}, Condition: C}}}}", "B names the condition C, which does not exist"),
        (f"Resources: {{B: {{{BUCKET}, Properties: {{BucketName: !Length [a]}}}}}}", "does not know Fn::Length"),
        (
            f"Resources: {{B: {{{BUCKET}, Properties: {{BucketName: '{{{{resolve:ssm-secure:a}}}}'}}}}}}",
            "does not know {{resolve:ssm-secure:a}}",
        ),
        (
            f"Resources: {{B: {{{BUCKET}, DependsOn: C}}, C: {{{BUCKET}, DependsOn: B}}}}",
            "Circular dependency between resources: [B, C]",
        ),
        (f"Resources: {{B: {{{BUCKET}, Properties: {{BucketName: !ImportValue x}}}}}}", "No export named x found."),
        (f"Parameters: {{B: {{}}}}\nResources: {{B: {{{BUCKET}}}}}", "B is a parameter and a resource"),
        ("Resources: {}", "At least one Resources member must be defined"),
        ("[", "neither JSON nor YAML"),
    ],
)
def test_unknown_part_of_a_template_is_refused(service: CloudFormation, template: str, message: str) -> None:
    assert message in refusal(service, template)


def test_every_fault_is_named_at_once(service: CloudFormation) -> None:
    found = refusal(service, f"Resources: {{Q: {{Type: AWS::SQS::Queue}}, B: {{{BUCKET}, Properties: {{A: 1}}}}}}")
    assert "AWS::SQS::Queue (Q)" in found
    assert "the property A of AWS::S3::Bucket (B)" in found


def test_role_without_a_capability_is_refused(service: CloudFormation) -> None:
    role = "Resources: {R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}%s}}}"
    code, message = answer(service, "CreateStack", StackName="s", TemplateBody=role % "")
    assert (code, message) == ("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]")
    given = {"TemplateBody": role % ", RoleName: r", "Capabilities.member.1": "CAPABILITY_IAM"}
    assert "[CAPABILITY_NAMED_IAM]" in answer(service, "CreateStack", StackName="s", **given)[1]


def test_unknown_parameter_and_action_of_the_api_are_refused(service: CloudFormation) -> None:
    given = {"StackName": "s", "TemplateBody": f"Resources: {{B: {{{BUCKET}}}}}"}
    assert answer(service, "CreateStack", **given, OnFailure="DELETE") == (
        "ValidationError",
        "The lab does not know OnFailure of CreateStack.",
    )
    assert "does not implement CreateStackSet" in answer(service, "CreateStackSet")[1]
    assert answer(service, "DescribeStacks", StackName="none") == (
        "ValidationError",
        "Stack with id none does not exist",
    )


def test_templates_of_the_examples_are_known(service: CloudFormation) -> None:
    for name in ("network.yml", "application.yml"):
        body = (ROOT / "examples" / "aws" / name).read_text()
        code, found = answer(service, "GetTemplateSummary", TemplateBody=body)
        assert (code, "<ResourceTypes>" in found) == ("", True)


def test_documentation_names_every_resource_type() -> None:
    text = (ROOT / "docs" / "cloudformation.md").read_text()
    named = re.findall(r"`(AWS::\w+::\w+)`", text)
    assert sorted(named) == sorted(KINDS)
