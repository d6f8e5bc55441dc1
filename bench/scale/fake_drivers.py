"""The calm world through the ports of the core: the real balancer driver over a client of ours, and small drivers.

Executor, checker and witness answer at their ports: what Run Command costs is not measured here.
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

T = TypeVar("T")


class FakeAlb(AlbBalancer):
    """The driver itself, with its own token buckets, over our client; a group's attributes are never edited here."""

    def __init__(self, aws: SimulatedAws) -> None:
        session = AwsSession("ap-northeast-1", None, aws.clock)
        session.use(ELB, cast("Any", FakeElbClient(aws)))  # the wire is the one thing that is not real
        super().__init__(session, aws.clock)
        self._simulated = aws

    def groups(self, names: Sequence[str]) -> Sequence[Group]:
        """As they were planned."""
        self._simulated.calls["attributes read"] += len(names)
        return [group for group in self._simulated.groups if group.arn in names]


class DelayedFuture(Future[T]):
    """What was done in a thread: known to the loop only when its time has come."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock
        self.due = clock.time

    def done(self) -> bool:
        """Whether the thread has come so far."""
        return self._clock.time >= self.due and super().done()


class FakePool:
    """Runs everything at once; an act that had to wait for a token keeps its own time, as in a thread."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def submit(self, work: Callable[[], T], /) -> Future[T]:
        """An act's waits are its own; looks are awaited by the loop anyway."""
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
    """Work begins at once, ends when the world says so, and ends well."""

    marks = ""
    lacks = ""

    def __init__(self, aws: SimulatedAws) -> None:
        self._aws = aws
        self._ends: dict[WorkKey, datetime] = {}

    def ready(self, targets: Sequence[Target], by: timedelta) -> Mapping[TargetId, str]:
        """All are."""
        del targets, by
        return {}

    def fits(self, jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
        """All do."""

    def prepare(self, targets: Sequence[Target], by: timedelta) -> None:
        """Nothing to learn."""

    def start(self, jobs: Mapping[WorkKey, tuple[Target, Job]], by: timedelta) -> Mapping[WorkKey, str]:
        """All are taken."""
        del by
        for key in jobs:
            self._ends.setdefault(key, self._aws.work_ends(key.target, self._aws.clock.time))
        return dict.fromkeys(jobs, "ticket")

    def look(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> Mapping[WorkKey, WorkStatus]:
        """Running, or ended well."""
        del by
        now = self._aws.clock.time
        running, ended = WorkStatus(WorkState.RUNNING), WorkStatus(WorkState.ENDED, exit=0, out="done\n")
        return {key: running if now < self._ends[key] else ended for key in tickets}

    def forbid(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Never needed here."""

    def cancel(self, tickets: Mapping[WorkKey, tuple[Target, str]], by: timedelta) -> None:
        """Never needed here."""


class FakeHealthChecker:
    """Every target is well."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def ask(
        self, questions: Mapping[TargetId, Sequence[CheckRequest]], by: timedelta
    ) -> Mapping[TargetId, CheckResult]:
        """Passed."""
        del by
        return dict.fromkeys(questions, CheckResult(passed=True, begun=self._clock.time))

    def reachable(self, questions: Mapping[TargetId, Sequence[CheckRequest]], by: timedelta) -> Mapping[TargetId, str]:
        """All are."""
        del questions, by
        return {}


class FakeProbe:
    """Clients close their connections: whatever left service is quiet, seen so at every asking."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def baseline(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, str]:
        """Every target's traffic is seen."""
        return dict.fromkeys((one.target.id for one in targets), "")

    def look(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, DrainEvidence]:
        """Nothing is pending."""
        quiet = DrainEvidence(ProbeVerdict.QUIET, self._clock.time, self._clock.time)
        return dict.fromkeys((one.target.id for one in targets), quiet)

    def arrivals(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, int]:
        """Nothing came late."""
        del targets
        return {}

    def last_look(self, targets: Sequence[ProbedTarget]) -> str:
        """The work itself looks at nothing more."""
        del targets
        return ""
