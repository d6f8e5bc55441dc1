"""The executor `ssm` against the lab's agents: machines that reboot, agents that die, servers that restart."""

import time
from collections.abc import Iterator
from datetime import timedelta

import boto3
import pytest
from tests.contracts.workshops import BY, OnTheLab, follow, hand_over, job, key, until

from katakei.adapters.executors.ssm import work_status
from katakei.domain.observation import WorkState, WorkStatus
from katakei.lab.process import Lab

pytestmark = pytest.mark.lab


@pytest.fixture
def lab(executors_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """The lab without faults, before and after the test."""
    for name, value in executors_lab.env.items():
        monkeypatch.setenv(name, value)
    yield executors_lab
    executors_lab.faults(agent_dead=[], deploy_hangs=[], deliver_twice=False, deliver_late=False)


@pytest.fixture
def shop(lab: Lab) -> OnTheLab:
    return OnTheLab(lab)


def test_restarted_server_outlives_the_work(shop: OnTheLab) -> None:
    run = 'echo "$KATAKEI_RELEASE" > release && ./bin/restart'
    starts = {whom: (shop.folder(whom) / "starts.log").read_text().count("\n") for whom in shop.targets}
    jobs = {key(whom): (whom, job(run, KATAKEI_RELEASE="v2")) for whom in shop.targets}
    works = follow(shop, jobs, hand_over(shop, jobs))
    assert {(work.state, work.exit) for work in works.values()} == {(WorkState.ENDED, 0)}
    for whom, before in starts.items():
        log = (shop.folder(whom) / "starts.log").read_text()
        assert log.count("\n") == before + 1
        assert "v2" in log.splitlines()[-1]


def test_reboot_interrupts_work_once(shop: OnTheLab) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job("echo begun >> begun; sleep 30"))}
    tickets = hand_over(shop, jobs)
    begun = shop.folder(whom) / "begun"
    deadline = time.monotonic() + 10
    while not begun.exists():
        assert time.monotonic() < deadline
        shop.pass_time(1)
    boto3.Session().client("ec2").reboot_instances(InstanceIds=[whom.id])
    [work] = follow(shop, jobs, tickets, turns=200).values()
    assert (work.state, work.why) == (WorkState.INTERRUPTED, "the machine was started anew while it ran")
    assert begun.read_text() == "begun\n"


def test_dead_agent_is_named_and_starts_nothing(lab: Lab, shop: OnTheLab) -> None:
    whom = shop.targets[1]
    lab.faults(agent_dead=[whom.id])
    jobs = {key(whom): (whom, job("echo begun >> begun"))}
    assert shop.executor.ready(shop.targets, BY) == {whom.id: "its SSM agent is not online (ConnectionLost)"}
    for _ in range(10):
        assert shop.executor.start(jobs, BY) == {}
        shop.pass_time(1)
    lab.faults(agent_dead=[])
    follow(shop, jobs, hand_over(shop, jobs))
    assert (shop.folder(whom) / "begun").read_text() == "begun\n"


def test_command_of_dead_agent_is_refused_late(lab: Lab, shop: OnTheLab, monkeypatch: pytest.MonkeyPatch) -> None:
    whom = shop.targets[0]
    _prepared(shop)
    lab.faults(agent_dead=[whom.id])
    monkeypatch.setattr(work_status, "LATE_START", timedelta(seconds=1))
    jobs = {key(whom): (whom, job("echo begun >> begun"))}
    tickets = dict(shop.executor.start(jobs, BY))
    assert tickets[key(whom)]
    its_clock = shop.executor._queries.target_clock(whom.id)
    assert its_clock
    time.sleep(2.1 + max(0, its_clock.ahead.total_seconds()))  # whole seconds count, and the error of the learned clock
    lab.faults(agent_dead=[])
    [work] = follow(shop, jobs, tickets).values()
    assert (work.state, work.why) == (WorkState.REFUSED, "the start came too late")
    assert not (shop.folder(whom) / "begun").exists()


def test_forbidden_work_stays_forbidden_after_agent_returns(lab: Lab, shop: OnTheLab) -> None:
    whom = shop.targets[0]
    _prepared(shop)
    lab.faults(agent_dead=[whom.id])
    jobs = {key(whom): (whom, job("echo begun >> begun; sleep 60"))}
    tickets = {key(whom): (whom, ticket) for ticket in shop.executor.start(jobs, BY).values()}
    for _ in range(3):
        shop.executor.forbid(tickets, BY)
        shop.pass_time(5)
    lab.faults(agent_dead=[])

    # The agent may fetch the work first, or the query that forbids it.
    work = WorkStatus(WorkState.UNKNOWN)
    for _ in range(200):
        [work] = shop.executor.look(tickets, BY).values()
        if work.state in {WorkState.REFUSED, WorkState.ENDED}:
            break
        (shop.executor.cancel if work.state is WorkState.RUNNING else shop.executor.forbid)(tickets, BY)
        shop.pass_time(1)
    begun = (shop.folder(whom) / "begun").exists()
    assert (work.state, work.exit) == ((WorkState.ENDED, 143) if begun else (WorkState.REFUSED, None))


def test_command_delivered_twice_begins_once(lab: Lab, shop: OnTheLab) -> None:
    lab.faults(deliver_twice=True)
    jobs = {key(whom): (whom, job("echo begun >> begun; sleep 0.3; exit 6")) for whom in shop.targets}
    works = follow(shop, jobs, hand_over(shop, jobs))
    assert {(work.state, work.exit) for work in works.values()} == {(WorkState.ENDED, 6)}
    assert [(shop.folder(whom) / "begun").read_text() for whom in shop.targets] == ["begun\n"] * 2


def test_hanging_deploy_is_cancelled(lab: Lab, shop: OnTheLab) -> None:
    whom = shop.targets[0]
    lab.faults(deploy_hangs=[whom.id])
    jobs = {key(whom): (whom, job("echo begun >> begun; ./bin/restart"))}
    named = {its: (whom, ticket) for its, ticket in hand_over(shop, jobs).items()}
    until(shop, named, WorkState.RUNNING, lambda: None)
    work = until(shop, named, WorkState.ENDED, lambda: shop.executor.cancel(named, BY))
    assert (work.exit, work.why) == (143, "it was told to end")


def _prepared(shop: OnTheLab) -> None:
    """Makes the executor learn the clocks in real time, because the test must not change its own clock later."""
    for _ in range(40):
        shop.executor.prepare(shop.targets, BY)
        if all(shop.executor._queries.target_clock(whom.id) for whom in shop.targets):
            return
        shop.clock.sleep(timedelta(seconds=0.05))
    raise AssertionError
