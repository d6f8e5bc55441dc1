"""Work on this machine: it outlives whoever began it, and is never begun or judged where its marks are not."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contracts.workshops import BY, OnThisMachine, follow, hand_over, job, key, target, until

from katakei.adapters.executors import mark
from katakei.adapters.executors.local.driver import LocalExecutor
from katakei.adapters.executors.local.state_folder import Here, folder_of
from katakei.adapters.system.clock import SystemClock
from katakei.adapters.system.process import this_kernel
from katakei.cli.queries import logs_
from katakei.domain.actions import Job
from katakei.domain.errors import UnreachableError, UsageError
from katakei.domain.model import TargetId
from katakei.domain.observation import WorkState, WorkStatus

CI = Here("ci-7", "first", "pid:[1]")
GO_ON = "echo begun >> begun; until [ -e go_on ]; do sleep 0.05; done; exit 4"
BEGIN_AND_WAIT = """
import sys, time, types
from datetime import timedelta
from pathlib import Path
from tests.contracts.workshops import OnThisMachine, job, key
shop = OnThisMachine(Path(sys.argv[1]))
whom = shop.targets[0]
shop.executor.start({key(whom): (whom, job(sys.argv[2]))}, timedelta(seconds=10))
print("begun", flush=True)
time.sleep(60)
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OnThisMachine:
    monkeypatch.chdir(tmp_path)
    return OnThisMachine(tmp_path)


def _begun(shop: OnThisMachine) -> int:
    file = shop.folder(shop.targets[0]) / "begun"
    return len(file.read_text().splitlines()) if file.exists() else 0


def _look(executor: LocalExecutor, ticket: str) -> WorkStatus:
    whom = target(1)
    return executor.look({key(whom): (whom, ticket)}, BY)[key(whom)]


def test_work_outlives_its_starter(shop: OnThisMachine, tmp_path: Path) -> None:
    controller = [sys.executable, "-c", BEGIN_AND_WAIT, str(tmp_path), GO_ON]
    paths = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
    with subprocess.Popen(
        controller, stdout=subprocess.PIPE, start_new_session=True, env={**os.environ, "PYTHONPATH": paths}
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"begun\n"
        os.killpg(process.pid, signal.SIGKILL)
    whom = shop.targets[0]
    tickets = {key(whom): (whom, shop.executor.marks)}
    until(shop, tickets, WorkState.RUNNING, lambda: None)
    (tmp_path / "go_on").touch()
    assert until(shop, tickets, WorkState.ENDED, lambda: None).exit == 4
    assert _begun(shop) == 1


@pytest.mark.parametrize(
    ("elsewhere", "said"),
    [
        (CI, "its work was started on laptop (boot id first); only its mark there tells whether it runs"),
        (Here("laptop", "first", "pid:[2]"), "by another user or in another container than this one"),
    ],
)
def test_work_of_another_machine_is_unknown_and_not_restarted(shop: OnThisMachine, elsewhere: Here, said: str) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job(GO_ON))}
    tickets = hand_over(shop, jobs)
    other = shop.anew(elsewhere)
    assert _look(other, tickets[key(whom)]).state is WorkState.UNKNOWN
    assert said in _look(other, tickets[key(whom)]).why
    named = {key(whom): (whom, tickets[key(whom)])}
    other.cancel(named, BY)
    other.forbid(named, BY)
    (shop.folder(whom) / "go_on").touch()
    assert follow(shop, jobs, tickets)[key(whom)].exit == 4
    assert _begun(shop) == 1


def test_work_resolved_elsewhere_is_held_and_names_the_machine(shop: OnThisMachine) -> None:
    whom = shop.targets[0]
    there = shop.anew(CI, shop.marks.parent / "ci").marks
    jobs = {key(whom): (whom, Job(GO_ON, (), 60, marks=there))}
    assert shop.executor.start(jobs, BY) == {key(whom): there}
    assert _look(shop.executor, there).why.startswith("its work was started on ci-7 (boot id first)")
    assert _begun(shop) == 0


