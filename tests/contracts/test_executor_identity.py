"""Lost marks and shared state folders, as executors see them: the work never starts twice, and is never guessed."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contracts.machine import copy_folder, remove_folder
from tests.contracts.workshops import (
    BY,
    ByHand,
    ByRunCommand,
    OnThisMachine,
    by_run_command,
    follow,
    hand_over,
    job,
    key,
    prepare,
    until,
)

from katakei.adapters.executors.local.state_folder import Here
from katakei.domain.actions import Job
from katakei.domain.events import WorkKey
from katakei.domain.model import Target
from katakei.domain.observation import WorkState, WorkStatus

BEGIN = "echo begun >> begun; until [ -e go_on ]; do sleep 0.05; done"
Jobs = Mapping[WorkKey, tuple[Target, Job]]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ByRunCommand]:
    with by_run_command(tmp_path, monkeypatch) as shop:
        yield shop


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OnThisMachine:
    monkeypatch.chdir(tmp_path)
    return OnThisMachine(tmp_path)


def _begun(shop: ByRunCommand | OnThisMachine, whom: Target) -> int:
    file = shop.folder(whom) / "begun"
    return len(file.read_text().splitlines()) if file.exists() else 0


def _place(shop: ByRunCommand, whom: Target) -> str:
    """The place as the core learns it before the take-out."""
    return prepare(shop, [whom])[whom.id]


def _jobs(shop: ByRunCommand, whom: Target, run: str = BEGIN) -> Jobs:
    return {key(whom): (whom, replace(job(run), marks=_place(shop, whom)))}


def _running(shop: ByRunCommand, jobs: Jobs) -> dict[WorkKey, str]:
    """The tickets of work that has begun; nobody has looked at it yet."""
    tickets = hand_over(shop, jobs)
    for _ in range(100):
        if all(_begun(shop, target) for target, _ in jobs.values()):
            return tickets
        shop.pass_time(1)
    raise AssertionError


def _never_again(shop: ByRunCommand, jobs: Jobs, tickets: Mapping[WorkKey, str], said: str) -> None:
    """For minutes of looks, starts and forbids the work stays unknown, for this reason, and is not begun again."""
    named = {its: (jobs[its][0], ticket) for its, ticket in tickets.items()}
    seen: list[WorkStatus] = []
    for number in range(60):
        seen += shop.executor.look(named, BY).values()
        if number % 5 == 0:
            shop.executor.start(jobs, BY)
        if number % 7 == 0:
            shop.executor.forbid(named, BY)
        shop.pass_time(3)
    until(shop, named, WorkState.UNKNOWN, lambda: None)  # the commands of the starts take real time to end
    for _ in range(20):
        seen += shop.executor.look(named, BY).values()
        shop.pass_time(3)
    assert {work.state for work in seen} <= {WorkState.UNKNOWN, WorkState.RUNNING}
    assert {work.state for work in seen[-20:]} == {WorkState.UNKNOWN}
    assert said in seen[-1].why
    assert all(_begun(shop, target) == 1 for target, _ in jobs.values())


@pytest.mark.parametrize("remembered", [True, False])
def test_work_whose_state_folder_was_emptied_is_unknown(shop: ByRunCommand, remembered: bool) -> None:  # noqa: FBT001 - both rows
    whom = shop.targets[0]
    jobs = _jobs(shop, whom)
    tickets = _running(shop, jobs)
    machine = shop.service.machines[whom.id]
    machine.end()
    remove_folder(machine.state)
    machine.state.mkdir()
    machine.boot = "second"
    if not remembered:
        shop.anew()
        tickets = {its: work.marks for its, (_, work) in jobs.items()}
    _never_again(shop, jobs, tickets, "its state folder is not the one that was there before it was taken out")


@pytest.mark.parametrize(
    "what", ['"$KATAKEI_STATE"/r-7', '"$KATAKEI_STATE"/*', '"$KATAKEI_STATE"/* "$KATAKEI_STATE"/.m*']
)
def test_work_that_deletes_its_own_mark_begins_once(shop: ByRunCommand, what: str) -> None:
    whom = shop.targets[0]
    # `rm` fails while the keeper adds a file to the mark, and would leave a mark that still tells how the work ended.
    jobs = _jobs(shop, whom, f"echo begun >> begun; until rm -rf {what}; do :; done; exec sleep 5")
    tickets = _running(shop, jobs)
    shop.anew()
    _never_again(shop, jobs, tickets, "")


def test_seen_work_whose_record_is_gone_is_unknown(shop: ByRunCommand) -> None:
    """Even where nothing on the target tells of it any more: a rollout without a recorded place."""
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job(BEGIN))}
    tickets = _running(shop, jobs)
    shop.anew()
    named = {key(whom): (whom, tickets[key(whom)])}
    machine = shop.service.machines[whom.id]
    for _ in range(60):
        shop.executor.look(named, BY)
        shop.pass_time(3)
    assert shop.executor.look(named, BY)[key(whom)].state is WorkState.RUNNING
    remove_folder(machine.state)  # first: a look under way would truly see a dead keeper in a mark that is still there
    machine.end()
    work = WorkStatus(WorkState.NOT_STARTED)
    for _ in range(60):
        [work] = shop.executor.look(named, BY).values()
        assert work.state in {WorkState.UNKNOWN, WorkState.RUNNING}
        shop.pass_time(3)
    assert (work.state, _begun(shop, whom)) == (WorkState.UNKNOWN, 1)


def test_rollout_without_a_place_follows_the_old_rules(shop: ByRunCommand) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job("echo begun >> begun"))}
    remove_folder(shop.service.machines[whom.id].state)
    until(shop, {key(whom): (whom, "")}, WorkState.NOT_STARTED, lambda: None)
    [ticket] = hand_over(shop, jobs).values()
    assert "@" not in ticket
    assert follow(shop, jobs, {key(whom): ticket})[key(whom)].state is WorkState.ENDED


def test_machines_that_share_a_state_folder_never_share_a_result(shop: ByRunCommand) -> None:
    first, second, _ = shop.targets
    shared = shop.service.machines[first.id]
    other = shop.service.machines[second.id]
    remove_folder(other.state)
    other.state.symlink_to(shared.state)
    other.boot = "of its own"
    jobs = {**_jobs(shop, first, "echo begun >> begun; exit 3"), **_jobs(shop, second, "echo begun >> begun; exit 3")}
    tickets = hand_over(shop, jobs)
    works = follow(shop, jobs, tickets, until={WorkState.ENDED, WorkState.UNKNOWN}, turns=40)
    for _ in range(40):
        works = dict(shop.executor.look({its: (jobs[its][0], tickets[its]) for its in jobs}, BY))
        shop.pass_time(3)
    ended, unknown = sorted(works.values(), key=lambda work: work.state is WorkState.UNKNOWN)
    assert (ended.state, ended.exit, unknown.state) == (WorkState.ENDED, 3, WorkState.UNKNOWN)
    assert "the mark here is of another machine (i-0000000000000000" in unknown.why
    assert _begun(shop, first) + _begun(shop, second) == 1


def test_image_cloned_in_the_middle_is_unknown(shop: ByRunCommand) -> None:
    whom, clone, _ = shop.targets
    tickets = _running(shop, _jobs(shop, whom))
    assert tickets
    copy = shop.service.machines[clone.id]
    copy_folder(shop.service.machines[whom.id].state, copy.state)
    copy.boot = "of its own"
    jobs = _jobs(shop, clone)
    named = {key(clone): (clone, hand_over(shop, jobs)[key(clone)])}
    work = WorkStatus(WorkState.NOT_STARTED)
    for _ in range(40):
        [work] = shop.executor.look(named, BY).values()
        shop.pass_time(3)
    assert (work.state, _begun(shop, clone)) == (WorkState.UNKNOWN, 0)
    assert f"of another machine ({whom.id})" in work.why
    (shop.folder(whom) / "go_on").touch()


def test_image_without_a_mark_of_this_rollout_works(shop: ByRunCommand) -> None:
    whom, clone, _ = shop.targets
    old = {replace(key(whom), attempt=9): (whom, job("true"))}
    follow(shop, old, hand_over(shop, old))
    copy = shop.service.machines[clone.id]
    copy_folder(shop.service.machines[whom.id].state, copy.state)
    jobs = _jobs(shop, clone, "echo begun >> begun")
    assert jobs[key(clone)][1].marks != _place(shop, whom)
    assert follow(shop, jobs, hand_over(shop, jobs))[key(clone)].state is WorkState.ENDED
    assert _begun(shop, clone) == 1


def test_place_names_instance_and_folder_and_stays(shop: ByRunCommand) -> None:
    places = [_place(shop, whom) for whom in shop.targets]
    shop.anew()
    assert [_place(shop, whom) for whom in shop.targets] == places
    assert [place.partition("@")[0] for place in places] == [whom.id for whom in shop.targets]
    assert len(set(places)) == 3


def test_executor_without_marks_on_targets_has_no_places(here: OnThisMachine, tmp_path: Path) -> None:
    for executor in (here.executor, ByHand(tmp_path).executor):
        assert executor.prepare(here.targets, BY) == dict.fromkeys((whom.id for whom in here.targets), "")


def test_nonsense_of_one_target_leaves_the_others_alone(shop: ByRunCommand) -> None:
    odd = shop.targets[0]
    own = shop.folder(odd) / "bin" / "date"
    for moment in ("9" * 20, "253402300799", "-1", "", "1e9", "\u0661"):
        own.unlink(missing_ok=True)
        own.write_text(f"#!/bin/sh\necho '{moment}'\n")
        own.chmod(0o755)
        shop.anew()
        jobs = {replace(key(each), attempt=len(moment) + 1): (each, job("true")) for each in shop.targets}
        ours = {its: work for its, work in jobs.items() if its.target != odd.id}
        tickets: dict[WorkKey, str] = {}
        for _ in range(40):
            tickets |= shop.executor.start({its: work for its, work in jobs.items() if its not in tickets}, BY)
            if ours.keys() <= tickets.keys():
                break
            shop.pass_time(1)
        assert {work.state for work in follow(shop, ours, tickets).values()} == {WorkState.ENDED}
        [lost] = shop.executor.look({its: (odd, "") for its in jobs if its.target == odd.id}, BY).values()
        assert lost.state is WorkState.UNKNOWN


def test_local_work_whose_mark_was_removed_is_unknown(here: OnThisMachine) -> None:
    whom = here.targets[0]
    jobs = {key(whom): (whom, job(f"echo begun >> begun; until rm -rf {here.marks}/*; do :; done; sleep 0.3"))}
    tickets = hand_over(here, jobs)
    here.executor = here.anew()
    work = WorkStatus(WorkState.NOT_STARTED)
    for _ in range(20):
        [work] = here.executor.look({key(whom): (whom, tickets[key(whom)])}, BY).values()
        here.executor.start(jobs, BY)
        here.executor.forbid({key(whom): (whom, tickets[key(whom)])}, BY)
        here.pass_time(1)
    assert (work.state, _begun(here, whom)) == (WorkState.UNKNOWN, 1)


def test_local_work_in_an_emptied_folder_is_unknown(here: OnThisMachine) -> None:
    whom = here.targets[0]
    tickets = hand_over(here, {key(whom): (whom, job("true"))})
    remove_folder(here.marks)
    here.executor = here.anew(Here("laptop", "second", "pid:[9]"))
    jobs = {key(whom): (whom, replace(job(BEGIN), marks=tickets[key(whom)]))}
    assert here.executor.start(jobs, BY) == tickets
    [work] = here.executor.look({key(whom): (whom, tickets[key(whom)])}, BY).values()
    assert (work.state, _begun(here, whom)) == (WorkState.UNKNOWN, 0)


def test_local_marks_of_another_machine_of_this_name_are_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = OnThisMachine(tmp_path, Here("laptop", "first", "pid:[1]", "4d5a"))
    whom = here.targets[0]
    jobs = {key(whom): (whom, job("echo begun >> begun"))}
    tickets = hand_over(here, jobs)
    follow(here, jobs, tickets)
    clone = here.anew(Here("laptop", "second", "pid:[1]", "77aa"))
    [work] = clone.look({key(whom): (whom, tickets[key(whom)])}, BY).values()
    assert (work.state, "another machine of this name" in work.why) == (WorkState.UNKNOWN, True)
    [work] = clone.look({key(whom): (whom, clone.marks)}, BY).values()
    assert (work.state, "of another machine (4d5a)" in work.why) == (WorkState.UNKNOWN, True)
    rebooted = here.anew(Here("laptop", "second", "pid:[1]", "4d5a"))
    [work] = rebooted.look({key(whom): (whom, tickets[key(whom)])}, BY).values()
    assert work.state is WorkState.ENDED


def test_local_ticket_of_the_version_before_is_still_known(here: OnThisMachine) -> None:
    whom = here.targets[0]
    jobs = {key(whom): (whom, job("true"))}
    tickets = hand_over(here, jobs)
    before = {key(whom): tickets[key(whom)].rpartition(" ")[0]}
    known = here.anew(Here("laptop", "first", "pid:[1]", "4d5a"))
    assert before[key(whom)].count(" ") == 3
    here.executor = known
    assert follow(here, jobs, before)[key(whom)].state is WorkState.ENDED
