"""Player of one script on a lab: it runs the command again after each death until the rollout has ended.

It logs what it does; `verdict` judges the result.
"""

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.soak.processes import OWNER_COMMANDS, CliCommand, ProcessGroup, simultaneous_owners
from tests.soak.script import Script, Step, StepKind, Work

from katakei.lab import clock
from katakei.lab.process import Lab

ROLLOUT_TIMEOUT = 600.0
"""Seconds after which a rollout that has not ended counts as stuck."""
TICK = 0.1
GROUP = "LaravelTargetGroup"
MANUAL_WORK_INTERVAL = 2.0
"""Seconds between two checks of a person who does manual work."""
RERUN_CODES = frozenset({-signal.SIGKILL, -signal.SIGTERM, 4, 5, 130})
"""Exit codes after which the same command runs again (4: another owner; SIGTERM: it had not started)."""
SIGNALS = {
    StepKind.KILL: signal.SIGKILL,
    StepKind.FREEZE: signal.SIGSTOP,
    StepKind.WAKE: signal.SIGCONT,
    StepKind.TERM: signal.SIGTERM,
}
ENDING = frozenset({StepKind.KILL, StepKind.TERM})
"""Signals after which a person says `resume` again: the word may not have been recorded."""


@dataclass(slots=True)
class RunLog:
    """Log of a run. `faults` are broken rules between processes, `kills` counts kills of running processes."""

    lines: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    kills: int = 0


