"""The calls of Run Command that the executor and the program runner need, and their answers as values."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from katakei.adapters.aws import SSM, AwsSession
from katakei.adapters.aws.errors import UnknownCommandError, UnknownInstanceError

DOCUMENT = "AWS-RunShellScript"
MAX_INSTANCES = 50
"""The most instances in one SendCommand, and the most entries in one page of the answers (SendCommandRequest)."""

MAX_PAGES = 20
MAX_COMMAND_CHARACTERS = 56_000
"""Characters of one command as JSON. A document with its parameters may have 64 KB (CreateDocument)."""
MAX_RUN = timedelta(hours=48)
"""How long a command may run: AWS-RunShellScript takes an executionTimeout of at most 172800 seconds."""

INSTANCE_ID_VARIABLE = "AWS_SSM_INSTANCE_ID"
"""The environment variable in which the agent gives a script the instance's id (aws/amazon-ssm-agent issue 427)."""

INSTANCE_ID_PREFIXES = ("i-", "mi-")
NO_ANSWER = "its agent did not answer"
_OPEN = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})


@dataclass(frozen=True, slots=True)
class Invocation:
    """One command on one instance. `text` is the first 2,500 characters of its output, `''` while it runs."""

    instance: str
    status: str
    details: str
    text: str

    @property
    def open(self) -> bool:
        """Whether Run Command still waits for its end."""
        return self.status in _OPEN

    @property
    def running(self) -> bool:
        """Whether the agent has it, as far as Run Command knows."""
        return self.status in {"InProgress", "Cancelling"}


@dataclass(frozen=True, slots=True)
class Node:
    """An instance as Systems Manager knows it: its PingStatus (`Online`) and platform (`Linux`); `''` is unknown."""

    ping: str
    platform: str


class RunCommand:
    """Run Command through the session of the command. One try per call: the main loop is the retry."""

    def __init__(self, aws: AwsSession) -> None:
        self._aws = aws

    def send(
        self, instances: Sequence[str], text: str, comment: str, run_within: timedelta, by: datetime | None = None
    ) -> str:
        """Runs a shell text once on each instance.

        An agent that does not answer within 60 s is given up. An error on one instance ends nothing on another.

        Args:
            instances: at most `MAX_INSTANCES` ids.
            text: the script.
            comment: what the Systems Manager console shows for it.
            run_within: the time after which the agent ends the script.
            by: the deadline: nothing is sent later.

        Returns:
            The CommandId.

        Raises:
            UnknownInstanceError: Run Command does not know one of the instances. Nothing was sent.

        """
        answer = self._call(
            "SendCommand",
            lambda ssm: ssm.send_command(
                InstanceIds=list(instances),
                DocumentName=DOCUMENT,
                Comment=comment[:100],
                TimeoutSeconds=60,
                MaxConcurrency=str(MAX_INSTANCES),
                MaxErrors="100%",
                Parameters={"commands": [text], "executionTimeout": [str(int(run_within.total_seconds()))]},
            ),
            by,
        )
        return str(answer["Command"]["CommandId"])

    def invocations(self, command: str) -> tuple[Invocation, ...]:
        """Returns the state of a command on each instance. Empty for a command too new or too old to be known."""
        try:
            found = list(
                self._pages(
                    "ListCommandInvocations",
                    "CommandInvocations",
                    lambda ssm, more: ssm.list_command_invocations(CommandId=command, Details=True, **more),
                )
            )
        except UnknownCommandError:
            return ()
        return tuple(
            Invocation(
                entry["InstanceId"],
                entry["Status"],
                entry.get("StatusDetails", entry["Status"]),
                "".join(plugin.get("Output", "") for plugin in entry.get("CommandPlugins", [])),
            )
            for entry in found
        )

    def output(self, command: str, instance: str) -> str:
        """Returns the first 24,000 characters of what a finished invocation printed."""
        answer = self._call(
            "GetCommandInvocation",
            lambda ssm: ssm.get_command_invocation(CommandId=command, InstanceId=instance),
        )
        return str(answer.get("StandardOutputContent", ""))

    def nodes(self, instances: Sequence[str]) -> dict[str, Node]:
        """Returns those of the instances that Systems Manager knows."""
        found: dict[str, Node] = {}
        for at in range(0, len(instances), MAX_INSTANCES):
            filters = [{"Key": "InstanceIds", "Values": list(instances[at : at + MAX_INSTANCES])}]
            for node in self._node_pages(filters):
                found[node["InstanceId"]] = Node(node.get("PingStatus", ""), node.get("PlatformType", ""))
        return found

    def _node_pages(self, filters: Sequence[Any]) -> Iterator[dict[str, Any]]:
        return self._pages(
            "DescribeInstanceInformation",
            "InstanceInformationList",
            lambda ssm, more: ssm.describe_instance_information(Filters=filters, **more),
        )

    def _pages(
        self, action: str, field: str, request: Callable[[Any, dict[str, Any]], Any]
    ) -> Iterator[dict[str, Any]]:
        more: dict[str, Any] = {"MaxResults": MAX_INSTANCES}
        for _ in range(MAX_PAGES):
            answer = self._call(action, lambda ssm: request(ssm, more))
            yield from answer.get(field, [])
            if not answer.get("NextToken"):
                return
            more["NextToken"] = answer["NextToken"]

    def _call(self, action: str, request: Callable[[Any], Any], by: datetime | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = self._aws.call(SSM, action, request, by=by)
        return answer


def is_instance(target: str) -> bool:
    """Returns whether a target's id is one of an instance; otherwise it is an address without a known instance."""
    return target.startswith(INSTANCE_ID_PREFIXES)


def send_split(instances: Sequence[str], send: Callable[[Sequence[str]], str]) -> tuple[dict[str, str], dict[str, str]]:
    """Sends one command to all instances; splits the list where Run Command does not know one of them.

    Args:
        instances: the ids.
        send: sends one command to some of them and returns its CommandId.

    Returns:
        The command of each instance, and the reason for each unknown instance.

    """
    try:
        return dict.fromkeys(instances, send(instances)), {}
    except UnknownInstanceError as error:
        if len(instances) == 1:
            return {}, {instances[0]: str(error)}
    half = len(instances) // 2
    first, second = send_split(instances[:half], send), send_split(instances[half:], send)
    return first[0] | second[0], first[1] | second[1]
