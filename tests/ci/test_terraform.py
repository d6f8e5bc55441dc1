"""Tests of the examples for Terraform: they describe the same environment as the CloudFormation templates.

No provider is downloaded, so nothing here checks the names of arguments; `terraform validate` does that for a user.
"""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
from tests.ci.jobs import ROOT

from katakei.lab.cloudformation import template

EXAMPLES = ROOT / "examples" / "aws"
TERRAFORM = EXAMPLES / "terraform"
PYTHON = ROOT / ".venv-lint" / "bin" / "python"
READ = "import hcl2, json, sys; print(json.dumps([hcl2.load(open(name)) for name in sys.argv[1:]]))"
NETWORK, APPLICATION = (
    template.read((EXAMPLES / name).read_text()).sections["Resources"] for name in ("network.yml", "application.yml")
)


def _plain(value: Any) -> Any:
    """Returns a value without the quotes that the reader keeps."""
    if isinstance(value, Mapping):
        return {_plain(key): _plain(each) for key, each in value.items() if key != "__is_block__"}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value[1:-1] if isinstance(value, str) and value.startswith('"') else value


class Code:
    """Every block of the configuration."""

    def __init__(self, files: list[dict[str, Any]]) -> None:
        self.files = files

    def block(self, sort: str, kind: str, name: str) -> dict[str, Any]:
        found = [one[kind][name] for file in self.files for one in file.get(sort, []) if name in one.get(kind, {})]
        (block,) = found
        return dict(block)

    def resource(self, kind: str, name: str = "main") -> dict[str, Any]:
        return self.block("resource", kind, name)

    def statements(self, name: str) -> list[dict[str, Any]]:
        found = self.block("data", "aws_iam_policy_document", name)["statement"]
        return [dict(one) for one in found]


