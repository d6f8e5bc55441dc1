"""Work that the executor could never accept: found before the plan, with the last probe that goes with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.given import a_plan, t

from katakei.app import preflight
from katakei.domain.actions import Job
from katakei.domain.errors import UsageError
from katakei.domain.events import WorkKey
from katakei.domain.model import Target
from katakei.domain.plan import Plan
from katakei.domain.ports import ProbedTarget
from katakei.domain.spec import Command, Drain, DrainUntil, Spec

PROOF = Drain(until=DrainUntil.PROOF, probe="ssm")
UNDO = Command("local", "undo")


@dataclass
class SmallDrivers:
    """Executors that accept a limited number of characters, by name, and a probe whose program names its targets."""

    most: int = 10_000
    asked: dict[str, dict[WorkKey, tuple[Target, Job]]] = field(default_factory=dict)
    executors: dict[str, Any] = field(default_factory=dict)

    def executor(self, command: Command) -> Any:
        def fits(jobs: Mapping[WorkKey, tuple[Target, Job]]) -> None:
            self.asked[command.executor] = dict(jobs)
            if any(len(job.run + job.probe) > self.most for _, job in jobs.values()):
                raise UsageError("too long")

        return self.executors.setdefault(command.executor, SimpleNamespace(fits=fits))

    def probe(self, spec: Spec) -> Any:
        def last_look(targets: Sequence[ProbedTarget]) -> str:
            assert all(watched.groups for watched in targets)
            return " ".join(watched.target.id for watched in targets)

        return SimpleNamespace(last_look=last_look) if spec.carrier else None


def looks(plan: Plan, way: str = "ssm") -> set[str]:
    """The last looks that the executor of this name was asked about."""
    drivers = SmallDrivers()
    preflight.check_fits(drivers, plan)  # type: ignore[arg-type]  # as few drivers as will do
    return {job.probe for _, job in drivers.asked[way].values()}


def test_check_fits_joins_last_probes_by_window() -> None:
    assert looks(a_plan(3, drain=PROOF)) == {t(a_plan(3), number) for number in range(3)}
    plan = a_plan(3, window=2, drain=PROOF)
    assert looks(plan) == {f"{t(plan)} {t(plan, 1)}", t(plan, 2)}


def test_check_fits_adds_a_probe_to_work_on_targets_only() -> None:
    assert looks(a_plan(work=UNDO, drain=PROOF), "local") == {""}
    assert looks(a_plan(revert=UNDO, drain=PROOF), "local") == {""}
    assert looks(a_plan()) == {""}


@pytest.mark.parametrize("spec", [{"work": Command("ssm", "#" * 99)}, {"revert": Command("ssm", "#" * 99)}])
def test_check_fits_limits_work_and_revert(spec: Mapping[str, Command]) -> None:
    plan = a_plan(1, floor=0, drain=PROOF, **spec)  # type: ignore[arg-type]  # as the plan takes it
    with pytest.raises(UsageError):
        preflight.check_fits(SmallDrivers(most=99), plan)  # type: ignore[arg-type]  # as few drivers as will do
    preflight.check_fits(SmallDrivers(most=99 + len(t(plan))), plan)  # type: ignore[arg-type]  # likewise
