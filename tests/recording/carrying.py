"""A recorded rollout carried on to its end by this version, with AWS built again as it was.

The recorder does this too: it proves that each recording can be used, and records how it ended.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.contracts.ledgers import Ledger
from tests.properties.memory_journal import MemoryFreezes
from tests.properties.simulated_aws import HealthChange, Mark
from tests.recording.drivers import Condition, Happening, Servers, StageAws, never
from tests.recording.stage import Ran, Stage

from katakei.domain.events import WorkEnded, WorkKey, WorkLost
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.observation import HealthState
from katakei.domain.phases import Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.replay import Rollout
from katakei.reconcile.outcome import verdict

SOON = timedelta(seconds=5)  # until what was going on in AWS has ended
NEXT = {HealthState.DRAINING: HealthState.ABSENT, HealthState.INITIAL: HealthState.HEALTHY}


class Carried(Stage):
    """The stage of a recorded rollout. All earlier processes have ended.

    Args:
        store: The restored recording.
        folder: As for `Stage`.
        rollout: Which one to carry on.
        truth: The recorded state of AWS, as `aws_state` returned it.
        number: As for `Stage`.
    """

    def __init__(self, store: Ledger, folder: Path, rollout: RolloutId, truth: dict[str, Any], number: int) -> None:
        self.store, self.folder, self.situation = store, folder, rollout
        self.rollouts, self.living, self.servers = [rollout], set(), Servers()
        now = datetime.fromisoformat(truth["now"])
        plan = self.now().plan
        self.groups, self.everyone = list(plan.groups), [*plan.targets, *plan.bystanders]
        self.aws = StageAws(self.servers, number, self.groups, plan.targets, plan.bystanders)
        self.aws.clock.time = now
        self.freezes = MemoryFreezes(self.aws.clock)
        self.next_pid = 90001 + 100 * number
        self.next_process = (never, ())
        self._registered(truth["registrations"], now)
        self._worked_on(rollout, truth["marks"], now)

    def carry_on(self, *meanwhile: Happening, dies: Condition = never) -> Ran:
        """Runs the command with which a person carries the rollout on, and approves all manual work."""
        state = self.now()
        manual = any(state.command(target).executor == "manual" for target in state.targets)
        often = 2 * len(self.everyone) if manual else 0
        gates: list[Happening] = [(_a_gate_waits, self._approves_a_gate)] * len(state.plan.spec.gates)
        happenings: list[Happening] = [*meanwhile, *gates, *[(_waits_for_a_person, self.says("approve"))] * often]
        if state.paused:
            return self.command("resume", self.rollout, "--json", dies=dies, meanwhile=happenings)
        if state.plan.kind is PlanKind.ROLL:
            words = ("roll", self.groups[0].name, "--run", "true", "--as-recorded")
        else:
            words = (state.plan.kind.value, self.groups[0].name, *state.plan.spec.targets.only)
        return self.command(*words, "--yes", "--json", dies=dies, meanwhile=happenings)

    def _approves_a_gate(self) -> None:
        self.command("approve", self.rollout, "--gate", self.now().asked_gates[0], "--json")

    def _registered(self, places: Sequence[Sequence[Any]], now: datetime) -> None:
        names = {group.arn: group.name for group in self.groups}
        known = {(names[place.group], place.id, place.port): place for place in self.aws.past}
        group_delay = max(group.delay for group in self.groups)
        for group, target, port, word in places:
            place, state = known[group, target, port], HealthState(word)
            since = now - group_delay if state is HealthState.ABSENT else now
            self.aws.past[place] = [HealthChange(since, state)]
            if state in NEXT:
                self.aws.next[place] = (now + SOON, NEXT[state])

    def _worked_on(self, rollout: RolloutId, marks: Sequence[dict[str, Any]], now: datetime) -> None:
        over = {event.key for event in self.events(rollout) if isinstance(event, WorkEnded | WorkLost)}
        for mark in marks:
            key = WorkKey(rollout, TargetId(mark["target"]), mark["attempt"], Intent(mark["intent"]))
            fate = "good" if mark["fate"] == "hangs" else mark["fate"]  # so that every rollout comes to its end
            self.aws.marks[key] = Mark(now, now, now if key in over else now + SOON, fate)


def ended(state: Rollout) -> dict[str, Any]:
    """How a rollout ended: the exit code, and the phase of each target."""
    return {
        "exit": int(verdict(state)),
        "finished": state.finished is not None,
        "targets": {target: standing.phase.value for target, standing in state.statuses.items()},
    }


def _a_gate_waits(state: Rollout) -> bool:
    return bool(state.asked_gates)


def _waits_for_a_person(state: Rollout) -> bool:
    waiting = [target for target in state.at(Phase.WORKING) if state.command(target).executor == "manual"]
    return any(state.statuses[t].ticket is not None and not state.statuses[t].approved for t in waiting)


def aws_state(stage: Stage) -> dict[str, Any]:
    """How AWS and the servers were when a recorded rollout stopped, so that a test can build them again.

    Returns:
        `now`; `delay` in seconds; `registrations` as [name of the group, id, port, state], the state in the words of
        ELBv2 or `absent`; `marks`, the work that was handed over, with its `fate`: good, bad, interrupted, refused or
        hangs.
    """
    aws = stage.aws
    return {
        "now": aws.clock.time.isoformat(),
        "delay": stage.groups[0].delay.total_seconds(),
        "registrations": [
            [aws.group_of[place.group].name, place.id, place.port, was[-1].state.value]
            for place, was in aws.past.items()
        ],
        "marks": [
            {"target": key.target, "attempt": key.attempt, "intent": key.intent.value, "fate": mark.fate}
            for key, mark in aws.marks.items()
            if key.rollout == stage.rollout
        ],
    }
