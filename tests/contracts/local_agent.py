"""A process that uses the marks of local work as the controller does, and answers as a target's shell would.

`python -P local_agent.py REQUEST`, a `Request` as JSON; state folder, boot and name come from the environment.
"""

import base64
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from katakei.adapters.executors.local.marks import LocalMarks
from katakei.adapters.executors.mark import TAIL, Mark, MarkState, environment
from katakei.adapters.system.clock import SystemClock
from katakei.domain.actions import Job


def answer(marks: LocalMarks, asked: Mapping[str, Any]) -> list[Mark]:
    names = list(asked["names"])
    match asked["verb"]:
        case "start":
            return [started(marks, asked)]
        case "forbid":
            return list(marks.forbid(names).values())
        case "cancel":
            return list(marks.cancel(names, timedelta(seconds=asked["patience"])).values())
        case _:
            return list(marks.look(names, TAIL // len(names)).values())


def started(marks: LocalMarks, asked: Mapping[str, Any]) -> Mark:
    """The mark once its work has ended, or after `follow` seconds, as a target's shell follows it."""
    [name] = asked["names"]
    job = Job(asked["run"], tuple(asked["values"].items()), 60, tuple(asked["argv"]), asked["probe"])
    job = replace(job, shell=asked["shell"], errexit=asked["errexit"])
    not_after = datetime.fromisoformat(asked["not_after"])
    told = marks.start(name, job, not_after, {**os.environ, **environment(job)}, timedelta(seconds=20))
    clock = SystemClock()
    until = clock.now() + timedelta(seconds=asked["follow"])
    while told.state is MarkState.RUNNING and clock.now() < until:
        clock.sleep(timedelta(seconds=0.02))
        told = marks.look([name])[name]
    return told


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode() or "-"


def line(told: Mark) -> str:
    code = "-" if told.exit is None else told.exit
    words = (told.name, told.state.value, code, int(told.now.timestamp()), os.environ["ME"], encoded(told.why))
    size = len(told.out.encode()) + told.cut
    return " ".join(map(str, ("katakei-mark", *words, encoded(told.out), "-", size)))


def main() -> int:
    state, boot = Path(os.environ["KATAKEI_STATE"]), os.environ["KATAKEI_BOOT_ID"]
    marks = LocalMarks(state, boot, os.environ, machine=os.environ["ME"])
    told = answer(marks, json.loads(sys.argv[1]))
    sys.stdout.write("\n".join([*map(line, told), "katakei-end", ""]))
    sys.stdout.flush()
    if told[0].state in {MarkState.REFUSED, MarkState.FORBIDDEN}:
        return 75
    return 0 if told[0].state is MarkState.RUNNING or told[0].exit == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
