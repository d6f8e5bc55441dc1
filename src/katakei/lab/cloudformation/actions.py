"""The actions of the CloudFormation API, and what each accepts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katakei.lab import clock
from katakei.lab.cloudformation import change_sets, template
from katakei.lab.cloudformation.blueprint import Blueprint, desired_of
from katakei.lab.cloudformation.errors import CloudFormationError, invalid, no_change_set, no_stack
from katakei.lab.cloudformation.stack import CAN_CHANGE, REVIEW, Desired, Stack

if TYPE_CHECKING:
    from threading import Thread

    from katakei.lab.cloudformation.service import CloudFormation, RegionState

    Action = Callable[[CloudFormation, RegionState, "Params"], "Params | Begun"]

Params = dict[str, Any]

NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
SOURCE = frozenset({"StackName", "TemplateBody", "Parameters", "Capabilities", "Tags", "ClientRequestToken"})
NAMED = frozenset({"StackName", "NextToken"})
KNOWN: Mapping[str, frozenset[str]] = {
    "CreateStack": SOURCE,
    "UpdateStack": SOURCE | {"UsePreviousTemplate"},
    "DeleteStack": frozenset({"StackName", "ClientRequestToken"}),
    "CreateChangeSet": SOURCE | {"UsePreviousTemplate", "ChangeSetName", "ChangeSetType", "Description", "ClientToken"},
    "DescribeChangeSet": NAMED | {"ChangeSetName"},
    "ExecuteChangeSet": frozenset({"StackName", "ChangeSetName", "ClientRequestToken"}),
    "DeleteChangeSet": frozenset({"StackName", "ChangeSetName"}),
    "ListChangeSets": NAMED,
    "DescribeStacks": NAMED,
    "ListStacks": frozenset({"StackStatusFilter", "NextToken"}),
    "DescribeStackEvents": NAMED,
    "DescribeStackResource": frozenset({"StackName", "LogicalResourceId"}),
    "DescribeStackResources": frozenset({"StackName", "LogicalResourceId", "PhysicalResourceId"}),
    "ListStackResources": NAMED,
    "GetTemplate": frozenset({"StackName"}),
    "GetTemplateSummary": frozenset({"StackName", "TemplateBody"}),
    "ValidateTemplate": frozenset({"TemplateBody"}),
    "ListExports": frozenset({"NextToken"}),
    "ListImports": frozenset({"ExportName", "NextToken"}),
}


@dataclass(frozen=True, slots=True)
class Begun:
    """The answer of an action that started a deployment, and the thread on which it runs."""

    result: Params
    thread: Thread


def check(action: str, params: Params) -> None:
    """Check that the lab knows every parameter of a call. False and empty values are those of a call without it.

    Raises:
        CloudFormationError: it does not know one.
    """
    given = {name for name, value in params.items() if value not in (None, False, "", [], {})}
    if unknown := sorted(given - KNOWN[action]):
        raise invalid(f"The lab does not know {', '.join(unknown)} of {action}.")


def create_stack(service: CloudFormation, state: RegionState, params: Params) -> Begun:
    """CreateStack."""
    if any(stack.name == params["StackName"] for stack in state.living()):
        raise CloudFormationError("AlreadyExistsException", f"Stack [{params['StackName']}] already exists")
    stack = _new(state, params["StackName"], "CREATE_IN_PROGRESS")
    desired = _blueprint(service, state, stack, params).desired
    state.stacks[stack.id] = stack
    return _create(service, state, stack, desired)


def update_stack(service: CloudFormation, state: RegionState, params: Params) -> Begun:
    """UpdateStack."""
    stack = _changeable(state, params["StackName"])
    blueprint = _blueprint(service, state, stack, params)
    if not change_sets.has_changes(stack, blueprint):
        raise invalid("No updates are to be performed.")
    return _update(service, state, stack, blueprint.desired)


def delete_stack(service: CloudFormation, state: RegionState, params: Params) -> Params | Begun:
    """DeleteStack. An unknown stack is not an error."""
    stack = state.named(params["StackName"])
    if stack is None or stack.status == "DELETE_COMPLETE":
        return {}
    if stack.in_progress:
        raise invalid(f"Stack [{stack.id}] cannot be deleted while in status {stack.status}")
    service.check_deletion(state, stack)
    return Begun({}, service.run(state, stack, "DELETE_IN_PROGRESS", lambda deployment: deployment.delete()))


def create_change_set(service: CloudFormation, state: RegionState, params: Params) -> Params:
    """CreateChangeSet. One without changes becomes FAILED with the text that `aws cloudformation deploy` reads."""
    kind = params.get("ChangeSetType", "UPDATE")
    if kind not in {"CREATE", "UPDATE"}:
        raise invalid(f"The lab does not know the ChangeSetType {kind}.")
    stack = state.named(params["StackName"])
    if kind == "CREATE":
        if stack is not None and stack.status not in {REVIEW, "DELETE_COMPLETE"}:
            raise CloudFormationError("AlreadyExistsException", f"Stack [{stack.name}] already exists")
        if stack is None or stack.status != REVIEW:
            stack = _new(state, params["StackName"], REVIEW)
    else:
        stack = _changeable(state, params["StackName"])
    if any(one.name == params["ChangeSetName"] for one in stack.change_sets.values()):
        raise CloudFormationError("AlreadyExistsException", f"ChangeSet {params['ChangeSetName']} already exists")
    blueprint = _blueprint(service, state, stack, params)
    made = change_sets.prepare(stack, blueprint, params["ChangeSetName"], params.get("Description"))
    if stack.id not in state.stacks:
        state.stacks[stack.id] = stack
        stack.become(REVIEW, "User Initiated")
    stack.change_sets[made.id] = made
    return {"Id": made.id, "StackId": stack.id}


def describe_change_set(_service: CloudFormation, state: RegionState, params: Params) -> Params:
    """DescribeChangeSet."""
    stack, found = _change_set(state, params)
    return change_sets.shown(stack, found)


def execute_change_set(service: CloudFormation, state: RegionState, params: Params) -> Begun:
    """ExecuteChangeSet. The other change sets of the stack are deleted."""
    stack, found = _change_set(state, params)
    if found.execution != "AVAILABLE":
        text = f"ChangeSet [{found.id}] cannot be executed in its current status of [{found.status}]"
        raise CloudFormationError("InvalidChangeSetStatus", text)
    if stack.in_progress:
        raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
    stack.change_sets = {found.id: change_sets.executed(found)}
    begin = _create if stack.status == REVIEW else _update
    return begin(service, state, stack, found.desired)


def delete_change_set(_service: CloudFormation, state: RegionState, params: Params) -> Params:
    """DeleteChangeSet. An unknown one is not an error."""
    try:
        stack, found = _change_set(state, params)
    except CloudFormationError as error:
        if error.code != "ChangeSetNotFound":
            raise
        return {}
    del stack.change_sets[found.id]
    return {}


def list_change_sets(_service: CloudFormation, state: RegionState, params: Params) -> Params:
    """ListChangeSets."""
    stack = state.stack(params["StackName"])
    return {"Summaries": [change_sets.summary(stack, one) for one in stack.change_sets.values()]}


def describe_stacks(_service: CloudFormation, state: RegionState, params: Params) -> Params:
    """DescribeStacks. A deleted stack is found by its id only."""
    if name := params.get("StackName"):
        return {"Stacks": [state.stack(name).shown()]}
    return {"Stacks": [stack.shown() for stack in state.living()]}


def list_stacks(_service: CloudFormation, state: RegionState, params: Params) -> Params:
    """ListStacks, deleted ones included."""
    wanted = params.get("StackStatusFilter") or []
    shown = [stack.summary() for stack in state.stacks.values()]
    return {"StackSummaries": [one for one in shown if not wanted or one["StackStatus"] in wanted]}


def describe_stack_events(_service: CloudFormation, state: RegionState, params: Params) -> Params:
    """DescribeStackEvents, newest first."""
    return {"StackEvents": state.stack(params["StackName"]).events[::-1]}


def describe_stack_resource(_service: CloudFormation, state: RegionState, params: Params) -> Params:
    """DescribeStackResource."""
    stack = state.stack(params["StackName"])
    if params["LogicalResourceId"] not in stack.resources:
        raise invalid(f"Resource {params['LogicalResourceId']} does not exist for stack {stack.name}")
    return {"StackResourceDetail": stack.shown_resource(stack.resources[params["LogicalResourceId"]])}


def describe_stack_resources(_service: CloudFormation, state: RegionState, params: Params) -> Params:
    """DescribeStackResources, of a stack or of the stack that has a physical id."""
    name, physical_id = params.get("StackName"), params.get("PhysicalResourceId")
    found = [state.stack(name)] if name else state.living()
    shown = [stack.shown_resource(one) for stack in found for one in list(stack.resources.values())]
    if physical_id:
        shown = [one for one in shown if one["PhysicalResourceId"] == physical_id]
        if not shown:
            raise invalid(f"Stack for {physical_id} does not exist")
    logical_id = params.get("LogicalResourceId")
    return {"StackResources": [one for one in shown if logical_id in {None, one["LogicalResourceId"]}]}


def list_stack_resources(_service: CloudFormation, state: RegionState, params: Params) -> Params:
    """ListStackResources."""
    stack = state.stack(params["StackName"])
    return {"StackResourceSummaries": [stack.shown_resource(one) for one in list(stack.resources.values())]}


def get_template(_service: CloudFormation, state: RegionState, params: Params) -> Params:
    """GetTemplate."""
    stack = state.stack(params["StackName"])
    return {"TemplateBody": stack.desired.template.body if stack.desired else "", "StagesAvailable": ["Original"]}


def get_template_summary(_service: CloudFormation, state: RegionState, params: Params) -> Params:
    """GetTemplateSummary, of a stack or of a template."""
    stack = state.stack(params["StackName"]) if params.get("StackName") else None
    found = stack.desired.template if stack and stack.desired else template.read(params.get("TemplateBody") or "")
    types = sorted({one.type for one in found.resources.values()})
    return {**_validated(found), "ResourceTypes": types, "Version": "2010-09-09"}


def validate_template(_service: CloudFormation, _state: RegionState, params: Params) -> Params:
    """ValidateTemplate."""
    return _validated(template.read(params.get("TemplateBody") or ""))


def list_exports(_service: CloudFormation, state: RegionState, _params: Params) -> Params:
    """ListExports."""
    found = state.exports().items()
    return {"Exports": [{"ExportingStackId": one.id, "Name": name, "Value": value} for name, (one, value) in found]}


def list_imports(_service: CloudFormation, state: RegionState, params: Params) -> Params:
    """ListImports."""
    found = state.importers(params["ExportName"])
    if not found:
        raise invalid(f"Export '{params['ExportName']}' is not imported by any stack.")
    return {"Imports": found}


def _validated(found: template.Template) -> Params:
    declared = [
        {
            "ParameterKey": name,
            "DefaultValue": one.get("Default"),
            "ParameterType": one.get("Type", "String"),
            "NoEcho": str(one.get("NoEcho", "")).lower() == "true",
            "Description": one.get("Description"),
        }
        for name, one in found.section("Parameters").items()
    ]
    return {"Parameters": declared, "Description": found.description}


def _arn(state: RegionState) -> str:
    return f"arn:aws:cloudformation:{state.calls.region}:{state.calls.account}"


def _new(state: RegionState, name: str, status: str) -> Stack:
    if not NAME.fullmatch(name):
        raise invalid(f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint")
    return Stack(f"{_arn(state)}:stack/{name}/{clock.unique_uuid()}", name, clock.now(), status)


def _changeable(state: RegionState, name: str) -> Stack:
    stack = state.named(name)
    if stack is None or stack.status == "DELETE_COMPLETE":
        raise no_stack(name)
    if stack.status not in CAN_CHANGE:
        raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
    return stack


def _change_set(state: RegionState, params: Params) -> tuple[Stack, Any]:
    name = params["ChangeSetName"]
    stacks = [state.stack(params["StackName"])] if params.get("StackName") else state.living()
    for stack in stacks:
        for one in stack.change_sets.values():
            if name in {one.id, one.name}:
                return stack, one
    raise no_change_set(name)


def _blueprint(service: CloudFormation, state: RegionState, stack: Stack, params: Params) -> Blueprint:
    """Read a call that brings a template, and check it against everything the lab knows."""
    previous = stack.desired
    if params.get("UsePreviousTemplate"):
        if previous is None:
            raise invalid("Template for stack does not exist")
        found = previous.template
    elif params.get("TemplateBody"):
        found = template.read(params["TemplateBody"])
    else:
        raise invalid("Either Template URL or Template Body must be specified.")
    given: dict[str, str] = {}
    for one in params.get("Parameters") or []:
        key = one["ParameterKey"]
        if one.get("UsePreviousValue"):
            if previous is None or key not in previous.parameters:
                raise invalid(f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for it")
            given[key] = previous.parameters[key].text
        else:
            given[key] = one.get("ParameterValue", "")
    before = previous.tags if previous else {}
    tags = {tag["Key"]: tag["Value"] for tag in params["Tags"]} if params.get("Tags") else dict(before)
    surroundings = service.surroundings(state, stack)
    desired = desired_of(found, given, tags, tuple(params.get("Capabilities") or ()), surroundings)
    blueprint = Blueprint(desired, stack, surroundings)
    blueprint.check()
    return blueprint


def _create(service: CloudFormation, state: RegionState, stack: Stack, desired: Desired) -> Begun:
    thread = service.run(state, stack, "CREATE_IN_PROGRESS", lambda deployment: deployment.create(desired))
    return Begun({"StackId": stack.id}, thread)


def _update(service: CloudFormation, state: RegionState, stack: Stack, desired: Desired) -> Begun:
    thread = service.run(state, stack, "UPDATE_IN_PROGRESS", lambda deployment: deployment.update(desired))
    return Begun({"StackId": stack.id}, thread)
