"""Checks of the CloudFormation templates under `examples/aws`, without AWS."""

from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.nodes import Node, ScalarNode, SequenceNode
from tests.project.structure import ROOT

from katakei.config import Overrides, load
from katakei.planning.iam import Bucket, PolicyRole, Where, policy

EXAMPLES = ROOT / "examples" / "aws"
WHERE = Where("123456789012", "ap-northeast-1")


class _Constructor(SafeConstructor):
    """Values of YAML with CloudFormation's short functions: `!Ref Name` is {"!Ref": "Name"}."""


def _function(constructor: SafeConstructor, word: str, node: Node) -> dict[str, Any]:
    name = f"!{word}"
    if isinstance(node, ScalarNode):
        return {name: constructor.construct_scalar(node)}
    if isinstance(node, SequenceNode):
        return {name: constructor.construct_sequence(node, deep=True)}
    return {name: constructor.construct_mapping(node, deep=True)}


_Constructor.add_multi_constructor("!", _function)


def _template(name: str) -> dict[str, Any]:
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    found = yaml.load((EXAMPLES / name).read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def _values(part: Any, name: str) -> Iterator[Any]:
    """Every value of this key, at any depth."""
    if isinstance(part, dict):
        if name in part:
            yield part[name]
        for value in part.values():
            yield from _values(value, name)
    elif isinstance(part, list):
        for value in part:
            yield from _values(value, name)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def test_rights_are_those_of_the_configuration() -> None:
    allowed = _template("application.yml")["Resources"]["RolloutPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    needed = policy(PolicyRole.CI, load(EXAMPLES / "katakei.yml", Overrides()), WHERE, Bucket("journal", "katakei/"))
    actions = {action for statement in allowed for action in _listed(statement["Action"])}
    assert actions == {action for statement in needed for action in statement.actions}
    assert all(statement["Effect"] == "Allow" for statement in allowed)


def test_only_reading_is_allowed_on_every_resource() -> None:
    policy = _template("application.yml")["Resources"]["RolloutPolicy"]["Properties"]["PolicyDocument"]
    anywhere = [_listed(each["Action"]) for each in policy["Statement"] if each["Resource"] == "*"]
    verbs = {action.partition(":")[2] for actions in anywhere for action in actions}
    assert [verb for verb in verbs if not verb.startswith(("Describe", "List", "Get"))] == []


def test_application_imports_only_what_the_network_exports() -> None:
    network, application = _template("network.yml"), _template("application.yml")
    imported = {value["!Sub"].partition("-")[2] for value in _values(application["Resources"], "Fn::ImportValue")}
    exported = {export["Name"]["!Sub"].partition("-")[2] for export in _values(network["Outputs"], "Export")}
    assert exported == imported | {"PublicSubnet1", "PublicSubnet2"}


@pytest.mark.parametrize("name", ["network.yml", "application.yml"])
def test_references_name_something_of_the_template(name: str) -> None:
    template = _template(name)
    known = {*template["Resources"], *template.get("Parameters", {})}
    named = {value for value in _values(template, "!Ref") if not value.startswith("AWS::")}
    assert named
    assert named - known == set()


def test_configuration_is_valid_and_names_the_group_of_the_template() -> None:
    settings = load(EXAMPLES / "katakei.yml", Overrides())
    group = _template("application.yml")["Parameters"]["TargetGroupName"]["Default"]
    assert group in (EXAMPLES / "katakei.yml").read_text(encoding="utf-8")
    assert settings.service == "example"


def test_target_group_is_as_documented() -> None:
    group = _template("application.yml")["Resources"]["TargetGroup"]["Properties"]
    attributes = {each["Key"]: each["Value"] for each in group["TargetGroupAttributes"]}
    assert attributes["deregistration_delay.timeout_seconds"] == "300"
    seconds = ("HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds")
    counts = ("HealthyThresholdCount", "UnhealthyThresholdCount")
    assert [group[name] for name in (*seconds, *counts)] == [10, 5, 2, 2]
    assert group["Matcher"] == {"HttpCode": "200"}
