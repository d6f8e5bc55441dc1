"""The rest of a long output, read from the target in parts: all that it keeps, or the reason why not."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contracts.machine import remove_folder
from tests.contracts.run_command import WireFault
from tests.contracts.workshops import (
    ByRunCommand,
    OnTheLab,
    Workshop,
    by_run_command,
    follow,
    hand_over,
    job,
    key,
    target,
)

from katakei.adapters.executors import mark
from katakei.adapters.executors.ssm import SsmExecutor, kept_output
from katakei.domain.errors import NoAnswerError, UnreachableError, UsageError
from katakei.domain.ports import KeptOutput
from katakei.lab.process import Lab

LONG = "seq 1 100000"
WHOLE = "".join(f"{number}\n" for number in range(1, 100_001))
WITHIN = timedelta(seconds=90)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ByRunCommand]:
    monkeypatch.setattr(kept_output, "POLL", timedelta(seconds=0.05))
    with by_run_command(tmp_path, monkeypatch) as shop:
        yield shop


def _ended(shop: Workshop, run: str) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job(run))}
    follow(shop, jobs, hand_over(shop, jobs))


def _kept(shop: Workshop, within: timedelta = WITHIN) -> KeptOutput:
    executor, whom = shop.executor, shop.targets[0]
    assert isinstance(executor, SsmExecutor)
    return executor.kept_output(key(whom), whom, within)


def test_all_that_the_target_keeps_is_read(shop: ByRunCommand) -> None:
    _ended(shop, LONG)
    sent = len(shop.service.commands)
    assert _kept(shop) == KeptOutput(WHOLE[-65_536:], len(WHOLE) - 65_536)
    assert len(shop.service.commands) - sent == 4


@pytest.mark.lab
def test_lab_agent_gives_the_same_parts(executors_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in executors_lab.env.items():
        monkeypatch.setenv(name, value)
    shop = OnTheLab(executors_lab)
    _ended(shop, LONG)
    assert _kept(shop) == KeptOutput(WHOLE[-65_536:], len(WHOLE) - 65_536)


@pytest.mark.parametrize("characters", [0, 5, 10_923, 20_000])
def test_characters_between_two_parts_stay_whole(shop: ByRunCommand, characters: int) -> None:
    """One of three bytes each; a part ends within a character."""
    _ended(shop, f"seq 1 {characters} | while read -r _; do printf 片; done")
    assert _kept(shop) == KeptOutput("片" * characters, 0)


def test_reading_starts_no_work(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    with pytest.raises(UsageError, match=r"no longer keeps the output of r-7/1-update: its mark says absent"):
        _kept(shop)
    assert not shop.service.machines[whom.id].place("r-7/1-update").exists()


def test_output_of_a_removed_mark_is_not_kept(shop: ByRunCommand) -> None:
    _ended(shop, LONG)
    remove_folder(shop.service.machines[shop.targets[0].id].place("r-7/1-update"))
    with pytest.raises(UsageError, match=r"no longer keeps the output of .*its mark was removed"):
        _kept(shop)


def test_output_of_another_machine_is_not_read(shop: ByRunCommand) -> None:
    _ended(shop, LONG)
    (shop.service.machines[shop.targets[0].id].place("r-7/1-update") / "machine").write_text("i-2\n")
    with pytest.raises(UsageError, match="the mark here is of another machine"):
        _kept(shop)


def test_target_without_an_agent_ends_the_reading(shop: ByRunCommand) -> None:
    _ended(shop, LONG)
    shop.service.silent.add(shop.targets[0].id)
    with pytest.raises(NoAnswerError, match="did not answer in time"):
        _kept(shop, timedelta(seconds=1.5))


def test_address_is_not_asked(shop: ByRunCommand) -> None:
    address = target(1)
    with pytest.raises(UsageError, match="Run Command reaches instances only"):
        shop.executor.kept_output(key(address), type(address)("10.0.0.1", "", "10.0.0.1", "", ()), WITHIN)  # type: ignore[arg-type]  # as an id


def test_missing_right_is_told_at_once(shop: ByRunCommand) -> None:
    _ended(shop, "echo done")
    shop.service.faults["SendCommand"] = [WireFault("AccessDeniedException", "not you")]
    with pytest.raises(UnreachableError):
        _kept(shop)


@pytest.mark.parametrize("action", ["SendCommand", "ListCommandInvocations", "GetCommandInvocation"])
def test_call_without_an_answer_is_repeated(shop: ByRunCommand, action: str) -> None:
    _ended(shop, "echo done")
    shop.service.faults[action] = [WireFault("ThrottlingException", "Rate exceeded"), WireFault("", status=0)]
    assert _kept(shop) == KeptOutput("done\n", 0)


def test_calls_without_an_answer_end_in_time(shop: ByRunCommand) -> None:
    _ended(shop, "echo done")
    shop.service.faults["SendCommand"] = [WireFault("ThrottlingException", "Rate exceeded")] * 1000
    with pytest.raises(NoAnswerError, match="SendCommand"):  # throttled, or no time was left for the next attempt
        _kept(shop, timedelta(seconds=1))


@pytest.mark.parametrize(
    "said",
    [
        "",
        "katakei-end",
        "katakei-mark r-7/1-update ended 0 1 i-1 - QUJD i-1@x 3",
        "katakei-mark r-7/1-update ended 0 1 i-1 - QUJ* i-1@x 3\nkatakei-end",
        "katakei-mark r-7/2-update ended 0 1 i-1 - QUJD i-1@x 3\nkatakei-end",
        "katakei-mark r-7/1-update ended 0 9999999999999 i-1 - QUJD i-1@x 3\nkatakei-end",
    ],
)
def test_nonsense_is_no_part(said: str) -> None:
    assert mark.read_part(said, "r-7/1-update") is None


def test_part_has_its_bytes_and_the_size_of_the_whole() -> None:
    part = mark.read_part(
        "noise\nkatakei-mark r-7/1-update ended 0 1 i-1 - /0FC i-1@x 9\nkatakei-end\n", "r-7/1-update"
    )
    assert part
    assert (part.data, part.size, part.mark.exit) == (b"\xffAB", 9, 0)
