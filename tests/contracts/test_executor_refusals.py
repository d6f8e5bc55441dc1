"""A refused start while another start of its key is in progress: no work begins, or the refusal does not count."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contracts.run_command import Command
from tests.contracts.workshops import BY, ByRunCommand, by_run_command, follow, hand_over, job, key, prepare

from katakei.adapters.executors.ssm import work_status
from katakei.domain.events import WorkKey
from katakei.domain.model import Target
from katakei.domain.observation import WorkState, WorkStatus

BEGIN = "echo begun >> begun; echo done"
OPEN = {"Pending", "InProgress"}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ByRunCommand]:
    with by_run_command(tmp_path, monkeypatch) as shop:
        yield shop


def test_late_start_bars_its_key_for_other_starts(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    late, ticket = _sent(shop, whom, begins_within=timedelta(seconds=-5))
    another, _ = _sent(shop, whom)

    _arrives(shop, whom, late)
    work = _look(shop, whom, ticket)
    _arrives(shop, whom, another)

    assert (work.state, work.why) == (WorkState.REFUSED, "the start came too late")
    assert not _begun(shop, whom)


def test_refusal_without_mark_waits_for_later_start(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    first, ticket = _sent(shop, whom)
    another, newest = _sent(shop, whom)

    _arrives_where_nothing_can_be_written(shop, whom, first)
    work = _look(shop, whom, ticket)
    _arrives(shop, whom, another)

    assert work.state is WorkState.UNKNOWN
    assert _begun(shop, whom)
    assert _look(shop, whom, newest).exit == 0


def test_refusal_of_newest_start_is_final(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    _sent(shop, whom)
    newest, ticket = _sent(shop, whom)

    _arrives_where_nothing_can_be_written(shop, whom, newest)

    work = _look(shop, whom, ticket)
    assert work.state is WorkState.REFUSED
    assert work.why.startswith("the state folder cannot be written: ")


def test_refusal_waits_for_starts_of_dead_process(
    shop: ByRunCommand,
) -> None:
    whom = shop.targets[0]
    first, ticket = _sent(shop, whom)
    _arrives_where_nothing_can_be_written(shop, whom, first)
    shop.anew()

    assert _look(shop, whom, ticket).state is WorkState.UNKNOWN
    shop.clock.turn((work_status.LATE_START + work_status.RECENT).total_seconds())
    assert _look(shop, whom, ticket).state is WorkState.REFUSED


def test_missing_tool_on_target_refuses_work(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    tools = shop.folder(whom) / "tools"
    tools.mkdir()
    for tool in ("sh", "base64", "cat", "date", "dd", "mkfifo", "tail", "tr"):
        (tools / tool).symlink_to(f"/usr/bin/{tool}")
    shop.service.machines[whom.id].env["PATH"] = str(tools)
    jobs = {key(whom): (whom, job(BEGIN))}

    [work] = follow(shop, jobs, hand_over(shop, jobs)).values()

    assert (work.state, work.why) == (WorkState.REFUSED, "setsid is missing on this machine")


def _sent(shop: ByRunCommand, whom: Target, begins_within: timedelta = work_status.LATE_START) -> tuple[Command, str]:
    """Returns a start that has not reached its target yet, and its ticket."""
    shop.service.silent.discard(whom.id)
    prepare(shop, [whom])
    shop.service.silent.add(whom.id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work_status, "LATE_START", begins_within)
        tickets: dict[WorkKey, str] = dict(shop.executor.start({key(whom): (whom, job(BEGIN))}, BY))
    return shop.service.commands[-1], tickets[key(whom)]


def _arrives(shop: ByRunCommand, whom: Target, command: Command) -> None:
    shop.service.deliver(command, whom.id)
    for _ in range(400):
        if command.status[whom.id] not in OPEN:
            return
        shop.pass_time(0.05)
    raise AssertionError(command.status)


def _arrives_where_nothing_can_be_written(shop: ByRunCommand, whom: Target, command: Command) -> None:
    machine = shop.service.machines[whom.id]
    (machine.folder / "file").touch()
    machine.env["KATAKEI_STATE"] = str(machine.folder / "file")
    _arrives(shop, whom, command)
    del machine.env["KATAKEI_STATE"]


def _look(shop: ByRunCommand, whom: Target, ticket: str) -> WorkStatus:
    return shop.executor.look({key(whom): (whom, ticket)}, BY)[key(whom)]


def _begun(shop: ByRunCommand, whom: Target) -> bool:
    return (shop.folder(whom) / "begun").exists()