class Player:
    """One rollout, from its first command to its end."""

    def __init__(self, script: Script, lab: Lab, processes: ProcessGroup, run_log: RunLog) -> None:
        self.run_log = run_log
        self._script, self._lab, self._processes = script, lab, processes
        self._steps = list(script.steps)
        self._first: tuple[str, ...] = ()
        self._began = clock.monotonic()
        self._last_manual_check = 0.0
        self._disturbed = False
        self._frozen = False
        self._slow_until = 0.0
        self._worked_on: set[tuple[str, int]] = set()

    def run(self, first: CliCommand) -> dict[str, Any]:
        """Play the script.

        Args:
            first: the command that already owns the rollout.

        Returns:
            The output of `katakei show` at the end, or {} if a rule was broken.
        """
        self._first = first.args
        self._log(f"{' '.join(first.args)} (pid {first.pid})")
        while not self.run_log.faults:
            self._perform(self._due())
            self._mark_disturbed()
            if self._processes.journal_is_slow and self._elapsed() > self._slow_until:
                self._processes.quick_journal()
                self._log("the journal is quick again")
            self._note_ends()
            self.run_log.faults += simultaneous_owners(
                self._processes.running_commands(*OWNER_COMMANDS), clock.monotonic()
            )
            if self._script.work is Work.BY_HAND:
                self._do_manual_work()
            if not self._processes.running_commands(*OWNER_COMMANDS) and (finished := self._finished_rollout()):
                self._clear_faults()
                return finished
            if self._elapsed() > ROLLOUT_TIMEOUT:
                self.run_log.faults.append(f"not over after {ROLLOUT_TIMEOUT:g} s")
            clock.sleep(TICK)
        return {}

    def _finished_rollout(self) -> dict[str, Any]:
        """Returns the newest rollout if it has ended; otherwise runs the command again."""
        rollouts = self._processes.rollouts()
        if rollouts and rollouts[0]["finished"]:
            return self._processes.shown(rollouts[0]["rollout"])
        drivers = [m for m in self._processes.commands if m.args[0] in OWNER_COMMANDS]
        last = max(drivers, key=lambda m: m.ended or 0)
        if last.code not in RERUN_CODES:
            self.run_log.faults.append(f"{' '.join(last.args)} ended with {last.code}, and the rollout has not ended")
        elif len(drivers) > 60:
            self.run_log.faults.append("sixty commands were not enough")
        else:
            clock.sleep(0 if last.code == -signal.SIGKILL else 1)
            rerun = self._processes.start(*self._first)
            self._log(f"once more (pid {rerun.pid})")
        return {}

    def _due(self) -> Iterator[Step]:
        while self._steps and self._steps[0].at <= self._elapsed() and self._phase_reached(self._steps[0].phase):
            yield self._steps.pop(0)

    def _phase_reached(self, phase: str) -> bool:
        if not phase:
            return True
        rollouts = self._processes.rollouts()
        targets = self._processes.shown(str(rollouts[0]["rollout"]))["targets"] if rollouts else []
        return any(target["phase"] == phase for target in targets)

    def _perform(self, steps: Iterator[Step]) -> None:
        for step in steps:
            match step.act:
                case StepKind.KILL | StepKind.FREEZE | StepKind.WAKE | StepKind.TERM:
                    hit = self._processes.signal(SIGNALS[step.act])
                    self.run_log.kills += len(hit) if step.act is StepKind.KILL else 0
                    self._log(f"{step.act.value} to {[command.pid for command in hit]}")
                    if step.act in ENDING and any(command.args[0] == "resume" for command in hit):
                        self._steps.insert(0, Step(self._elapsed() + 1, StepKind.RESUME))  # as a person does
                case StepKind.SECOND_ROLLOUT:
                    self._start_second_rollout()
                case StepKind.FAULTS:
                    self._inject_faults(step)
                case StepKind.PAUSE | StepKind.RESUME | StepKind.ABORT:
                    self._run_command(step.act.value)
                case StepKind.FREEZE_GROUP:
                    self._freeze()
                case StepKind.UNFREEZE_GROUP:
                    self._unfreeze()
                case StepKind.SLOW_JOURNAL:
                    self._slow_until = self._elapsed() + float(str(step.faults["seconds"]))
                    self._log(f"{step.act.value}: {self._processes.slow_journal()}")

    def _mark_disturbed(self) -> None:
        """Mark every running process as disturbed while a fault is active or a process is frozen."""
        living = self._processes.running_commands()
        slow = self._disturbed or self._processes.journal_is_slow
        if slow or any(command.frozen for command in living):
            for command in living:
                command.disturbed = True

    def _start_second_rollout(self) -> None:
        """Start a second rollout, but only if the first one has an owner."""
        if self._processes.running_commands("roll"):
            second = self._processes.start(*self._first, LOGNAME="rival")
            self._log(f"a second rollout (pid {second.pid})")

    def _run_command(self, word: str) -> None:
        rollouts = self._processes.rollouts()
        if rollouts and not rollouts[0]["finished"]:
            said = self._processes.start(word, str(rollouts[0]["rollout"]))
            self._log(f"{word} (pid {said.pid})")

    def _freeze(self) -> None:
        """Freezes the group while its rollout runs: a rollout of a frozen group would not begin."""
        rollouts = self._processes.rollouts()
        if rollouts and not rollouts[0]["finished"]:
            self._frozen = True  # also when the answer is lost: the freeze may be recorded
            self._log(f"freeze of the group: {self._processes.freezes('freeze', GROUP)}")

    def _unfreeze(self) -> None:
        if self._frozen:
            self._frozen = not self._processes.freezes("unfreeze", GROUP)
            self._log(f"unfreeze of the group: {not self._frozen}")
            if self._frozen:  # a stopped process can hold the journal's lock
                self._steps.insert(0, Step(self._elapsed() + 1, StepKind.UNFREEZE_GROUP))

    def _inject_faults(self, step: Step) -> None:
        named = {"agent_dead", "target_dead"}
        ids = [target.id for target in self._lab.targets]
        faults = {k: [ids[n] for n in v] if k in named and isinstance(v, list) else v for k, v in step.faults.items()}
        self._lab.faults(**faults)
        self._disturbed = any(faults.values())
        self._log(f"faults {faults}")

    def _clear_faults(self) -> None:
        """Remove all faults and freezes, so that the result can be judged and a second command can run."""
        self._processes.quick_journal()
        self._unfreeze()
        for step in self._steps:
            if step.act is StepKind.FAULTS and not any(step.faults.values()):
                self._inject_faults(step)
        self._note_ends()

    def _note_ends(self) -> None:
        for command in self._processes.commands:
            if command.code is not None and command.ended is None:
                command.ended = clock.monotonic()
                self._log(f"{command.args[0]} (pid {command.pid}) ended with {command.code}")

    def _do_manual_work(self) -> None:
        """Do what a person does: the work on each waiting target, once, then the approval."""
        if clock.monotonic() - self._last_manual_check < MANUAL_WORK_INTERVAL:
            return
        self._last_manual_check = clock.monotonic()
        for rollout in self._processes.rollouts()[:1]:
            name = str(rollout["rollout"])
            shown = self._processes.shown(name)
            if shown["reverted_by"]:
                return  # the revert runs a command of its own, and asks for nothing by hand
            for target in shown["targets"]:
                key = (str(target["id"]), int(target["attempt"]))
                if target["phase"] == "working" and key not in self._worked_on:
                    self._worked_on.add(key)
                    self._work_on(*key, name)

    def _work_on(self, target: str, attempt: int, rollout: str) -> None:
        folder = next(Path(each.folder) for each in self._lab.targets if each.id == target)
        with (folder / "worked").open("a") as log:
            log.write(f"{rollout}/{attempt} {clock.now().isoformat()}\n")
        (folder / "release").write_text("v2\n")
        subprocess.run([folder / "bin/restart"], check=True, timeout=30)
        self._processes.start("approve", rollout, target)
        self._log(f"work by hand on {target}, approved")

    def _elapsed(self) -> float:
        return clock.monotonic() - self._began

    def _log(self, what: str) -> None:
        self.run_log.lines.append(f"{self._elapsed():6.2f} {what}")
