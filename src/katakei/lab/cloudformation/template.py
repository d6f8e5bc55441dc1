"""CloudFormation templates: read from YAML or JSON, and put in order of dependency."""

from __future__ import annotations

import graphlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import Node, ScalarNode, SequenceNode

from katakei.lab.cloudformation.errors import invalid
from katakei.lab.cloudformation.functions import PSEUDO_PARAMETERS, references

SECTIONS = frozenset(
    {
        *("AWSTemplateFormatVersion", "Description", "Metadata"),
        *("Parameters", "Rules", "Mappings", "Conditions", "Resources", "Outputs"),
    }
)
RESOURCE_ATTRIBUTES = frozenset(
    {"Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata"}
)
POLICIES = frozenset({"Delete", "Retain", "Snapshot"})


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a template, with functions that are not evaluated yet."""

    name: str
    type: str
    properties: Mapping[str, Any]
    condition: str | None = None
    depends_on: tuple[str, ...] = ()
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"


@dataclass(frozen=True)
class Template:
    """A template. `body` is its text as it came; functions are in their long form (`{"Ref": "Vpc"}`)."""

    body: str
    sections: Mapping[str, Any]

    @property
    def description(self) -> str | None:
        """The description, or None."""
        found = self.sections.get("Description")
        return None if found is None else str(found)

    def section(self, name: str) -> Mapping[str, Any]:
        """Returns a section; empty if the template does not have it."""
        found: Mapping[str, Any] = self.sections.get(name) or {}
        return found

    @cached_property
    def resources(self) -> Mapping[str, Resource]:
        """The resources by logical id, in order of dependency."""
        read = {name: _resource(name, given) for name, given in self.section("Resources").items()}
        depends = {name: self._dependencies(one, read) for name, one in read.items()}
        try:
            order = tuple(graphlib.TopologicalSorter(depends).static_order())
        except graphlib.CycleError as error:
            raise invalid(f"Circular dependency between resources: [{', '.join(sorted(set(error.args[1])))}]") from None
        return {name: read[name] for name in order}

    def _dependencies(self, resource: Resource, known: Mapping[str, Resource]) -> list[str]:
        named = {name for name, _ in references(resource.properties)} | set(resource.depends_on)
        if unknown := sorted(set(resource.depends_on) - set(known)):
            raise invalid(f"Template format error: Unresolved resource dependencies [{', '.join(unknown)}]")
        return [name for name in known if name in named]  # a fixed order, so that every run is the same

    def check_references(self) -> None:
        """Check that everything named exists.

        Raises:
            CloudFormationError: a name is not a parameter, resource or condition.
        """
        if both := sorted(self.section("Parameters").keys() & self.section("Resources").keys()):
            raise invalid(f"Template format error: {', '.join(both)} is a parameter and a resource")
        known = {*self.section("Parameters"), *self.section("Resources"), *PSEUDO_PARAMETERS}
        for section in ("Resources", "Outputs"):
            if unknown := sorted({name for name, _ in references(self.section(section))} - known):
                text = f"Unresolved resource dependencies [{', '.join(unknown)}] in the {section} block of the template"
                raise invalid(f"Template format error: {text}")
        for name, given in {**self.section("Resources"), **self.section("Outputs")}.items():
            condition = given.get("Condition")
            if condition is not None and condition not in self.section("Conditions"):
                raise invalid(f"Template format error: {name} names the condition {condition}, which does not exist")


def read(body: str) -> Template:
    """Read a template.

    Raises:
        CloudFormationError: it is neither YAML nor JSON, or it has parts that the lab does not know.
    """
    try:
        sections = json.loads(body) if body.lstrip().startswith("{") else _yaml(body)
    except (ValueError, YAMLError) as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise invalid(f"Template format error: the template is neither JSON nor YAML: {line}") from None
    if not isinstance(sections, dict):
        raise invalid("Template format error: unsupported structure.")
    if unknown := sorted(set(map(str, sections)) - SECTIONS):
        raise invalid(f"Template format error: the lab does not know the section {', '.join(unknown)}")
    for name in SECTIONS - {"AWSTemplateFormatVersion", "Description"}:
        if not isinstance(sections.get(name, {}), dict):
            raise invalid(f"Template format error: [/{name}] must be an object")
    if not sections.get("Resources"):
        raise invalid("Template format error: At least one Resources member must be defined.")
    template = Template(body, sections)
    template.check_references()
    return template


def _resource(name: str, given: object) -> Resource:
    if not isinstance(given, dict) or not isinstance(given.get("Type"), str):
        raise invalid(f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member.")
    if unknown := sorted(set(given) - RESOURCE_ATTRIBUTES):
        raise invalid(f"Template format error: the lab does not know {', '.join(unknown)} of the resource {name}")
    properties = given.get("Properties") or {}
    if not isinstance(properties, dict) or any(str(key).startswith("Fn::") for key in properties):
        raise invalid(f"Template format error: the lab takes the Properties of {name} only as an object")
    depends = given.get("DependsOn", [])
    policies = {key: str(given.get(key, "Delete")) for key in ("DeletionPolicy", "UpdateReplacePolicy")}
    for key, policy in policies.items():
        if policy not in POLICIES:
            raise invalid(f"Template format error: the lab does not know the {key} {policy} of the resource {name}")
    return Resource(
        name,
        given["Type"],
        properties,
        given.get("Condition"),
        tuple([depends] if isinstance(depends, str) else depends),
        policies["DeletionPolicy"],
        policies["UpdateReplacePolicy"],
    )


class _Constructor(SafeConstructor):
    """Values of YAML with CloudFormation's short functions in their long form."""


def _function(constructor: SafeConstructor, word: str, node: Node) -> dict[str, Any]:
    name = word if word in {"Ref", "Condition"} else f"Fn::{word}"
    if isinstance(node, ScalarNode):
        text = constructor.construct_scalar(node)
        return {name: text.split(".", 1) if word == "GetAtt" else text}
    if isinstance(node, SequenceNode):
        return {name: constructor.construct_sequence(node, deep=True)}
    return {name: constructor.construct_mapping(node, deep=True)}


_Constructor.add_multi_constructor("!", _function)


def _yaml(body: str) -> object:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)  # CloudFormation reads YAML 1.1: `yes` is a boolean
    yaml.Constructor = _Constructor
    return yaml.load(body)


def texts(value: object) -> Iterator[str]:
    """Yields every text in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts(each)
