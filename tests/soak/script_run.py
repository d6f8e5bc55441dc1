"""One run of a script, from a fresh lab to the verdict, and the totals of all runs."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.acceptance.evidence import EvidenceCollector
from tests.acceptance.judge import measure
from tests.soak import script_lab
from tests.soak.player import Player, RunLog
from tests.soak.processes import ProcessGroup, refusal_times
from tests.soak.script import SLOW_REQUEST, Script
from tests.soak.verdict import EndState, allowed_codes, violations

from katakei.lab import clock
from katakei.lab.process import Lab
from katakei.lab.traffic import Figures, Traffic

SETTLE_SECONDS = 1.0
"""Seconds until the last change has reached the data plane."""
OLD, RELEASE = "v1", "v2"
ROLL = ("roll", "-f", "katakei.yml", "--release", RELEASE, "--yes")


@dataclass(slots=True)
class ScriptResult:
    """The result of one script."""

    script: Script
    faults: list[str] = field(default_factory=list)
    run_log: RunLog = field(default_factory=RunLog)
    figures: Figures = field(default_factory=Figures)
    refusals: list[float] = field(default_factory=list)
    output: str = ""
    seconds: float = 0
    code: int | None = None

    def text(self) -> str:
        """Returns everything that helps to find the cause of a fault."""
        log_lines = "\n".join(self.run_log.lines)
        violation_lines = "\n".join(f"FAULT: {fault}" for fault in self.faults)
        return f"{self.script.text()}\n\nWhat was done, by second:\n{log_lines}\n\n{violation_lines}\n\n{self.output}\n"


def run_script(script: Script, folder: Path) -> ScriptResult:
    """Play and judge a script. Processes and lab have ended when this returns."""
    began = clock.monotonic()
    (folder / "katakei.yml").write_text(script_lab.configuration(script))
    with Lab(script.lab()) as lab:
        processes = ProcessGroup(folder, lab.env, str(folder / "journal.db"))
        try:
            result = _play(script, lab, processes)
        finally:
            processes.close()
    result.seconds = clock.monotonic() - began
    return result


def _play(script: Script, lab: Lab, processes: ProcessGroup) -> ScriptResult:
    lab.faults(close_idle=script.close_idle)
    script_lab.break_work(script, lab)
    watch, traffic, run_log = EvidenceCollector(lab), Traffic(lab.url, script.rate, slow_seconds=SLOW_REQUEST), RunLog()
    result = ScriptResult(script, run_log=run_log)
    dropped = script_lab.dropped_requests(lab)  # the lab's own setup calls count before any server answers
    traffic.start()
    try:
        end = _run_to_end(script, lab, processes, run_log)
        clock.sleep(SETTLE_SECONDS + script.lag)
    finally:
        result.figures = traffic.stop()
    result.faults += run_log.faults
    if end:
        end = replace(end, dropped=script_lab.dropped_requests(lab) - dropped)
        seen = watch.end(RELEASE, (end.code,), result.figures)
        result.code = end.code
        result.faults += violations(script, seen, measure(seen), end)
    result.faults += processes.leftovers()
    result.refusals = refusal_times(processes.commands)
    result.output = "\n".join(
        f"== {' '.join(m.args)} (pid {m.pid}): {m.code}\n{m.process.said()}" for m in processes.commands
    )
    return result


def _run_to_end(script: Script, lab: Lab, processes: ProcessGroup, run_log: RunLog) -> EndState | None:
    """Run the script, then its follow-up. Returns None if a rule was broken."""
    described = Player(script, lab, processes, run_log).run(processes.start(*ROLL))
    if not described:
        return None
    end = _end_state(described, lab, processes, allowed_codes(script))
    follow_up = _follow_up(script, end) if end.code in end.allowed else ()
    if not follow_up:
        return end
    script_lab.repair_work(lab)
    described = Player(replace(script, steps=()), lab, processes, run_log).run(processes.start(*follow_up))
    release = OLD if follow_up[0] == "revert" else RELEASE
    return (
        replace(_end_state(described, lab, processes, frozenset({0, 1})), words=1, release=release)
        if described
        else None
    )


def _follow_up(script: Script, end: EndState) -> tuple[str, ...]:
    """Returns the follow-up command, or () if there is none."""
    failed = [target for target, works in end.work_starts.items() if works and end.releases[target] != RELEASE]
    if script.then == "retry" and failed:
        return ("retry", str(end.shown["rollout"]), *failed)
    return ("revert", str(end.shown["rollout"])) if script.then == "revert" and end.code == 0 else ()


def _end_state(described: Mapping[str, Any], lab: Lab, processes: ProcessGroup, allowed: frozenset[int]) -> EndState:
    code = processes.exit_code(str(described["rollout"]))
    return EndState(described, code, allowed, script_lab.releases(lab), script_lab.work_starts(lab))


@dataclass(frozen=True, slots=True)
class Total:
    """Counts that can be added. Requests do not count in scripts where a server dies by itself."""

    rollouts: int = 0
    kills: int = 0
    requests: int = 0
    failed: int = 0
    held_back: int = 0  # not sent in time, because the machine was too busy
    faults: int = 0

    def __add__(self, other: "Total") -> "Total":
        mine, theirs = asdict(self), asdict(other)
        return Total(**{name: mine[name] + theirs[name] for name in mine})

    def text(self) -> str:
        """For a person."""
        return (
            f"{self.rollouts} rollouts, {self.kills} kills, {self.requests} requests ({self.held_back} held back),"
            f" {self.failed} failed, {self.faults} violations"
        )


class TotalsFile:
    """The file of totals, one JSON line for each rollout. Safe for several writers: a line is one write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, total: Total) -> None:
        """Append one rollout."""
        with self._path.open("a") as book:
            book.write(json.dumps({"script": name, **asdict(total)}) + "\n")

    def total(self) -> Total:
        """Returns the sum of all lines."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        entries = [{name: value for name, value in json.loads(line).items() if name != "script"} for line in lines]
        return sum((Total(**entry) for entry in entries), Total())
