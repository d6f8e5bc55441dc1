"""The rest of an output: asked for only where the journal cut it, by the executor of that work."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.given import NOON, a_plan

from katakei.app.kept_output import KeptOutputs
from katakei.domain.errors import UsageError
from katakei.domain.events import Planned, WorkEnded, WorkKey
from katakei.domain.model import Target
from katakei.domain.phases import Intent
from katakei.domain.ports import KeptOutput
from katakei.domain.replay import replay
from katakei.domain.spec import Command

PLAN = a_plan(revert=Command("other", "undo"))
ROLLOUT = replay([Planned(NOON, PLAN)])


@dataclass
class Keeper:
    """An executor whose targets keep everything."""

    name: str
    asked: list[tuple[str, WorkKey]]

    def kept_output(self, key: WorkKey, target: Target, by: timedelta) -> KeptOutput:
        assert by > timedelta()
        assert target == ROLLOUT.targets[key.target]
        self.asked.append((self.name, key))
        return KeptOutput("all of it", 7)


@dataclass
class Drivers:
    """The executors of both commands."""

    keeps: bool = True
    asked: list[tuple[str, WorkKey]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def executor(self, command: Command) -> object:
        return Keeper(command.executor, self.asked) if self.keeps else object()

    def tell(self, sentence: str) -> None:
        self.said.append(sentence)


def ended(attempt: int, cut: int, intent: Intent = Intent.UPDATE) -> WorkEnded:
    return WorkEnded(NOON, WorkKey(PLAN.rollout, PLAN.targets[0].id, attempt, intent), 1, "the end", cut)


def completed(drivers: Any, *work: WorkEnded) -> list[WorkEnded]:
    return list(KeptOutputs(drivers).complete(ROLLOUT, work))


def test_only_a_cut_output_is_asked_for() -> None:
    drivers, whole, cut = Drivers(), ended(1, 0), ended(2, 9_000)
    assert completed(drivers, whole, cut) == [whole, replace(cut, out="all of it", cut=7)]
    assert drivers.asked == [(PLAN.spec.work.executor, cut.key)]
    assert len(drivers.said) == 1


def test_output_of_a_revert_is_asked_of_its_own_executor() -> None:
    drivers, back = Drivers(), ended(2, 9_000, Intent.REVERT)
    completed(drivers, back)
    assert drivers.asked == [("other", back.key)]


def test_five_pieces_of_work_are_asked_for_at_most() -> None:
    drivers, work = Drivers(), [ended(number, 1) for number in range(1, 9)]
    completed(drivers, *work)
    assert [key.attempt for _, key in drivers.asked] == [4, 5, 6, 7, 8]


def test_executor_that_keeps_no_more_is_named() -> None:
    with pytest.raises(UsageError, match="cannot be read with work: ssm"):
        completed(Drivers(keeps=False), ended(1, 1))
    assert completed(Drivers(keeps=False), ended(1, 0)) == [ended(1, 0)]