def test_marks_of_another_folder_are_unknown(shop: OnThisMachine, tmp_path: Path) -> None:
    there = shop.anew(marks=tmp_path / "another").marks
    assert _look(shop.executor, there).state is WorkState.UNKNOWN


def test_work_with_empty_ticket_is_unknown(shop: OnThisMachine) -> None:
    assert "on a machine that is not known" in _look(shop.executor, "").why


def test_reboot_of_this_machine_interrupts_work(shop: OnThisMachine) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job(GO_ON))}
    tickets = hand_over(shop, jobs)
    until(shop, {key(whom): (whom, tickets[key(whom)])}, WorkState.RUNNING, lambda: None)
    again = shop.anew(Here("laptop", "second", "pid:[9]"))
    work = _look(again, tickets[key(whom)])
    assert (work.state, work.why) == (WorkState.INTERRUPTED, "the machine was started anew while it ran")
    assert again.start(jobs, BY).keys() == jobs.keys()
    assert _begun(shop) == 1
    (shop.folder(whom) / "go_on").touch()


def _mark_of_the_version_before(shop: OnThisMachine, pid: int, started: int) -> None:
    """The files that its shell program left: no lock is held on them."""
    folder = shop.marks / target(1).id / "r-7" / "1-update"
    folder.mkdir(parents=True)
    (folder / "boot_id").write_text(f"{shop.here.boot}\n")
    (folder / "pid").write_text(f"{pid} {started}\n")
    (folder / "go").mkdir()


def test_mark_of_the_version_before_is_judged_by_start_time(shop: OnThisMachine) -> None:
    with subprocess.Popen(["sleep", "60"]) as keeper:
        started = this_kernel().start(keeper.pid)
        assert started
        _mark_of_the_version_before(shop, keeper.pid, started)
        assert _look(shop.executor, shop.executor.marks).state is WorkState.RUNNING
        keeper.kill()
    work = _look(shop.executor, shop.executor.marks)
    assert (work.state, work.why) == (WorkState.INTERRUPTED, "the process that kept it is dead")


def test_mark_whose_process_cannot_be_told_apart_is_unknown(shop: OnThisMachine) -> None:
    _mark_of_the_version_before(shop, os.getpid(), 0)
    work = _look(shop.executor, shop.executor.marks)
    assert (work.state, work.why) == (WorkState.UNKNOWN, "whether its process still runs cannot be known")


def test_next_process_begins_resolved_work_once(shop: OnThisMachine) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, Job("echo begun >> begun", (), 60, marks=shop.executor.marks))}
    hand_over(shop, jobs)
    shop.executor = shop.anew()
    follow(shop, jobs, hand_over(shop, jobs))
    assert _begun(shop) == 1


def test_work_gets_folder_environment_and_values(shop: OnThisMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    monkeypatch.setenv("KATAKEI_RELEASE", "not this one")
    shop.executor = shop.anew()
    whom = shop.targets[0]
    run = 'printf "%s %s %s" "$PWD" "$SSH_AUTH_SOCK" "$KATAKEI_RELEASE"'
    jobs = {key(whom): (whom, job(run, KATAKEI_RELEASE="v 2"))}
    [work] = follow(shop, jobs, hand_over(shop, jobs)).values()
    assert work.out == f"{shop.folder(whom)} /run/agent v 2"


def test_argv_is_run_without_a_shell(shop: OnThisMachine) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, Job("", (), 60, ("printf", "%s|", "$HOME", "a  b", "")))}
    [work] = follow(shop, jobs, hand_over(shop, jobs)).values()
    assert (work.out, work.exit) == ("$HOME|a  b||", 0)


def test_missing_program_fails_the_work(shop: OnThisMachine) -> None:
    whom = shop.targets[0]
    jobs = {key(whom): (whom, Job("", (), 60, ("no-such-deployer", "deploy")))}
    [work] = follow(shop, jobs, hand_over(shop, jobs)).values()
    assert work.exit == 127
    assert "no-such-deployer" in work.out


