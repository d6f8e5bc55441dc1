"""Programs of the probes on instances: the whole output comes back, or the reason why it does not."""

import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import boto3
import pytest
from tests.contracts.run_command import WireFault
from tests.contracts.workshops import ByRunCommand, by_run_command, target
from tests.unit.adapters.probes.world import group

from katakei.adapters.aws import AwsSession
from katakei.adapters.executors.ssm import SsmProgramRunner
from katakei.adapters.probes import connections
from katakei.adapters.probes.connections import Connections
from katakei.adapters.system.clock import SystemClock
from katakei.domain.errors import NoAnswerError, RejectedError, UnreachableError
from katakei.domain.model import Arn, Registration, Target, TargetId
from katakei.domain.observation import DrainEvidence, ProbeVerdict
from katakei.domain.ports import ProbedTarget, ProgramOutput, ProgramRunner
from katakei.domain.spec import DrainUntil
from katakei.lab.options import LabOptions
from katakei.lab.process import Lab

T = TypeVar("T")
WITHIN = timedelta(seconds=5)
HELLO = 'echo "hello $AWS_SSM_INSTANCE_ID"\n'
THROTTLED = WireFault("ThrottlingException", "Rate exceeded")
BROKEN = WireFault("InternalServerError", "", 500)
DENIED = WireFault("AccessDeniedException", "not you")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ByRunCommand]:
    with by_run_command(tmp_path, monkeypatch) as shop:
        yield shop


@pytest.fixture
def runner(shop: ByRunCommand) -> SsmProgramRunner:
    return SsmProgramRunner(shop.aws, shop.clock)


def _all(shop: ByRunCommand, runner: ProgramRunner, ticket: str, number: int = 3) -> Mapping[TargetId, ProgramOutput]:
    """Returns the outputs once this many targets have ended."""
    heard: Mapping[TargetId, ProgramOutput] = {}
    for _ in range(100):
        heard = runner.heard(ticket)
        if len(heard) == number:
            return heard
        shop.clock.sleep(timedelta(seconds=0.05))
    raise AssertionError(heard)


def _hello(*whom: Target) -> dict[TargetId, ProgramOutput]:
    return {each.id: ProgramOutput(f"hello {each.id}\n") for each in whom}


def test_one_command_reaches_all_targets(shop: ByRunCommand, runner: SsmProgramRunner) -> None:
    ticket = runner.send(HELLO, shop.targets, WITHIN)
    assert runner.self_from == "AWS_SSM_INSTANCE_ID"
    assert _all(shop, runner, ticket) == _hello(*shop.targets)
    assert len(shop.service.commands) == 1


def test_agents_without_id_get_their_own_commands(shop: ByRunCommand, runner: SsmProgramRunner) -> None:
    shop.service.nameless |= {whom.id for whom in shop.targets[:2]}
    first = runner.send(HELLO, shop.targets, WITHIN)
    assert _all(shop, runner, first) == _hello(*shop.targets)
    assert [len(each.instances) for each in shop.service.commands] == [3, 1, 1]
    second = runner.send(HELLO, shop.targets, WITHIN)
    assert [len(each.instances) for each in shop.service.commands[3:]] == [1, 1, 1]
    assert _all(shop, runner, second) == _hello(*shop.targets)


def test_throttled_own_command_is_sent_later(shop: ByRunCommand, runner: SsmProgramRunner) -> None:
    shop.service.nameless.add(shop.targets[0].id)
    ticket = runner.send(HELLO, shop.targets, WITHIN)
    shop.service.faults["SendCommand"] = [THROTTLED, BROKEN]
    assert _all(shop, runner, ticket) == _hello(*shop.targets)


def test_long_output_is_read_whole(shop: ByRunCommand, runner: SsmProgramRunner) -> None:
    ticket = runner.send("seq 1 3000\necho end", shop.targets, WITHIN)
    whole = "".join(f"{number}\n" for number in range(1, 3001)) + "end\n"
    assert set(_all(shop, runner, ticket).values()) == {ProgramOutput(whole)}


def test_running_program_is_missing(shop: ByRunCommand, runner: SsmProgramRunner) -> None:
    slow = shop.targets[1]
    ticket = runner.send(f'[ "$AWS_SSM_INSTANCE_ID" != {slow.id} ] || sleep 1\n{HELLO}', shop.targets, WITHIN)
    assert slow.id not in _all(shop, runner, ticket, 2)
    assert _all(shop, runner, ticket) == _hello(*shop.targets)


