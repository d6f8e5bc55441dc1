"""CloudFormation's functions: references of a template, conditions, and values."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from katakei.lab.cloudformation.errors import invalid

PSEUDO_PARAMETERS = frozenset(
    {
        *("AWS::AccountId", "AWS::NotificationARNs", "AWS::NoValue", "AWS::Partition"),
        *("AWS::Region", "AWS::StackId", "AWS::StackName", "AWS::URLSuffix"),
    }
)
VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")
NO_VALUE = object()
"""The value of AWS::NoValue: the property or item is left out."""


class NotMadeError(Exception):
    """A value of a resource that does not exist yet."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean while a template is evaluated.

    Attributes:
        parameters: values of parameters and pseudo parameters.
        mappings: the section Mappings.
        conditions: values of the conditions that are known so far.
        resource: returns Ref (attribute None) or an attribute of a resource; raises NotMadeError.
        imported: returns the value of an export; raises CloudFormationError.
        zones: returns the zones of a region.
    """

    parameters: Mapping[str, Any]
    mappings: Mapping[str, Any]
    resource: Callable[[str, str | None], Any]
    imported: Callable[[str], str]
    zones: Callable[[str], list[str]]
    conditions: Mapping[str, bool] = field(default_factory=dict)


def references(value: object) -> Iterator[tuple[str, str | None]]:
    """Yields every name that a value refers to, with the attribute for GetAtt."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from references(each)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Ref":
                yield str(inner), None
            elif key == "Fn::GetAtt":
                yield _attribute(inner)
            elif key == "Fn::Sub":
                yield from _references_of_text(inner)
            else:
                yield from references(inner)


def _references_of_text(given: object) -> Iterator[tuple[str, str | None]]:
    text, own = _substitution(given)
    for literal, name in VARIABLE.findall(text):
        if not literal and name not in own:
            resource, _, attribute = name.partition(".")
            yield resource, attribute or None
    yield from references(own)


def _attribute(given: object) -> tuple[str, str]:
    parts = given.split(".", 1) if isinstance(given, str) else given
    if not isinstance(parts, list) or len(parts) < 2 or not all(isinstance(part, str) for part in parts):
        raise invalid("Template error: every Fn::GetAtt object requires two non-empty parameters")
    return parts[0], ".".join(parts[1:])


def _substitution(given: object) -> tuple[str, Mapping[str, Any]]:
    if isinstance(given, str):
        return given, {}
    if isinstance(given, list) and len(given) == 2 and isinstance(given[0], str) and isinstance(given[1], dict):
        return given[0], given[1]
    raise invalid("Template error: every Fn::Sub object requires a text, and may have an object with values")


def evaluate(value: Any, scope: Scope) -> Any:
    """Evaluate a value of a template.

    Raises:
        CloudFormationError: it cannot be evaluated.
        NotMadeError: it needs a resource that does not exist yet.
    """
    if isinstance(value, list):
        return [found for each in value if (found := evaluate(each, scope)) is not NO_VALUE]
    if not isinstance(value, Mapping):
        return value
    name = next(iter(value), "")
    if len(value) == 1 and (name == "Ref" or str(name).startswith("Fn::")):
        if name not in FUNCTIONS:
            raise invalid(f"Template error: the lab does not know {name}")
        return FUNCTIONS[name](value[name], scope)
    found = {key: evaluate(each, scope) for key, each in value.items()}
    return {key: each for key, each in found.items() if each is not NO_VALUE}


def probe(value: Any, scope: Scope) -> None:
    """Evaluate every part of a value that needs no resource, before resources exist.

    Raises:
        CloudFormationError: a part cannot be evaluated.
    """
    try:
        evaluate(value, scope)
    except NotMadeError:
        if isinstance(value, Mapping) and "Fn::If" in value:
            name, yes, no = value["Fn::If"]
            probe(yes if scope.conditions[name] else no, scope)
        elif isinstance(value, Mapping | list):
            for each in value.values() if isinstance(value, Mapping) else value:
                probe(each, scope)


def condition(value: Any, scope: Scope) -> bool:
    """Evaluate a condition of the sections Conditions or Rules.

    Raises:
        CloudFormationError: it is none that the lab knows.
    """
    if not isinstance(value, Mapping) or len(value) != 1:
        raise invalid("Template error: every condition must be one function")
    ((name, given),) = value.items()
    if name == "Condition":
        if given not in scope.conditions:
            raise invalid(f"Template format error: Unresolved condition dependency {given}")
        return scope.conditions[given]
    if name == "Fn::Equals" and len(given) == 2:
        first, second = (evaluate(each, scope) for each in given)
        return bool(as_text(first) == as_text(second))
    if name == "Fn::Not" and len(given) == 1:
        return not condition(given[0], scope)
    if name in {"Fn::And", "Fn::Or"} and 2 <= len(given) <= 10:
        return {"Fn::And": all, "Fn::Or": any}[name]([condition(each, scope) for each in given])
    if name == "Fn::Contains" and len(given) == 2:
        return evaluate(given[1], scope) in evaluate(given[0], scope)
    raise invalid(f"Template error: the lab does not know the condition {name} with these values")


