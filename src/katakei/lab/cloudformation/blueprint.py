"""The evaluation of a template for one stack: its conditions, properties and outputs, and the checks before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katakei.lab.cloudformation import functions, parameters
from katakei.lab.cloudformation.errors import CloudFormationError, DeploymentError, invalid
from katakei.lab.cloudformation.functions import NotMadeError, Scope, evaluate, references
from katakei.lab.cloudformation.kinds import KINDS
from katakei.lab.cloudformation.stack import Desired, Output, Stack
from katakei.lab.cloudformation.template import texts

if TYPE_CHECKING:
    from katakei.lab.cloudformation.calls import ServiceCalls
    from katakei.lab.cloudformation.kinds.kind import Kind
    from katakei.lab.cloudformation.template import Resource, Template

DYNAMIC = re.compile(r"\{\{resolve:([^{}]*)\}\}")
SECRET = re.compile(
    r"(?P<id>arn:[\w-]+:secretsmanager:[\w-]*:\d*:secret:[^:]+|[^:]+)"
    r"(:SecretString(:(?P<key>[^:]*))?)?"
)
OUTPUT_KEYS = frozenset({"Value", "Description", "Export", "Condition"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a template may use of its region.

    Attributes:
        calls: the services.
        imported: returns the value of an export, for a stack; raises CloudFormationError.
    """

    calls: ServiceCalls
    imported: Callable[[str], str]

    def zones(self, region: str) -> list[str]:
        """Returns the zones of a region, in order."""
        if region != self.calls.region:
            raise invalid(f"Template error: the lab takes Fn::GetAZs only for {self.calls.region}")
        found = self.calls.call("ec2", "DescribeAvailabilityZones")["AvailabilityZones"]
        return sorted(zone["ZoneName"] for zone in found)

    def parameter(self, name: str) -> str:
        """Returns the value of a parameter of Systems Manager."""
        found = self.calls.find("ssm", "GetParameter", {"Name": name, "WithDecryption": True})
        if found is None:
            raise invalid(f"Unable to fetch parameters [{name}] from parameter store for this account.")
        return str(found["Parameter"]["Value"])

    def resolved(self, value: Any) -> Any:
        """Returns a value with its dynamic references resolved.

        Raises:
            DeploymentError: a reference names nothing, or the lab does not know its service.
        """
        if isinstance(value, str):
            return DYNAMIC.sub(lambda found: self._dynamic(found[1]), value)
        if isinstance(value, Mapping):
            return {key: self.resolved(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.resolved(each) for each in value]
        return value

    def _dynamic(self, reference: str) -> str:
        service, _, rest = reference.partition(":")
        if service == "ssm":
            name = re.sub(r":\d+$", "", rest)
            return str(self.calls.call("ssm", "GetParameter", {"Name": name})["Parameter"]["Value"])
        found = SECRET.fullmatch(rest) if service == "secretsmanager" else None
        if found is None:
            raise DeploymentError(f"the lab does not know the dynamic reference {{{{resolve:{reference}}}}}")
        text = str(self.calls.call("secretsmanager", "GetSecretValue", {"SecretId": found["id"]})["SecretString"])
        if not found["key"]:
            return text
        match = re.search(rf'"{re.escape(found["key"])}"\s*:\s*"((?:[^"\\]|\\.)*)"', text)
        if match is None:
            raise DeploymentError(f"Could not find a value associated with JSONKey in SecretString: {found['key']}")
        return match[1]


class Blueprint:
    """One template with its values, for one stack.

    Args:
        desired: the template with its values.
        stack: the stack, whose resources are used.
        surroundings: what the region offers.

    Attributes:
        imports: names of the exports that were used so far.
    """

    def __init__(self, desired: Desired, stack: Stack, surroundings: Surroundings) -> None:
        self.desired = desired
        self._stack = stack
        self._surroundings = surroundings
        self.imports: set[str] = set()
        section = desired.template.section("Conditions")
        self._conditions = functions.conditions(section, lambda known: self._scope(known, _no_resource))
        parameters.check_rules(desired.template, self._scope(self._conditions, _no_resource))

    @property
    def resources(self) -> list[Resource]:
        """The resources whose conditions hold, in order of dependency."""
        return [one for one in self.desired.template.resources.values() if self._holds(one.condition)]

    def properties(self, resource: Resource) -> dict[str, Any]:
        """Evaluate the properties of a resource.

        Raises:
            CloudFormationError: they cannot be evaluated.
            NotMadeError: they need a resource that does not exist yet.
        """
        found: dict[str, Any] = evaluate(resource.properties, self._scope(self._conditions))
        return found

    def outputs(self) -> tuple[Output, ...]:
        """Evaluate the outputs whose conditions hold."""
        scope = self._scope(self._conditions)
        found = []
        for key, given in self.desired.template.section("Outputs").items():
            if not self._holds(given.get("Condition")):
                continue
            export = evaluate(given["Export"]["Name"], scope) if "Export" in given else None
            found.append(Output(key, str(evaluate(given["Value"], scope)), given.get("Description"), export))
        return tuple(found)

    def check(self) -> None:
        """Check everything that can be checked before a call is made.

        Raises:
            CloudFormationError: the lab does not know a part of the template, or a right is missing.
        """
        faults = [fault for one in self.desired.template.resources.values() for fault in _faults(one)]
        faults += [
            fault for key, given in self.desired.template.section("Outputs").items() for fault in _bad(key, given)
        ]
        faults += self._unknown_attributes()
        if faults:
            raise invalid(f"Template error: {'; '.join(faults)}.")
        active = {one.name for one in self.resources}
        scope = self._scope(self._conditions, lambda name, _: _not_made(name, active))
        outputs = self.desired.template.section("Outputs").values()
        shown = [given["Value"] for given in outputs if self._holds(given.get("Condition"))]
        for value in (*(one.properties for one in self.resources), *shown):
            functions.probe(value, scope)
        self._check_capabilities()

    def _unknown_attributes(self) -> list[str]:
        template = self.desired.template
        sections = (template.section("Resources"), template.section("Outputs"))
        named = {found for section in sections for found in references(section) if found[1] is not None}
        kinds = {name: KINDS[one.type] for name, one in template.resources.items() if one.type in KINDS}
        return [
            f"the lab does not know the attribute {attribute} of {kinds[name].type} ({name})"
            for name, attribute in sorted(named, key=str)
            if name in kinds and attribute not in kinds[name].attributes
        ]

    def _check_capabilities(self) -> None:
        granting = [one for one in self.resources if KINDS[one.type].grants_rights]
        named = any(KINDS[one.type].name in one.properties for one in granting)
        given = set(self.desired.capabilities)
        needed = "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"
        if granting and not given & {needed, "CAPABILITY_NAMED_IAM"}:
            raise CloudFormationError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")

    def _holds(self, condition: str | None) -> bool:
        return condition is None or self._conditions[condition]

    def _scope(self, conditions: Mapping[str, bool], resource: Callable[[str, str | None], Any] | None = None) -> Scope:
        calls = self._surroundings.calls
        pseudo = {
            "AWS::AccountId": calls.account,
            "AWS::NotificationARNs": [],
            "AWS::Partition": "aws",
            "AWS::Region": calls.region,
            "AWS::StackId": self._stack.id,
            "AWS::StackName": self._stack.name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        return Scope(
            pseudo | {name: one.value for name, one in self.desired.parameters.items()},
            self.desired.template.section("Mappings"),
            resource or self._stack.value,
            self._imported,
            self._surroundings.zones,
            conditions,
        )

    def _imported(self, name: str) -> str:
        self.imports.add(name)
        return self._surroundings.imported(name)


def _not_made(name: str, active: set[str]) -> str:
    if name not in active:
        text = f"Unresolved resource dependencies [{name}]: its condition does not hold"
        raise invalid(f"Template format error: {text}")
    raise NotMadeError(name)


def _no_resource(name: str, _attribute: str | None) -> str:
    raise invalid(f"Template error: conditions and rules cannot use the resource {name}")


def _faults(resource: Resource) -> list[str]:
    """Returns everything of one resource that the lab does not know, or misses."""
    kind: Kind | None = KINDS.get(resource.type)
    if kind is None:
        return [f"the lab does not know the resource type {resource.type} ({resource.name})"]
    where = f"of {resource.type} ({resource.name})"
    unknown = sorted(set(resource.properties) - kind.changed - kind.replaced)
    found = [f"the lab does not know the property {name} {where}" for name in unknown]
    found += [f"the property {name} {where} is required" for name in sorted(kind.required - set(resource.properties))]
    if "Snapshot" in {resource.deletion_policy, resource.replace_policy} and not kind.snapshots:
        found.append(f"the policy Snapshot {where} is not possible")
    for text in texts(resource.properties):
        for reference in DYNAMIC.findall(text):
            if reference.partition(":")[0] not in {"ssm", "secretsmanager"}:
                found.append(f"the lab does not know {{{{resolve:{reference}}}}} {where}")
    return found


def _bad(key: str, given: Mapping[str, Any]) -> list[str]:
    unknown = sorted(set(given) - OUTPUT_KEYS)
    found = [f"the lab does not know {name} of the output {key}" for name in unknown]
    return found if "Value" in given else [*found, f"the output {key} has no Value"]


def desired_of(
    template: Template,
    given: Mapping[str, str],
    tags: Mapping[str, str],
    capabilities: tuple[str, ...],
    surroundings: Surroundings,
) -> Desired:
    """Returns a template with the values of its parameters.

    Raises:
        CloudFormationError: a value is missing, unknown, or against a constraint.
    """
    return Desired(template, parameters.read(template, given, surroundings.parameter), tags, capabilities)
