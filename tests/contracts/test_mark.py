"""The mark as real shells keep it: dash, bash, and busybox where it is found."""

import os
import shutil
import signal
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.contracts.machine import NAME, SHELLS, SOON, LocalMachine, Machine, cancel, forbid, start
from tests.contracts.rows import Case, Rows, Shown

from katakei.adapters.executors import mark
from katakei.adapters.executors.mark import MarkState
from katakei.domain.actions import Job

NOT_AT_ALL = timedelta(0)
AWAIT = "until [ -e go_on ]; do sleep 0.05; done"
UNFRIENDLY = "a b'\"$(touch pwned)`touch pwned`\n;touch pwned\n\\n\t* {{ssm:x}} KATAKEI_LINES é\n\n"


rows = Rows()


def _the_mark(answer: mark.MarkReport, name: str = NAME) -> mark.Mark:
    found = answer.of(name)
    assert answer.whole
    assert found
    return found


def _lines(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.exists() else 0


def _within(seconds: float, wanted: Path) -> None:
    deadline = time.monotonic() + seconds
    while not (wanted.exists() and wanted.stat().st_size):
        assert time.monotonic() < deadline, f"{wanted} did not come"
        time.sleep(0.02)


def _gone(seconds: float, unwanted: Path) -> None:
    deadline = time.monotonic() + seconds
    while unwanted.exists():
        assert time.monotonic() < deadline, f"{unwanted} is still there"
        time.sleep(0.02)


@rows
def mark_records_how_the_work_ended(machine: Machine) -> None:
    code, answer = machine.run(start("echo out; echo err >&2; exit 3"))
    told = _the_mark(answer)
    assert (told.state, told.exit, told.out, told.machine) == (MarkState.ENDED, 3, "out\nerr\n", "i-1")
    assert abs(datetime.now(UTC) - told.now) < timedelta(seconds=5)
    assert code == 1
    assert replace(machine.look(), now=told.now) == told


@rows
def second_start_begins_nothing(machine: Machine) -> None:
    machine.run(start("echo begun >> begun"))
    code, answer = machine.run(start("echo begun >> begun"))
    assert (code, _the_mark(answer).exit) == (0, 0)
    assert _lines(machine.folder / "begun") == 1


@rows
def one_of_twenty_starts_begins(machine: Machine) -> None:
    text = start("echo begun >> begun; sleep 0.3; exit 4")
    with ExitStack() as all_of_them:
        agents = [all_of_them.enter_context(machine.agent(text)) for _ in range(20)]
        told = [_the_mark(mark.read(agent.communicate(timeout=30)[0])) for agent in agents]
    assert {(each.state, each.exit) for each in told} == {(MarkState.ENDED, 4)}
    assert _lines(machine.folder / "begun") == 1


@rows
def work_outlives_the_agent(machine: Machine) -> None:
    with machine.agent(start(f"echo begun > begun; {AWAIT}; echo done; exit 5")) as agent:
        _within(10, machine.folder / "begun")
        os.killpg(agent.pid, signal.SIGKILL)
        agent.communicate()
    assert machine.look().state is MarkState.RUNNING
    (machine.folder / "go_on").touch()
    told = machine.until(MarkState.ENDED)
    assert (told.exit, told.out) == (5, "done\n")


@rows.of_one_shell
def follow_is_bounded_and_work_goes_on(machine: Machine) -> None:
    code, answer = machine.run(start(f"{AWAIT}; exit 6", follow=timedelta(seconds=1)))
    assert (code, _the_mark(answer).state) == (0, MarkState.RUNNING)
    (machine.folder / "go_on").touch()
    assert machine.until(MarkState.ENDED).exit == 6


def _kill(machine: Machine, whom: str) -> None:
    """`pid` is the keeper, `work` leads the work."""
    os.kill(int((machine.place() / whom).read_text().split()[0]), signal.SIGKILL)


@rows
def dead_keeper_and_work_are_interrupted_for_ever(machine: Machine) -> None:
    text = start("echo begun >> begun; exec sleep 20")
    with machine.agent(text) as agent:
        _within(10, machine.folder / "begun")
        _kill(machine, "pid")
        _kill(machine, "work")
        out, _ = agent.communicate(timeout=10)
    assert _the_mark(mark.read(out)).state is MarkState.INTERRUPTED
    code, answer = machine.run(text)
    assert (code, _the_mark(answer).why) == (1, "the process that kept it is dead")
    assert _lines(machine.folder / "begun") == 1


@rows
def work_without_keeper_runs_to_its_end(machine: Machine) -> None:
    machine.run(start(f"echo begun > begun; {AWAIT}", follow=NOT_AT_ALL))
    _within(10, machine.folder / "begun")
    _kill(machine, "pid")
    assert machine.look().state is MarkState.RUNNING
    (machine.folder / "go_on").touch()
    assert machine.until(MarkState.INTERRUPTED).why == "the process that kept it is dead"


@rows.of_one_shell
def zombie_keeper_is_dead(machine: Machine) -> None:
    with machine.agent(start("echo begun > begun; exec sleep 20")) as agent:
        _within(10, machine.folder / "begun")
        os.kill(agent.pid, signal.SIGSTOP)
        try:
            _kill(machine, "pid")
            _kill(machine, "work")
            assert machine.until(MarkState.INTERRUPTED).why == "the process that kept it is dead"
        finally:
            os.kill(agent.pid, signal.SIGKILL)
            agent.communicate()


@rows.of_one_shell
def reused_pid_is_not_the_keeper(machine: Machine) -> None:
    machine.run(start("echo begun > begun; sleep 20", follow=NOT_AT_ALL))
    _within(10, machine.place() / "work")
    pids = {who: (machine.place() / who).read_text().split()[0] for who in ("pid", "work")}
    for who, pid in pids.items():
        (machine.place() / who).unlink()
        (machine.place() / who).write_text(machine.stranger(pid))
    assert machine.look().state is MarkState.INTERRUPTED
    machine.run(cancel(NAME))
    assert Path(f"/proc/{pids['work']}").exists()


@rows
def reboot_interrupts_running_work(machine: Machine) -> None:
    text = start("echo begun >> begun; sleep 20", follow=NOT_AT_ALL)
    machine.run(text)
    machine.boot = "second"
    code, answer = machine.run(text)
    assert (code, _the_mark(answer).state) == (1, MarkState.INTERRUPTED)
    assert _the_mark(answer).why == "the machine was started anew while it ran"
    assert _lines(machine.folder / "begun") <= 1


@rows.of_one_shell
def recorded_exit_survives_a_reboot(machine: Machine) -> None:
    machine.run(start("exit 7"))
    machine.boot = "second"
    assert machine.look().exit == 7


@rows.of_one_shell
def claim_without_keeper_is_interrupted_for_ever(machine: Machine) -> None:
    machine.place().mkdir(parents=True)
    told = machine.look()
    assert (told.state, told.why) == (MarkState.INTERRUPTED, "it was claimed, but ended before it began")
    assert (machine.place() / "go").is_dir()
    _, answer = machine.run(start("echo begun > begun"))
    assert _the_mark(answer).state is MarkState.INTERRUPTED
    assert not (machine.folder / "begun").exists()


@rows
def late_start_bars_its_own_key_only(machine: Machine) -> None:
    code, answer = machine.run(start("echo begun > begun", late=timedelta(seconds=2)))
    told = _the_mark(answer)
    assert (code, told.state, told.why) == (75, MarkState.FORBIDDEN, "the start came too late")
    _, again = machine.run(start("echo begun >> begun"))
    assert _the_mark(again).why == told.why
    assert not (machine.folder / "begun").exists()
    machine.run(start("echo begun >> begun", name="r-1/2-update"))
    assert _lines(machine.folder / "begun") == 1


@rows
def slow_probe_bars_the_key_as_late(machine: Machine) -> None:
    code, answer = machine.run(start("echo begun > begun", late=timedelta(seconds=-2), probe="sleep 3.1"))
    assert (code, _the_mark(answer).state) == (75, MarkState.FORBIDDEN)
    assert _the_mark(answer).why.startswith("the start came too late")
    assert not (machine.folder / "begun").exists()


@rows.of_one_shell
def late_start_reports_work_begun_before(machine: Machine) -> None:
    machine.run(start("exit 8"))
    _, answer = machine.run(start("exit 9", late=timedelta(hours=1)))
    assert _the_mark(answer).exit == 8


@rows
def forbidden_work_never_begins(machine: Machine) -> None:
    _, forbidden = machine.run(forbid(NAME))
    code, answer = machine.run(start("echo begun > begun"))
    assert _the_mark(forbidden).state is MarkState.FORBIDDEN
    assert (code, _the_mark(answer).state) == (75, MarkState.FORBIDDEN)
    assert not (machine.folder / "begun").exists()


@rows
def begun_work_cannot_be_forbidden(machine: Machine) -> None:
    machine.run(start("exit 2"))
    _, answer = machine.run(forbid(NAME, "r-1/1-revert"))
    assert (_the_mark(answer).state, _the_mark(answer).exit) == (MarkState.ENDED, 2)
    assert _the_mark(answer, "r-1/1-revert").state is MarkState.FORBIDDEN


def _cancelled(machine: Machine, run: str) -> mark.Mark:
    """The mark after this work was begun and told to end, with little patience."""
    machine.run(start(run.format(begun="echo begun > begun"), follow=NOT_AT_ALL))
    _within(10, machine.folder / "begun")
    _, answer = machine.run(cancel(NAME, patience=timedelta(seconds=0.75)))
    told, deadline = _the_mark(answer), time.monotonic() + 20
    while told.state is MarkState.RUNNING and time.monotonic() < deadline:
        told = machine.look()  # a keeper on a busy machine records the end a moment later
    return told


@rows
def cancelled_work_has_failed_and_keeps_output(machine: Machine) -> None:
    told = _cancelled(machine, "echo hello; {begun}; sleep 20 & wait")
    assert (told.state, told.exit, told.why) == (MarkState.ENDED, 143, "it was told to end")
    assert told.out.startswith("hello\n")


@rows.of_one_shell
def cancelled_work_with_exit_0_has_failed(machine: Machine) -> None:
    told = _cancelled(machine, "trap 'exit 0' TERM; {begun}; sleep 20 & wait")
    assert (told.state, told.exit) == (MarkState.ENDED, 143)


@rows.of_one_shell
def work_that_ignores_sigterm_is_killed(machine: Machine) -> None:
    alive = "sh -c 'while :; do sleep 0.1; echo alive >> alive; done' &"
    told = _cancelled(machine, f"trap '' TERM; {alive} {{begun}}; while :; do wait; sleep 1; done")
    assert (told.state, told.exit) == (MarkState.ENDED, 137)
    before = _lines(machine.folder / "alive")
    time.sleep(0.5)
    assert _lines(machine.folder / "alive") == before


@rows.of_one_shell
def process_outside_the_session_outlives_cancel(machine: Machine) -> None:
    left = f"{machine.new_session} sh -c '{AWAIT}; echo x > alive' &"
    assert _cancelled(machine, f"{left} {{begun}}; wait").exit == 143
    (machine.folder / "go_on").touch()
    _within(10, machine.folder / "alive")


@rows.of_one_shell
def work_without_keeper_can_be_cancelled(machine: Machine) -> None:
    machine.run(start("echo begun > begun; exec sleep 20", follow=NOT_AT_ALL))
    _within(10, machine.folder / "begun")
    _kill(machine, "pid")
    _, answer = machine.run(cancel(NAME))
    assert _the_mark(answer).state is MarkState.INTERRUPTED


@rows.of_one_shell
def cancel_of_ended_or_absent_work_changes_nothing(machine: Machine) -> None:
    machine.run(start("exit 5"))
    _, answer = machine.run(cancel(NAME, "r-1/2-update"))
    assert (_the_mark(answer).exit, _the_mark(answer).why) == (5, "")
    assert _the_mark(answer, "r-1/2-update").state is MarkState.ABSENT


@rows
def argv_reaches_the_command_unchanged(machine: Machine) -> None:
    words = ("printf", "%s|", UNFRIENDLY, "", "*", "-n", "$HOME")
    _, answer = machine.run(start("", argv=words))
    assert _the_mark(answer).out == f"{UNFRIENDLY}||*|-n|$HOME|"
    assert not (machine.folder / "pwned").exists()


@rows
def failing_probe_forbids_the_start_for_ever(machine: Machine) -> None:
    code, answer = machine.run(start("echo begun > begun", probe="echo '3 connections'; exit 1"))
    told = _the_mark(answer)
    assert (code, told.state, told.why) == (75, MarkState.FORBIDDEN, "refused by the witness: 3 connections")
    _, again = machine.run(start("echo begun > begun"))
    assert _the_mark(again).why == told.why
    assert not (machine.folder / "begun").exists()


@rows
def probe_without_verdict_leaves_the_key_free(machine: Machine) -> None:
    code, answer = machine.run(start("echo begun > begun", probe="echo 'no verdict'; exit 76"))
    told = _the_mark(answer)
    assert (code, told.state, told.why) == (1, MarkState.ABSENT, "no verdict")
    _, again = machine.run(start("echo begun > begun", probe="exit 0"))
    assert _the_mark(again).state is MarkState.ENDED
    assert (machine.folder / "begun").exists()


@rows.of_one_shell
def passing_probe_lets_work_begin(machine: Machine) -> None:
    _, answer = machine.run(start("exit 0", probe="exit 0"))
    assert _the_mark(answer).exit == 0


@rows
def values_arrive_unchanged_and_are_never_run(machine: Machine) -> None:
    printed = 'printf "%s|" "$KATAKEI_NAME" "$KATAKEI_RELEASE" "${KATAKEI_ZONE-unset}" "$-" | tee seen'
    _, answer = machine.run(start(printed, KATAKEI_NAME=UNFRIENDLY, KATAKEI_RELEASE=""))
    told = _the_mark(answer).out
    assert told.startswith(f"{UNFRIENDLY}||unset|")
    assert not (machine.folder / "pwned").exists()


@rows
def command_is_the_users_text(machine: Machine) -> None:
    command = "cat <<'X'\n$HOME `id` \"'\nX\nif true; then\n  printf '%s\\n' \"*\" 'a  b'\nfi\n# KATAKEI_KEEPER\n"
    _, answer = machine.run(start(command))
    assert _the_mark(answer).out == "$HOME `id` \"'\n*\na  b\n"


@rows
def mark_keeps_the_last_64_kib_of_output(machine: Machine) -> None:
    _, answer = machine.run(start("seq 1 100000"))
    whole = "".join(f"{number}\n" for number in range(1, 100_001))
    assert (machine.place() / "out").read_text() == whole[-65_536:]
    assert _the_mark(answer).out == whole[-mark.TAIL :]
    _gone(10, machine.place() / "drained")  # the last that is removed, after the end was recorded
    assert {entry.name for entry in machine.place().iterdir()} == {
        *("machine", "boot_id", "pid", "go", "work", "out", "size", "exit")
    }
    assert _the_mark(answer).cut == len(whole) - mark.TAIL


@rows.of_one_shell
def process_left_running_delays_nothing(machine: Machine) -> None:
    left = f"({AWAIT}; seq 1 20000 && echo alive > alive) &"
    _, answer = machine.run(start(f"{left} echo done"))
    assert (_the_mark(answer).exit, _the_mark(answer).out) == (0, "done\n")
    (machine.folder / "go_on").touch()
    _within(10, machine.folder / "alive")


@rows
def work_may_kill_its_process_group(machine: Machine) -> None:
    _, answer = machine.run(start("kill -TERM 0; sleep 20"))
    assert (_the_mark(answer).state, _the_mark(answer).exit) == (MarkState.ENDED, 143)


def _signalled(machine: Machine, run: str, *, work_too: bool) -> mark.Mark:
    """The mark after its keeper's group, and the work's or not, were told to end, as when a machine goes down."""
    with machine.agent(start(f"echo $$ > begun; {run}")) as agent:
        _within(10, machine.folder / "begun")
        groups = [int((machine.place() / "pid").read_text().split()[0])]
        for group in groups + [int((machine.folder / "begun").read_text())] * work_too:
            os.killpg(group, signal.SIGTERM)
        out, _ = agent.communicate(timeout=10)
    return _the_mark(mark.read(out))


@rows
def shutdown_interrupts_the_work(machine: Machine) -> None:
    assert _signalled(machine, "exec sleep 20", work_too=True).state is MarkState.INTERRUPTED


@rows
def signalled_keeper_stays_until_the_work_ends(machine: Machine) -> None:
    told = _signalled(machine, "sleep 0.3; echo done; exit 5", work_too=False)
    assert (told.state, told.exit, told.out) == (MarkState.ENDED, 5, "done\n")


@rows.of_one_shell
def reboot_exit_code_is_not_passed_on(machine: Machine) -> None:
    code, answer = machine.run(start("exit 194"))
    assert (code, _the_mark(answer).exit) == (1, 194)


@rows.of_targets
def machine_takes_its_own_line(machine: Machine) -> None:
    late = datetime.now(UTC) + SOON
    lines = [mark.Line(f"i-{n}", f"r-1/{n}-update", late, (("KATAKEI_TARGET", f"i-{n}"),)) for n in (1, 2, 3)]
    machine.name = "i-2"
    _, answer = machine.run(mark.start_text(lines, Job('echo "$KATAKEI_TARGET"', (), 60), SOON, "ME"))
    assert (_the_mark(answer, "r-1/2-update").out, len(answer.marks)) == ("i-2\n", 1)


@rows.of_targets
def machine_without_line_begins_nothing(machine: Machine) -> None:
    late = datetime.now(UTC) + SOON
    lines = [mark.Line(f"i-{n}", NAME, late, ()) for n in (1, 2)]
    for machine.name in ("", "i-9"):
        code, answer = machine.run(mark.start_text(lines, Job("echo begun > begun", (), 60), SOON, "ME"))
        assert (code, answer.marks[0].state) == (75, MarkState.REFUSED)
        assert "holds no line for" in answer.marks[0].why
    assert not (machine.folder / "begun").exists()


@rows.of_targets
def nameless_machine_takes_the_only_line(machine: Machine) -> None:
    machine.name = ""
    _, answer = machine.run(start("exit 0"))
    assert (_the_mark(answer).exit, _the_mark(answer).machine) == (0, "")


@rows
def unwritable_state_folder_begins_nothing(machine: Machine) -> None:
    (machine.folder / "file").write_text("")
    machine.env["KATAKEI_STATE"] = str(machine.folder / "file")
    code, answer = machine.run(start("echo begun > begun"))
    assert code == 75
    assert _the_mark(answer).why.startswith("the state folder cannot be written: ")
    assert not (machine.folder / "begun").exists()


def test_masked_machine_has_neither_proc_nor_setsid(tmp_path: Path) -> None:
    machine = LocalMachine(tmp_path, "masked")
    _, answer = machine.run(start("command -v setsid dd base64 mkfifo tail tr wc date; echo /proc/*"))
    assert _the_mark(answer).out == "/proc/*\n"
    assert (machine.place() / "pid").read_text().split()[1:] == ["0", "locked"]


def test_a_missing_tool_is_named(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    tools = machine.folder / "tools"
    tools.mkdir()
    for tool in ("sh", "base64", "date", "tr", "dd", "mkfifo", "tail"):
        (tools / tool).symlink_to(shutil.which(tool, path=machine.path) or "")
    machine.env["PATH"] = str(tools)
    code, answer = machine.run(start("echo begun > begun"))
    assert (code, _the_mark(answer).why) == (75, "setsid is missing on this machine")


@pytest.mark.parametrize("shell", SHELLS)
def test_no_root_is_needed(shell: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        user = 65_534 if os.geteuid() == 0 else os.geteuid()
        machine = Machine(Path(folder) / "machine", shell, user=user if os.geteuid() == 0 else None)
        for path in (Path(folder), machine.folder, machine.state):
            path.chmod(0o755)
            os.chown(path, user, -1)
        _, answer = machine.run(start("id -u"))
        assert _the_mark(answer).out == f"{user}\n"


@rows.each()
def test_it(case: Case, shown: Shown) -> None:
    shown.result(case)
