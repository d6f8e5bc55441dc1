"""`katakei roll` and the work: once whatever happens, on the target or on this machine, with secrets."""

import os
import re
import shutil
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from tests.e2e.command import Katakei, Running
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage

from katakei.lab import clock
from katakei.lab.process import Lab

pytestmark = pytest.mark.lab
plays = Plays()

# -- exactly once: the work itself writes a file on its server, which is read here

ONCE_FILE = """\
service: shop
balancer: {{alb: {{target_groups: [LaravelTargetGroup]}}}}
drain: {{settle: 6s, until: delay}}
work: {{ssm: {{run: 'echo "$KATAKEI_ATTEMPT" >> tried; {work}; echo "$KATAKEI_RELEASE" > release && ./bin/restart'}}}}
limits: {{working: {limit}}}
warm: {{soak: 0s}}
"""
TOO_LATE = 90
"""Seconds: so long a start is good; the ten that have passed before are for what its target's clock may seem ahead."""

ROLL_ONE = ("roll", "--release", "v2", "--only")


def begun(katakei: Katakei, ground: Ground, work: str = "true", limit: str = "1m") -> Running:
    """A rollout of the first server, as far as its draining."""
    katakei.file(ONCE_FILE.format(work=work, limit=limit))
    running = katakei.start(*ROLL_ONE, ground.ids[0])
    running.until("draining")
    return running


def tried(ground: Ground) -> list[str]:
    """The attempts whose work really began on the first server."""
    log = Path(ground.lab.targets[0].folder) / "tried"
    return log.read_text().split() if log.exists() else []


def dies(ground: Ground) -> None:
    """The agent, once it was asked what the start must know: what it is sent from now on is accepted and not run."""
    clock.sleep(4)
    ground.lab.faults(agent_dead=[ground.ids[0]], deliver_late=True)


def lives(ground: Ground) -> None:
    """The agent again; what had been sent to it meanwhile arrives after all, however late."""
    ground.lab.faults(agent_dead=[])


@plays
def work_interrupted_by_a_reboot_is_not_repeated(katakei: Katakei, ground: Ground) -> None:
    running = begun(katakei, ground, "sleep 60")
    running.until("work started")
    assert clock.wait_for(lambda: tried(ground) == ["1"], 20)
    ground.aws.get("ec2").reboot_instances(InstanceIds=[ground.ids[0]])
    done = running.end(90)
    assert (done.code, tried(ground)) == (3, ["1"]), done.all()
    assert "OUT OF SERVICE" in done.out
    assert "the machine was started anew while it ran" in done.out


@plays
def start_that_arrives_late_works_once(katakei: Katakei, ground: Ground) -> None:
    running = begun(katakei, ground)
    dies(ground)
    running.until("it is unknown whether the work runs")
    clock.sleep(5)
    lives(ground)
    assert (running.end().code, tried(ground)) == (0, ["1"]), running.said()


@plays.slow
def start_that_arrives_too_late_is_refused(katakei: Katakei, ground: Ground) -> None:
    running = begun(katakei, ground, limit="10s")
    dies(ground)
    running.until("preventing it from starting", within=60)
    clock.sleep(TOO_LATE)
    lives(ground)
    done = running.end(120)
    assert (done.code, tried(ground)) == (0, ["2"]), done.all()
    assert "the work was refused and did nothing" in done.out


@plays
def start_delivered_twice_works_once(katakei: Katakei, ground: Ground) -> None:
    ground.lab.faults(deliver_twice=True)
    done = begun(katakei, ground).end()
    ground.lab.faults(deliver_twice=False)
    assert (done.code, tried(ground), ground.starts()) == (0, ["1"], [1, 0]), done.all()


DEAD = timedelta(minutes=10)


@pytest.mark.acceptance
@pytest.mark.parametrize(("limit", "code", "done"), [("15m", 0, ["1"]), ("5m", 3, [])], ids=["within", "beyond"])
def test_work_with_a_dead_agent_runs_once_or_never(
    katakei: Katakei, ground: Ground, limit: str, code: int, done: list[str]
) -> None:
    running = begun(katakei, ground, limit=limit)
    dies(ground)
    try:
        clock.sleep(DEAD.total_seconds())
        lives(ground)
        ended = running.end(600)
        clock.sleep(20)  # what was sent long ago arrives now
        assert (ended.code, tried(ground)) == (code, done), ended.all()
    finally:
        lives(ground)


