"""Command lines and files of the contenders, with only what a user would set. The work is the same for all.

The other tools get the servers' folders, so that reaching a server costs them nothing; Katakei uses Run Command.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.design import Contender, Leg, Scenario, Tool
from katakei.lab.process import Lab

RELEASE = "v2"
WORK_LOG = "work.log"
WORK = f'date +%s.%N >> {WORK_LOG} && echo "$KATAKEI_RELEASE" > release && ./bin/restart && date +%s.%N >> {WORK_LOG}'
"""It records its start and end, so that its duration is known whichever tool runs it."""

ROOT = Path(__file__).parents[1]
AWS, ANSIBLE = str(ROOT / ".venv-aws/bin/aws"), str(ROOT / ".venv-bench/bin/ansible")
PEERS = Path(__file__).parent / "peers"
DRAINS = {
    "proof": "until: proof",
    "answered": "until: answered",
    "requests": "until: requests",
    "counter": "until: counter, counter: {command: 'curl -fsS http://$ADDRESS:$PORT/in-flight'}",
}


def prepare(leg: Leg, lab: Lab, folder: Path) -> tuple[Sequence[str], Mapping[str, str]]:
    """Write the files to `folder`. Returns the command and its environment."""
    env = {**lab.over(os.environ), "KATAKEI_RELEASE": RELEASE, "WORK": WORK}
    if leg.contender.tool is Tool.KATAKEI:
        (folder / "katakei.yml").write_text(configuration(leg.scenario, leg.contender))
        words = ["roll", "--release", RELEASE, "--yes", "--journal", str(folder / "journal.db")]
        return [sys.executable, "-m", "katakei.cli", *words], env
    if leg.contender.tool is Tool.ANSIBLE:
        return _playbook(leg.contender, lab, folder), env | {"ANSIBLE_HOME": str(folder / "ansible")}
    servers = [f"{target.id}={target.folder}" for target in lab.targets]
    path = f"{Path(AWS).parent}{os.pathsep}{os.environ['PATH']}"
    return ["sh", str(PEERS / f"{leg.contender.tool.value}.sh"), *servers], env | {"PATH": path}


def configuration(scenario: Scenario, contender: Contender) -> str:
    """Returns a configuration file that holds only what differs from the defaults."""
    settle = "" if scenario.settle == 30 else f"settle: {scenario.settle}s, "
    lines = [
        "service: bench",
        "balancer: {alb: {target_groups: [LaravelTargetGroup]}}",
        *([f"window: {{max_unavailable: {contender.window}}}"] if contender.window != "1" else []),
        f"drain: {{{settle}{DRAINS[contender.until]}}}",
        f"work: {{ssm: {{run: {json.dumps(WORK)}}}}}",
        *([f"warm: {{soak: {contender.soak}s}}"] if contender.soak != 30 else []),
    ]
    return "\n".join(lines) + "\n"


def _playbook(contender: Contender, lab: Lab, folder: Path) -> Sequence[str]:
    python = str(Path(ANSIBLE).with_name("python"))
    here = {"ansible_connection": "local", "ansible_python_interpreter": python}
    hosts = {target.id: here | {"folder": target.folder} for target in lab.targets}
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    play = ["--inventory", "hosts.json", "--extra-vars", f"at_once={contender.window}", str(PEERS / "play.yml")]
    return [f"{ANSIBLE}-playbook", *play]