def test_nonzero_exit_is_an_answer(shop: ByRunCommand, runner: SsmProgramRunner) -> None:
    ticket = runner.send("echo busy; exit 75", shop.targets, WITHIN)
    assert set(_all(shop, runner, ticket).values()) == {ProgramOutput("busy\n")}
    silent = _all(shop, runner, runner.send("exit 75", shop.targets, WITHIN))
    assert set(silent.values()) == {ProgramOutput("", "it failed and printed nothing (Run Command reports Failed)")}


@pytest.mark.parametrize(
    ("status", "said"),
    [("TimedOut", "DeliveryTimedOut"), ("Undeliverable", "Undeliverable"), ("Cancelled", "Cancelled")],
)
def test_given_up_command_has_a_reason(shop: ByRunCommand, runner: SsmProgramRunner, status: str, said: str) -> None:
    silent = shop.targets[0]
    shop.service.silent.add(silent.id)
    ticket = runner.send(HELLO, shop.targets, WITHIN)
    _all(shop, runner, ticket, 2)
    shop.service.give_up(shop.service.commands[0], silent.id, status)
    assert runner.heard(ticket)[silent.id] == ProgramOutput("", f"Run Command reports {said}")


def test_dead_agent_is_given_up(shop: ByRunCommand, runner: SsmProgramRunner) -> None:
    dead = shop.targets[0]
    shop.service.dying.add(dead.id)
    ticket = runner.send(HELLO, [dead], WITHIN)
    shop.clock.turn(70)
    assert runner.heard(ticket) == {}
    shop.clock.turn(10)
    assert runner.heard(ticket) == {dead.id: ProgramOutput("", "its agent did not answer")}


def test_agent_is_given_up_while_throttled(shop: ByRunCommand, runner: SsmProgramRunner) -> None:
    ticket = runner.send(HELLO, shop.targets, WITHIN)
    shop.clock.turn(80)
    shop.service.faults["ListCommandInvocations"] = [THROTTLED]
    assert {each.why for each in runner.heard(ticket).values()} == {"its agent did not answer"}


def test_unknown_targets_do_not_stop_others(shop: ByRunCommand, runner: SsmProgramRunner) -> None:
    stranger, address = target(9), replace(target(1), id=TargetId("10.0.0.9"))
    ticket = runner.send(HELLO, [stranger, *shop.targets, address], WITHIN)
    heard = _all(shop, runner, ticket, 5)
    assert {whom: heard[whom.id] for whom in shop.targets} == {whom: _hello(whom)[whom.id] for whom in shop.targets}
    assert heard[stranger.id].why.startswith("Run Command does not know the instance")
    assert heard[address.id] == ProgramOutput("", "10.0.0.9 is no instance, and Run Command reaches instances only")


def test_send_rejects_when_no_target_is_reachable(runner: SsmProgramRunner) -> None:
    with pytest.raises(RejectedError, match="does not know the instance"):
        runner.send(HELLO, [target(8), target(9)], WITHIN)
    with pytest.raises(RejectedError, match="reaches instances only"):
        runner.send(HELLO, [replace(target(1), id=TargetId("10.0.0.9"))], WITHIN)


def test_send_rejects_program_that_is_too_long(shop: ByRunCommand, runner: SsmProgramRunner) -> None:
    with pytest.raises(RejectedError, match="watch fewer targets"):
        runner.send("#" * 60_000, shop.targets, WITHIN)
    assert shop.service.calls == []


@pytest.mark.parametrize("fault", [THROTTLED, BROKEN, WireFault("", status=0)])
@pytest.mark.parametrize("many", [1, 3])
def test_failed_calls_are_retried_by_caller(
    shop: ByRunCommand, runner: SsmProgramRunner, fault: WireFault, many: int
) -> None:
    whom = shop.targets[:many]
    shop.service.faults = {"SendCommand": [fault], "ListCommandInvocations": [fault]}
    with pytest.raises(NoAnswerError):
        runner.send(HELLO, whom, WITHIN)
    ticket = runner.send(HELLO, whom, WITHIN)
    with pytest.raises(NoAnswerError):
        runner.heard(ticket)
    assert _all(shop, runner, ticket, many) == _hello(*whom)


