"""Work on this machine by the command: the documented examples, word by word, and what goes wrong.

Only `ssh`, and `rsync` where there is none, are stand-ins.
"""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage

from katakei.lab.process import Lab

pytestmark = pytest.mark.lab
plays = Plays()

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
def files_go_by_rsync(katakei: Katakei, ground: Ground) -> None:
    _written("rsync.md", katakei.folder)
    (katakei.folder / "releases" / "v2").mkdir(parents=True)
    (katakei.folder / "releases" / "v2" / "release").write_text("v2\n")
    done = katakei(*ROLL, within=90, PATH=_path(ground.lab, katakei.folder))
    assert (done.code, ground.releases(), ground.starts()) == (0, ["v2", "v2"], [1, 1]), done.all()


@plays
def ansible_takes_one_server_at_a_time(katakei: Katakei, ground: Ground) -> None:
    around = _with_ansible(katakei, ground)
    done = katakei.start(*ROLL, **around).end(90)
    assert (done.code, ground.releases(), ground.starts()) == (0, ["v2", "v2"], [1, 1]), done.all()


@plays
def a_playbook_that_fails_leaves_its_target_out_and_named(katakei: Katakei, ground: Ground) -> None:
    around = _with_ansible(katakei, ground)
    katakei.file("- hosts: all\n  gather_facts: false\n  tasks: [{ansible.builtin.fail: {msg: no}}]\n", "deploy.yml")
    done = katakei.start(*ROLL, **around).end()
    assert (done.code, ground.starts()) == (3, [0, 0]), done.all()
    assert "the work ended with exit code 2" in done.all()


@plays
def local_work_outlives_a_killed_controller_and_is_followed_by_the_next_one(katakei: Katakei, ground: Ground) -> None:
    work = 'echo begun >> "begun-$KATAKEI_TARGET"; until [ -e go_on ]; do sleep 0.1; done'
    katakei.file(HERE.format(work=work))
    first = katakei.start(*ROLL)
    first.until("work started")
    first.tell(signal.SIGKILL)
    first.end()
    second = katakei.start(*ROLL)
    second.until("the work runs")
    (katakei.folder / "go_on").touch()
    done = second.end(90)
    assert done.code == 0, done.all()
    assert [(katakei.folder / f"begun-{each}").read_text() for each in ground.ids] == ["begun\n"] * 2


@plays
def local_work_that_hangs_is_ended_at_its_limit(katakei: Katakei, ground: Ground) -> None:
    katakei.file(HERE.format(work="echo $$ > leader; exec sleep 300") + "limits: {working: 3s}\n")
    done = katakei(*ROLL)
    assert (done.code, ground.states()[ground.ids[1]]) == (3, "healthy"), done.all()
    assert "the work ended with exit code 143 (it was told to end)" in done.all()
    assert not Path(f"/proc/{(katakei.folder / 'leader').read_text().strip()}").exists()


@plays.each()
def test_it(play: Play, stage: Stage) -> None:
    stage.show(play)


def _with_ansible(katakei: Katakei, ground: Ground) -> dict[str, str | None]:
    assert ANSIBLE.exists(), "ansible-playbook is missing; make it with: make .venv-ansible/.ready"
    _written("ansible.md", katakei.folder)
    return {
        "PATH": _path(ground.lab, katakei.folder),
        "HOME": str(katakei.folder),
        "ANSIBLE_SSH_TRANSFER_METHOD": "piped",
        "ANSIBLE_PYTHON_INTERPRETER": str(ANSIBLE / "python"),
    }
