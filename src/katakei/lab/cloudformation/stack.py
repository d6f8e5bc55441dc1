"""Stacks: what is made, what happened, and how the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from katakei.lab import clock
from katakei.lab.cloudformation.functions import NotMadeError
from katakei.lab.cloudformation.kinds.kind import Made

if TYPE_CHECKING:
    from katakei.lab.cloudformation.parameters import Parameter
    from katakei.lab.cloudformation.template import Template

REVIEW = "REVIEW_IN_PROGRESS"
STACK_TYPE = "AWS::CloudFormation::Stack"
CAN_CHANGE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})


@dataclass(frozen=True, slots=True)
class Desired:
    """What a stack is to become: a template with values and tags."""

    template: Template
    parameters: Mapping[str, Parameter]
    tags: Mapping[str, str]
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deployed:
    """A resource of a stack. `properties` are evaluated, but dynamic references to secrets are not resolved."""

    name: str
    type: str
    made: Made
    properties: Mapping[str, Any]
    deletion_policy: str
    at: datetime
    status: str = "CREATE_COMPLETE"


@dataclass(frozen=True, slots=True)
class Output:
    """One output. `export` is the name under which other stacks import it."""

    key: str
    value: str
    description: str | None = None
    export: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A prepared change of a stack, with the changes as the API shows them."""

    id: str
    name: str
    desired: Desired
    changes: tuple[Mapping[str, Any], ...]
    created: datetime
    description: str | None = None
    status: str = "CREATE_COMPLETE"
    reason: str | None = None
    execution: str = "AVAILABLE"


@dataclass
class Stack:
    """A stack. Only its own deployment changes it while its status is in progress.

    Attributes:
        desired: the template that it was made from; None before its first change set is executed.
        resources: what exists, in order of creation.
        imports: names of the exports that it uses.
    """

    id: str
    name: str
    created: datetime
    status: str
    desired: Desired | None = None
    reason: str | None = None
    description: str | None = None
    updated: datetime | None = None
    deleted: datetime | None = None
    resources: dict[str, Deployed] = field(default_factory=dict)
    outputs: tuple[Output, ...] = ()
    imports: frozenset[str] = frozenset()
    events: list[dict[str, Any]] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)

    @property
    def in_progress(self) -> bool:
        """Whether a deployment is running."""
        return self.status.endswith("_IN_PROGRESS") and self.status != REVIEW

    def last_first(self) -> list[Deployed]:
        """Returns the resources in order of deletion: one that depends on another comes before it."""
        order = list(self.desired.template.resources) if self.desired else []
        ranks = {name: rank for rank, name in enumerate(order)}
        return sorted(self.resources.values(), key=lambda one: -ranks.get(one.name, len(order)))

    def become(self, status: str, reason: str | None = None) -> None:
        """Set the status of the stack itself."""
        self.status, self.reason = status, reason
        self._event(self.name, STACK_TYPE, self.id, status, reason)

    def note(self, name: str, kind: str, physical_id: str, status: str, reason: str | None = None) -> None:
        """Record what happens to a resource."""
        if name in self.resources and not status.startswith("DELETE"):
            self.resources[name] = replace(self.resources[name], status=status, at=clock.now())
        self._event(name, kind, physical_id, status, reason)

    def _event(self, name: str, kind: str, physical_id: str, status: str, reason: str | None) -> None:
        self.events.append(
            {
                "StackId": self.id,
                "EventId": clock.unique_uuid(),
                "StackName": self.name,
                "LogicalResourceId": name,
                "PhysicalResourceId": physical_id,
                "ResourceType": kind,
                "Timestamp": clock.now(),
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
            }
        )

    def value(self, name: str, attribute: str | None) -> str:
        """Returns Ref or an attribute of a resource.

        Raises:
            NotMadeError: it does not exist.
        """
        if name not in self.resources:
            raise NotMadeError(name)
        made = self.resources[name].made
        return made.id if attribute is None else made.attributes.get(attribute, "")

    def shown(self) -> dict[str, Any]:
        """Returns the stack as DescribeStacks shows it."""
        desired = self.desired
        outputs = [
            {"OutputKey": o.key, "OutputValue": o.value, "Description": o.description, "ExportName": o.export}
            for o in self.outputs
        ]
        return {
            "StackId": self.id,
            "StackName": self.name,
            "Description": self.description,
            "Parameters": [one.shown() for one in desired.parameters.values()] if desired else [],
            "CreationTime": self.created,
            "LastUpdatedTime": self.updated,
            "DeletionTime": self.deleted,
            "StackStatus": self.status,
            "StackStatusReason": self.reason,
            "DisableRollback": False,
            "EnableTerminationProtection": False,
            "NotificationARNs": [],
            "Capabilities": list(desired.capabilities) if desired else [],
            "Outputs": outputs,
            "Tags": [{"Key": key, "Value": value} for key, value in desired.tags.items()] if desired else [],
            "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        }

    def summary(self) -> dict[str, Any]:
        """Returns the stack as ListStacks shows it."""
        shown = self.shown()
        names = ("StackId", "StackName", "CreationTime", "LastUpdatedTime", "DeletionTime", "StackStatus")
        return {name: shown[name] for name in names} | {"TemplateDescription": self.description}

    def shown_resource(self, one: Deployed) -> dict[str, Any]:
        """Returns a resource as the API shows it."""
        return {
            "StackName": self.name,
            "StackId": self.id,
            "LogicalResourceId": one.name,
            "PhysicalResourceId": one.made.id,
            "ResourceType": one.type,
            "Timestamp": one.at,
            "LastUpdatedTimestamp": one.at,
            "ResourceStatus": one.status,
            "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
        }
