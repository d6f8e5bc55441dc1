"""A small Run Command over HTTP: commands really run on machines of this host. Tests set its faults."""

import json
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.contracts.machine import Machine

Wire = dict[str, Any]


class WireFault(Exception):
    """An answer that is an error. Status 0: the connection ends without an answer."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


@dataclass
class Command:
    """One command, and its state on each machine."""

    id: str
    text: str
    instances: tuple[str, ...]
    status: dict[str, str] = field(default_factory=dict)
    out: dict[str, str] = field(default_factory=dict)
    mute: frozenset[str] = frozenset()


class RunCommand:
    """The service.

    Attributes:
        silent: instances whose agents fetch nothing.
        dying: instances whose agents never report what they are sent now.
        nameless: instances whose agents give a script no id.
        hidden: commands that are not listed yet.
        ping: the PingStatus of an instance, `Online` by default.
        platform: the platform of an instance, `Linux` by default.
        faults: the errors that the next calls of an action answer.
        lost: actions that are carried out and get no answer.

    """

    def __init__(self) -> None:
        self.machines: dict[str, Machine] = {}
        self.commands: list[Command] = []
        self.calls: list[str] = []
        self.silent: set[str] = set()
        self.dying: set[str] = set()
        self.nameless: set[str] = set()
        self.ping: dict[str, str] = {}
        self.platform: dict[str, str] = {}
        self.faults: dict[str, list[WireFault]] = {}
        self.lost: set[str] = set()
        self.hidden: set[str] = set()
        self._threads: list[threading.Thread] = []

    def answer(self, action: str, wire: Wire) -> Wire:
        self.calls.append(action)
        if self.faults.get(action):
            raise self.faults[action].pop(0)
        answer: Wire = getattr(self, action)(wire)
        if action in self.lost:
            raise WireFault("", status=0)
        return answer

    def SendCommand(self, wire: Wire) -> Wire:  # noqa: N802 - AWS's own word
        assert len(json.dumps(wire["Parameters"])) <= 65_536
        strangers = [each for each in wire["InstanceIds"] if each not in self.machines]
        if strangers:
            raise WireFault("InvalidInstanceId", f"Instances {strangers} not in a valid state for account 1")
        [text] = wire["Parameters"]["commands"]
        command = Command(str(uuid.uuid4()), text, tuple(wire["InstanceIds"]))
        command.status = dict.fromkeys(command.instances, "Pending")
        command.mute = frozenset(self.dying)
        self.commands.append(command)
        for instance in command.instances:
            if instance not in self.silent:
                self.deliver(command, instance)
        return {"Command": {"CommandId": command.id}}

    def ListCommandInvocations(self, wire: Wire) -> Wire:  # noqa: N802 - AWS's own word
        command = next((each for each in self.commands if each.id == wire["CommandId"]), None)
        if command is None:
            raise WireFault("InvalidCommandId")
        if command.id in self.hidden:
            return {"CommandInvocations": []}
        at, size = int(wire.get("NextToken", 0)), 2  # small pages, so that paging is met
        entries = [self._entry(command, instance) for instance in command.instances]
        more = {"NextToken": str(at + size)} if at + size < len(entries) else {}
        return {"CommandInvocations": entries[at : at + size], **more}

    def GetCommandInvocation(self, wire: Wire) -> Wire:  # noqa: N802 - AWS's own word
        [command] = [each for each in self.commands if each.id == wire["CommandId"]]
        return {"StandardOutputContent": command.out.get(wire["InstanceId"], "")[:24_000]}

    def DescribeInstanceInformation(self, wire: Wire) -> Wire:  # noqa: N802 - AWS's own word
        asked = wire["Filters"][0]["Values"]
        nodes = [
            {
                "InstanceId": each,
                "PingStatus": self.ping.get(each, "Online"),
                "PlatformType": self.platform.get(each, "Linux"),
            }
            for each in asked
            if each in self.machines
        ]
        return {"InstanceInformationList": nodes}

    def deliver(self, command: Command, instance: str) -> None:
        """Makes the agent fetch it, now or as late as the test likes."""
        thread = threading.Thread(target=self._run, args=(command, instance))
        self._threads.append(thread)
        thread.start()

    def give_up(self, command: Command, instance: str, status: str = "TimedOut") -> None:
        """Makes Run Command stop waiting for this agent."""
        command.status[instance] = status
        command.out.pop(instance, None)

    def close(self) -> None:
        for machine in self.machines.values():
            machine.end()
        for thread in self._threads:
            thread.join(20)

    def _run(self, command: Command, instance: str) -> None:
        machine = self.machines[instance]
        machine.env["AWS_SSM_INSTANCE_ID"] = "" if instance in self.nameless else instance
        open_ = command.status[instance] in {"Pending", "InProgress"}
        if open_:
            command.status[instance] = "InProgress"
        with machine.agent(command.text) as agent:
            try:
                out, _ = agent.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                agent.kill()
                return
        if open_ and instance not in command.mute:
            command.out[instance] = out
            command.status[instance] = "Success" if agent.returncode == 0 else "Failed"

    def _entry(self, command: Command, instance: str) -> Wire:
        status = command.status[instance]
        details = {"TimedOut": "DeliveryTimedOut"}.get(status, status)
        plugin = {"Name": "aws:runShellScript", "Status": status, "Output": command.out.get(instance, "")[:2_500]}
        return {"InstanceId": instance, "Status": status, "StatusDetails": details, "CommandPlugins": [plugin]}


@contextmanager
def served(service: RunCommand) -> Iterator[str]:
    """Serves it over HTTP and yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1  # one packet per answer: two would wait for each other

        def do_POST(self) -> None:
            wire = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            action = self.headers["X-Amz-Target"].partition(".")[2]
            try:
                self._say(200, service.answer(action, wire))
            except WireFault as fault:
                if fault.status:
                    self._say(fault.status, {"__type": fault.code, "message": fault.message})

        def _say(self, status: int, body: Wire) -> None:
            said = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's word
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)
            service.close()
