"""Run Command without HTTP: requests, the registry with an explicit time, and agents on nodes that are folders."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from katakei.lab import clock
from katakei.lab.ssm import invocation_states, requests, responses
from katakei.lab.ssm.model import (
    Command,
    Invocation,
    ManagedNode,
    Result,
    RunCommandSettings,
    SendCommandRequest,
    SsmError,
    Status,
)
from katakei.lab.ssm.registry import CommandRegistry
from katakei.lab.ssm.service import RunCommand

T0 = datetime(2026, 1, 1, tzinfo=UTC)
A, B = "i-0000000000000000a", "i-0000000000000000b"
ORDER = SendCommandRequest("AWS-RunShellScript", ("true",))
AT_ONCE = RunCommandSettings(visible_after=timedelta(0), delivery=timedelta(0))


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def params(*commands: str, ids: Sequence[str] = (A,), **more: Any) -> dict[str, Any]:
    parameters = {"commands": list(commands)} | more.pop("parameters", {})
    return {
        "DocumentName": "AWS-RunShellScript",
        "InstanceIds": list(ids),
        "Parameters": parameters,
    } | more


# --- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"TimeoutSeconds": 29}, "ValidationException", "Member must have value greater than or equal to 30"),
        ({"TimeoutSeconds": 2592001}, "ValidationException", "less than or equal to 2592000"),
        ({"InstanceIds": ["web-1"]}, "ValidationException", "Member must satisfy regular expression pattern"),
        ({"InstanceIds": [f"i-{n:017d}" for n in range(51)]}, "ValidationException", "length less than or equal to 50"),
        ({"InstanceIds": [A, A]}, "DuplicateInstanceId", ""),
        ({"InstanceIds": []}, "ValidationException", ""),
        ({"DocumentName": "Deploy"}, "InvalidDocument", "Document with name Deploy does not exist."),
        ({"DocumentName": ""}, "ValidationException", ""),
        ({"DocumentVersion": "7"}, "InvalidDocumentVersion", ""),
        ({"Parameters": {}}, "InvalidParameters", "commands"),
        ({"Parameters": {"commands": ["x"], "environment": ["A=1"]}}, "InvalidParameters", "environment"),
        ({"Parameters": {"commands": ["x"], "executionTimeout": ["172801"]}}, "InvalidParameters", ""),
        ({"Comment": "x" * 101}, "ValidationException", "comment"),
        ({"MaxConcurrency": "0"}, "ValidationException", "maxConcurrency"),
        ({"MaxErrors": "101%"}, "ValidationException", "maxErrors"),
    ],
)
def test_invalid_request_gets_the_services_error(change: dict[str, Any], code: str, says: str) -> None:
    with pytest.raises(SsmError) as refused:
        requests.parse_send_command(params("true") | change)
    assert refused.value.code == code
    assert says in refused.value.message


def test_request_has_the_documents_defaults() -> None:
    request = requests.parse_send_command(params("true"))
    assert (request.timeout, request.execution_timeout) == (seconds(3600), seconds(3600))
    assert (request.max_concurrency, request.max_errors, request.working_directory) == ("50", "0", "")


# --- the registry ----------------------------------------------------------------------------------------------------


def entered(request: SendCommandRequest = ORDER, ids: Sequence[str] = (A, B)) -> tuple[CommandRegistry, Command]:
    registry = CommandRegistry()
    return registry, registry.add(request, "c" * 36, ids, T0)


def states(registry: CommandRegistry, command: Command) -> list[str]:
    return [part.status_details for part in registry.invocations(command)]


def test_invocation_goes_from_pending_to_success() -> None:
    registry, command = entered(ids=[A])
    seen = states(registry, command)
    registry.begin((command.id, A), T0 + seconds(1))
    seen += states(registry, command)
    registry.finish((command.id, A), Result(0, "done"), T0 + seconds(2.5))
    assert seen + states(registry, command) == ["Pending", "InProgress", "Success"]
    answer = responses.result(command, registry.invocations(command)[0])
    assert answer["ExecutionStartDateTime"] == "2026-01-01T00:00:01.000Z"
    assert answer["ExecutionElapsedTime"] == "PT1.5S"
    assert not registry.waiting()


def test_pending_invocation_has_no_times() -> None:
    registry, command = entered(ids=[A])
    answer = responses.result(command, registry.invocations(command)[0])
    assert (answer["ResponseCode"], answer["ExecutionStartDateTime"], answer["ExecutionEndDateTime"]) == (-1, "", "")


def test_undelivered_invocation_times_out() -> None:
    registry, command = entered(replace(ORDER, timeout=seconds(30)), [A])
    registry.delay((command.id, A))
    assert states(registry, command) == ["Delayed"]
    assert registry.expire_overdue(T0 + seconds(29.9)) == ()
    assert registry.expire_overdue(T0 + seconds(30)) == ((command.id, A),)
    assert states(registry, command) == ["DeliveryTimedOut"]
    assert registry.invocations(command)[0].status is Status.TIMED_OUT
    assert registry.begin((command.id, A), T0 + seconds(31)) is False


def test_unreported_invocation_times_out_at_total_expiry() -> None:
    registry, command = entered(replace(ORDER, timeout=seconds(30), execution_timeout=seconds(10)), [A])
    registry.begin((command.id, A), T0)
    registry.expire_overdue(T0 + seconds(39))
    assert states(registry, command) == ["InProgress"]
    registry.expire_overdue(T0 + seconds(40))
    assert states(registry, command) == ["ExecutionTimedOut"]


def test_late_report_changes_nothing() -> None:
    registry, command = entered(ids=[A])
    registry.begin((command.id, A), T0)
    registry.finish((command.id, A), Result(0, "first"), T0)
    registry.finish((command.id, A), Result(1, "second"), T0)
    assert registry.invocations(command)[0].out == "first"


def test_cancel_ends_unsent_and_stops_running_invocations() -> None:
    registry, command = entered()
    registry.begin((command.id, A), T0)
    asked = registry.cancel(command.id, (), T0 + seconds(1))
    assert asked == ((command.id, A),)
    assert states(registry, command) == ["Cancelling", "Cancelled"]
    assert responses.command(registry.command(command.id), registry.invocations(command))["Status"] == "Cancelling"


def test_max_concurrency_limits_deliveries() -> None:
    registry, command = entered(replace(ORDER, max_concurrency="50%"))
    assert [part.instance_id for part in registry.due(T0)] == [A]
    registry.begin((command.id, A), T0)
    assert registry.due(T0) == ()
    registry.finish((command.id, A), Result(0), T0)
    assert [part.instance_id for part in registry.due(T0)] == [B]


def test_max_errors_terminates_unsent_invocations() -> None:
    registry, command = entered(replace(ORDER, max_concurrency="1"))
    registry.begin((command.id, A), T0)
    registry.finish((command.id, A), Result(3), T0)
    registry.expire_overdue(T0)
    assert states(registry, command) == ["Failed", "Terminated"]
    counted = responses.command(command, registry.invocations(command))
    assert (counted["ErrorCount"], counted["CompletedCount"], counted["Status"]) == (1, 2, "Failed")


def test_max_errors_spares_delayed_invocations() -> None:
    registry, command = entered()
    registry.delay((command.id, B))
    registry.begin((command.id, A), T0)
    registry.finish((command.id, A), Result(3), T0)
    registry.expire_overdue(T0)
    assert states(registry, command) == ["Failed", "Delayed"]


def test_output_is_truncated_like_the_service() -> None:
    long = Result(1, "o" * 30_000, "e" * 30_000)
    part = invocation_states.finished(Invocation("c", A, T0), long, T0)
    shown = responses.invocation(Command("c", ORDER, (A,), T0), part, "web", details=True)
    assert (len(part.out), len(part.err)) == (24_000, 8_000)
    assert len(shown["CommandPlugins"][0]["Output"]) == 2_500


# --- the agents ------------------------------------------------------------------------------------------------------


class Folders:
    """Two nodes that are folders. They can be switched off, and they count their boots."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.boots = {A: 1, B: 1}
        self.off: set[str] = set()
        for instance_id in self.boots:
            (root / instance_id).mkdir()

    def machines(self) -> list[ManagedNode]:
        tags = {A: (("Role", "web"),), B: ()}
        return [ManagedNode(i, "127.0.0.1", f"web-{i[-1]}", i not in self.off, tags[i]) for i in self.boots]

    def folder(self, instance_id: str) -> Path:
        return self.root / instance_id

    def boot(self, instance_id: str) -> str | None:
        return None if instance_id in self.off else str(self.boots[instance_id])

    def spawn(self, instance_id: str, argv: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            argv,
            cwd=self.root / instance_id,
            env={"PATH": "/usr/bin:/bin", **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def reboot(self, instance_id: str) -> None:
        self.boots[instance_id] += 1


class FakeNodes:
    """The service over two folders, with settings that can change while it runs."""

    def __init__(self, root: Path) -> None:
        self.folders = Folders(root)
        self.switches = AT_ONCE
        self.service = RunCommand(self.folders, lambda: self.switches, "123456789012")

    def send(self, *commands: str, **more: Any) -> str:
        return str(self.service.send_command(params(*commands, **more))["Command"]["CommandId"])

    def get(self, command_id: str, instance_id: str = A) -> dict[str, Any]:
        return self.service.get_command_invocation({"CommandId": command_id, "InstanceId": instance_id})

    def becomes(self, command_id: str, details: str, instance_id: str = A) -> dict[str, Any]:
        assert clock.wait_for(lambda: self.get(command_id, instance_id)["StatusDetails"] == details, 5), self.get(
            command_id, instance_id
        )
        return self.get(command_id, instance_id)

    def text(self, name: str, instance_id: str = A) -> str:
        path = self.folders.root / instance_id / name
        return path.read_text() if path.exists() else ""


@contextmanager
def running(root: Path) -> Iterator[FakeNodes]:
    nodes = FakeNodes(root)
    nodes.service.start()
    try:
        yield nodes
    finally:
        nodes.service.close()


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[FakeNodes]:
    with running(tmp_path) as nodes:
        yield nodes


def test_commands_run_as_one_script_in_node_folder(nodes: FakeNodes) -> None:
    command = nodes.send("NAME=lab", "echo $NAME > release", "pwd", "echo oops >&2", "exit 0")
    answer = nodes.becomes(command, "Success")
    assert nodes.text("release") == "lab\n"
    assert answer["StandardOutputContent"].strip() == str(nodes.folders.folder(A))
    assert (answer["StandardErrorContent"], answer["ResponseCode"]) == ("oops\n", 0)


def test_last_exit_code_decides(nodes: FakeNodes) -> None:
    failed = nodes.becomes(nodes.send("exit 3"), "Failed")
    passed = nodes.becomes(nodes.send("false", "true"), "Success")
    assert (failed["ResponseCode"], passed["ResponseCode"]) == (3, 0)
    assert failed["StandardErrorContent"].endswith("failed to run commands: exit status 3")


def test_shebang_and_working_directory_are_used(nodes: FakeNodes) -> None:
    (nodes.folders.folder(A) / "in here").mkdir()
    place = str(nodes.folders.folder(A) / "in here")
    command = nodes.send("#!/bin/cat", "plain", parameters={"workingDirectory": [place]})
    assert nodes.becomes(command, "Success")["StandardOutputContent"] == "#!/bin/cat\nplain\n"
    command = nodes.send("pwd", parameters={"workingDirectory": [place]})
    assert nodes.becomes(command, "Success")["StandardOutputContent"] == f"{place}\n"


def test_new_command_is_briefly_unknown_to_reads(nodes: FakeNodes) -> None:
    nodes.switches = replace(AT_ONCE, visible_after=seconds(0.3))
    command = nodes.send("true")
    with pytest.raises(SsmError, match="InvocationDoesNotExist"):
        nodes.get(command)
    assert nodes.service.list_command_invocations({"CommandId": command})["CommandInvocations"] == []
    assert clock.wait_for(
        lambda: nodes.service.list_command_invocations({"CommandId": command})["CommandInvocations"], 2
    )


def test_run_is_killed_at_execution_timeout(nodes: FakeNodes) -> None:
    command = nodes.send("echo begun", "sleep 30", parameters={"executionTimeout": ["1"]})
    answer = nodes.becomes(command, "ExecutionTimedOut")
    assert (answer["Status"], answer["ResponseCode"], answer["StandardOutputContent"]) == ("TimedOut", 137, "begun\n")


def test_open_output_keeps_command_in_progress(nodes: FakeNodes) -> None:
    redirected = nodes.becomes(nodes.send("sleep 30 > /dev/null 2>&1 & echo $!"), "Success")
    os.kill(int(redirected["StandardOutputContent"]), signal.SIGKILL)
    kept = nodes.send("sleep 0.7 & echo begun")
    nodes.becomes(kept, "InProgress")
    clock.sleep(0.4)
    assert nodes.get(kept)["StatusDetails"] == "InProgress"
    nodes.becomes(kept, "Success")


def test_cancel_kills_a_run(nodes: FakeNodes) -> None:
    command = nodes.send("sleep 30")
    nodes.becomes(command, "InProgress")
    nodes.service.cancel_command({"CommandId": command})
    nodes.becomes(command, "Cancelled")


def test_dead_agent_runs_nothing_until_it_returns(nodes: FakeNodes) -> None:
    nodes.switches = replace(AT_ONCE, dead=frozenset({A}))
    command = nodes.send("echo ran >> log")
    nodes.becomes(command, "Delayed")
    assert nodes.text("log") == ""
    nodes.switches = AT_ONCE
    nodes.becomes(command, "Success")
    assert nodes.text("log") == "ran\n"


def test_stopped_node_gets_its_command_later(nodes: FakeNodes) -> None:
    nodes.folders.off.add(A)
    command = nodes.send("true")
    nodes.becomes(command, "Delayed")
    nodes.folders.off.clear()
    nodes.becomes(command, "Success")


def test_late_delivery_runs_a_timed_out_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "START_WITHIN", (0, 30))
    with running(tmp_path) as nodes:
        nodes.switches = replace(AT_ONCE, dead=frozenset({A}), deliver_late=True)
        command = nodes.send("echo ran >> log", TimeoutSeconds=0)
        nodes.becomes(command, "DeliveryTimedOut")
        nodes.switches = AT_ONCE
        assert clock.wait_for(lambda: nodes.text("log") == "ran\n", 5)
        assert nodes.get(command)["StatusDetails"] == "DeliveryTimedOut"


def test_command_delivered_twice_runs_twice(nodes: FakeNodes) -> None:
    nodes.switches = replace(AT_ONCE, deliver_twice=True)
    nodes.becomes(nodes.send("echo ran >> log"), "Success")
    assert clock.wait_for(lambda: nodes.text("log") == "ran\nran\n", 5)


def test_exit_194_reboots_and_reruns(nodes: FakeNodes) -> None:
    command = nodes.send("echo ran >> log", "test $(wc -l < log) = 2 || exit 194")
    nodes.becomes(command, "Success")
    assert (nodes.text("log"), nodes.folders.boots[A]) == ("ran\nran\n", 2)


def test_reboot_during_a_command_is_a_failure(nodes: FakeNodes) -> None:
    command = nodes.send("touch begun; while test ! -e end; do sleep 0.05; done; exit 9")
    assert clock.wait_for((nodes.folders.folder(A) / "begun").exists, 5)
    nodes.folders.reboot(A)
    (nodes.folders.folder(A) / "end").touch()
    nodes.becomes(command, "Failed")


def test_unknown_nodes_and_commands_are_refused(nodes: FakeNodes) -> None:
    cases: list[tuple[str, Callable[[], object]]] = [
        ("InvalidInstanceId", lambda: nodes.send("true", ids=["i-00000000000000bad"])),
        ("InvalidCommandId", lambda: nodes.get("0" * 36)),
        ("ValidationException", lambda: nodes.get("short")),
        ("InvocationDoesNotExist", lambda: nodes.get(nodes.send("true"), B)),
        ("InvalidCommandId", lambda: nodes.service.cancel_command({"CommandId": "0" * 36})),
        ("InvalidNextToken", lambda: nodes.service.list_commands({"NextToken": "x"})),
    ]
    for code, call in cases:
        with pytest.raises(SsmError, match=code):
            call()


def test_invocations_are_filtered_and_paged(nodes: FakeNodes) -> None:
    both = nodes.send("echo hello", ids=[A, B])
    only = nodes.send("exit 1", ids=[B])
    for command, end, instance_id in [(both, "Success", A), (both, "Success", B), (only, "Failed", B)]:
        nodes.becomes(command, end, instance_id)

    def listed(**asked: object) -> list[tuple[str, str]]:
        found = nodes.service.list_command_invocations(asked)["CommandInvocations"]
        return [(one["CommandId"], one["InstanceId"]) for one in found]

    assert listed() == [(only, B), (both, A), (both, B)]
    assert listed(CommandId=both) == [(both, A), (both, B)]
    assert listed(InstanceId=A) == [(both, A)]
    assert listed(Filters=[{"key": "Status", "value": "Failed"}]) == [(only, B)]
    assert listed(MaxResults=2) == [(only, B), (both, A)]
    assert listed(MaxResults=2, NextToken="2") == [(both, B)]
    detailed = nodes.service.list_command_invocations({"CommandId": both, "Details": True})["CommandInvocations"]
    assert detailed[0]["CommandPlugins"][0]["Output"] == "hello\n"
    assert nodes.service.list_command_invocations({"CommandId": both})["CommandInvocations"][0]["CommandPlugins"] == []


def test_targets_select_nodes_by_tag(nodes: FakeNodes) -> None:
    asked = params("true") | {"InstanceIds": [], "Targets": [{"Key": "tag:Role", "Values": ["web"]}]}
    command = str(nodes.service.send_command(asked)["Command"]["CommandId"])
    assert nodes.becomes(command, "Success")
    with pytest.raises(SsmError, match="InvocationDoesNotExist"):
        nodes.get(command, B)


def test_ping_status_shows_dead_agents_and_stopped_nodes(nodes: FakeNodes) -> None:
    nodes.switches = replace(AT_ONCE, dead=frozenset({A}))
    nodes.folders.off.add(B)

    def pings(**asked: object) -> dict[str, str]:
        found = nodes.service.describe_instance_information(asked)["InstanceInformationList"]
        return {one["InstanceId"]: one["PingStatus"] for one in found}

    assert pings() == {A: "ConnectionLost", B: "ConnectionLost"}
    nodes.switches, nodes.folders.off = AT_ONCE, set()
    assert pings(Filters=[{"Key": "InstanceIds", "Values": [B]}]) == {B: "Online"}
    assert pings(InstanceInformationFilterList=[{"key": "PingStatus", "valueSet": ["ConnectionLost"]}]) == {}


def test_close_ends_running_commands(tmp_path: Path) -> None:
    with running(tmp_path) as nodes:
        command = nodes.send("echo $$ > pid; exec sleep 60")
        assert clock.wait_for(lambda: nodes.text("pid"), 5)
        nodes.becomes(command, "InProgress")
    assert not Path(f"/proc/{nodes.text('pid').strip()}").exists()
