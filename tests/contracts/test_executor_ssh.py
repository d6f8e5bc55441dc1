"""The executor `ssh` against a real OpenSSH server: lost connections and controllers, foreign keys, full disks."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contracts.machine import NEVER_TOO_LATE, SHELLS, Machine
from tests.contracts.ssh_server import config_file, keygen
from tests.contracts.workshops import BY, FINAL, BySsh, by_ssh, follow, hand_over, job, key, target, until

from katakei.adapters.executors import mark
from katakei.adapters.executors.ssh import SshExecutor, SshProgramRunner, programs
from katakei.domain.actions import Job
from katakei.domain.events import WorkKey
from katakei.domain.model import Target
from katakei.domain.observation import WorkState, WorkStatus
from katakei.domain.spec import Command, HostKeys, Variable

BEGIN = "echo begun >> begun; until [ -e go_on ]; do sleep 0.05; done; echo done"
HERE = Path(__file__).parents[2]
Jobs = Mapping[WorkKey, tuple[Target, Job]]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[BySsh]:
    with by_ssh(tmp_path, 1) as shop:
        yield shop


def _begun(shop: BySsh) -> int:
    file = shop.folder(shop.targets[0]) / "begun"
    return len(file.read_text().splitlines()) if file.exists() else 0


def _wait_begun(shop: BySsh) -> None:
    deadline = time.monotonic() + 60
    while not _begun(shop):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _ends_once(shop: BySsh, jobs: Jobs, tickets: dict[WorkKey, str]) -> WorkStatus:
    (shop.folder(shop.targets[0]) / "go_on").touch()
    [work] = follow(shop, jobs, tickets).values()
    assert (work.state, work.exit, work.out, _begun(shop)) == (WorkState.ENDED, 0, "done\n", 1)
    return work


def _why(shop: BySsh) -> str:
    """Why the target could not be worked on. A rollout is refused for it before anything is taken out."""
    found = shop.executor.ready(shop.targets, BY)
    return found.get(shop.targets[0].id, "")


def test_lost_connection_loses_no_work(shop: BySsh) -> None:
    [whom] = shop.targets
    jobs = {key(whom): (whom, job(BEGIN))}
    tickets = hand_over(shop, jobs)
    _wait_begun(shop)
    shop.servers[whom.id].cut()
    [work] = shop.executor.look({key(whom): (whom, "")}, BY).values()
    assert work.state in {WorkState.RUNNING, WorkState.UNKNOWN}
    _ends_once(shop, jobs, tickets)


def test_connections_cut_at_any_moment_begin_work_once(shop: BySsh) -> None:
    [whom] = shop.targets
    jobs = {key(whom): (whom, job(BEGIN))}
    over = threading.Event()

    def cut() -> None:
        while not over.wait(0.15):
            shop.servers[whom.id].cut()

    cutter = threading.Thread(target=cut)
    cutter.start()
    tickets: dict[WorkKey, str] = {}
    try:
        for _ in range(6):
            tickets |= shop.executor.start(jobs, BY)
            shop.executor.look({key(whom): (whom, "")}, BY)
    finally:
        over.set()
        cutter.join(10)
    tickets |= hand_over(shop, jobs)
    _ends_once(shop, jobs, tickets)


@pytest.mark.parametrize("seconds", [0.0, 0.4, None])
def test_killed_controller_loses_no_work(shop: BySsh, seconds: float | None) -> None:
    [whom] = shop.targets
    jobs = {key(whom): (whom, job(BEGIN))}
    script = [sys.executable, "-P", str(HERE / "tests/contracts/ssh_controller.py"), shop.access.config, "1", BEGIN]
    with subprocess.Popen(
        script, stdout=subprocess.PIPE, text=True, cwd=HERE, env={**os.environ, "PYTHONPATH": str(HERE)}
    ) as controller:
        if seconds is None:
            assert controller.stdout
            assert controller.stdout.readline() == "started\n"
        else:
            deadline = time.monotonic() + 60
            while not shop.servers[whom.id].children():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(seconds)
        controller.kill()
    named = {key(whom): (whom, "")}
    tickets = {key(whom): ""}
    work = WorkStatus(WorkState.UNKNOWN)
    until_known = {*FINAL, WorkState.RUNNING, WorkState.NOT_STARTED}
    for _ in range(60):
        [work] = shop.executor.look(named, BY).values()
        if work.state in until_known:
            break
        shop.pass_time(1)
    if work.state is WorkState.NOT_STARTED:
        tickets = hand_over(shop, jobs)
    _ends_once(shop, jobs, tickets)


def test_start_without_an_answer_is_unknown_until_too_late(shop: BySsh) -> None:
    """Nothing may be called not started while a start can still begin it."""
    [whom] = shop.targets
    named = {key(whom): (whom, "")}
    [work] = shop.executor.look(named, BY).values()
    assert (work.state, work.why) == (WorkState.UNKNOWN, "a start may still be on its way to the target")
    shop.clock.turn(10)
    [work] = shop.executor.look(named, BY).values()
    assert work.state is WorkState.UNKNOWN
    shop.clock.turn(20)
    [work] = shop.executor.look(named, BY).values()
    assert work.state is WorkState.NOT_STARTED


@pytest.mark.parametrize("shell", SHELLS)
def test_cut_program_runs_nothing(tmp_path: Path, shell: str) -> None:
    machine = Machine(tmp_path / "machine", shell)
    line = mark.Line("i-1", "r-7/1-update", NEVER_TOO_LATE, (("SECRET", "x" * 50),))
    text = mark.start_text([line], job("echo begun >> begun"), timedelta(seconds=5))
    whole = programs.whole(text, target(1).id).encode()
    env = {"PATH": machine.path, "KATAKEI_STATE": str(machine.state), "KATAKEI_BOOT_ID": "first"}
    for size in [*range(100, len(whole) - 1, len(whole) // 12), len(whole) - 16, len(whole) - 14, len(whole) - 4]:
        said = subprocess.run(
            [machine.folder / "bin" / "sh"],
            input=whole[:size],
            env=env,
            cwd=machine.folder,
            capture_output=True,
            timeout=30,
            check=False,
        )
        assert b"katakei" not in said.stdout, size
        assert list(machine.state.iterdir()) == [], size
    subprocess.run(
        [machine.folder / "bin" / "sh"],
        input=whole,
        env=env,
        cwd=machine.folder,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (machine.folder / "begun").exists()
    machine.end()


def test_user_without_rights_keeps_marks_at_home() -> None:
    if os.geteuid():
        pytest.skip("only root may become another user")
    home = Path("/tmp") / f"katakei-home-{os.getpid()}"  # noqa: S108 - the folders of pytest are closed to other users
    home.mkdir()
    shutil.chown(home, "nobody")
    line = mark.Line("i-1", "r-7/1-update", NEVER_TOO_LATE, ())
    text = programs.whole(mark.start_text([line], job("echo begun >> begun"), timedelta(seconds=20)), target(1).id)
    try:
        said = subprocess.run(
            ["sh"],
            input=text,
            env={"PATH": os.environ["PATH"], "HOME": str(home)},
            cwd=home,
            capture_output=True,
            timeout=60,
            check=False,
            user="nobody",
            text=True,
        )
        [found] = mark.read(said.stdout).marks
        assert (found.state, found.exit) == (mark.MarkState.ENDED, 0), said
        assert (home / "begun").read_text() == "begun\n"
        assert [each.name for each in home.glob(".local/state/katakei/ssh/*/r-7/*")] == ["1-update"]
    finally:
        shutil.rmtree(home)


def test_reboot_in_the_middle_is_an_interruption(shop: BySsh) -> None:
    [whom] = shop.targets
    jobs = {key(whom): (whom, job(BEGIN))}
    tickets = hand_over(shop, jobs)
    _wait_begun(shop)
    shop.servers[whom.id].restart()
    [work] = follow(shop, jobs, tickets).values()
    assert (work.state, work.why) == (WorkState.INTERRUPTED, "the machine was started anew while it ran")
    assert shop.executor.start(jobs, BY).keys() == jobs.keys()
    assert _begun(shop) == 1


def test_hanging_work_ends_at_its_deadline(shop: BySsh) -> None:
    """Its controller cancels it; the connection over which it was started is gone."""
    [whom] = shop.targets
    jobs = {key(whom): (whom, job("echo begun >> begun; sleep 300"))}
    named = {its: (whom, ticket) for its, ticket in hand_over(shop, jobs).items()}
    _wait_begun(shop)
    shop.servers[whom.id].cut()
    shop.anew()
    work = until(shop, named, WorkState.ENDED, lambda: shop.executor.cancel(named, BY))
    assert (work.exit, work.why, _begun(shop)) == (143, "it was told to end", 1)


def test_late_start_is_refused(shop: BySsh) -> None:
    [whom] = shop.targets
    shop.executor.prepare(shop.targets, BY)
    date = shop.folder(whom) / "late"
    date.mkdir()
    (date / "date").write_text(
        '#!/bin/sh\n[ "$1" != +%s ] || { echo $(($(/bin/date +%s) + 3600)); exit; }\nexec /bin/date "$@"\n'
    )
    (date / "date").chmod(0o755)
    _with_environment(shop, PATH=f"{date}:{os.environ['PATH']}")
    jobs = {key(whom): (whom, job("echo begun >> begun"))}
    [work] = follow(shop, jobs, hand_over(shop, jobs)).values()
    assert (work.state, work.why, _begun(shop)) == (WorkState.REFUSED, "the start came too late", 0)


def test_last_probe_on_the_target_refuses_work(shop: BySsh) -> None:
    [whom] = shop.targets
    probe = 'echo "busy on $KATAKEI_TARGET"; exit 75'
    jobs = {key(whom): (whom, replace(job("echo begun >> begun"), probe=probe))}
    [work] = follow(shop, jobs, hand_over(shop, jobs)).values()
    assert (work.state, _begun(shop)) == (WorkState.REFUSED, 0)
    assert work.why == f"refused by the witness: busy on {whom.id}"


def test_sixty_four_kib_of_output_are_kept(shop: BySsh) -> None:
    [whom] = shop.targets
    jobs = {key(whom): (whom, job("seq 1 40000"))}
    [work] = follow(shop, jobs, hand_over(shop, jobs)).values()
    written = "".join(f"{number}\n" for number in range(1, 40001))
    assert (work.out, work.cut) == (written[-65_536:], len(written) - 65_536)


def test_secrets_are_in_no_process_list(shop: BySsh) -> None:
    [whom] = shop.targets
    secret = "s3cr3t-of-this-test"  # noqa: S105 - no secret at all
    variables = (Variable("TOKEN", secret="MY_TOKEN"),)  # noqa: S106 - a name
    shop.executor = SshExecutor(shop.clients[-1], shop.clock, {"MY_TOKEN": secret}, variables)
    jobs = {key(whom): (whom, job('echo "$TOKEN"; touch begun; until [ -e go_on ]; do sleep 0.05; done'))}
    seen: list[bytes] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    seen.append(file.read_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    tickets = hand_over(shop, jobs)
    (shop.folder(whom) / "go_on").touch()
    [work] = follow(shop, jobs, tickets).values()
    over.set()
    watcher.join(10)
    assert (work.state, work.out) == (WorkState.ENDED, "***\n")
    assert any(b"katakei-keep" in each for each in seen)
    assert not any(secret.encode() in each for each in seen)
    assert SshExecutor(shop.clients[-1], shop.clock, {}, variables).lacks


def test_unknown_and_changed_host_keys_are_refused(shop: BySsh, tmp_path: Path) -> None:
    [whom] = shop.targets
    server = shop.servers[whom.id]
    where = config_file(tmp_path, {whom.id: server}, tmp_path / "fresh")
    shop.anew(replace(shop.access, config=str(where)))
    assert _why(shop) == (
        f"the host key of {whom.id} is not known: add it to known_hosts,"
        " or accept the first one with host_keys: accept-new"
    )
    assert not (tmp_path / "fresh").exists()
    shop.anew(replace(shop.access, config=str(where), host_keys=HostKeys.ACCEPT_NEW))
    assert _why(shop) == ""
    (server.folder / "host_key").unlink()
    (server.folder / "host_key.pub").unlink()
    keygen(server.folder / "host_key")
    server.restart()
    shop.anew(replace(shop.access, config=str(where), host_keys=HostKeys.ACCEPT_NEW))
    assert _why(shop) == f"the host key of {whom.id} has changed: find out why, then correct known_hosts"
    assert shop.executor.start({key(whom): (whom, job("touch begun"))}, BY) == {}
    assert _begun(shop) == 0


def test_wrong_user_is_named(shop: BySsh) -> None:
    [whom] = shop.targets
    shop.anew(replace(shop.access, user="nobody-here"))
    assert _why(shop) == f"{whom.id} does not accept the user nobody-here: check user, key and agent"


def test_closed_and_silent_ports_are_named(shop: BySsh) -> None:
    [whom] = shop.targets
    shop.servers[whom.id].end()
    assert _why(shop) == f"{whom.id} refuses connections: check that sshd runs on this port"
    assert shop.executor.start({key(whom): (whom, job("true"))}, BY) == {}
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        shop.anew(replace(shop.access, port=silent.getsockname()[1]))
        found = shop.executor.ready(shop.targets, timedelta(seconds=2))
        assert found[whom.id] == f"{whom.id} gave no answer within 2 s"
        found = shop.executor.ready(shop.targets, timedelta(seconds=30))
        assert found[whom.id] == f"{whom.id} does not answer: check the route, the security group and the port"


def test_target_without_a_shell_is_named(shop: BySsh) -> None:
    [whom] = shop.targets
    server = shop.servers[whom.id]
    server.settings = ["ForceCommand echo This account is currently not available.; exit 1"]
    server.restart()
    said = f"{whom.id} did not run the program with timeout and sh: This account is currently not available."
    assert _why(shop) == said
    [work] = shop.executor.look({key(whom): (whom, "")}, BY).values()
    assert (work.state, work.why) == (WorkState.UNKNOWN, said)


def test_client_has_no_terminal_to_ask_at(shop: BySsh, tmp_path: Path) -> None:
    """Also the client of a jump host, whose questions `BatchMode` does not forbid."""
    [whom] = shop.targets
    script = tmp_path / "proxy"
    script.write_text(f"#!/bin/sh\ncut -d ' ' -f 6 /proc/$$/stat >{tmp_path}/session\nexit 1\n")
    script.chmod(0o755)
    config = tmp_path / "jump"
    config.write_text(f"Host *\n  ProxyCommand {script}\n")
    shop.anew(replace(shop.access, config=str(config)))
    assert whom.id in _why(shop)
    assert int((tmp_path / "session").read_text()) != os.getsid(0)


def test_faulty_client_configuration_is_named(shop: BySsh, tmp_path: Path) -> None:
    shop.anew(replace(shop.access, config=str(tmp_path / "none")))
    assert _why(shop).startswith("ssh does not accept its configuration: Can't open user config file")


def test_other_instance_behind_the_host_is_refused(shop: BySsh) -> None:
    [whom] = shop.targets
    shop.servers[whom.id].machine.name = "i-0bad"
    shop.servers[whom.id].restart()
    assert _why(shop) == f"ssh reaches i-0bad and not {whom.id}: correct what names its host"
    assert shop.executor.prepare(shop.targets, BY) == {}
    assert shop.executor.start({key(whom): (whom, job("touch begun"))}, BY) == {}


def test_place_is_that_of_machine_and_folder(shop: BySsh) -> None:
    [whom] = shop.targets
    [place] = shop.executor.prepare(shop.targets, BY).values()
    assert place.partition("@")[0] == whom.id
    jobs = {key(whom): (whom, replace(job(BEGIN), marks=place))}
    tickets = hand_over(shop, jobs)
    _wait_begun(shop)
    machine = shop.servers[whom.id].machine
    machine.end()
    shutil.rmtree(machine.state)
    machine.state.mkdir()
    shop.anew()
    named = {key(whom): (whom, tickets[key(whom)])}
    work = until(shop, named, WorkState.UNKNOWN, lambda: shop.executor.start(jobs, BY))
    assert "its state folder is not the one that was there before it was taken out" in work.why
    assert _begun(shop) == 1


def test_full_disk_refuses_work_beforehand(shop: BySsh) -> None:
    [whom] = shop.targets
    state = shop.servers[whom.id].machine.state
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", state], capture_output=True, check=False, timeout=20
    )
    if mount.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        assert _why(shop) == ""
        assert shop.executor.prepare(shop.targets, BY)
        _fill(state / "big")
        assert _why(shop) == f"its disk is full: 0 KiB are free for {state}"
        jobs = {key(whom): (whom, job("touch begun"))}
        [work] = follow(shop, jobs, hand_over(shop, jobs)).values()
        said = (WorkState.INTERRUPTED, "it was claimed, but ended before it began", 0)
        assert (work.state, work.why, (shop.folder(whom) / "begun").exists() + 0) == said
        shutil.rmtree(state / ".machines")
        _fill(state / "rest")
        why = shop.executor.prove(Command("ssh", "true"), shop.targets, BY)
        assert why == {whom.id: "the state folder cannot be written, or the disk is full"}
    finally:
        subprocess.run(["umount", "-l", state], check=True, timeout=20)


def test_probe_programs_reach_their_target(shop: BySsh) -> None:
    [whom] = shop.targets
    runner = SshProgramRunner(shop.clients[-1], shop.clock)
    ticket = runner.send('echo "i am $KATAKEI_TARGET"; exit 75', [whom], timedelta(seconds=5))
    deadline = time.monotonic() + 60
    while not (heard := runner.heard(ticket)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert heard[whom.id].out == f"i am {whom.id}\n"
    shop.servers[whom.id].cut()
    shop.servers[whom.id].end()
    ticket = runner.send("echo hello", [whom], timedelta(seconds=5))
    while not (heard := runner.heard(ticket)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert (heard[whom.id].out, bool(heard[whom.id].why)) == ("", True)


def test_connections_are_kept_and_closed_at_the_end(shop: BySsh) -> None:
    [whom] = shop.targets
    assert _why(shop) == ""
    folder = shop.clients[-1]._folder
    assert folder
    assert (folder.stat().st_mode & 0o777, len(list(folder.iterdir()))) == (0o700, 1)
    assert len(str(folder)) < 40
    assert _why(shop) == ""
    assert shop.servers[whom.id].log.count("Accepted publickey") == 1
    shop.clients[-1].close()
    assert not folder.exists()
    deadline = time.monotonic() + 20
    while shop.servers[whom.id].children():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _with_environment(shop: BySsh, **values: str) -> None:
    server = shop.servers[shop.targets[0].id]
    server.machine.env |= values
    server.cut()
    server.end()
    server.begin()


def _fill(file: Path) -> None:
    try:
        with file.open("wb") as big:
            while True:
                big.write(b"x" * 4096)
                big.flush()
    except OSError:
        pass
