"""Drivers over simulated AWS: the real balancer adapter with a fake client, and small fakes for the other ports.

Executor, checker and probe answer at their ports, so the cost of Run Command is not measured.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from bench.scale.simulated_aws import FakeElbClient, ManualClock, SimulatedAws
from katakei.adapters.aws import ELB, AwsSession
from katakei.adapters.balancers.alb import AlbBalancer
from katakei.domain.actions import Job
from katakei.domain.events import WorkKey
from katakei.domain.model import Group, Target, TargetId
from katakei.domain.observation import CheckResult, DrainEvidence, ProbeVerdict, WorkState, WorkStatus
from katakei.domain.ports import CheckRequest, ProbedTarget
from katakei.domain.spec import Command

T = TypeVar("T")


class FakeAlb(AlbBalancer):
    """The real adapter with its token buckets, over the fake client. Group attributes never change here."""

    def __init__(self, aws: SimulatedAws) -> None:
        session = AwsSession("ap-northeast-1", None, aws.clock)
        session.use(ELB, cast("Any", FakeElbClient(aws)))  # only the client is simulated
        super().__init__(session, aws.clock)
        self._simulated = aws

    def groups(self, names: Sequence[str]) -> Sequence[Group]:
        """Returns the groups as they were planned."""
        self._simulated.calls["attributes read"] += len(names)
        return [group for group in self._simulated.groups if group.arn in names]


class DelayedFuture(Future[T]):
    """A result that becomes visible only at its simulated time."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock
        self.due = clock.time

    def done(self) -> bool:
        """Whether its time has come."""
        return self._clock.time >= self.due and super().done()


class FakePool:
    """Runs everything immediately. A call that waited for a token has its own time, as in a thread."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def submit(self, work: Callable[[], T], /) -> Future[T]:
        """Waits of changing calls do not advance the clock of others; observations are awaited anyway."""
        begun = self._clock.time
        future = DelayedFuture[T](self._clock)
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 - exactly what a pool does
            future.set_exception(error)
        future.due = self._clock.time
        if work.__module__ == "katakei.runtime.dispatcher":
            self._clock.time = begun
        return future


class FakeExecutor:
    """An executor whose work starts at once and always succeeds at its simulated time."""

    marks = ""
    lacks = None

    def __init__(self, aws: SimulatedAws) -> None:
        self._aws = aws
        self._ends: dict[WorkKey, datetime] = {}

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """All are ready."""
        del targets, by
        return {}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        """All commands fit."""

    def prove(self, command: Command, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Everything is permitted."""
        del command, targets, by
        return {}

    def prepare(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """Nothing to prepare."""
        del by
        return dict.fromkeys((target.id for target in targets), "")

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        """All work starts."""
        del by
        for key in jobs:
            self._ends.setdefault(key, self._aws.work_ends(key.target, self._aws.clock.time))
        return dict.fromkeys(jobs, "ticket")

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        """Returns running or succeeded."""
        del by
        now = self._aws.clock.time
        running, ended = WorkStatus(WorkState.RUNNING), WorkStatus(WorkState.ENDED, exit=0, out="done\n")
        return {key: running if now < self._ends[key] else ended for key in tickets}

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Never called."""

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Never needed here."""


class FakeHealthChecker:
    """Every check passes."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def ask(
        self, questions: Mapping[TargetId, Sequence[CheckRequest]], by: timedelta
    ) -> Mapping[TargetId, CheckResult]:
        """All checks pass."""
        del by
        return dict.fromkeys(questions, CheckResult(passed=True, begun=self._clock.time))

    def reachable(self, questions: Mapping[TargetId, Sequence[CheckRequest]], by: timedelta) -> Mapping[TargetId, str]:
        """All are."""
        del questions, by
        return {}


class FakeProbe:
    """A probe that sees quiet at once."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def baseline(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, str]:
        """All targets can be observed."""
        return dict.fromkeys((one.target.id for one in targets), "")

    def look(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, DrainEvidence]:
        """Nothing is pending."""
        quiet = DrainEvidence(ProbeVerdict.QUIET, self._clock.time, self._clock.time)
        return dict.fromkeys((one.target.id for one in targets), quiet)

    def arrivals(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, int]:
        """No request arrived after quiet."""
        del targets
        return {}

    def last_look(self, targets: Sequence[ProbedTarget]) -> str:
        """No last observation is needed."""
        del targets
        return ""

    def unable(self, targets: Sequence[ProbedTarget], by: timedelta) -> Mapping[TargetId, str]:
        """It runs everywhere."""
        del targets, by
        return {}

    def end(self, targets: Sequence[ProbedTarget], *, forbid: bool) -> None:
        """It leaves nothing running."""