def test_long_output_is_read_after_throttling(shop: ByRunCommand, runner: SsmProgramRunner) -> None:
    ticket = runner.send("seq 1 3000", shop.targets, WITHIN)
    shop.service.faults["GetCommandInvocation"] = [THROTTLED]
    heard = _all(shop, runner, ticket)
    assert {each.out[-5:] for each in heard.values()} == {"3000\n"}


@pytest.mark.parametrize("action", ["SendCommand", "ListCommandInvocations"])
def test_denied_call_names_missing_permission(shop: ByRunCommand, runner: SsmProgramRunner, action: str) -> None:
    shop.service.faults[action] = [DENIED]
    with pytest.raises(UnreachableError, match=f"allow ssm:{action}"):
        runner.heard(runner.send(HELLO, shop.targets, WITHIN))


def test_unlisted_command_is_awaited(shop: ByRunCommand, runner: SsmProgramRunner) -> None:
    ticket = runner.send(HELLO, shop.targets, WITHIN)
    shop.service.hidden = {each.id for each in shop.service.commands}
    assert runner.heard(ticket) == {}
    shop.service.hidden.clear()
    assert _all(shop, runner, ticket) == _hello(*shop.targets)


def test_old_and_unknown_tickets_have_no_answers(shop: ByRunCommand, runner: SsmProgramRunner) -> None:
    old = runner.send(HELLO, shop.targets, WITHIN)
    shop.clock.turn(300)
    runner.send(HELLO, shop.targets, WITHIN)
    assert runner.heard(old) == runner.heard("another's") == {}


@pytest.mark.lab
def test_probe_on_lab_tells_busy_from_quiet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "LOOK", timedelta(seconds=1))
    options = LabOptions(delay=timedelta(seconds=120), interval=timedelta(seconds=1.5), port=8080)
    with Lab(options) as lab:
        for name, value in lab.env.items():
            monkeypatch.setenv(name, value)
        idle = timedelta(seconds=5)
        elbv2 = boto3.Session().client("elbv2")
        elbv2.modify_load_balancer_attributes(
            LoadBalancerArn=lab.load_balancer_arn,
            Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "5"}],
        )
        watched = _watched(lab, idle)
        clock = SystemClock()
        runner = SsmProgramRunner(AwsSession("ap-northeast-1", None, clock), clock)
        probe = Connections(runner, clock, DrainUntil.PROOF, timedelta(seconds=5))
        sighted = dict.fromkeys((each.target.id for each in watched), "")
        _until(lambda: probe.baseline(watched), lambda said: said == sighted, 40)

        gone, served = watched[:1], threading.Event()
        requests = [threading.Thread(target=_slow, args=(lab.url, served)) for _ in watched]
        for request in requests:  # one to each of the two servers, in turn
            request.start()
        time.sleep(0.5)
        elbv2.deregister_targets(
            TargetGroupArn=lab.target_group_arn, Targets=[{"Id": gone[0].target.id, "Port": options.port}]
        )

        def busy(said: Mapping[TargetId, DrainEvidence]) -> bool:
            return bool(said) and all(each.verdict is ProbeVerdict.BUSY for each in said.values())

        def quiet(said: Mapping[TargetId, DrainEvidence]) -> bool:
            return bool(said) and all(each.verdict is ProbeVerdict.QUIET for each in said.values())

        _until(lambda: probe.look(gone), busy, 3)
        assert not served.is_set()
        for request in requests:
            request.join(10)
        assert served.is_set()
        evidence = _until(lambda: probe.look(gone), quiet, 30)[gone[0].target.id]
        assert evidence.begun <= evidence.ended <= clock.now()


def _watched(lab: Lab, idle: timedelta) -> list[ProbedTarget]:
    its = replace(group(idle=idle), arn=Arn(lab.target_group_arn), port=lab.targets[0].port)
    return [
        ProbedTarget(
            Target(TargetId(each.id), "", each.address, each.zone, (Registration(its.arn, each.id, each.port),)), (its,)
        )
        for each in lab.targets
    ]


def _slow(url: str, served: threading.Event) -> None:
    with urllib.request.urlopen(f"{url.rstrip('/')}/slow?s=4", timeout=10) as answer:  # noqa: S310 - the lab's own http address
        assert answer.status == 200
        answer.read()
    served.set()


def _until(ask: Callable[[], T], wanted: Callable[[T], bool], seconds: float) -> T:
    deadline = time.monotonic() + seconds
    while not wanted(said := ask()):
        assert time.monotonic() < deadline, said
        time.sleep(0.2)
    return said
