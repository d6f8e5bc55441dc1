"""One script, from a fresh lab to its verdict. What is left of a bad one is kept in a folder of its own."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.acceptance.evidence import Watch
from tests.acceptance.judge import measure
from tests.soak import processes, script_lab
from tests.soak.player import Playing, Story
from tests.soak.processes import Crew
from tests.soak.script import SLOW_REQUEST, Script
from tests.soak.verdict import End, codes, faults

from katakei.lab import clock
from katakei.lab.process import Lab
from katakei.lab.traffic import Figures, Traffic

EDGE = 1.0
"""Seconds until what was done last has reached the data plane."""
OLD, RELEASE = "v1", "v2"
ROLL = ("roll", "-f", "katakei.yml", "--release", RELEASE, "--yes")


@dataclass(slots=True)
class Soaked:
    """What came of one script."""

    script: Script
    faults: list[str] = field(default_factory=list)
    story: Story = field(default_factory=Story)
    figures: Figures = field(default_factory=Figures)
    refusals: list[float] = field(default_factory=list)
    said: str = ""
    seconds: float = 0
    code: int | None = None

    def text(self) -> str:
        """For a person who looks for the cause."""
        told = "\n".join(self.story.lines)
        complaints = "\n".join(f"FAULT: {fault}" for fault in self.faults)
        return f"{self.script.text()}\n\nWhat was done, by second:\n{told}\n\n{complaints}\n\n{self.said}\n"


def soaked(script: Script, folder: Path) -> Soaked:
    """Played, judged; processes and lab have ended when it returns."""
    began = clock.monotonic()
    (folder / "katakei.yml").write_text(script_lab.configuration(script))
    with Lab(script.lab()) as lab:
        crew = Crew(folder, lab.env, str(folder / "journal.db"))
        try:
            result = _played(script, lab, crew)
        finally:
            crew.close()
    result.seconds = clock.monotonic() - began
    return result


def _played(script: Script, lab: Lab, crew: Crew) -> Soaked:
    lab.faults(close_idle=script.close_idle)
    script_lab.break_work(script, lab)
    watch, traffic, story = Watch(lab), Traffic(lab.url, script.rate, slow_seconds=SLOW_REQUEST), Story()
    result = Soaked(script, story=story)
    dropped = script_lab.dropped(lab)  # the lab itself asks before there is anybody to answer
    traffic.start()
    try:
        end = _ended(script, lab, crew, story)
        clock.sleep(EDGE + script.lag)
    finally:
        result.figures = traffic.stop()
    result.faults += story.faults
    if end:
        end = replace(end, dropped=script_lab.dropped(lab) - dropped)
        seen = watch.end(RELEASE, (end.code,), result.figures)
        result.code = end.code
        result.faults += faults(script, seen, measure(seen), end)
    result.faults += crew.left_over()
    result.refusals = processes.refusals(crew.members)
    result.said = "\n".join(f"== {' '.join(m.words)} (pid {m.pid}): {m.code}\n{m.process.said()}" for m in crew.members)
    return result


def _ended(script: Script, lab: Lab, crew: Crew, story: Story) -> End | None:
    """By its script; then what is drawn for afterwards. None when a rule was broken."""
    shown = Playing(script, lab, crew, story).played(crew.start(*ROLL))
    if not shown:
        return None
    end = _end(shown, lab, crew, codes(script))
    again = _again(script, end) if end.code in end.allowed else ()
    if not again:
        return end
    script_lab.mend_work(lab)
    shown = Playing(replace(script, deeds=()), lab, crew, story).played(crew.start(*again))
    release = OLD if again[0] == "revert" else RELEASE
    return replace(_end(shown, lab, crew, frozenset({0, 1})), words=1, release=release) if shown else None


def _again(script: Script, end: End) -> tuple[str, ...]:
    """What a person says after the end; () when nothing."""
    failed = [target for target, works in end.worked.items() if works and end.releases[target] != RELEASE]
    if script.then == "retry" and failed:
        return ("retry", str(end.shown["rollout"]), *failed)
    return ("revert", str(end.shown["rollout"])) if script.then == "revert" and end.code == 0 else ()


def _end(shown: Mapping[str, Any], lab: Lab, crew: Crew, allowed: frozenset[int]) -> End:
    code = crew.asked_again(str(shown["rollout"]))
    return End(shown, code, allowed, script_lab.releases(lab), script_lab.worked(lab))


@dataclass(frozen=True, slots=True)
class Total:
    """Figures that can be added. Of rollouts in which a server died by itself no request is counted."""

    rollouts: int = 0
    kills: int = 0
    requests: int = 0
    failed: int = 0
    held_back: int = 0  # requests that the machine was too busy to send
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


class Book:
    """The file. Safe for several that write at once: a line is one write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, total: Total) -> None:
        """One rollout more."""
        with self._path.open("a") as book:
            book.write(json.dumps({"script": name, **asdict(total)}) + "\n")

    def total(self) -> Total:
        """Everything in it."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        entries = [{name: value for name, value in json.loads(line).items() if name != "script"} for line in lines]
        return sum((Total(**entry) for entry in entries), Total())
