"""Run Command without the wire: orders, the book with a clock that is turned, agents on machines that are folders."""

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
    SendCommandRequest,
    Result,
    SsmError,
    Status,
    RunCommandSettings,
)
from katakei.lab.ssm.registry import CommandRegistry
from katakei.lab.ssm.service import RunCommand

T0 = datetime(2026, 1, 1, tzinfo=UTC)
A, B = "i-0000000000000000a", "i-0000000000000000b"
ORDER = SendCommandRequest("AWS-RunShellScript", ("true",))
AT_ONCE = RunCommandSettings(visible_after=timedelta(0), delivery=timedelta(0))


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def wire(*commands: str, ids: Sequence[str] = (A,), **more: Any) -> dict[str, Any]:
    parameters = {"commands": list(commands)} | more.pop("parameters", {})
    return {
        "DocumentName": "AWS-RunShellScript",
        "InstanceIds": list(ids),
        "Parameters": parameters,
    } | more


# --- the order -------------------------------------------------------------------------------------------------------


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
def test_a_bad_order_gets_the_error_of_the_service(change: dict[str, Any], code: str, says: str) -> None:
    with pytest.raises(SsmError) as refused:
        requests.parse_send_command(wire("true") | change)
    assert refused.value.code == code
    assert says in refused.value.message


def test_an_order_without_extras_has_the_defaults_of_the_document() -> None:
    order = requests.parse_send_command(wire("true"))
    assert (order.timeout, order.execution_timeout) == (seconds(3600), seconds(3600))
    assert (order.max_concurrency, order.max_errors, order.working_directory) == ("50", "0", "")


# --- the book --------------------------------------------------------------------------------------------------------


def entered(order: SendCommandRequest = ORDER, ids: Sequence[str] = (A, B)) -> tuple[CommandRegistry, Command]:
    book = CommandRegistry()
    return book, book.enter(order, "c" * 36, ids, T0)


def states(book: CommandRegistry, command: Command) -> list[str]:
    return [part.status_details for part in book.invocations(command)]


def test_an_invocation_goes_from_pending_over_in_progress_to_success() -> None:
    book, command = entered(ids=[A])
    seen = states(book, command)
    book.begin((command.id, A), T0 + seconds(1))
    seen += states(book, command)
    book.finish((command.id, A), Result(0, "done"), T0 + seconds(2.5))
    assert seen + states(book, command) == ["Pending", "InProgress", "Success"]
    answer = responses.result(command, book.invocations(command)[0])
    assert answer["ExecutionStartDateTime"] == "2026-01-01T00:00:01.000Z"
    assert answer["ExecutionElapsedTime"] == "PT1.5S"
    assert not book.waiting()


def test_a_pending_invocation_shows_no_times_and_code_minus_one() -> None:
    book, command = entered(ids=[A])
    answer = responses.result(command, book.invocations(command)[0])
    assert (answer["ResponseCode"], answer["ExecutionStartDateTime"], answer["ExecutionEndDateTime"]) == (-1, "", "")


def test_what_no_agent_fetches_is_delayed_and_then_times_out_undelivered() -> None:
    book, command = entered(replace(ORDER, timeout=seconds(30)), [A])
    book.delay((command.id, A))
    assert states(book, command) == ["Delayed"]
    assert book.turn(T0 + seconds(29.9)) == ()
    assert book.turn(T0 + seconds(30)) == ((command.id, A),)
    assert states(book, command) == ["DeliveryTimedOut"]
    assert book.invocations(command)[0].status is Status.TIMED_OUT
    assert book.begin((command.id, A), T0 + seconds(31)) is False


def test_what_never_reports_times_out_at_the_total_expiry() -> None:
    book, command = entered(replace(ORDER, timeout=seconds(30), execution_timeout=seconds(10)), [A])
    book.begin((command.id, A), T0)
    book.turn(T0 + seconds(39))
    assert states(book, command) == ["InProgress"]
    book.turn(T0 + seconds(40))
    assert states(book, command) == ["ExecutionTimedOut"]


