"""Change sets: what a new template would change in a stack, found without a call that changes anything."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from katakei.lab import clock
from katakei.lab.cloudformation.functions import NotMadeError, references
from katakei.lab.cloudformation.kinds import KINDS
from katakei.lab.cloudformation.stack import ChangeSet, Stack

if TYPE_CHECKING:
    from katakei.lab.cloudformation.blueprint import Blueprint
    from katakei.lab.cloudformation.template import Resource

NOTHING = "The submitted information didn't contain changes. Submit different information to create a change set."


def prepare(stack: Stack, blueprint: Blueprint, name: str, description: str | None) -> ChangeSet:
    """Prepare a change set. One without changes is FAILED and cannot be executed."""
    found = tuple(_changes(stack, blueprint))
    arn = f"{stack.id.partition(':stack/')[0]}:changeSet/{name}/{clock.unique_uuid()}"
    made = ChangeSet(arn, name, blueprint.desired, found, clock.now(), description)
    if not (found or has_changes(stack, blueprint)):
        return replace(made, status="FAILED", reason=NOTHING, execution="UNAVAILABLE")
    return made


def executed(change_set: ChangeSet) -> ChangeSet:
    """Returns a change set that has been executed."""
    return replace(change_set, execution="EXECUTE_COMPLETE")


def has_changes(stack: Stack, blueprint: Blueprint) -> bool:
    """Whether resources, outputs, tags or policies would change."""
    before = stack.desired
    if before is None or before.tags != blueprint.desired.tags or any(_changes(stack, blueprint)):
        return True
    policies = {one.name: one.deletion_policy for one in blueprint.resources}
    if policies != {name: one.deletion_policy for name, one in stack.resources.items()}:
        return True
    try:
        return blueprint.outputs() != stack.outputs
    except NotMadeError:
        return True


def _changes(stack: Stack, blueprint: Blueprint) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    replaced: set[str] = set()  # resources that will have another id, and those that may
    wanted = blueprint.resources
    for resource in wanted:
        change = _change(stack, resource, blueprint, replaced)
        if change is not None:
            found.append(change)
            if change.get("Replacement") != "False":
                replaced.add(resource.name)
    names = {resource.name for resource in wanted}
    return found + [
        _shown("Remove", one.name, one.type, one.made.id) for one in stack.last_first() if one.name not in names
    ]


def _change(stack: Stack, resource: Resource, blueprint: Blueprint, replaced: set[str]) -> dict[str, Any] | None:
    old = stack.resources.get(resource.name)
    if old is None:
        return _shown("Add", resource.name, resource.type)
    if old.type != resource.type:
        return _shown("Modify", resource.name, resource.type, old.made.id, "True")
    uses = {name for name, _ in references(resource.properties)}
    try:
        new = blueprint.properties(resource)
    except NotMadeError:
        return _shown("Modify", resource.name, resource.type, old.made.id, "Conditional")
    if new != old.properties:
        replacement = KINDS[resource.type].needs_replacement(old.properties, new)
        return _shown("Modify", resource.name, resource.type, old.made.id, str(replacement))
    if uses & replaced:
        return _shown("Modify", resource.name, resource.type, old.made.id, "Conditional")
    return None


def _shown(
    action: str, name: str, kind: str, physical_id: str | None = None, replacement: str | None = None
) -> dict[str, Any]:
    return {
        "Action": action,
        "LogicalResourceId": name,
        "PhysicalResourceId": physical_id,
        "ResourceType": kind,
        "Replacement": replacement,
    }


def summary(stack: Stack, change_set: ChangeSet) -> dict[str, Any]:
    """Returns a change set as ListChangeSets shows it."""
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": change_set.id,
        "ChangeSetName": change_set.name,
        "ExecutionStatus": change_set.execution,
        "Status": change_set.status,
        "StatusReason": change_set.reason,
        "CreationTime": change_set.created,
        "Description": change_set.description,
    }


def shown(stack: Stack, change_set: ChangeSet) -> dict[str, Any]:
    """Returns a change set as DescribeChangeSet shows it."""
    desired = change_set.desired
    return summary(stack, change_set) | {
        "Parameters": [one.shown() for one in desired.parameters.values()],
        "Tags": [{"Key": key, "Value": value} for key, value in desired.tags.items()],
        "Capabilities": list(desired.capabilities),
        "Changes": [{"Type": "Resource", "ResourceChange": change} for change in change_set.changes],
    }