# -- local work, and the examples in docs/examples

ROOT = Path(__file__).parents[2]
ANSIBLE = ROOT / ".venv-ansible" / "bin"
BLOCK = re.compile(r"^```\w+\n((?:#!.*\n)?# (\S+)\n.*?)^```$", re.DOTALL | re.MULTILINE)
QUICKLY = "drain: {settle: 1s}\nwarm: {soak: 1s}\n"
HERE = """\
service: shop
balancer: {{alb: {{target_groups: [LaravelTargetGroup]}}}}
drain: {{settle: 1s}}
warm: {{soak: 1s}}
work:
  local:
    run: |
      {work}
"""
ROLL = ("roll", "-f", "katakei.yml", "--release", "v2", "--yes")
SSH = """\
#!/bin/sh
# Begins a command in the folder of the server that has this address, as sshd does in a home.
while :; do
  case $1 in
    -o | -l | -p | -i | -S) shift 2 ;;
    -*) shift ;;
    *) break ;;
  esac
done
case ${{1##*@}} in
{servers}
  *) echo "no route to $1" >&2; exit 255 ;;
esac
shift
exec env -i PATH="$PATH" HOME="$PWD" sh -c "$*"
"""
RSYNC = """\
#!/bin/sh
# rsync --archive --checksum FROM/ USER@HOST:TO
tar -C "$3" -cf - . | ssh "${4%%:*}" "tar -C ${4#*:} -xf -"
"""


def _written(example: str, folder: Path) -> None:
    """Every file that the page shows."""
    found = BLOCK.findall((ROOT / "docs" / "examples" / example).read_text())
    assert found
    for text, name in found:
        (folder / name).write_text(text + QUICKLY if name == "katakei.yml" else text)
        (folder / name).chmod(0o755)


def _path(lab: Lab, folder: Path) -> str:
    """A PATH on which the servers of the lab can be reached."""
    tools = folder / "tools"
    tools.mkdir()
    servers = "\n".join(f"  {each.address}) cd '{each.folder}' || exit 255 ;;" for each in lab.targets)
    for name, text in (("ssh", SSH.format(servers=servers)), ("rsync", RSYNC)):
        if name == "ssh" or shutil.which(name) is None:
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
    return f"{tools}:{ANSIBLE}:{os.environ['PATH']}"


@plays
def local_work_copies_files_with_rsync(katakei: Katakei, ground: Ground) -> None:
    _written("rsync.md", katakei.folder)
    (katakei.folder / "releases" / "v2").mkdir(parents=True)
    (katakei.folder / "releases" / "v2" / "release").write_text("v2\n")
    done = katakei(*ROLL, within=90, PATH=_path(ground.lab, katakei.folder))
    assert (done.code, ground.releases(), ground.starts()) == (0, ["v2", "v2"], [1, 1]), done.all()


@plays
def local_work_runs_ansible_one_server_at_a_time(katakei: Katakei, ground: Ground) -> None:
    around = _with_ansible(katakei, ground)
    done = katakei.start(*ROLL, **around).end(90)
    assert (done.code, ground.releases(), ground.starts()) == (0, ["v2", "v2"], [1, 1]), done.all()


@plays
def local_work_with_a_failed_playbook_leaves_its_target_out(katakei: Katakei, ground: Ground) -> None:
    around = _with_ansible(katakei, ground)
    katakei.file("- hosts: all\n  gather_facts: false\n  tasks: [{ansible.builtin.fail: {msg: no}}]\n", "deploy.yml")
    done = katakei.start(*ROLL, **around).end()
    assert (done.code, ground.starts()) == (3, [0, 0]), done.all()
    assert "the work ended with exit code 2" in done.all()