def conditions(section: Mapping[str, Any], scope: Callable[[Mapping[str, bool]], Scope]) -> dict[str, bool]:
    """Evaluate the section Conditions, in which one condition may name another in any order."""
    found: dict[str, bool] = {}
    left = dict(section)
    while left:
        ready = [name for name, value in left.items() if not _conditions_of(value) & left.keys()]
        if not ready:
            raise invalid(f"Template error: the conditions {', '.join(sorted(left))} depend on each other")
        for name in ready:
            found[name] = condition(left.pop(name), scope(found))
    return found


def _conditions_of(value: object) -> set[str]:
    if isinstance(value, list):
        return {name for each in value for name in _conditions_of(each)}
    if isinstance(value, Mapping):
        own = {str(value["Condition"])} if "Condition" in value else set()
        return own | {name for each in value.values() for name in _conditions_of(each)}
    return set()


def as_text(value: Any) -> str:
    """Returns a scalar value as CloudFormation writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _list(name: str, given: object, *lengths: int) -> list[Any]:
    if not isinstance(given, list) or (lengths and len(given) not in lengths):
        wanted = " or ".join(map(str, lengths))
        raise invalid(f"Template error: {name} takes a list of {wanted} values")
    return given


def _ref(given: Any, scope: Scope) -> Any:
    if given == "AWS::NoValue":
        return NO_VALUE
    return scope.parameters[given] if given in scope.parameters else scope.resource(str(given), None)


def _get_att(given: Any, scope: Scope) -> Any:
    return scope.resource(*_attribute(given))


def _sub(given: Any, scope: Scope) -> str:
    text, own = _substitution(given)
    values = {name: evaluate(value, scope) for name, value in own.items()}

    def replaced(found: re.Match[str]) -> str:
        literal, name = found.groups()
        if literal:
            return f"${{{name}}}"
        if name in values:
            return as_text(values[name])
        resource, _, attribute = name.partition(".")
        return as_text(scope.resource(resource, attribute) if attribute else _ref(name, scope))

    return VARIABLE.sub(replaced, text)


def _join(given: Any, scope: Scope) -> str:
    separator, items = _list("Fn::Join", given, 2)
    return str(separator).join(as_text(each) for each in evaluate(items, scope))


def _split(given: Any, scope: Scope) -> list[str]:
    separator, text = _list("Fn::Split", given, 2)
    return as_text(evaluate(text, scope)).split(separator)


def _select(given: Any, scope: Scope) -> Any:
    number, items = _list("Fn::Select", given, 2)
    index, found = int(evaluate(number, scope)), evaluate(items, scope)
    if not 0 <= index < len(found):
        raise invalid(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return found[index]


def _if(given: Any, scope: Scope) -> Any:
    name, yes, no = _list("Fn::If", given, 3)
    if name not in scope.conditions:
        raise invalid(f"Template error: unresolved condition {name} in Fn::If")
    return evaluate(yes if scope.conditions[name] else no, scope)


def _find_in_map(given: Any, scope: Scope) -> Any:
    name, first, second = (as_text(evaluate(each, scope)) for each in _list("Fn::FindInMap", given, 3))
    try:
        return scope.mappings[name][first][second]
    except KeyError:
        raise invalid(f"Template error: Unable to get mapping for {name}::{first}::{second}") from None


def _import_value(given: Any, scope: Scope) -> str:
    return scope.imported(as_text(evaluate(given, scope)))


def _base64(given: Any, scope: Scope) -> str:
    return base64.b64encode(as_text(evaluate(given, scope)).encode()).decode()


def _get_azs(given: Any, scope: Scope) -> list[str]:
    return scope.zones(as_text(evaluate(given, scope)) or str(scope.parameters["AWS::Region"]))


def _cidr(given: Any, scope: Scope) -> list[str]:
    """Fn::Cidr: networks of 2 ** bits addresses each, from the start of the block."""
    block, count, *rest = (as_text(evaluate(each, scope)) for each in _list("Fn::Cidr", given, 2, 3))
    bits = rest[0] if rest else "8"
    try:
        network = ip_network(block)
        found = network.subnets(new_prefix=network.max_prefixlen - int(bits))
        networks = [str(each) for each in itertools.islice(found, int(count))]
    except ValueError:
        networks = []
    if len(networks) != int(count) or not networks:
        raise invalid(f"Template error: Fn::Cidr cannot make {count} networks of {bits} bits from {block}")
    return networks


FUNCTIONS: Mapping[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::If": _if,
    "Fn::FindInMap": _find_in_map,
    "Fn::ImportValue": _import_value,
    "Fn::Base64": _base64,
    "Fn::GetAZs": _get_azs,
    "Fn::Cidr": _cidr,
}
