"""One script played on a lab: the command is run again whenever it has died, until the rollout has ended.

What was done, and when, is kept as a story; how it may end is judged elsewhere.
"""

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.soak.processes import DRIVES, Crew, Member, together
from tests.soak.script import Act, Deed, Script, Work

from katakei.lab import clock
from katakei.lab.process import Lab

WHOLE = 600.0
"""Seconds after which a rollout that has not ended never will."""
TICK = 0.1
PERSON = 2.0
"""How often a person who works by hand looks whether there is something to do."""
AGAIN = frozenset({-signal.SIGKILL, -signal.SIGTERM, 4, 5, 130})
"""Exit codes after which the same command is given once more (4: another one had it; SIGTERM: it had not begun)."""
SIGNALS = {
    Act.KILL: signal.SIGKILL,
    Act.FREEZE: signal.SIGSTOP,
    Act.WAKE: signal.SIGCONT,
    Act.TERM: signal.SIGTERM,
}


@dataclass(slots=True)
class Story:
    """What happened, for a person; `faults` are the rules that processes broke, `kills` those that hit a living one."""

    lines: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    kills: int = 0


class Playing:
    """One rollout, from its first command to its end."""

    def __init__(self, script: Script, lab: Lab, crew: Crew, story: Story) -> None:
        self.story = story
        self._script, self._lab, self._crew = script, lab, crew
        self._deeds = list(script.deeds)
        self._first: tuple[str, ...] = ()
        self._began = clock.monotonic()
        self._looked = 0.0
        self._troubled = False
        self._worked: set[tuple[str, int]] = set()

    def played(self, first: Member) -> dict[str, Any]:
        """The rollout as `katakei show` tells it at the end; {} when it came to none. `first` drives it already."""
        self._first = first.words
        self._tell(f"{' '.join(first.words)} (pid {first.pid})")
        while not self.story.faults:
            self._do(self._due())
            self._mark()
            self._note_ends()
            self.story.faults += together(self._crew.living(*DRIVES), clock.monotonic())
            if self._script.work is Work.BY_HAND:
                self._work_by_hand()
            if not self._crew.living(*DRIVES) and (over := self._over()):
                self._settle()
                return over
            if self._passed() > WHOLE:
                self.story.faults.append(f"not over after {WHOLE:g} s")
            clock.sleep(TICK)
        return {}

    def _over(self) -> dict[str, Any]:
        """The newest rollout if it has ended; else the command is given once more."""
        rollouts = self._crew.rollouts()
        if rollouts and rollouts[0]["finished"]:
            return self._crew.shown(rollouts[0]["rollout"])
        drivers = [m for m in self._crew.members if m.words[0] in DRIVES]
        last = max(drivers, key=lambda m: m.ended or 0)
        if last.code not in AGAIN:
            self.story.faults.append(f"{' '.join(last.words)} ended with {last.code}, and the rollout has not ended")
        elif len(drivers) > 60:
            self.story.faults.append("sixty commands were not enough")
        else:
            clock.sleep(0 if last.code == -signal.SIGKILL else 1)
            again = self._crew.start(*self._first)
            self._tell(f"once more (pid {again.pid})")
        return {}

    def _due(self) -> Iterator[Deed]:
        while self._deeds and self._deeds[0].at <= self._passed() and self._reached(self._deeds[0].phase):
            yield self._deeds.pop(0)

    def _reached(self, phase: str) -> bool:
        if not phase:
            return True
        rollouts = self._crew.rollouts()
        targets = self._crew.shown(str(rollouts[0]["rollout"]))["targets"] if rollouts else []
        return any(target["phase"] == phase for target in targets)

    def _do(self, deeds: Iterator[Deed]) -> None:
        for deed in deeds:
            match deed.act:
                case Act.KILL | Act.FREEZE | Act.WAKE | Act.TERM:
                    hit = self._crew.signal(SIGNALS[deed.act])
                    self.story.kills += len(hit) if deed.act is Act.KILL else 0
                    self._tell(f"{deed.act.value} to {[member.pid for member in hit]}")
                case Act.RIVAL:
                    self._rival()
                case Act.TROUBLE:
                    self._trouble(deed)
                case Act.PAUSE | Act.RESUME | Act.ABORT:
                    self._say(deed.act.value)

    def _mark(self) -> None:
        """Whoever runs while the world or a process is troubled may take longer."""
        living = self._crew.living()
        if self._troubled or any(member.frozen for member in living):
            for member in living:
                member.troubled = True

    def _rival(self) -> None:
        """Only beside somebody who drives it: else it is no rival."""
        if self._crew.living("roll"):
            rival = self._crew.start(*self._first, LOGNAME="rival")
            self._tell(f"a rival (pid {rival.pid})")

    def _say(self, word: str) -> None:
        rollouts = self._crew.rollouts()
        if rollouts and not rollouts[0]["finished"]:
            said = self._crew.start(word, str(rollouts[0]["rollout"]))
            self._tell(f"{word} (pid {said.pid})")

    def _trouble(self, deed: Deed) -> None:
        named = {"agent_dead", "target_dead"}
        ids = [target.id for target in self._lab.targets]
        faults = {k: [ids[n] for n in v] if k in named and isinstance(v, list) else v for k, v in deed.faults.items()}
        self._lab.faults(**faults)
        self._troubled = any(faults.values())
        self._tell(f"faults {faults}")

    def _settle(self) -> None:
        """Nothing is wrong with the world any more, so that it can be judged."""
        for deed in self._deeds:
            if deed.act is Act.TROUBLE and not any(deed.faults.values()):
                self._trouble(deed)
        self._note_ends()

    def _note_ends(self) -> None:
        for member in self._crew.members:
            if member.code is not None and member.ended is None:
                member.ended = clock.monotonic()
                self._tell(f"{member.words[0]} (pid {member.pid}) ended with {member.code}")

    def _work_by_hand(self) -> None:
        """What a person does: the work on each target that waits for it, once, then their word."""
        if clock.monotonic() - self._looked < PERSON:
            return
        self._looked = clock.monotonic()
        for rollout in self._crew.rollouts()[:1]:
            name = str(rollout["rollout"])
            for target in self._crew.shown(name)["targets"]:
                key = (str(target["id"]), int(target["attempt"]))
                if target["phase"] == "working" and key not in self._worked:
                    self._worked.add(key)
                    self._by_hand(*key, name)

    def _by_hand(self, target: str, attempt: int, rollout: str) -> None:
        folder = next(Path(each.folder) for each in self._lab.targets if each.id == target)
        with (folder / "worked").open("a") as log:
            log.write(f"{rollout}/{attempt} {clock.now().isoformat()}\n")
        (folder / "release").write_text("v2\n")
        subprocess.run([folder / "bin/restart"], check=True, timeout=30)
        self._crew.start("approve", rollout, target)
        self._tell(f"work by hand on {target}, approved")

    def _passed(self) -> float:
        return clock.monotonic() - self._began

    def _tell(self, what: str) -> None:
        self.story.lines.append(f"{self._passed():6.2f} {what}")