def test_a_report_after_the_end_changes_nothing() -> None:
    book, command = entered(ids=[A])
    book.begin((command.id, A), T0)
    book.finish((command.id, A), Result(0, "first"), T0)
    book.finish((command.id, A), Result(1, "second"), T0)
    assert book.invocations(command)[0].out == "first"


def test_cancelling_ends_what_has_not_started_and_asks_what_runs_to_stop() -> None:
    book, command = entered()
    book.begin((command.id, A), T0)
    asked = book.cancel(command.id, (), T0 + seconds(1))
    assert asked == ((command.id, A),)
    assert states(book, command) == ["Cancelling", "Cancelled"]
    assert responses.command(book.command(command.id), book.invocations(command))["Status"] == "Cancelling"


def test_max_concurrency_holds_the_rest_back() -> None:
    book, command = entered(replace(ORDER, max_concurrency="50%"))
    assert [part.instance_id for part in book.due(T0)] == [A]
    book.begin((command.id, A), T0)
    assert book.due(T0) == ()
    book.finish((command.id, A), Result(0), T0)
    assert [part.instance_id for part in book.due(T0)] == [B]


def test_more_errors_than_max_errors_terminate_what_was_not_sent() -> None:
    book, command = entered(replace(ORDER, max_concurrency="1"))
    book.begin((command.id, A), T0)
    book.finish((command.id, A), Result(3), T0)
    book.turn(T0)
    assert states(book, command) == ["Failed", "Terminated"]
    counted = responses.command(command, book.invocations(command))
    assert (counted["ErrorCount"], counted["CompletedCount"], counted["Status"]) == (1, 2, "Failed")


def test_what_an_absent_agent_waits_for_is_not_terminated_by_errors_elsewhere() -> None:
    book, command = entered()
    book.delay((command.id, B))
    book.begin((command.id, A), T0)
    book.finish((command.id, A), Result(3), T0)
    book.turn(T0)
    assert states(book, command) == ["Failed", "Delayed"]


def test_output_is_cut_where_the_service_cuts_it() -> None:
    long = Result(1, "o" * 30_000, "e" * 30_000)
    part = invocation_states.finished(Invocation("c", A, T0), long, T0)
    shown = responses.invocation(Command("c", ORDER, (A,), T0), part, "web", details=True)
    assert (len(part.out), len(part.err)) == (24_000, 8_000)
    assert len(shown["CommandPlugins"][0]["Output"]) == 2_500


# --- the agents ------------------------------------------------------------------------------------------------------


class Folders:
    """Two machines which are folders; they can be switched off, and they count their boots."""

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


class World:
    """The service over two folders, with switches that can be turned while it runs."""

    def __init__(self, root: Path) -> None:
        self.folders = Folders(root)
        self.switches = AT_ONCE
        self.service = RunCommand(self.folders, lambda: self.switches, "123456789012")

    def send(self, *commands: str, **more: Any) -> str:
        return str(self.service.send_command(wire(*commands, **more))["Command"]["CommandId"])

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
def running(root: Path) -> Iterator[World]:
    world = World(root)
    world.service.start()
    try:
        yield world
    finally:
        world.service.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running(tmp_path) as world:
        yield world


def test_commands_run_as_one_script_in_the_machines_folder(world: World) -> None:
    command = world.send("NAME=lab", "echo $NAME > release", "pwd", "echo oops >&2", "exit 0")
    answer = world.becomes(command, "Success")
    assert world.text("release") == "lab\n"
    assert answer["StandardOutputContent"].strip() == str(world.folders.folder(A))
    assert (answer["StandardErrorContent"], answer["ResponseCode"]) == ("oops\n", 0)


def test_only_the_last_exit_code_counts(world: World) -> None:
    failed = world.becomes(world.send("exit 3"), "Failed")
    passed = world.becomes(world.send("false", "true"), "Success")
    assert (failed["ResponseCode"], passed["ResponseCode"]) == (3, 0)
    assert failed["StandardErrorContent"].endswith("failed to run commands: exit status 3")


