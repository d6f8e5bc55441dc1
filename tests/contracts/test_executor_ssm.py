"""Failures of Run Command, and what the executor makes of them: never a second start, never a guess."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.run_command import WireFault
from tests.contracts.workshops import (
    BY,
    ByRunCommand,
    by_run_command,
    follow,
    hand_over,
    job,
    key,
    prepare,
    target,
)

from katakei.adapters.aws import AwsSession, Service
from katakei.adapters.executors.ssm import SsmExecutor
from katakei.domain.errors import NoAnswerError, TemporarilyUnavailableError, UnreachableError
from katakei.domain.events import WorkKey
from katakei.domain.model import Target, TargetId
from katakei.domain.observation import WorkState, WorkStatus
from katakei.domain.spec import Command

BEGIN = "echo begun >> begun; echo done"
THROTTLED = WireFault("ThrottlingException", "Rate exceeded")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ByRunCommand]:
    with by_run_command(tmp_path, monkeypatch) as shop:
        yield shop


def _begun(shop: ByRunCommand, whom: Target) -> int:
    file = shop.folder(whom) / "begun"
    return len(file.read_text().splitlines()) if file.exists() else 0


def _look(shop: ByRunCommand, whom: Target, ticket: str) -> WorkStatus:
    return shop.executor.look({key(whom): (whom, ticket)}, BY)[key(whom)]


def _until(shop: ByRunCommand, wanted: Callable[[], bool], turns: int = 400) -> None:
    for _ in range(turns):
        if wanted():
            return
        shop.pass_time(1)
    raise AssertionError


def test_one_command_carries_values_of_each_machine(shop: ByRunCommand) -> None:
    command = 'printf "%s" "$KATAKEI_TARGET $KATAKEI_NAME" > values'
    named = [replace(whom, name=f'web "{whom.id}" $(date)') for whom in shop.targets]
    jobs = {key(whom): (whom, job(command, KATAKEI_TARGET=whom.id, KATAKEI_NAME=whom.name)) for whom in named}
    prepare(shop)
    tickets = dict(shop.executor.start(jobs, BY))
    assert len(set(tickets.values())) == 1  # now, because a machine that is too slow gets a second command
    follow(shop, jobs, tickets)
    for whom in named:
        assert (shop.folder(whom) / "values").read_text() == f"{whom.id} {whom.name}"


def test_agent_without_id_gets_its_own_command(shop: ByRunCommand) -> None:
    shop.service.nameless |= {whom.id for whom in shop.targets}
    jobs = {key(whom): (whom, job("echo $KATAKEI_TARGET", KATAKEI_TARGET=whom.id)) for whom in shop.targets}
    tickets = hand_over(shop, jobs)
    works = follow(shop, jobs, tickets)
    assert len(set(tickets.values())) == len(jobs)
    assert all(work.out == f"{its.target}\n" for its, work in works.items())


def test_fast_target_clock_is_no_late_start(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    _set_clock(shop, whom, hours=2)
    jobs = {key(whom): (whom, job(BEGIN))}
    assert follow(shop, jobs, hand_over(shop, jobs))[key(whom)].state is WorkState.ENDED


def test_start_delivered_an_hour_late_begins_nothing(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    tickets = _known_then_silent(shop, whom)
    _set_clock(shop, whom, hours=1)
    shop.service.silent.clear()
    shop.service.deliver(shop.service.commands[-1], whom.id)
    _until(shop, lambda: _look(shop, whom, tickets[key(whom)]).state is WorkState.REFUSED)
    assert _look(shop, whom, tickets[key(whom)]).why == "the start came too late"
    assert _begun(shop, whom) == 0


def test_command_not_fetched_yet_is_unknown(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    tickets = _known_then_silent(shop, whom)
    work = _look(shop, whom, tickets[key(whom)])
    why = "Run Command accepted the command, but the agent has not fetched it yet (Pending)"
    assert (work.state, work.why) == (WorkState.UNKNOWN, why)


def test_undelivered_start_is_unknown_until_mark_proves_absence(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    tickets = _known_then_silent(shop, whom)
    shop.service.give_up(shop.service.commands[-1], whom.id)
    for _ in range(5):
        assert _look(shop, whom, tickets[key(whom)]).state is WorkState.UNKNOWN
        shop.pass_time(5)
    shop.service.silent.clear()
    for command in shop.service.commands[1:]:
        shop.service.give_up(command, whom.id)
    jobs = {key(whom): (whom, job(BEGIN))}
    assert follow(shop, jobs, tickets)[key(whom)].out == "done\n"
    assert _begun(shop, whom) == 1


@pytest.mark.parametrize("status", ["TimedOut", "Undeliverable", "Cancelled", "Failed"])
def test_mark_overrules_invocation_status(shop: ByRunCommand, status: str) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job(BEGIN))}
    tickets = hand_over(shop, jobs)
    follow(shop, jobs, tickets)
    shop.service.give_up(shop.service.commands[-1], whom.id, status)
    assert _look(shop, whom, tickets[key(whom)]).state is WorkState.UNKNOWN
    [work] = follow(shop, jobs, tickets).values()
    assert (work.state, work.out, _begun(shop, whom)) == (WorkState.ENDED, "done\n", 1)


def test_end_is_seen_though_agent_died(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job(BEGIN))}
    _know(shop, whom)
    shop.service.dying.add(whom.id)
    tickets = hand_over(shop, jobs)
    shop.service.dying.clear()
    assert follow(shop, jobs, tickets)[key(whom)].exit == 0


def test_reboot_is_seen_though_invocation_continues(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    machine = shop.service.machines[whom.id]
    jobs = {key(whom): (whom, job(f"{BEGIN}; exec sleep 20"))}
    _know(shop, whom)
    shop.service.dying.add(whom.id)
    tickets = hand_over(shop, jobs)
    shop.service.dying.clear()
    _until(shop, lambda: _begun(shop, whom) == 1)
    machine.end()
    machine.boot = "second"
    [work] = follow(shop, jobs, tickets).values()
    assert (work.state, work.why) == (WorkState.INTERRUPTED, "the machine was started anew while it ran")


def test_dead_keeper_is_interrupted_work(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job(f"{BEGIN}; exec sleep 20"))}
    tickets = hand_over(shop, jobs)
    _until(shop, lambda: _begun(shop, whom) == 1)
    place = shop.service.machines[whom.id].place("r-7/1-update")
    for who in ("pid", "work"):
        os.kill(int((place / who).read_text().split()[0]), signal.SIGKILL)
    assert follow(shop, jobs, tickets)[key(whom)].state is WorkState.INTERRUPTED


@pytest.mark.parametrize("remembered", [True, False])
def test_other_process_continues_from_ticket_or_mark(shop: ByRunCommand, remembered: bool) -> None:  # noqa: FBT001 - both rows
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job(f"{BEGIN}; sleep 0.5; exit 4"))}
    tickets = hand_over(shop, jobs)
    shop.anew()
    again = tickets if remembered else {key(whom): ""}
    [work] = follow(shop, jobs, again).values()
    assert (work.state, work.exit, _begun(shop, whom)) == (WorkState.ENDED, 4, 1)


def test_other_process_may_start_unbegun_work(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    assert _look(shop, whom, "").state is WorkState.UNKNOWN
    _until(shop, lambda: _look(shop, whom, "").state is WorkState.NOT_STARTED)
    jobs = {key(whom): (whom, job(BEGIN))}
    follow(shop, jobs, {key(whom): ""})
    assert _begun(shop, whom) == 1


def test_unlisted_new_command_is_unknown(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    tickets = _known_then_silent(shop, whom)
    sent = shop.service.commands[-1]
    shop.service.hidden.add(sent.id)
    shop.service.silent.clear()
    for _ in range(12):
        shop.pass_time(5)
        assert _look(shop, whom, tickets[key(whom)]).state is WorkState.UNKNOWN
    shop.service.hidden.clear()
    shop.service.deliver(sent, whom.id)
    follow(shop, {key(whom): (whom, job(BEGIN))}, tickets)
    assert _begun(shop, whom) == 1


def test_lost_send_answer_begins_work_once(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job(BEGIN))}
    _know(shop, whom)
    shop.service.lost.add("SendCommand")
    with pytest.raises(NoAnswerError, match="did not answer SendCommand"):
        shop.executor.start(jobs, BY)
    shop.service.lost.clear()
    follow(shop, jobs, hand_over(shop, jobs))
    assert _begun(shop, whom) == 1
    assert len(shop.service.commands) == 3


def test_long_output_is_read_whole(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job("seq 1 9000"))}
    [work] = follow(shop, jobs, hand_over(shop, jobs)).values()
    whole = "".join(f"{number}\n" for number in range(1, 9001))
    assert (work.out, work.cut) == (whole[-16_384:], len(whole) - 16_384)


def test_unknown_instance_does_not_stop_others(shop: ByRunCommand) -> None:
    stranger = target(99)
    jobs = {key(whom): (whom, job(BEGIN)) for whom in (*shop.targets, stranger)}
    tickets = hand_over(shop, jobs)
    assert tickets[key(stranger)] == ""
    known = {its: work for its, work in jobs.items() if its != key(stranger)}
    follow(shop, known, tickets)
    work = shop.executor.look({key(stranger): (stranger, "")}, BY)[key(stranger)]
    assert work.state is WorkState.UNKNOWN
    assert work.why.startswith(
        "Run Command does not know the instance, or it is shutting down (InvalidInstanceId: Instances"
    )


def test_vanished_instance_is_unknown(shop: ByRunCommand) -> None:
    whom, other, _ = shop.targets
    _know(shop, whom)
    _know(shop, other)
    machine = shop.service.machines.pop(whom.id)
    jobs = {key(each): (each, job(BEGIN)) for each in (whom, other)}
    tickets = hand_over(shop, jobs)
    assert tickets[key(whom)] == ""
    assert _look(shop, whom, "").state is WorkState.UNKNOWN
    shop.service.machines[whom.id] = machine
    follow(shop, jobs, tickets)
    assert (_begun(shop, whom), _begun(shop, other)) == (1, 1)


def test_address_without_instance_is_not_ready(shop: ByRunCommand) -> None:
    lonely = Target(TargetId("10.0.0.7"), "", "10.0.0.7", "ap-northeast-1a", ())
    why = "10.0.0.7 is an address without a known instance; Run Command reaches instances only"
    assert shop.executor.ready([lonely], BY) == {lonely.id: why}
    assert shop.executor.start({key(lonely): (lonely, job(BEGIN))}, BY) == {key(lonely): ""}
    assert _look(shop, lonely, "") == WorkStatus(WorkState.UNKNOWN, why=why)
    assert "SendCommand" not in shop.service.calls


def test_ready_names_unready_targets(shop: ByRunCommand) -> None:
    lost, windows, _ = shop.targets
    shop.service.ping[lost.id] = "ConnectionLost"
    shop.service.platform[windows.id] = "Windows"
    reasons = shop.executor.ready((*shop.targets, target(99)), BY)
    assert reasons[lost.id] == "its SSM agent is not online (ConnectionLost)"
    assert reasons[windows.id] == "it runs Windows; the mark needs a POSIX shell"
    assert reasons[target(99).id].startswith("Systems Manager does not know it")
    assert len(reasons) == 3


def test_missing_right_is_found_before_any_work(shop: ByRunCommand) -> None:
    shop.service.faults["SendCommand"] = [WireFault("AccessDeniedException", "not authorized")]
    with pytest.raises(UnreachableError, match="allow ssm:SendCommand on the document AWS-RunShellScript"):
        shop.executor.prove(Command("ssm", "./deploy"), shop.targets, BY)
    assert shop.service.commands == []


def test_proof_asks_all_targets_in_one_command(shop: ByRunCommand) -> None:
    assert shop.executor.prove(Command("ssm", "./deploy"), shop.targets, BY) == {}
    assert [command.instances for command in shop.service.commands] == [tuple(t.id for t in shop.targets)]
    assert shop.service.commands[0].text.endswith("true\n")


def test_target_that_does_not_answer_is_not_proved(shop: ByRunCommand) -> None:
    shop.service.silent.add(shop.targets[0].id)
    begun = shop.clock.now()
    lacking = shop.executor.prove(Command("ssm", "/opt/none/deploy"), shop.targets, timedelta(seconds=3))
    assert set(lacking) == {target.id for target in shop.targets[1:]}
    assert shop.clock.now() - begun < timedelta(seconds=6)


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (THROTTLED, NoAnswerError, "Rate exceeded"),
        (WireFault("InternalServerError", "sorry", 500), NoAnswerError, "sorry"),
        (WireFault("", status=503), NoAnswerError, "503"),
        (WireFault("", status=0), NoAnswerError, "did not answer"),
        (
            WireFault("AccessDeniedException", "not authorized"),
            UnreachableError,
            "allow ssm:DescribeInstanceInformation",
        ),
        (WireFault("ExpiredTokenException", "expired"), TemporarilyUnavailableError, "renew them"),
    ],
)
def test_ssm_error_becomes_katakei_error(
    shop: ByRunCommand, fault: WireFault, error: type[Exception], said: str
) -> None:
    shop.service.faults["DescribeInstanceInformation"] = [fault]
    with pytest.raises(error, match=said):
        shop.executor.ready(shop.targets, BY)
    assert shop.service.calls == ["DescribeInstanceInformation"]
    assert shop.executor.ready(shop.targets, BY) == {}


def test_missing_credentials_are_named(shop: ByRunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    shop.anew()
    with pytest.raises(UnreachableError, match="Unable to locate credentials"):
        shop.executor.ready(shop.targets, BY)


def test_unknown_profile_is_named(shop: ByRunCommand) -> None:
    with pytest.raises(UnreachableError, match=r"nobody.*--profile"):
        SsmExecutor(AwsSession("ap-northeast-1", "nobody", shop.clock), shop.clock).ready(shop.targets, BY)


def test_denied_send_names_missing_permission(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    shop.service.faults["SendCommand"] = [WireFault("AccessDeniedException", "no")]
    with pytest.raises(
        UnreachableError, match="allow ssm:SendCommand on the document AWS-RunShellScript and on the instances"
    ):
        shop.executor.start({key(whom): (whom, job(BEGIN))}, BY)


def test_throttled_look_loses_nothing(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job(BEGIN))}
    tickets = hand_over(shop, jobs)
    shop.service.faults["ListCommandInvocations"] = [THROTTLED] * 3
    assert _look(shop, whom, tickets[key(whom)]).state in {WorkState.UNKNOWN, WorkState.RUNNING}
    follow(shop, jobs, tickets)
    assert _begun(shop, whom) == 1


def test_silent_target_is_not_queried_at_every_look(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    shop.service.silent.add(whom.id)
    for _ in range(20):
        _look(shop, whom, "")
        shop.clock.turn(1)
    assert len(shop.service.commands) == 1
    for _ in range(70):
        _look(shop, whom, "")
        shop.clock.turn(1)
    assert len(shop.service.commands) == 2
    assert _look(shop, whom, "").why == "its agent did not answer"


def test_running_target_is_queried_at_intervals(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job("sleep 20"))}
    hand_over(shop, jobs)
    _until(shop, lambda: _look(shop, whom, "").state is WorkState.RUNNING)
    before = len(shop.service.commands)
    for _ in range(20):
        _look(shop, whom, "")
        shop.pass_time(1)
    assert 1 <= len(shop.service.commands) - before <= 6


def test_calls_without_time_left_are_not_made(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job(BEGIN))}
    assert shop.executor.start(jobs, timedelta(0)) == {}
    assert shop.executor.look({key(whom): (whom, "x")}, timedelta(0))[key(whom)].state is WorkState.UNKNOWN
    assert shop.service.calls == []


def test_send_delayed_beyond_deadline_is_not_made(shop: ByRunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job(BEGIN))}
    _know(shop, whom)
    sent, connect = len(shop.service.commands), shop.aws._connect

    def after_a_minute(service: Service[Any]) -> object:
        shop.clock.turn(60)
        return connect(service)

    monkeypatch.setattr(shop.aws, "_connect", after_a_minute)
    with pytest.raises(NoAnswerError, match="no time was left"):
        shop.executor.start(jobs, BY)
    assert (len(shop.service.commands), _begun(shop, whom)) == (sent, 0)


def _know(shop: ByRunCommand, whom: Target) -> None:
    """Makes the executor learn the target's clock and id."""
    _until(shop, lambda: _look(shop, whom, "").state is WorkState.NOT_STARTED)


def _known_then_silent(shop: ByRunCommand, whom: Target) -> dict[WorkKey, str]:
    _know(shop, whom)
    shop.service.silent.add(whom.id)
    return dict(shop.executor.start({key(whom): (whom, job(BEGIN))}, BY))


def _set_clock(shop: ByRunCommand, whom: Target, hours: int) -> None:
    own = shop.folder(whom) / "bin" / "date"
    own.write_text(f"#!/bin/sh\necho $(( $(/bin/date +%s) + {hours * 3600} ))\n")
    own.chmod(0o755)
