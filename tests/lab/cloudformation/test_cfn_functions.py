"""CloudFormation's functions, conditions and parameters, without a lab."""

from collections.abc import Mapping
from typing import Any

import pytest

from katakei.lab.cloudformation import functions, parameters, template
from katakei.lab.cloudformation.errors import CloudFormationError
from katakei.lab.cloudformation.functions import Scope

RESOURCES = {("Vpc", None): "vpc-1", ("Vpc", "CidrBlock"): "10.0.0.0/16"}
EXPORTS = {"net-Vpc": "vpc-1"}


def scope(parameters: Mapping[str, Any] | None = None, conditions: Mapping[str, bool] | None = None) -> Scope:
    return Scope(
        {"AWS::Region": "ap-northeast-1", "Name": "shop", "Net": "net", **(parameters or {})},
        {"Sizes": {"small": {"disk": 8}}},
        lambda name, attribute: RESOURCES[name, attribute],
        lambda name: EXPORTS[name],
        lambda region: [f"{region}{letter}" for letter in "acd"],
        conditions or {"Holds": True, "Fails": False},
    )


def value_of(text: str) -> Any:
    """Evaluates a property that is written in YAML."""
    declared = "Parameters: {Name: {Type: String}, Net: {Type: String}}"
    body = f"{declared}\nResources: {{Vpc: {{Type: A}}, R: {{Type: B, Properties: {{P: {text}}}}}}}"
    return functions.evaluate(template.read(body).resources["R"].properties, scope()).get("P", "left out")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!Ref Name", "shop"),
        ("!Ref Vpc", "vpc-1"),
        ("!GetAtt Vpc.CidrBlock", "10.0.0.0/16"),
        ("{'Fn::GetAtt': [Vpc, CidrBlock]}", "10.0.0.0/16"),
        ("!Sub '${Name}-${Vpc}-${Vpc.CidrBlock}-${!Name}'", "shop-vpc-1-10.0.0.0/16-${Name}"),
        ("!Sub ['${A}-${Name}', {A: !Ref Vpc}]", "vpc-1-shop"),
        ("!Select [1, !Cidr [!GetAtt Vpc.CidrBlock, 4, 8]]", "10.0.1.0/24"),
        ("!Cidr ['fd00::/56', 2, 64]", ["fd00::/64", "fd00:0:0:1::/64"]),
        ("!GetAZs ''", ["ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d"]),
        ("!Join ['-', [a, !Ref Name]]", "a-shop"),
        ("!Split ['-', a-b]", ["a", "b"]),
        ("!FindInMap [Sizes, small, disk]", 8),
        ("!ImportValue {'Fn::Sub': '${Net}-Vpc'}", "vpc-1"),
        ("!Base64 hello", "aGVsbG8="),
        ("!If [Holds, 1, 2]", 1),
        ("!If [Fails, 1, !Ref AWS::NoValue]", "left out"),
        ("[a, !Ref AWS::NoValue]", ["a"]),
    ],
)
def test_function_has_the_value_of_aws(text: str, expected: object) -> None:
    assert value_of(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!Transform {Name: x}", "the lab does not know Fn::Transform"),
        ("!Select [9, [a]]", "cannot select nonexistent value at index 9"),
        ("!Cidr ['10.0.0.0/24', 2, 8]", "cannot make 2 networks of 8 bits from 10.0.0.0/24"),
        ("!Cidr ['10.0.0.0/24', 0, 4]", "cannot make 0 networks"),
        ("!FindInMap [Sizes, large, disk]", "Unable to get mapping for Sizes::large::disk"),
        ("!If [Other, 1, 2]", "unresolved condition Other"),
        ("!GetAtt Vpc", "requires two non-empty parameters"),
    ],
)
def test_function_that_cannot_be_evaluated_is_refused(text: str, message: str) -> None:
    with pytest.raises(CloudFormationError, match=message.replace("(", r"\(")):
        value_of(text)


def test_conditions_may_name_each_other_in_any_order() -> None:
    section = {
        "Both": {"Fn::And": [{"Condition": "IsShop"}, {"Fn::Not": [{"Condition": "IsOther"}]}]},
        "Either": {"Fn::Or": [{"Condition": "IsOther"}, {"Fn::Contains": [["a", "shop"], {"Ref": "Name"}]}]},
        "IsShop": {"Fn::Equals": [{"Ref": "Name"}, "shop"]},
        "IsOther": {"Fn::Equals": [{"Ref": "Name"}, "other"]},
    }
    found = functions.conditions(section, lambda known: scope(conditions=known))
    assert found == {"Both": True, "Either": True, "IsShop": True, "IsOther": False}
    with pytest.raises(CloudFormationError, match="depend on each other"):
        functions.conditions({"A": {"Condition": "B"}, "B": {"Condition": "A"}}, lambda known: scope(conditions=known))


def read(declared: str, **given: str) -> dict[str, parameters.Parameter]:
    found = template.read(f"Parameters: {{P: {declared}}}\nResources: {{R: {{Type: A}}}}")
    return parameters.read(found, given, {"/image": "ami-1"}.__getitem__)


def test_parameters_have_values_of_their_types() -> None:
    assert read("{Type: String, Default: a}")["P"].value == "a"
    assert read("{Type: CommaDelimitedList}", P="a, b")["P"].value == ["a", "b"]
    image = read("{Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', Default: /image}")["P"]
    assert (image.value, image.shown()["ResolvedValue"]) == ("ami-1", "ami-1")
    assert read("{Type: String, NoEcho: true}", P="secret")["P"].shown()["ParameterValue"] == "****"


@pytest.mark.parametrize(
    ("declared", "given", "message"),
    [
        ("{Type: String}", {}, r"Parameters: \[P\] must have values"),
        ("{Type: String, Default: a}", {"Q": "b"}, r"Parameters: \[Q\] do not exist in the template"),
        ("{Type: Number}", {"P": "many"}, "must be a number"),
        ("{Type: Number, MinValue: 3}", {"P": "2"}, "must satisfy MinValue 3"),
        ("{Type: String, MaxLength: 3}", {"P": "long"}, "must satisfy MaxLength 3"),
        ("{Type: String, AllowedValues: ['yes', 'no']}", {"P": "maybe"}, r"must be one of AllowedValues: \[yes, no\]"),
        ("{Type: String, AllowedPattern: '[a-z]+', ConstraintDescription: small}", {"P": "A"}, "constraint: small"),
        ("{Type: 'AWS::EC2::VPC::Id'}", {"P": "vpc-1"}, "does not know the type AWS::EC2::VPC::Id"),
    ],
)
def test_parameter_against_its_constraints_is_refused(declared: str, given: dict[str, str], message: str) -> None:
    with pytest.raises(CloudFormationError, match=message):
        read(declared, **given)


def test_rule_refuses_with_its_description() -> None:
    body = """
    Parameters: {Name: {Type: String}}
    Rules:
      R: {Assertions: [{Assert: !Not [!Equals [!Ref Name, shop]], AssertDescription: another name}]}
    Resources: {R: {Type: A}}
    """
    with pytest.raises(CloudFormationError, match="another name"):
        parameters.check_rules(template.read(body), scope())


def test_resources_come_after_what_they_use() -> None:
    body = """
    Resources:
      A: {Type: T, Properties: {P: !Sub "${B.Arn}"}}
      B: {Type: T, DependsOn: C}
      C: {Type: T, Properties: {P: [!GetAtt D.Arn]}}
      D: {Type: T}
    """
    assert list(template.read(body).resources) == ["D", "C", "B", "A"]