def test_the_first_line_chooses_the_interpreter_and_the_working_directory_is_entered(world: World) -> None:
    (world.folders.folder(A) / "in here").mkdir()
    place = str(world.folders.folder(A) / "in here")
    command = world.send("#!/bin/cat", "plain", parameters={"workingDirectory": [place]})
    assert world.becomes(command, "Success")["StandardOutputContent"] == "#!/bin/cat\nplain\n"
    command = world.send("pwd", parameters={"workingDirectory": [place]})
    assert world.becomes(command, "Success")["StandardOutputContent"] == f"{place}\n"


def test_a_command_is_unknown_to_the_read_calls_for_a_moment(world: World) -> None:
    world.switches = replace(AT_ONCE, visible_after=seconds(0.3))
    command = world.send("true")
    with pytest.raises(SsmError, match="InvocationDoesNotExist"):
        world.get(command)
    assert world.service.list_command_invocations({"CommandId": command})["CommandInvocations"] == []
    assert clock.wait_for(
        lambda: world.service.list_command_invocations({"CommandId": command})["CommandInvocations"], 2
    )


def test_a_run_longer_than_its_execution_timeout_is_killed(world: World) -> None:
    command = world.send("echo begun", "sleep 30", parameters={"executionTimeout": ["1"]})
    answer = world.becomes(command, "ExecutionTimedOut")
    assert (answer["Status"], answer["ResponseCode"], answer["StandardOutputContent"]) == ("TimedOut", 137, "begun\n")


def test_a_background_child_that_keeps_the_output_open_keeps_the_command_in_progress(world: World) -> None:
    redirected = world.becomes(world.send("sleep 30 > /dev/null 2>&1 & echo $!"), "Success")
    os.kill(int(redirected["StandardOutputContent"]), signal.SIGKILL)
    kept = world.send("sleep 0.7 & echo begun")
    world.becomes(kept, "InProgress")
    clock.sleep(0.4)
    assert world.get(kept)["StatusDetails"] == "InProgress"
    world.becomes(kept, "Success")


def test_cancelling_a_run_kills_it(world: World) -> None:
    command = world.send("sleep 30")
    world.becomes(command, "InProgress")
    world.service.cancel_command({"CommandId": command})
    world.becomes(command, "Cancelled")


def test_a_dead_agent_runs_nothing_until_it_lives_again(world: World) -> None:
    world.switches = replace(AT_ONCE, dead=frozenset({A}))
    command = world.send("echo ran >> log")
    world.becomes(command, "Delayed")
    assert world.text("log") == ""
    world.switches = AT_ONCE
    world.becomes(command, "Success")
    assert world.text("log") == "ran\n"


def test_a_stopped_machine_gets_its_command_when_it_runs_again(world: World) -> None:
    world.folders.off.add(A)
    command = world.send("true")
    world.becomes(command, "Delayed")
    world.folders.off.clear()
    world.becomes(command, "Success")


def test_a_late_delivery_runs_what_was_reported_as_timed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "START_WITHIN", (0, 30))
    with running(tmp_path) as world:
        world.switches = replace(AT_ONCE, dead=frozenset({A}), deliver_late=True)
        command = world.send("echo ran >> log", TimeoutSeconds=0)
        world.becomes(command, "DeliveryTimedOut")
        world.switches = AT_ONCE
        assert clock.wait_for(lambda: world.text("log") == "ran\n", 5)
        assert world.get(command)["StatusDetails"] == "DeliveryTimedOut"


def test_a_command_delivered_twice_runs_twice(world: World) -> None:
    world.switches = replace(AT_ONCE, deliver_twice=True)
    world.becomes(world.send("echo ran >> log"), "Success")
    assert clock.wait_for(lambda: world.text("log") == "ran\nran\n", 5)


def test_exit_194_reboots_the_machine_and_runs_the_script_again(world: World) -> None:
    command = world.send("echo ran >> log", "test $(wc -l < log) = 2 || exit 194")
    world.becomes(command, "Success")
    assert (world.text("log"), world.folders.boots[A]) == ("ran\nran\n", 2)


