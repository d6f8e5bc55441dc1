"""Tests of `logs`: where the beginning of an output was not kept, a line says how much is missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from tests.unit.given import NOON, a_plan

from katakei.cli.queries import LogsOptions, _full_logs, _output
from katakei.domain.errors import UsageError
from katakei.domain.events import Event, Planned, WorkEnded, WorkKey
from katakei.domain.model import RolloutId
from katakei.domain.phases import Intent
from katakei.domain.ports import KeptOutput, RolloutHeader
from katakei.domain.spec import Command
from katakei.domain.wire import version_needed

PLAN = a_plan()
TARGET = PLAN.targets[0]
KEY = WorkKey(PLAN.rollout, TARGET.id, 1, Intent.UPDATE)


class _Journal:
    """One rollout, whose work printed more than the journal keeps."""

    events = (Planned(NOON, PLAN), WorkEnded(NOON, KEY, 1, "the end\n", 99))

    def read(self, rollout: RolloutId, _after: int) -> tuple[Event, ...]:
        return self.events if rollout == PLAN.rollout else ()

    def find(self, **_asked: object) -> list[RolloutHeader]:
        return [RolloutHeader(RolloutId(PLAN.rollout), "web", (), NOON, NOON, "kim")]


class _Drivers:
    journal = _Journal()

    def executor(self, _command: Command) -> "_Drivers":
        return self

    def kept_output(self, *_asked: object) -> KeptOutput:
        return KeptOutput("all \x1b[31mof it\n", 3)

    def tell(self, _sentence: str) -> None:
        """Nobody reads it."""


@dataclass
class _Context:
    server: str | None = None
    as_json: bool = False

    @contextmanager
    def drivers(self) -> Iterator[_Drivers]:
        yield _Drivers()


@pytest.mark.parametrize(
    ("cut", "shown"),
    [(0, ["the end"]), (1_234_567, ["(1,234,567 bytes of output before this were not kept)", "the end"])],
)
def test_logs_say_how_much_output_is_missing(cut: int, shown: list[str]) -> None:
    _, *lines = _output(TARGET, WorkEnded(NOON, KEY, 0, "the end\n", cut)).splitlines()
    assert lines == shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (LogsOptions(follow=True, full=True, words=("r-1", "web-1")), "leave --follow and --server out"),
        (LogsOptions(follow=False, full=True, words=(PLAN.rollout,)), "name them after the rollout"),
    ],
)
def test_full_output_needs_targets_and_this_machine(options: LogsOptions, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        _full_logs(_Context(), options)  # type: ignore[arg-type]  # all of it that is needed


def test_full_output_is_never_asked_of_a_server() -> None:
    with pytest.raises(UsageError, match="leave --follow and --server out"):
        _full_logs(_Context("https://katakei"), LogsOptions(follow=False, full=True, words=("r-1", "web-1")))  # type: ignore[arg-type]  # as above


def test_full_output_comes_from_the_target(capsys: pytest.CaptureFixture[str]) -> None:
    context = _Context()
    _full_logs(context, LogsOptions(follow=False, full=True, words=(PLAN.rollout, TARGET.id)))  # type: ignore[arg-type]  # as above
    shown = capsys.readouterr().out
    assert "(3 bytes of output before this were not kept)\nall of it\n" in shown
    assert "\x1b" not in shown
    assert "the end" not in shown


def test_older_versions_read_an_output_without_a_cut() -> None:
    assert [version_needed(WorkEnded(NOON, KEY, 0, "", cut)) for cut in (0, 1)] == [1, 3]
