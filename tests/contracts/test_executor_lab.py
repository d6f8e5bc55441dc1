"""The executor `ssm` against the lab's own agents: machines that go down, agents that die, servers that begin anew."""

import time
from collections.abc import Iterator

import boto3
import pytest
from tests.contracts.workshops import BY, OnTheLab, follow, hand_over, job, key

from katakei.core.sight import WorkState
from katakei.lab.options import LabOptions
from katakei.lab.process import Lab

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(LabOptions()) as running:
        yield running


@pytest.fixture
def shop(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> OnTheLab:
    for name, value in lab.env.items():
        monkeypatch.setenv(name, value)
    return OnTheLab(lab)


def test_a_server_that_the_work_begins_anew_outlives_the_work(shop: OnTheLab) -> None:
    run = 'echo "$KATAKEI_RELEASE" > release && ./bin/restart'
    starts = {whom: (shop.folder(whom) / "starts.log").read_text().count("\n") for whom in shop.targets}
    jobs = {key(whom): (whom, job(run, KATAKEI_RELEASE="v2")) for whom in shop.targets}
    works = follow(shop, jobs, hand_over(shop, jobs))
    assert {(work.state, work.exit) for work in works.values()} == {(WorkState.ENDED, 0)}
    for whom, before in starts.items():
        log = (shop.folder(whom) / "starts.log").read_text()
        assert log.count("\n") == before + 1
        assert "v2" in log.splitlines()[-1]


def test_a_reboot_in_the_middle_is_an_interruption_and_nothing_begins_again(shop: OnTheLab) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job("echo begun >> begun; sleep 30"))}
    tickets = hand_over(shop, jobs)
    begun = shop.folder(whom) / "begun"
    deadline = time.monotonic() + 10
    while not begun.exists():
        assert time.monotonic() < deadline
        shop.pass_time(1)
    boto3.client("ec2").reboot_instances(InstanceIds=[whom.id])
    [work] = follow(shop, jobs, tickets, turns=200).values()
    assert (work.state, work.why) == (WorkState.INTERRUPTED, "the machine was started anew while it ran")
    assert begun.read_text() == "begun\n"


def test_a_dead_agent_is_named_beforehand_and_begins_nothing_until_it_lives(lab: Lab, shop: OnTheLab) -> None:
    whom = shop.targets[1]
    lab.faults(agent_dead=[whom.id])
    jobs = {key(whom): (whom, job("echo begun >> begun"))}
    try:
        assert shop.executor.ready(shop.targets, BY) == {whom.id: "its SSM agent is not online (ConnectionLost)"}
        for _ in range(10):
            assert shop.executor.start(jobs, BY) == {}
            shop.pass_time(1)
    finally:
        lab.faults(agent_dead=[])
    follow(shop, jobs, hand_over(shop, jobs))
    assert (shop.folder(whom) / "begun").read_text() == "begun\n"
