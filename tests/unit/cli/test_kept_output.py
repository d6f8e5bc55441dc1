"""Tests of `logs`: where the beginning of an output was not kept, a line says how much is missing."""

import pytest
from tests.unit.given import NOON, a_plan

from katakei.cli.queries import _output
from katakei.domain.events import WorkEnded, WorkKey
from katakei.domain.phases import Intent
from katakei.domain.wire import version_needed

PLAN = a_plan()
TARGET = PLAN.targets[0]
KEY = WorkKey(PLAN.rollout, TARGET.id, 1, Intent.UPDATE)


@pytest.mark.parametrize(
    ("cut", "shown"),
    [(0, ["the end"]), (1_234_567, ["(1,234,567 bytes of output before this were not kept)", "the end"])],
)
def test_logs_say_how_much_output_is_missing(cut: int, shown: list[str]) -> None:
    _, *lines = _output(TARGET, WorkEnded(NOON, KEY, 0, "the end\n", cut)).splitlines()
    assert lines == shown


def test_older_versions_read_an_output_without_a_cut() -> None:
    assert [version_needed(WorkEnded(NOON, KEY, 0, "", cut)) for cut in (0, 1)] == [1, 3]
