"""Places where work can be done, one per executor, so that each is held to the same promises."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from botocore.loaders import Loader
from tests.contracts.machine import Machine, remove_folder
from tests.contracts.run_command import RunCommand, served
from tests.contracts.ssh_server import SshServer, client, config_file

from katakei.adapters.aws import AwsSession
from katakei.adapters.executors.local.driver import LocalExecutor
from katakei.adapters.executors.local.state_folder import Here
from katakei.adapters.executors.manual import ManualExecutor
from katakei.adapters.executors.ssh import SshClient, SshExecutor
from katakei.adapters.executors.ssm import SsmExecutor
from katakei.adapters.system.clock import SystemClock, draw
from katakei.domain.actions import Job
from katakei.domain.events import WorkKey
from katakei.domain.model import RolloutId, Target, TargetId
from katakei.domain.observation import WorkState, WorkStatus
from katakei.domain.phases import Intent
from katakei.domain.ports import Executor
from katakei.domain.spec import HostSource, SshAccess
from katakei.lab.process import Lab

BY = timedelta(seconds=10)
_READ_ONCE = Loader()  # what boto3 knows of AWS's shapes, which is long to read
FINAL = frozenset({WorkState.ENDED, WorkState.INTERRUPTED, WorkState.REFUSED, WorkState.AWAITS_APPROVAL})


class TurnedClock:
    """The real time and what was turned on top of it, because targets live in real time."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self._turned = timedelta()

    def now(self) -> datetime:
        return self._real.now() + self._turned

    def sleep(self, span: timedelta) -> None:
        self._real.sleep(span)

    def last_jump(self) -> datetime | None:
        return None

    def wake(self) -> None:
        self._real.wake()

    def turn(self, seconds: float) -> None:
        self._turned += timedelta(seconds=seconds)


class Workshop(Protocol):
    """An executor and the machines it works on; `folder` is where work on one of them begins."""

    end: WorkState

    @property
    def targets(self) -> tuple[Target, ...]: ...

    @property
    def executor(self) -> Executor: ...

    def folder(self, target: Target) -> Path: ...

    def pass_time(self, seconds: float) -> None: ...


def target(number: int, name: str = "", address: str = "10.0.0.1") -> Target:
    return Target(TargetId(f"i-{number:017x}"), name or f"web {number}", address, "ap-northeast-1a", ())


_ROLLOUTS: dict[TargetId, RolloutId] = {}
"""The rollout of this test for each server of a lab: a lab outlives a test, and so may the test's work."""


def key(whom: Target, attempt: int = 1, intent: Intent = Intent.UPDATE) -> WorkKey:
    return WorkKey(_ROLLOUTS.get(whom.id, RolloutId("r-7")), whom.id, attempt, intent)


def job(run: str, seconds: int = 60, **values: str) -> Job:
    return Job(run, tuple(values.items()), seconds)


class ByHand:
    """Nothing is ever run."""

    end = WorkState.AWAITS_APPROVAL

    def __init__(self, folder: Path) -> None:
        self.targets = (target(1), target(2))
        self.executor = ManualExecutor()
        self._folder = folder

    def folder(self, target: Target) -> Path:  # noqa: ARG002 - the protocol's shape
        return self._folder

    def pass_time(self, seconds: float) -> None:
        """Nothing depends on it."""


class OnThisMachine:
    """Work begins in the folder of this process; its marks are in a folder of the test."""

    end = WorkState.ENDED

    def __init__(self, folder: Path, here: Here | None = None) -> None:
        self.targets = (target(1), target(2), target(3))
        self.clock = SystemClock()
        self.marks = folder / "marks"
        self.here = here or Here("laptop", "first", "pid:[1]")
        self.executor = self.anew()
        self._folder = folder

    def anew(
        self, here: Here | None = None, marks: Path | None = None, env: Mapping[str, str] | None = None
    ) -> LocalExecutor:
        """A process that knows nothing of the former's, here or elsewhere."""
        env = os.environ if env is None else env
        return LocalExecutor(marks or self.marks, here or self.here, lambda: SystemClock().now(), draw(12), env)

    def folder(self, target: Target) -> Path:  # noqa: ARG002 - the protocol's shape
        return self._folder

    def pass_time(self, seconds: float) -> None:  # noqa: ARG002 - nothing here depends on a turned clock
        self.clock.sleep(timedelta(seconds=0.03))


class ByRunCommand:
    """Some machines behind a Run Command of our own."""

    end = WorkState.ENDED

    def __init__(self, folder: Path, machines: int = 3) -> None:
        self.service = RunCommand()
        self.targets = tuple(target(number) for number in range(1, machines + 1))
        for each in self.targets:
            self.service.machines[each.id] = Machine(folder / each.id, name=each.id)
        self.anew()

    def anew(self) -> None:
        """A process that knows nothing of the former's."""
        self.clock = TurnedClock()
        self.aws = AwsSession("ap-northeast-1", None, self.clock)
        self.executor = SsmExecutor(self.aws, self.clock)

    def folder(self, target: Target) -> Path:
        return self.service.machines[target.id].folder

    def pass_time(self, seconds: float) -> None:
        self.clock.sleep(timedelta(seconds=0.04))
        self.clock.turn(seconds - 0.04)


