"""What could never be handed over is found when it is planned, with the last look that will go along with it."""

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
class Kit:
    """Executors that take no more than so many characters, by name, and a witness whose program names its targets."""

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
    kit = Kit()
    preflight.fits(kit, plan)  # type: ignore[arg-type]  # a kit as small as will do
    return {job.probe for _, job in kit.asked[way].values()}


def test_each_may_be_looked_at_together_with_those_that_begin_with_it() -> None:
    assert looks(a_plan(3, drain=PROOF)) == {t(a_plan(3), number) for number in range(3)}
    plan = a_plan(3, window=2, drain=PROOF)
    assert looks(plan) == {f"{t(plan)} {t(plan, 1)}", t(plan, 2)}


def test_a_look_goes_along_only_with_what_runs_on_the_target() -> None:
    assert looks(a_plan(work=UNDO, drain=PROOF), "local") == {""}
    assert looks(a_plan(revert=UNDO, drain=PROOF), "local") == {""}
    assert looks(a_plan()) == {""}


@pytest.mark.parametrize("spec", [{"work": Command("ssm", "#" * 99)}, {"revert": Command("ssm", "#" * 99)}])
def test_neither_the_work_nor_what_takes_it_back_may_be_too_long(spec: Mapping[str, Command]) -> None:
    plan = a_plan(1, floor=0, drain=PROOF, **spec)  # type: ignore[arg-type]  # as the plan takes it
    with pytest.raises(UsageError):
        preflight.fits(Kit(most=99), plan)  # type: ignore[arg-type]  # a kit as small as will do
    preflight.fits(Kit(most=99 + len(t(plan))), plan)  # type: ignore[arg-type]  # likewise