def test_look_keeps_full_tail_of_each_work(shop: OnThisMachine) -> None:
    jobs = {key(whom): (whom, job("seq 1 9000")) for whom in shop.targets}
    works = follow(shop, jobs, hand_over(shop, jobs))
    whole = "".join(f"{number}\n" for number in range(1, 9001))
    assert {work.cut for work in works.values()} == {len(whole) - mark.TAIL}
    assert {work.out for work in works.values()} == {whole[-mark.TAIL :]}


def test_documents_state_the_kept_output() -> None:
    said = f"the last {mark.TAIL // 1024} KiB"
    assert said in (logs_.help or "")
    assert said in (Path(__file__).parents[2] / "docs" / "examples" / "rsync.md").read_text()


def test_missing_shell_is_named_and_begins_nothing(shop: OnThisMachine, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    shop.executor = shop.anew(env={"PATH": str(tools)})
    why = "local work needs sh on this machine"
    assert shop.executor.ready(shop.targets, BY) == {whom.id: why for whom in shop.targets}
    whom = shop.targets[0]
    jobs = {key(whom): (whom, job(GO_ON))}
    [work] = follow(shop, jobs, hand_over(shop, jobs)).values()
    assert (work.state, work.why) == (WorkState.REFUSED, "sh is missing on this machine")
    assert _begun(shop) == 0


def test_start_held_up_for_long_begins_nothing(shop: OnThisMachine) -> None:
    whom = shop.targets[0]
    slept = LocalExecutor(shop.marks, shop.here, lambda: SystemClock().now() - timedelta(hours=1), "name", os.environ)
    slept.start({key(whom): (whom, job(GO_ON))}, BY)
    work = _look(slept, slept.marks)
    assert (work.state, work.why) == (WorkState.REFUSED, "the start came too late")
    assert _begun(shop) == 0


def test_start_out_of_time_may_be_repeated(shop: OnThisMachine) -> None:
    whom, late = shop.targets[0], iter([timedelta(), BY + timedelta(seconds=1)])
    slow = LocalExecutor(shop.marks, shop.here, lambda: SystemClock().now() + next(late), "name", os.environ)
    assert slow.start({key(whom): (whom, job(GO_ON))}, BY) == {}
    assert _look(slow, slow.marks).state is WorkState.NOT_STARTED


def test_unwritable_state_folder_is_named(shop: OnThisMachine, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = shop.anew(marks=tmp_path / "file" / "marks")
    with pytest.raises(UnreachableError, match=r"cannot be kept in .*set XDG_STATE_HOME"):
        nowhere.start({key(target(1)): (target(1), job(GO_ON))}, BY)


def test_target_that_names_no_folder_is_usage_error(shop: OnThisMachine) -> None:
    whom = target(1)
    odd = key(whom).__class__(key(whom).rollout, TargetId("../x"), 1, key(whom).intent)
    with pytest.raises(UsageError, match="cannot name a folder"):
        shop.executor.start({odd: (whom, job(GO_ON))}, BY)


def test_concurrent_processes_name_the_folder_once(shop: OnThisMachine) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda _: shop.anew().marks, range(24)))
    assert len(names) == 1


def test_state_folder_follows_xdg() -> None:
    assert folder_of({"XDG_STATE_HOME": "/state"}) == Path("/state/katakei/marks")
    assert folder_of({"XDG_STATE_HOME": "state", "HOME": "/home/kim"}) == Path("/home/kim/.local/state/katakei/marks")


def test_fifty_targets_start_within_a_turn(shop: OnThisMachine) -> None:
    jobs = {key(target(number)): (target(number), job("echo done")) for number in range(50)}
    begun = time.monotonic()
    tickets = shop.executor.start(jobs, BY)
    works = follow(shop, jobs, dict(tickets))
    assert {work.out for work in works.values()} == {"done\n"}
    assert time.monotonic() - begun < BY.total_seconds()
