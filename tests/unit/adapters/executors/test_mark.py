"""The text that a target's shell is given, and the reading of what it answers."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.contracts.machine import NAME, start

from katakei.adapters.executors import mark
from katakei.adapters.executors.mark import MarkState
from katakei.domain.errors import UsageError
from katakei.domain.events import WorkKey
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.observation import WorkState
from katakei.domain.phases import Intent


def _values(name: str, value: str) -> str:
    return str(mark.Line("i-1", NAME, datetime.now(UTC), ((name, value),)))


def test_mark_of_another_user_is_unknown() -> None:
    told = mark.read("katakei-mark r-1/1-update unknown - 1700000000 - bm8= -\nkatakei-end\n")
    assert (told.marks[0].state, told.marks[0].why) == (MarkState.UNKNOWN, "no")


def test_cut_answer_holds_no_mark() -> None:
    whole = "katakei-mark r-1/1-update ended 0 1700000000 i-1 - QUJDREVGR0g=\nkatakei-end\n"
    assert mark.read(whole).marks[0].out == "ABCDEFGH"
    assert [mark.read(whole[:cut]).marks for cut in range(len(whole) - 14)] == [()] * (len(whole) - 14)


def test_read_ignores_other_lines() -> None:
    text = "katakei-mark r-1/1-update weird 0 1 - - -\nkatakei-mark a b c\nhello\nkatakei-end\n----ERROR----\nx"
    assert mark.read(text) == mark.MarkReport((), whole=True)


@pytest.mark.parametrize("rollout", ["", "..", "a/b", "-x", "a b", "a;b", "a\nb"])
def test_rollout_that_names_no_folder_is_usage_error(rollout: str) -> None:
    with pytest.raises(UsageError):
        mark.name_of(WorkKey(RolloutId(rollout), TargetId("i-1"), 1, Intent.UPDATE))


@pytest.mark.parametrize(
    ("name", "value"), [("PATH", "x"), ("KATAKEI_STATE", "x"), ("KATAKEI_A;B", "x"), ("KATAKEI_A", "\0")]
)
def test_harmful_value_is_usage_error(name: str, value: str) -> None:
    with pytest.raises(UsageError):
        _values(name, value)


def test_programs_hold_no_double_braces() -> None:
    assert "{{" not in start("true").text + mark.look_text([NAME]) + mark.forbid_text([NAME])


def test_every_shell_parses_the_programs(tmp_path: Path) -> None:
    script = tmp_path / "all.sh"
    script.write_text(start("true").text)
    for shell in ("sh", "bash"):
        subprocess.run([shell, "-n", str(script)], check=True)


@pytest.mark.parametrize(
    ("state", "elsewhere"),
    [
        (MarkState.INTERRUPTED, MarkState.UNKNOWN),
        (MarkState.ABSENT, MarkState.UNKNOWN),
        (MarkState.FORBIDDEN, MarkState.UNKNOWN),
        (MarkState.RUNNING, MarkState.RUNNING),
        (MarkState.ENDED, MarkState.ENDED),
    ],
)
def test_only_proof_counts_from_another_state_folder(state: MarkState, elsewhere: MarkState) -> None:
    """Work that removes the state folder leaves parts of its mark for a moment, and the next reader makes a new one."""
    seen = mark.Mark(NAME, state, datetime.now(UTC), place="i-1@aaaa")
    assert seen.believed("i-1@bbbb", begun=True).state is elsewhere
    assert seen.believed("i-1@aaaa", begun=False).state is state


def test_name_tells_attempts_and_intents_apart() -> None:
    keys = [WorkKey(RolloutId("r-1"), TargetId("i-1"), attempt, intent) for attempt in (1, 2) for intent in Intent]
    assert len({mark.name_of(key) for key in keys}) == len(keys)
    assert mark.name_of(keys[0]) == f"r-1/1-{keys[0].intent.value}"


@pytest.mark.parametrize(
    ("state", "work"),
    [
        ("absent", WorkState.NOT_STARTED),
        ("running", WorkState.RUNNING),
        ("interrupted", WorkState.INTERRUPTED),
        ("forbidden", WorkState.REFUSED),
        ("unknown", WorkState.UNKNOWN),
    ],
)
def test_state_of_a_mark_is_the_state_of_its_work(state: str, work: WorkState) -> None:
    [told] = mark.read(f"katakei-mark r-1/1-update {state} - 1700000000 - bm8= -\nkatakei-end\n").marks
    assert told.work.state is work
