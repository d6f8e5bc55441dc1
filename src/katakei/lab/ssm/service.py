"""API of Run Command: each method takes the parameters of a call and returns its response or raises SsmError."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from katakei.lab import clock
from katakei.lab.ssm import requests, responses
from katakei.lab.ssm.agents import AgentPool, Machines
from katakei.lab.ssm.model import Command, ManagedNode, RunCommandSettings, Selector, SsmError
from katakei.lab.ssm.registry import CommandRegistry

Params = Mapping[str, Any]
Response = dict[str, Any]


class RunCommand:
    """The six calls of Run Command."""

    def __init__(self, machines: Machines, switches: Callable[[], RunCommandSettings], account: str) -> None:
        self._machines = machines
        self._switches = switches
        self._account = account
        self._registry = CommandRegistry()
        self._agents = AgentPool(self._registry, machines, switches)

    def start(self) -> None:
        """Start the agents."""
        self._agents.start()

    def close(self) -> None:
        """Stop. No command runs any more when this returns."""
        self._agents.close()

    def send_command(self, params: Params) -> Response:
        """SendCommand."""
        request = requests.parse_send_command(params)
        nodes = {machine.id: machine for machine in self._machines.machines()}
        unknown = [instance_id for instance_id in request.instance_ids if instance_id not in nodes]
        if unknown:
            named = ", ".join(unknown)
            raise SsmError(
                "InvalidInstanceId", f"Instances [[{named}]] not in a valid state for account {self._account}"
            )
        ids = request.instance_ids or [n.id for n in nodes.values() if all(_is_selected(n, t) for t in request.targets)]
        command = self._registry.add(request, clock.unique_uuid(), ids, clock.now())
        answer = {"Command": responses.command(command, self._registry.invocations(command))}
        self._agents.wake()
        return answer

    def get_command_invocation(self, params: Params) -> Response:
        """GetCommandInvocation. InvocationDoesNotExist for a moment after SendCommand (docs/aws.md 9)."""
        instance_id = _instance_id(params.get("InstanceId", ""))
        if params.get("PluginName", responses.PLUGIN) not in {responses.PLUGIN, "runShellScript"}:
            raise SsmError("InvalidPluginName", "The plugin name isn't valid.")
        command = self._registry.command(_command_id(params.get("CommandId", "")))
        part = self._registry.invocation((command.id, instance_id))
        if part is None or not self._visible(command):
            raise SsmError("InvocationDoesNotExist")
        return responses.result(command, part)

    def list_command_invocations(self, params: Params) -> Response:
        """ListCommandInvocations, newest command first."""
        names = {machine.id: machine.name for machine in self._machines.machines()}
        found = [
            responses.invocation(command, part, names.get(part.instance_id, ""), details=bool(params.get("Details")))
            for command in self._requested_commands(params)
            for part in self._registry.invocations(command)
            if params.get("InstanceId") in {None, part.instance_id}
        ]
        found = [one for one in found if all(_matches_command_filter(one, f) for f in params.get("Filters") or ())]
        return _page("CommandInvocations", found, params, least=1)

    def list_commands(self, params: Params) -> Response:
        """ListCommands, newest first."""
        commands = [
            responses.command(command, self._registry.invocations(command))
            for command in self._requested_commands(params)
            if params.get("InstanceId") is None or params["InstanceId"] in command.instance_ids
        ]
        found = [one for one in commands if all(_matches_command_filter(one, f) for f in params.get("Filters") or ())]
        return _page("Commands", found, params, least=1)

    def cancel_command(self, params: Params) -> Response:
        """CancelCommand, best effort."""
        command = self._registry.command(_command_id(params.get("CommandId", "")))
        ids = tuple(map(_instance_id, params.get("InstanceIds") or ()))
        if not set(ids) <= set(command.instance_ids):
            raise SsmError("InvalidInstanceId", "The command was not sent to all of these instances.")
        self._agents.stop(self._registry.cancel(command.id, ids, clock.now()))
        return {}

    def describe_instance_information(self, params: Params) -> Response:
        """DescribeInstanceInformation. The lab shows at once that an agent is gone; the real service needs minutes."""
        dead, now = self._switches().dead, clock.now()
        nodes = [
            (machine, responses.node(machine, online=machine.running and machine.id not in dead, now=now))
            for machine in self._machines.machines()
        ]
        wanted = [(f.get("Key", ""), f.get("Values") or ()) for f in params.get("Filters") or ()]
        wanted += [
            (f.get("key", ""), f.get("valueSet") or ()) for f in params.get("InstanceInformationFilterList") or ()
        ]
        found = [
            described
            for node, described in nodes
            if all(_matches_node_filter(node, described, *want) for want in wanted)
        ]
        return _page("InstanceInformationList", found, params, least=5)

    def _requested_commands(self, params: Params) -> Sequence[Command]:
        if params.get("InstanceId") is not None:
            _instance_id(params["InstanceId"])
        if params.get("CommandId") is None:
            commands = self._registry.commands()
        else:
            commands = (self._registry.command(_command_id(params["CommandId"])),)
        return [command for command in commands if self._visible(command)]

    def _visible(self, command: Command) -> bool:
        return clock.now() >= command.requested + self._switches().visible_after


def _page(name: str, found: Sequence[Response], params: Params, *, least: int) -> Response:
    size = params.get("MaxResults", 50)
    if not least <= size <= 50:
        raise requests.constraint_error(size, "maxResults", f"Member must be between {least} and 50")
    token = params.get("NextToken") or "0"
    if not token.isdigit() or int(token) > len(found):
        raise SsmError("InvalidNextToken", "The specified token isn't valid.")
    first = int(token)
    answer: Response = {name: list(found[first : first + size])}
    if first + size < len(found):
        answer["NextToken"] = str(first + size)
    return answer


def _command_id(value: str) -> str:
    if len(value) != 36:
        raise requests.constraint_error(value, "commandId", "Member must have length equal to 36")
    return value


def _instance_id(value: str) -> str:
    if not requests.INSTANCE_ID.match(value):
        raise requests.constraint_error(
            value, "instanceId", f"Member must satisfy regular expression pattern: {requests.INSTANCE_ID.pattern}"
        )
    return value


def _is_selected(machine: ManagedNode, selector: Selector) -> bool:
    if selector.key.lower() == "instanceids":
        return machine.id in selector.values
    return _has_tag(machine, selector.key, selector.values)


def _has_tag(machine: ManagedNode, key: str, values: Sequence[str]) -> bool:
    tags = dict(machine.tags)
    if key == "tag-key":
        return any(value in tags for value in values)
    if not key.startswith("tag:"):
        raise SsmError("InvalidFilterKey", f"The key {key} is not understood here.")
    return tags.get(key.removeprefix("tag:")) in values


def _matches_node_filter(machine: ManagedNode, described: Response, key: str, values: Sequence[str]) -> bool:
    fields = {
        "InstanceIds": "InstanceId",
        "PingStatus": "PingStatus",
        "ResourceType": "ResourceType",
        "PlatformTypes": "PlatformType",
        "AgentVersion": "AgentVersion",
    }
    return bool(described[fields[key]] in values) if key in fields else _has_tag(machine, key, values)


def _matches_command_filter(described: Response, wanted: Mapping[str, str]) -> bool:
    key, value = wanted.get("key", ""), wanted.get("value", "")
    if key in {"InvokedAfter", "InvokedBefore"}:
        later = described["RequestedDateTime"] > datetime.fromisoformat(value)
        return bool(later == (key == "InvokedAfter"))
    if key not in {"Status", "DocumentName"}:
        raise SsmError("InvalidFilterKey", f"The filter key {key} is not understood here.")
    return bool(described[key] == value)
