"""A fake EC2 with one instance, and a program runner on it: what the tests of the executor ec2 need."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from katakei.adapters.aws import AwsSession
from katakei.adapters.executors.ec2.calls import RUNNING, InstanceCalls, Machine
from katakei.adapters.executors.ec2.claims import Claim
from katakei.domain.errors import KatakeiError, RejectedError
from katakei.domain.instances import InstanceFacts, TypeFacts
from katakei.domain.model import Target, TargetId
from katakei.domain.ports import ProgramOutput

LAUNCHED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ID = TargetId("i-00000000000000001")
TARGET = Target(ID, "web1", "10.0.0.1", "a", ())


class FakeEc2(InstanceCalls):
    """One instance. `fails` names calls with the errors that they raise; `lost` are made and then have no answer."""

    def __init__(self) -> None:
        super().__init__(cast("AwsSession", None))
        self.machine: Machine | None = Machine(RUNNING, LAUNCHED, None, InstanceFacts("t3.small", "x86_64"))
        self.boot = "boot-1"
        self.checks = ""
        self.made: list[str] = []
        self.fails: dict[str, KatakeiError] = {}
        self.before: Callable[[str], None] = lambda _: None

    def change(self, **changes: Any) -> None:
        assert self.machine
        self.machine = replace(self.machine, **changes)

    def machines(self, ids: Sequence[str], by: datetime | None = None) -> Mapping[str, Machine]:
        del by
        return {ID: self.machine} if self.machine and ID in ids else {}

    def unfinished_checks(self, ids: Sequence[str], by: datetime | None = None) -> Mapping[str, str]:
        del by
        return dict.fromkeys(ids, self.checks)

    def types(self, names: Sequence[str]) -> Mapping[str, TypeFacts]:
        return {name: TypeFacts(("x86_64",), instance_store=False) for name in names}

    def mark(self, instance: str, claim: Claim, by: datetime | None = None) -> None:
        del instance, by
        self._call(f"mark {claim.state.value}")
        self.change(claim=claim)

    def reboot(self, instance: str, by: datetime | None = None) -> None:
        del instance, by
        self._call("reboot")

    def stop(self, instance: str, by: datetime | None = None) -> None:
        del instance, by
        self._call("stop")

    def change_type(self, instance: str, instance_type: str, by: datetime | None = None) -> None:
        del instance, by
        self._call(f"type {instance_type}")
        assert self.machine
        self.change(facts=replace(self.machine.facts, instance_type=instance_type))

    def start(self, instance: str, by: datetime | None = None) -> None:
        del instance, by
        self._call("start")

    def allowed_to_mark(self, ids: Sequence[str]) -> None:
        self.made.append(f"try mark {len(ids)}")

    def allowed_to_reboot(self, ids: Sequence[str]) -> None:
        self.made.append(f"try reboot {len(ids)}")

    def allowed_to_stop_and_start(self, ids: Sequence[str], instance_type: str) -> None:
        self.made.append(f"try stop {len(ids)} {instance_type}")

    def _call(self, name: str) -> None:
        self.made.append(name)
        if error := self.fails.pop(name, None):
            raise error


class FakeRunner:
    """Answers with the boot id of the instance, where it runs."""

    self_from = "SELF"

    def __init__(self, ec2: FakeEc2) -> None:
        self._ec2 = ec2
        self.sent = 0
        self.answers: ProgramOutput | None = None
        self.rejects = ""
        self._waiting: dict[str, ProgramOutput] = {}

    def send(self, program: str, targets: Sequence[Target], within: timedelta) -> str:
        del program, targets, within
        self.sent += 1
        if self.rejects:
            raise RejectedError(self.rejects)
        machine = self._ec2.machine
        if machine and machine.state == RUNNING:
            told = f"katakei-boot {self._ec2.boot}\n"
            self._waiting[str(self.sent)] = self.answers or ProgramOutput(told)
        return str(self.sent)

    def heard(self, ticket: str) -> Mapping[TargetId, ProgramOutput]:
        return {ID: self._waiting[ticket]} if ticket in self._waiting else {}
