"""The ports that ask a target itself: its health check, and the probe that knows whether requests are pending there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from katakei.domain.model import Group, RolloutId, Target, TargetId
from katakei.domain.observation import CheckResult, DrainEvidence


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """A health check of one registration.

    Attributes:
        expect: An ELBv2 matcher ('200', '200-299', '200,204').
    """

    scheme: str
    address: str
    port: int
    path: str
    expect: str
    timeout: timedelta


class HealthChecker(Protocol):
    """Makes health checks."""

    def ask(
        self, questions: Mapping[TargetId, Sequence[CheckRequest]], by: timedelta
    ) -> Mapping[TargetId, CheckResult]:
        """Make the checks of each target. It passed only when all its checks passed; a missing target is unknown."""
        ...

    def reachable(self, questions: Mapping[TargetId, Sequence[CheckRequest]], by: timedelta) -> Mapping[TargetId, str]:
        """Preflight: the targets whose port does not accept a connection from here, each with the reason."""
        ...


@dataclass(frozen=True, slots=True)
class ProbedTarget:
    """A target to be probed, with its groups.

    Attributes:
        blind: Why its baseline did not see its traffic; '' when it did, or when none was taken.
        rollout: The rollout that probes it. What a probe leaves running on a target is found again by this name.
    """

    target: Target
    groups: tuple[Group, ...]
    blind: str = ""
    rollout: RolloutId | None = None


class Probe(Protocol):
    """Knows whether anything is pending on targets. No method waits: each collects answers and asks again."""

    def baseline(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, str]:
        """While the targets still serve: why the probe cannot see a target's traffic, '' when it can.

        A missing target is not known yet.
        """
        ...

    def look(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, DrainEvidence]:
        """The newest verdicts on targets that were taken out. Each counts from the earliest moment it may speak of."""
        ...

    def arrivals(self, targets: Sequence[ProbedTarget]) -> Mapping[TargetId, int]:
        """How many requests, at least, reached each target after its quiet verdict. Missing: not counted yet."""
        ...

    def last_look(self, targets: Sequence[ProbedTarget]) -> str:
        """One shell program for all targets that runs like the work.

        It fails with exit code 75, and says why, when something is pending at that moment. With exit code 76 there is
        no verdict, and the work has not been tried.
        """
        ...

    def unable(self, targets: Sequence[ProbedTarget], by: timedelta) -> Mapping[TargetId, str]:
        """Before the first target is taken out: on which of these the probe could not run, each with the reason.

        What is not known after `by` is no fault. It waits, as the proof of rights does.
        """
        ...

    def end(self, targets: Sequence[ProbedTarget], *, forbid: bool) -> None:
        """End what it left running on these targets, or with `forbid` also what may still begin there. Best effort."""
        ...
