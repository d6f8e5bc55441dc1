"""Parameters of a template: given values, checked by its constraints and rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from katakei.lab.cloudformation.errors import invalid
from katakei.lab.cloudformation.functions import Scope, as_text, condition
from katakei.lab.cloudformation.template import Template

SSM_VALUE = "AWS::SSM::Parameter::Value<"
LISTS = frozenset({"CommaDelimitedList", "List<Number>", "List<String>"})
TYPES = LISTS | {"String", "Number"}
SSM_TYPES = frozenset({"String", "AWS::EC2::Image::Id"})
KNOWN_KEYS = frozenset(
    {
        *("Type", "Default", "Description", "NoEcho", "ConstraintDescription"),
        *("AllowedValues", "AllowedPattern", "MinLength", "MaxLength", "MinValue", "MaxValue"),
    }
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter with its value.

    Attributes:
        text: the value as it was given, or the default.
        value: what Ref returns: a text or a list.
        resolved: the value that Systems Manager holds, for a parameter that names one there.
    """

    name: str
    text: str
    value: Any
    hidden: bool = False
    resolved: str | None = None

    def shown(self) -> dict[str, Any]:
        """Returns the parameter as DescribeStacks shows it."""
        text = "****" if self.hidden else self.text
        return {"ParameterKey": self.name, "ParameterValue": text, "ResolvedValue": self.resolved}


def read(template: Template, given: Mapping[str, str], ssm: Callable[[str], str]) -> dict[str, Parameter]:
    """Read the values of all parameters of a template.

    Args:
        given: values by name; absent ones take their default.
        ssm: returns the value of a parameter of Systems Manager.

    Raises:
        CloudFormationError: a value is missing, unknown, or against a constraint.
    """
    known = template.section("Parameters")
    if unknown := sorted(set(given) - set(known)):
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    if missing := [name for name, one in known.items() if name not in given and "Default" not in one]:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    return {name: _parameter(name, one, given.get(name), ssm) for name, one in known.items()}


def _parameter(name: str, declared: Mapping[str, Any], given: str | None, ssm: Callable[[str], str]) -> Parameter:
    if unknown := sorted(set(declared) - KNOWN_KEYS):
        raise invalid(f"Template format error: the lab does not know {', '.join(unknown)} of the parameter {name}")
    kind = declared.get("Type", "String")
    text = as_text(declared["Default"] if given is None else given)
    _check(name, declared, text)
    hidden = str(declared.get("NoEcho", "")).lower() == "true"
    if kind.startswith(SSM_VALUE) and kind.removeprefix(SSM_VALUE).removesuffix(">") in SSM_TYPES:
        value = ssm(text)
        return Parameter(name, text, value, hidden, value)
    if kind not in TYPES:
        raise invalid(f"Template format error: the lab does not know the type {kind} of the parameter {name}")
    items = [item.strip() for item in text.split(",")] if kind in LISTS else [text]
    if kind in {"Number", "List<Number>"} and not all(re.fullmatch(r"-?\d+(\.\d+)?", item) for item in items):
        raise invalid(f"Parameter '{name}' must be a number.")
    return Parameter(name, text, items if kind in LISTS else text, hidden)


def _check(name: str, declared: Mapping[str, Any], text: str) -> None:
    allowed = [as_text(each) for each in declared.get("AllowedValues", [])]
    if allowed and text not in allowed:
        raise _broken(name, declared, f"must be one of AllowedValues: [{', '.join(allowed)}]")
    pattern = declared.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, text):
        raise _broken(name, declared, f"must match pattern {pattern}")
    for key, measured, is_least in (
        ("MinLength", len(text), True),
        ("MaxLength", len(text), False),
        ("MinValue", text, True),
        ("MaxValue", text, False),
    ):
        if key in declared:
            found, limit = _number(name, measured), float(declared[key])
            if found < limit if is_least else found > limit:
                raise _broken(name, declared, f"must satisfy {key} {declared[key]}")


def _number(name: str, text: str | int) -> float:
    try:
        return float(text)
    except ValueError:
        raise invalid(f"Parameter '{name}' must be a number.") from None


def _broken(name: str, declared: Mapping[str, Any], must: str) -> Exception:
    described = declared.get("ConstraintDescription")
    return invalid(f"Parameter '{name}' {f'failed to satisfy constraint: {described}' if described else must}")


def check_rules(template: Template, scope: Scope) -> None:
    """Check the section Rules.

    Raises:
        CloudFormationError: an assertion does not hold; the text is its description.
    """
    for name, rule in template.section("Rules").items():
        if unknown := sorted(set(rule) - {"RuleCondition", "Assertions"}):
            raise invalid(f"Template format error: the lab does not know {', '.join(unknown)} of the rule {name}")
        if "RuleCondition" in rule and not condition(rule["RuleCondition"], scope):
            continue
        for assertion in rule.get("Assertions", []):
            if not condition(assertion["Assert"], scope):
                text = assertion.get("AssertDescription", "an assertion does not hold")
                raise invalid(f"Template error: rule {name} is not satisfied: {text}")