@pytest.fixture(scope="module")
def code() -> Code:
    """The configuration as a reader of Terraform's language sees it."""
    assert PYTHON.exists(), "the reader is missing; make it with: make .venv-lint/.ready"
    files = [str(path) for path in sorted(TERRAFORM.glob("*.tf"))]
    done = subprocess.run([PYTHON, "-c", READ, *files], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return Code(_plain(json.loads(done.stdout)))


def _properties(resources: Mapping[str, Any], name: str) -> dict[str, Any]:
    return dict(resources[name]["Properties"])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_rights_are_those_of_the_stack(code: Code) -> None:
    stack = _properties(APPLICATION, "RolloutPolicy")["PolicyDocument"]["Statement"]
    terraform = code.statements("rollout")
    assert {one["sid"]: (one["effect"], one["actions"]) for one in terraform} == {
        one["Sid"]: (one["Effect"], _listed(one["Action"])) for one in stack
    }
    anywhere = {one["sid"] for one in terraform if one["resources"] == ["*"]}
    assert anywhere == {one["Sid"] for one in stack if one["Resource"] == "*"}


def test_bucket_denies_what_the_stack_denies(code: Code) -> None:
    stack = _properties(APPLICATION, "JournalBucketPolicy")["PolicyDocument"]["Statement"]
    for ours, theirs in zip(code.statements("journal"), stack, strict=True):
        (condition,) = ours["condition"]
        named = {condition["test"]: {condition["variable"]: condition["values"][0]}}
        assert (ours["sid"], ours["effect"], ours["actions"]) == (theirs["Sid"], "Deny", _listed(theirs["Action"]))
        assert named == theirs["Condition"]
    public = code.resource("aws_s3_bucket_public_access_block", "journal")
    names = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    assert all(public[name] is True for name in names)
    assert code.resource("aws_s3_bucket", "journal")["lifecycle"] == [{"prevent_destroy": True}]
    assert APPLICATION["JournalBucket"]["DeletionPolicy"] == "Retain"


def test_only_jobs_of_the_environment_take_the_role(code: Code) -> None:
    (stack,) = _properties(APPLICATION, "CiRole")["AssumeRolePolicyDocument"]["Statement"]
    (terraform,) = code.statements("ci")
    assert terraform["actions"] == [stack["Action"]]
    found = {one["variable"]: one["values"][0] for one in terraform["condition"]}
    wanted = stack["Condition"]["StringEquals"]
    sub = "token.actions.githubusercontent.com:sub"
    assert found.pop(sub) == wanted.pop(sub)["Fn::Sub"].replace("GitHubRepository", "var.github_repository")
    assert found == wanted
    assert all(one["test"] == "StringEquals" for one in terraform["condition"])
    assert code.resource("aws_iam_role", "ci")["max_session_duration"] == 7200


def test_target_group_and_load_balancer_have_the_same_settings(code: Code) -> None:
    stack, terraform = _properties(APPLICATION, "TargetGroup"), code.resource("aws_lb_target_group")
    (check,) = terraform["health_check"]
    assert check == {
        "protocol": stack["HealthCheckProtocol"],
        "path": stack["HealthCheckPath"],
        "interval": stack["HealthCheckIntervalSeconds"],
        "timeout": stack["HealthCheckTimeoutSeconds"],
        "healthy_threshold": stack["HealthyThresholdCount"],
        "unhealthy_threshold": stack["UnhealthyThresholdCount"],
        "matcher": stack["Matcher"]["HttpCode"],
    }
    attributes = {one["Key"]: one["Value"] for one in stack["TargetGroupAttributes"]}
    assert attributes == {"deregistration_delay.timeout_seconds": str(terraform["deregistration_delay"])}
    same = {"Port": "port", "Protocol": "protocol", "TargetType": "target_type"}
    assert {name: stack[name] for name in same} == {name: terraform[ours] for name, ours in same.items()}
    balancer = code.resource("aws_lb")
    attributes = {
        one["Key"]: one["Value"] for one in _properties(APPLICATION, "LoadBalancer")["LoadBalancerAttributes"]
    }
    assert attributes == {
        "idle_timeout.timeout_seconds": str(balancer["idle_timeout"]),
        "routing.http.drop_invalid_header_fields.enabled": str(balancer["drop_invalid_header_fields"]).lower(),
    }
    assert code.resource("aws_lb_listener", "http")["port"] == _properties(APPLICATION, "Listener")["Port"]


def test_servers_start_from_the_same_template(code: Code) -> None:
    stack = _properties(APPLICATION, "ServerTemplate")["LaunchTemplateData"]
    terraform = code.resource("aws_launch_template", "server")
    assert (TERRAFORM / "server.sh").read_text() == stack["UserData"]["Fn::Base64"]
    (options,) = terraform["metadata_options"]
    assert options == {"http_tokens": "required", "http_endpoint": "enabled"}
    assert options["http_tokens"] == stack["MetadataOptions"]["HttpTokens"]
    (device,) = stack["BlockDeviceMappings"]
    (ours,) = terraform["block_device_mappings"]
    assert (ours["device_name"], ours["ebs"]) == (device["DeviceName"], [{"encrypted": True, "volume_type": "gp3"}])
    assert device["Ebs"] == {"Encrypted": True, "VolumeType": "gp3"}


def test_database_has_the_same_settings(code: Code) -> None:
    stack, terraform = _properties(APPLICATION, "DatabaseServer"), code.resource("aws_db_instance", "database")
    same = {
        "Engine": "engine",
        "DBInstanceClass": "instance_class",
        "AllocatedStorage": "allocated_storage",
        "StorageEncrypted": "storage_encrypted",
        "DBName": "db_name",
        "PubliclyAccessible": "publicly_accessible",
        "BackupRetentionPeriod": "backup_retention_period",
    }
    assert {name: str(stack[name]) for name in same} == {name: str(terraform[ours]) for name, ours in same.items()}
    assert terraform["skip_final_snapshot"] is False


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("load_balancer", "LoadBalancerSecurityGroup"),
        ("server", "ServerSecurityGroup"),
        ("database", "DatabaseSecurityGroup"),
    ],
)
def test_security_groups_let_the_same_in(code: Code, name: str, group: str) -> None:
    stack = _properties(NETWORK, group)
    (rule,), (ours,) = stack["SecurityGroupIngress"], code.resource("aws_security_group", name)["ingress"]
    assert (ours["from_port"], ours["to_port"], ours["protocol"]) == (rule["FromPort"], rule["ToPort"], "tcp")
    assert code.resource("aws_security_group", name)["description"] == stack["GroupDescription"]
    assert ours["description"] == rule["Description"]
    sources = {"LoadBalancerSecurityGroup": "load_balancer", "ServerSecurityGroup": "server"}
    if name == "load_balancer":
        assert (rule["CidrIp"], ours["cidr_blocks"]) == ({"Ref": "AllowedCidr"}, ["${var.allowed_cidr}"])
    else:
        source = sources[rule["SourceSecurityGroupId"]["Ref"]]
        assert ours["security_groups"] == [f"${{aws_security_group.{source}.id}}"]


def test_subnets_are_those_of_the_stack(code: Code) -> None:
    for kind, first in (("public", 0), ("private", 2)):
        ours = code.resource("aws_subnet", kind)
        assert ours["count"] == 2
        assert ours.get("map_public_ip_on_launch", False) is (kind == "public")
        for number in range(2):
            stack = _properties(NETWORK, f"{kind.title()}Subnet{number + 1}")
            assert stack["CidrBlock"]["Fn::Select"][0] == first + number
            assert stack.get("MapPublicIpOnLaunch", False) is (kind == "public")
