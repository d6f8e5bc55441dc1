"""Responses of the read calls: commands, invocations and nodes in the structures of the service model."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from katakei.lab.ssm import invocation_states
from katakei.lab.ssm.model import ENDED, Command, Details, Invocation, ManagedNode

PLUGIN = "aws:runShellScript"
ApiStructure = dict[str, Any]


def command(command: Command, parts: Sequence[Invocation]) -> ApiStructure:
    """Returns a `Command`, as SendCommand and ListCommands show it."""
    status, details = invocation_states.command_status(command, parts)
    return {
        "CommandId": command.id,
        "DocumentName": command.request.document,
        "DocumentVersion": "$DEFAULT",
        "Comment": command.request.comment,
        "ExpiresAfter": command.expires,
        "Parameters": _parameters(command),
        "InstanceIds": list(command.request.instance_ids),
        "Targets": [{"Key": target.key, "Values": list(target.values)} for target in command.request.targets],
        "RequestedDateTime": command.requested,
        "Status": status.value,
        "StatusDetails": details,
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
        "MaxConcurrency": command.request.max_concurrency,
        "MaxErrors": command.request.max_errors,
        "TargetCount": len(parts),
        "CompletedCount": sum(part.status in ENDED for part in parts),
        "ErrorCount": sum(invocation_states.is_error(part) for part in parts),
        "DeliveryTimedOutCount": sum(part.details is Details.DELIVERY_TIMED_OUT for part in parts),
        "ServiceRole": "",
        "NotificationConfig": {"NotificationArn": "", "NotificationEvents": [], "NotificationType": ""},
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
        "TimeoutSeconds": int(command.request.timeout.total_seconds()),
    }


def result(command: Command, part: Invocation) -> ApiStructure:
    """Returns a `GetCommandInvocationResult`. Times are strings, empty while unknown."""
    return {
        "CommandId": part.command_id,
        "InstanceId": part.instance_id,
        "Comment": command.request.comment,
        "DocumentName": command.request.document,
        "DocumentVersion": "$DEFAULT",
        "PluginName": PLUGIN,
        "ResponseCode": part.code,
        "ExecutionStartDateTime": _text(part.begun),
        "ExecutionElapsedTime": _elapsed(part),
        "ExecutionEndDateTime": _text(part.ended) if part.begun else "",
        "Status": part.status.value,
        "StatusDetails": part.status_details,
        "StandardOutputContent": part.out,
        "StandardOutputUrl": "",
        "StandardErrorContent": part.err,
        "StandardErrorUrl": "",
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
    }


def invocation(command: Command, part: Invocation, name: str, *, details: bool) -> ApiStructure:
    """Returns a `CommandInvocation`, as ListCommandInvocations shows it; the plugin's output only with details."""
    return {
        "CommandId": part.command_id,
        "InstanceId": part.instance_id,
        "InstanceName": name,
        "Comment": command.request.comment,
        "DocumentName": command.request.document,
        "DocumentVersion": "$DEFAULT",
        "RequestedDateTime": part.requested,
        "Status": part.status.value,
        "StatusDetails": part.status_details,
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": [_plugin(part)] if details else [],
        "ServiceRole": "",
        "NotificationConfig": {"NotificationArn": "", "NotificationEvents": [], "NotificationType": ""},
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
    }


def node(machine: ManagedNode, *, online: bool, now: datetime) -> ApiStructure:
    """Returns the `InstanceInformation` of one node."""
    return {
        "InstanceId": machine.id,
        "PingStatus": "Online" if online else "ConnectionLost",
        "LastPingDateTime": now,
        "AgentVersion": "3.3.2299.0",
        "IsLatestVersion": True,
        "PlatformType": "Linux",
        "PlatformName": "Amazon Linux",
        "PlatformVersion": "2023",
        "ResourceType": "EC2Instance",
        "IPAddress": machine.address,
        "ComputerName": machine.name,
    }


def _plugin(part: Invocation) -> ApiStructure:
    joined = part.out + (f"\n----------ERROR-------\n{part.err}" if part.err else "")
    times = {"ResponseStartDateTime": part.begun, "ResponseFinishDateTime": part.ended if part.begun else None}
    return {
        "Name": PLUGIN,
        "Status": part.status.value,
        "StatusDetails": part.status_details,
        "ResponseCode": part.code,
        "Output": joined[: invocation_states.OUTPUT_KEPT],
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "OutputS3Region": "",
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
    } | {name: at for name, at in times.items() if at is not None}


def _parameters(command: Command) -> ApiStructure:
    shown: ApiStructure = {"commands": list(command.request.commands)}
    if command.request.working_directory:
        shown["workingDirectory"] = [command.request.working_directory]
    shown["executionTimeout"] = [str(int(command.request.execution_timeout.total_seconds()))]
    return shown


def _text(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z" if at else ""


def _elapsed(part: Invocation) -> str:
    if part.begun is None or part.ended is None:
        return ""
    minutes, seconds = divmod((part.ended - part.begun).total_seconds(), 60)
    hours, minutes = divmod(int(minutes), 60)
    return "PT" + (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "") + f"{seconds:.3g}S"