@plays
def local_work_outlives_a_killed_controller(katakei: Katakei, ground: Ground) -> None:
    work = 'echo begun >> "begun-$KATAKEI_TARGET"; until [ -e go_on ]; do sleep 0.1; done'
    katakei.file(HERE.format(work=work))
    first = katakei.start(*ROLL)
    first.until("work started")
    first.tell(signal.SIGKILL)
    first.end()
    second = katakei.start(*ROLL)
    second.until("the work has been running")
    (katakei.folder / "go_on").touch()
    done = second.end(90)
    assert done.code == 0, done.all()
    assert [(katakei.folder / f"begun-{each}").read_text() for each in ground.ids] == ["begun\n"] * 2


@plays
def local_work_that_hangs_ends_at_its_limit(katakei: Katakei, ground: Ground) -> None:
    katakei.file(HERE.format(work="echo $$ > leader; exec sleep 300") + "limits: {working: 3s}\n")
    done = katakei(*ROLL)
    assert (done.code, ground.states()[ground.ids[1]]) == (3, "healthy"), done.all()
    assert "the work ended with exit code 143 (it was told to end)" in done.all()
    assert not Path(f"/proc/{(katakei.folder / 'leader').read_text().strip()}").exists()


def _with_ansible(katakei: Katakei, ground: Ground) -> dict[str, str | None]:
    assert ANSIBLE.exists(), "ansible-playbook is missing; make it with: make .venv-ansible/.ready"
    _written("ansible.md", katakei.folder)
    return {
        "PATH": _path(ground.lab, katakei.folder),
        "HOME": str(katakei.folder),
        "ANSIBLE_SSH_TRANSFER_METHOD": "piped",
        "ANSIBLE_PYTHON_INTERPRETER": str(ANSIBLE / "python"),
    }


# -- secrets

CANARY = "c4n4ry-3f9a17"
KNOWN = {"TOKEN": CANARY, "WANTED": CANARY, "KATAKEI_LOG": "debug"}
LOCAL_FILE = """\
service: shop
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
drain: {settle: 2s}
work: {local: {run: 'echo "$GREETING $PASSWORD"; test "$PASSWORD" = "$WANTED"', env: {GREETING: hello, PASSWORD: {secret: TOKEN}}}}
warm: {soak: 1s}
"""  # noqa: E501 - one line as people write it


@plays
def secret_reaches_the_work_and_no_output(katakei: Katakei, ground: Ground) -> None:
    katakei.file(LOCAL_FILE)
    missing = katakei("roll", "--release", "v2")
    assert (missing.code, "the secret TOKEN, which is not in the environment" in missing.err) == (4, True)
    assert katakei("list", "--json").data["rollouts"] == []
    done = katakei("roll", "--release", "v2", "--json", within=90, **KNOWN)
    assert (done.code, set(ground.states().values())) == (0, {"healthy"}), done.all()
    rollout = str(katakei("list", "--json").data["rollouts"][0]["rollout"])
    report = katakei("report", rollout, "-o", "-").out
    shown = [done, katakei("logs", rollout), katakei("show", rollout, "--json")]
    assert "hello ***" in shown[1].out
    files = [file.read_bytes() for file in katakei.folder.rglob("*.db*")]
    told = [each.all().encode() for each in shown] + [report.encode(), *files]
    assert files
    assert not [text for text in told if CANARY.encode() in text]
    assert "level=debug" in done.err
    assert "Signature" not in done.err


@plays
def secret_missing_refuses_to_carry_on(katakei: Katakei, ground: Ground) -> None:
    katakei.file(LOCAL_FILE)
    running = katakei.start("roll", "--release", "v2", **KNOWN)
    running.until("draining")
    running.tell(signal.SIGKILL)
    running.end()
    changes = len(ground.changes())
    refused = katakei("roll", "--release", "v2")
    assert (refused.code, "export it first" in refused.err, len(ground.changes())) == (4, True, changes)
    rollout = str(katakei("list", "--json").data["rollouts"][0]["rollout"])
    aborted = katakei("abort", rollout, within=90)
    assert (aborted.code, set(ground.states().values())) == (1, {"healthy"}), aborted.all()


@plays.each()
def test_play(play: Play, stage: Stage) -> None:
    stage.show(play)