class OnTheLab:
    """The lab's own servers and agents. Each test has a rollout of its own; what former work left is taken away."""

    end = WorkState.ENDED

    def __init__(self, lab: Lab) -> None:
        self._folders = {TargetId(each.id): Path(each.folder) for each in lab.targets}
        self.targets = tuple(Target(TargetId(each.id), "", each.address, each.zone, ()) for each in lab.targets)
        _ROLLOUTS.update(dict.fromkeys(self._folders, RolloutId(f"r-{draw(6)}")))
        for folder in self._folders.values():
            if (known := folder / "state" / ".machines").exists():
                remove_folder(known)
            for left in ("begun", "go_on"):
                (folder / left).unlink(missing_ok=True)
        self.clock = TurnedClock()
        self.aws = AwsSession("ap-northeast-1", None, self.clock)
        self.executor = SsmExecutor(self.aws, self.clock)

    def folder(self, target: Target) -> Path:
        return self._folders[target.id]

    def pass_time(self, seconds: float) -> None:
        self.clock.sleep(timedelta(seconds=0.06))
        self.clock.turn(seconds - 0.06)


class BySsh:
    """Some machines, each behind a real OpenSSH server."""

    end = WorkState.ENDED

    def __init__(self, folder: Path, machines: int = 3) -> None:
        self.targets = tuple(target(number, address="127.0.0.1") for number in range(1, machines + 1))
        self.servers = {each.id: SshServer(Machine(folder / each.id, name=each.id)) for each in self.targets}
        self.known = folder / "known_hosts"
        for server in self.servers.values():
            server.begin()
            server.known_hosts(self.known)
        named = {str(name): server for name, server in self.servers.items()}
        self.access = SshAccess(host=HostSource.ID, config=str(config_file(folder, named, self.known)))
        self.clients: list[SshClient] = []
        self.anew()

    def anew(self, access: SshAccess | None = None) -> None:
        """A process that knows nothing of the former's."""
        self.clock = TurnedClock()
        self.clients.append(client(access or self.access))
        self.executor = SshExecutor(self.clients[-1], self.clock, os.environ)

    def folder(self, target: Target) -> Path:
        return self.servers[target.id].folder

    def pass_time(self, seconds: float) -> None:
        self.clock.sleep(timedelta(seconds=0.04))
        self.clock.turn(seconds - 0.04)

    def close(self) -> None:
        for each in self.clients:
            each.close()
        for server in self.servers.values():
            server.cut()
            server.end()
            server.machine.end()


@contextmanager
def by_ssh(folder: Path, machines: int = 2) -> Iterator[BySsh]:
    shop = BySsh(folder, machines)
    try:
        yield shop
    finally:
        shop.close()


@contextmanager
def by_run_command(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[ByRunCommand]:
    with ExitStack() as stack:
        shop = ByRunCommand(folder)
        patch.setenv("AWS_ENDPOINT_URL", stack.enter_context(served(shop.service)))
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, "/dev/null")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.delenv("AWS_PROFILE", raising=False)
        patch.setattr("botocore.loaders.create_loader", lambda _: _READ_ONCE)
        yield shop


def prepare(shop: Workshop, targets: Sequence[Target] = (), turns: int = 400) -> dict[TargetId, str]:
    """Prepare until each target (all of them by default) has its place, as the core does before a take-out."""
    targets = targets or shop.targets
    places: dict[TargetId, str] = {}
    for _ in range(turns):
        places = dict(shop.executor.prepare(targets, BY))
        if places.keys() == {whom.id for whom in targets}:
            return places
        shop.pass_time(1)
    raise AssertionError(f"no place: {[whom.id for whom in targets if whom.id not in places]}")


def hand_over(shop: Workshop, jobs: Mapping[WorkKey, tuple[Target, Job]], turns: int = 400) -> dict[WorkKey, str]:
    """Start until every key is taken, as the core does."""
    tickets: dict[WorkKey, str] = {}
    for _ in range(turns):
        tickets |= shop.executor.start({key: work for key, work in jobs.items() if key not in tickets}, BY)
        if tickets.keys() == jobs.keys():
            return tickets
        shop.pass_time(1)
    raise AssertionError(f"not taken: {jobs.keys() - tickets.keys()}")


def follow(
    shop: Workshop,
    jobs: Mapping[WorkKey, tuple[Target, Job]],
    tickets: dict[WorkKey, str],
    until: Iterable[WorkState] = FINAL,
    turns: int = 400,
) -> dict[WorkKey, WorkStatus]:
    """Look until every key is in one of these states; what is proven not started is started again."""
    works: dict[WorkKey, WorkStatus] = {}
    for _ in range(turns):
        works = dict(shop.executor.look({key: (jobs[key][0], tickets[key]) for key in jobs}, BY))
        assert set(works) <= set(jobs)
        if all(key in works and works[key].state in until for key in jobs):
            return works
        again = {key: jobs[key] for key, work in works.items() if work.state is WorkState.NOT_STARTED}
        tickets |= shop.executor.start(again, BY) if again else {}
        shop.pass_time(1)
    raise AssertionError(works)


def until(
    shop: Workshop, named: Mapping[WorkKey, tuple[Target, str]], wanted: WorkState, act: Callable[[], object]
) -> WorkStatus:
    """Act and look, turn after turn, as the core does, until the work is in this state."""
    work = WorkStatus(WorkState.UNKNOWN)
    for _ in range(400):
        act()
        [work] = shop.executor.look(named, BY).values()
        if work.state is wanted:
            return work
        shop.pass_time(1)
    raise AssertionError(work)