def test_a_machine_that_reboots_under_its_command_reports_a_failure(world: World) -> None:
    command = world.send("touch begun; while test ! -e end; do sleep 0.05; done; exit 9")
    assert clock.wait_for((world.folders.folder(A) / "begun").exists, 5)
    world.folders.reboot(A)
    (world.folders.folder(A) / "end").touch()
    world.becomes(command, "Failed")


def test_unknown_machines_and_commands_are_refused(world: World) -> None:
    cases: list[tuple[str, Callable[[], object]]] = [
        ("InvalidInstanceId", lambda: world.send("true", ids=["i-00000000000000bad"])),
        ("InvalidCommandId", lambda: world.get("0" * 36)),
        ("ValidationException", lambda: world.get("short")),
        ("InvocationDoesNotExist", lambda: world.get(world.send("true"), B)),
        ("InvalidCommandId", lambda: world.service.cancel_command({"CommandId": "0" * 36})),
        ("InvalidNextToken", lambda: world.service.list_commands({"NextToken": "x"})),
    ]
    for code, call in cases:
        with pytest.raises(SsmError, match=code):
            call()


def test_invocations_are_listed_by_command_machine_status_and_page(world: World) -> None:
    both = world.send("echo hello", ids=[A, B])
    only = world.send("exit 1", ids=[B])
    for command, end, instance_id in [(both, "Success", A), (both, "Success", B), (only, "Failed", B)]:
        world.becomes(command, end, instance_id)

    def listed(**asked: object) -> list[tuple[str, str]]:
        found = world.service.list_command_invocations(asked)["CommandInvocations"]
        return [(one["CommandId"], one["InstanceId"]) for one in found]

    assert listed() == [(only, B), (both, A), (both, B)]
    assert listed(CommandId=both) == [(both, A), (both, B)]
    assert listed(InstanceId=A) == [(both, A)]
    assert listed(Filters=[{"key": "Status", "value": "Failed"}]) == [(only, B)]
    assert listed(MaxResults=2) == [(only, B), (both, A)]
    assert listed(MaxResults=2, NextToken="2") == [(both, B)]
    detailed = world.service.list_command_invocations({"CommandId": both, "Details": True})["CommandInvocations"]
    assert detailed[0]["CommandPlugins"][0]["Output"] == "hello\n"
    assert world.service.list_command_invocations({"CommandId": both})["CommandInvocations"][0]["CommandPlugins"] == []


def test_targets_choose_machines_by_tag(world: World) -> None:
    asked = wire("true") | {"InstanceIds": [], "Targets": [{"Key": "tag:Role", "Values": ["web"]}]}
    command = str(world.service.send_command(asked)["Command"]["CommandId"])
    assert world.becomes(command, "Success")
    with pytest.raises(SsmError, match="InvocationDoesNotExist"):
        world.get(command, B)


def test_ping_status_tells_a_dead_agent_and_a_stopped_machine(world: World) -> None:
    world.switches = replace(AT_ONCE, dead=frozenset({A}))
    world.folders.off.add(B)

    def pings(**asked: object) -> dict[str, str]:
        found = world.service.describe_instance_information(asked)["InstanceInformationList"]
        return {one["InstanceId"]: one["PingStatus"] for one in found}

    assert pings() == {A: "ConnectionLost", B: "ConnectionLost"}
    world.switches, world.folders.off = AT_ONCE, set()
    assert pings(Filters=[{"Key": "InstanceIds", "Values": [B]}]) == {B: "Online"}
    assert pings(InstanceInformationFilterList=[{"key": "PingStatus", "valueSet": ["ConnectionLost"]}]) == {}


def test_closing_ends_what_still_runs(tmp_path: Path) -> None:
    with running(tmp_path) as world:
        command = world.send("echo $$ > pid; exec sleep 60")
        assert clock.wait_for(lambda: world.text("pid"), 5)
        world.becomes(command, "InProgress")
    assert not Path(f"/proc/{world.text('pid').strip()}").exists()
