"""What every executor promises. Each is asked in a workshop of its own, by the same functions."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contracts.workshops import (
    BY,
    ByHand,
    OnTheLab,
    OnThisMachine,
    Workshop,
    by_run_command,
    by_ssh,
    follow,
    hand_over,
    job,
    key,
    prepare,
    until,
)

from katakei.domain.observation import WorkState
from katakei.domain.phases import Intent
from katakei.domain.spec import Command
from katakei.lab.process import Lab

EXECUTOR = "ssm"  # a command's own word for it; no executor reads it


@pytest.fixture(params=["ssm", "ssh", "local", "manual", pytest.param("ssm on the lab", marks=pytest.mark.lab)])
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    if request.param == "manual":
        yield ByHand(tmp_path)
    elif request.param == "local":
        monkeypatch.chdir(tmp_path)
        yield OnThisMachine(tmp_path)
    elif request.param == "ssh":
        with by_ssh(tmp_path) as shop:
            yield shop
    elif request.param == "ssm":
        with by_run_command(tmp_path, monkeypatch) as shop:
            yield shop
    else:
        lab: Lab = request.getfixturevalue("executors_lab")
        for name, value in lab.env.items():
            monkeypatch.setenv(name, value)
        yield OnTheLab(lab)


def _begun(shop: Workshop) -> int:
    files = {shop.folder(target) / "begun" for target in shop.targets}
    return sum(len(file.read_text().splitlines()) for file in files if file.exists())


def _at_most(shop: Workshop, times: int) -> int:
    return times if shop.end is WorkState.ENDED else 0


def test_executor_follows_taken_work_to_its_end(shop: Workshop) -> None:
    jobs = {key(target): (target, job("echo begun >> begun; echo done")) for target in shop.targets}
    works = follow(shop, jobs, hand_over(shop, jobs))
    assert {work.state for work in works.values()} == {shop.end}
    if shop.end is WorkState.ENDED:
        assert {(work.exit, work.out) for work in works.values()} == {(0, "done\n")}
    assert _begun(shop) == _at_most(shop, len(shop.targets))


def test_start_repeated_begins_once(shop: Workshop) -> None:
    jobs = {key(target): (target, job("echo begun >> begun; sleep 0.3")) for target in shop.targets}
    tickets = hand_over(shop, jobs)
    for _ in range(3):
        tickets |= shop.executor.start(jobs, BY)
    follow(shop, jobs, tickets)
    tickets |= shop.executor.start(jobs, BY)
    follow(shop, jobs, tickets)
    assert _begun(shop) == _at_most(shop, len(shop.targets))


def test_attempt_and_intent_make_other_keys(shop: Workshop) -> None:
    target = shop.targets[0]
    for its in (key(target), key(target, attempt=2), key(target, intent=Intent.REVERT)):
        jobs = {its: (target, job("echo begun >> begun"))}
        follow(shop, jobs, hand_over(shop, jobs))
    assert _begun(shop) == _at_most(shop, 3)


def test_look_never_reports_an_early_end(shop: Workshop) -> None:
    target = shop.targets[0]
    jobs = {key(target): (target, job("until [ -e go_on ]; do sleep 0.1; done; exit 3"))}
    tickets = hand_over(shop, jobs)
    for _ in range(16):
        works = shop.executor.look({its: (target, ticket) for its, ticket in tickets.items()}, BY)
        assert all(
            work.state in {WorkState.RUNNING, WorkState.UNKNOWN, WorkState.AWAITS_APPROVAL} for work in works.values()
        )
        shop.pass_time(5)
    (shop.folder(target) / "go_on").touch()
    [work] = follow(shop, jobs, tickets).values()
    assert (work.state, work.exit) == (shop.end, 3 if shop.end is WorkState.ENDED else None)


def test_forbidden_work_never_begins(shop: Workshop) -> None:
    target = shop.targets[0]
    jobs = {key(target): (target, job("echo begun >> begun"))}
    unknown = {key(target): (target, shop.executor.marks)}
    never = WorkState.REFUSED if shop.end is WorkState.ENDED else shop.end
    until(shop, unknown, never, lambda: shop.executor.forbid(unknown, BY))
    [work] = follow(shop, jobs, hand_over(shop, jobs)).values()
    assert (work.state, _begun(shop)) == (never, 0)


def test_forbid_leaves_running_work_alone(shop: Workshop) -> None:
    target = shop.targets[0]
    jobs = {key(target): (target, job("echo begun >> begun; until [ -e go_on ]; do sleep 0.1; done"))}
    tickets = hand_over(shop, jobs)
    running = WorkState.RUNNING if shop.end is WorkState.ENDED else shop.end
    named = {its: (target, ticket) for its, ticket in tickets.items()}
    until(shop, named, running, lambda: None)
    for _ in range(10):
        shop.executor.forbid(named, BY)
        shop.pass_time(1)
    (shop.folder(target) / "go_on").touch()
    [work] = follow(shop, jobs, tickets).values()
    assert (work.state, work.exit or 0, _begun(shop)) == (shop.end, 0, _at_most(shop, 1))


def test_look_tells_what_running_work_has_printed(shop: Workshop) -> None:
    if shop.end is not WorkState.ENDED:
        return  # manual work prints nothing
    target = shop.targets[0]
    jobs = {key(target): (target, job("echo step 1; until [ -e go_on ]; do sleep 0.1; done; echo step 2"))}
    tickets = hand_over(shop, jobs)
    named = {its: (target, ticket) for its, ticket in tickets.items()}
    [work] = shop.executor.look(named, BY).values()
    for _ in range(100):
        if not work.out:
            shop.pass_time(1)
            [work] = shop.executor.look(named, BY).values()
    assert (work.state, work.out) == (WorkState.RUNNING, "step 1\n")
    (shop.folder(target) / "go_on").touch()
    [work] = follow(shop, jobs, tickets).values()
    assert (work.state, work.out) == (WorkState.ENDED, "step 1\nstep 2\n")


def test_cancel_ends_hanging_work_as_failed(shop: Workshop) -> None:
    target = shop.targets[0]
    jobs = {key(target): (target, job("echo begun >> begun; exec sleep 60"))}
    named = {its: (target, ticket) for its, ticket in hand_over(shop, jobs).items()}
    work = until(shop, named, shop.end, lambda: shop.executor.cancel(named, BY))
    if shop.end is WorkState.ENDED:
        assert (work.exit, work.why) == (143, "it was told to end")
    assert _begun(shop) == _at_most(shop, 1)


def test_start_after_prepare_takes_at_once(shop: Workshop) -> None:
    prepare(shop)
    jobs = {key(target): (target, job("echo begun >> begun")) for target in shop.targets}
    assert _begun(shop) == 0
    tickets = dict(shop.executor.start(jobs, BY))
    assert tickets.keys() == jobs.keys()
    follow(shop, jobs, tickets)


def test_ready_and_fits_change_nothing(shop: Workshop) -> None:
    assert shop.executor.ready(shop.targets, BY) == {}
    shop.executor.fits({key(target): (target, job("echo begun >> begun")) for target in shop.targets})
    assert _begun(shop) == 0


def test_executor_does_nothing_without_jobs(shop: Workshop) -> None:
    assert (shop.executor.start({}, BY), shop.executor.look({}, BY), shop.executor.ready((), BY)) == ({}, {}, {})


def test_executor_proves_the_program_of_a_command(shop: Workshop) -> None:
    there, absent = Command(EXECUTOR, "/bin/echo begun >> begun"), Command(EXECUTOR, "sudo /opt/none/deploy v1")
    wait = timedelta(seconds=10)
    assert shop.executor.prove(there, shop.targets, wait) == {}
    assert shop.executor.prove(Command(EXECUTOR, "deploy || echo begun >> begun"), shop.targets, wait) == {}
    lacking = shop.executor.prove(absent, shop.targets, wait)
    who = shop.targets if shop.end is WorkState.ENDED else ()
    assert lacking == {target.id: "there is no program /opt/none/deploy" for target in who}
    assert _begun(shop) == 0
