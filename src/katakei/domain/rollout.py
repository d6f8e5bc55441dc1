"""The rollout as a value: the status of each target, what people asked for, and questions about the whole.

`replay` builds it from the events of a journal. Nothing is decided here.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypedDict

from katakei.domain import events as e
from katakei.domain.freezes import Freeze
from katakei.domain.gates import PASSED, GateState, GateStatus
from katakei.domain.leases import Owner
from katakei.domain.model import Arn, Group, Registration, RolloutId, Target, TargetId
from katakei.domain.observation import Baseline
from katakei.domain.phases import FINAL_PHASES, IN_PROGRESS, Cause, Intent, Phase, Step
from katakei.domain.plan import Plan
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.spec import Command, Gate, Overlap
from katakei.domain.traffic import TrafficStatus


class Members(TypedDict):
    """Who is registered where, by the plan.

    Attributes:
        targets: The targets that take part.
        owners: The target of each registration, bystanders included.
        places: The known registrations of each group, bystanders included.
        zones: The zone of each target, bystanders included.
        groups: The groups in which each target that takes part is registered.
        sizes: How many known registrations each group has in each zone, bystanders included.
        held: The targets that were out of service before, with the rollout that left them out.
    """

    targets: Mapping[TargetId, Target]
    owners: Mapping[Registration, TargetId]
    places: Mapping[Arn, frozenset[Registration]]
    zones: Mapping[TargetId, str]
    groups: Mapping[TargetId, tuple[Group, ...]]
    sizes: Mapping[tuple[Arn, str], int]
    held: Mapping[TargetId, RolloutId]


def members(plan: Plan) -> Members:
    """The members of a plan. The cost grows with the plan, so this is computed once for each plan."""
    everyone = (*plan.targets, *plan.bystanders)
    owners = {place: target.id for target in everyone for place in target.registrations}
    return {
        "targets": {target.id: target for target in plan.targets},
        "owners": owners,
        "places": {
            group.arn: frozenset(place for place in owners if place.group == group.arn) for group in plan.groups
        },
        "zones": {target.id: target.zone for target in everyone},
        "groups": {target.id: groups_of(plan, target) for target in plan.targets},
        "sizes": Counter((place.group, target.zone) for target in everyone for place in target.registrations),
        "held": {each.target: each.rollout for each in plan.held},
    }


def groups_of(plan: Plan, target: Target) -> tuple[Group, ...]:
    """The groups in which this target is registered, in the order of the plan."""
    arns = {place.group for place in target.registrations}
    return tuple(group for group in plan.groups if group.arn in arns)


WIDE = 100  # a window of this many targets loses hardly any time when a target waits for a few others
ENOUGH = 6  # an average of this many registrations per call gives no reason to wait for others
TOGETHER = 8  # how many targets of one group are put into one call


def batch_size(plan: Plan, calls: int, called: int) -> int:
    """How many targets leave, or come back, in one call.

    Args:
        plan: The plan with the window.
        calls: How many register and deregister calls have returned.
        called: How many registrations those calls had in all.

    Returns:
        More than 1 only for a wide window whose calls were small so far.
    """
    many = plan.window >= WIDE and calls * ENOUGH > called
    return min(TOGETHER * len(plan.groups), plan.window // 12) if many else 1


RETRYABLE = frozenset({Cause.FLOOR_LOST, Cause.REFUSED, Cause.FROZEN, Cause.OVERLAP_ENDED})
"""Nothing was done, and another attempt may succeed."""
HELD_BACK = frozenset({Cause.FROZEN, Cause.OVERLAP_ENDED})
"""The target was only held back, so that this does not count as one of its attempts in which nothing was done."""


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """The status of one target. Every moment is by the clock of the process that drives the rollout now."""

    phase: Phase
    since: datetime
    intent: Intent = Intent.UPDATE
    attempt: int = 1  # 0: it was out of service before this rollout, and was not taken yet
    reason: Reason | None = None
    cause: Cause | None = None
    baseline: Baseline | None = None  # None: not taken yet
    deregistered: frozenset[Arn] = frozenset()
    registered: frozenset[Arn] = frozenset()
    called: datetime | None = None  # when the last of these calls returned
    out_since: datetime | None = None
    busy_at: datetime | None = None  # when pending requests were last recorded
    cut_short: bool = False  # the drain no longer waits for pending requests
    arrived: int = 0  # requests after the quiet verdict, as counted by the present process
    arrived_before: int = 0  # as counted by earlier processes
    serving_since: datetime | None = None
    ticket: str | None = None
    started: datetime | None = None  # when an executor first accepted its work, by the clock of that process
    exit: int | None = None
    out: str = ""
    rejection: str | None = None  # why the load balancer last rejected its registration, in its own words
    rejected_at: datetime | None = None  # None: by no process, or by an earlier one
    approved: bool = False
    promoted: bool = False  # a person ended its soak; it still needs two observations
    touched: int = 0  # number of the event that last decided the update of this target; 0: it was never worked on
    touched_before: int = 0  # the same without the present attempt
    may_run: bool = False  # its work was decided, and is not proven to have ended or never to have begun
    tries: int = 1  # consecutive attempts, with this one, in which nothing was done
    unhealthy_count: int = 0
    unhealthy_since: datetime | None = None  # None once it was observed serving again
    found_serving: int = 0
    retry: bool = False
    was_out: bool = False  # it was left out when this attempt began
    entered: datetime | None = None  # when the phase began, also by the clock of an earlier process; for people only
    place: str = ""  # the machine and state folder that keep its mark, as read before the take-out
    marks: str = ""  # where the marks of its work are kept, see ports.Executor.marks; else the place
    reverted: bool = False  # the present revert was decided for it: once is enough, whatever the result
    overlaps: TargetId | None = None  # the soaking target whose place in the window it took
    step: Step = Step.WORK  # the part of its work that is due


def is_held_waiting(status: TargetStatus) -> bool:
    """Whether the target was out of service before this rollout, which has not taken it yet but will."""
    return status.attempt == 0 and status.retry


def after_change(before: TargetStatus, event: e.PhaseChanged) -> TargetStatus:
    """The status after a transition. A transition out of a final phase begins another attempt."""
    intent, why = event.intent or before.intent, e.reason_of(event)
    after = replace(
        before,
        phase=event.to,
        since=event.at,
        entered=event.at,
        intent=intent,
        reason=why,
        cause=event.cause or before.cause,
    )
    if before.phase in FINAL_PHASES:
        attempt = before.attempt + (before.cause is not Cause.OVERLAP_ENDED)  # no work was decided under that one
        after = TargetStatus(event.to, event.at, intent, attempt, why, touched=before.touched)
        tries = before.tries + (before.cause not in HELD_BACK) if before.cause in RETRYABLE else 1
        after = replace(after, was_out=before.phase is Phase.LEFT_OUT, baseline=before.baseline, tries=tries)
        after = replace(after, reverted=intent is Intent.REVERT, entered=event.at)
    if event.to is Phase.DRAINING:
        after = replace(after, deregistered=frozenset(), called=None, out_since=None, cut_short=False)
        return replace(after, found_serving=0, place=event.place, overlaps=event.overlaps)
    if event.to is Phase.WORKING:
        return replace(
            after, ticket=None, started=None, exit=None, approved=False, may_run=True, touched_before=before.touched
        )
    if event.to is Phase.CHECKING:
        return replace(after, may_run=False)
    if event.to in {Phase.WARMING, Phase.RETURNING}:
        return replace(
            after, registered=frozenset(), called=None, serving_since=None, rejection=None, unhealthy_count=0
        )
    if event.to in {Phase.SOAKING, Phase.DONE}:
        return replace(after, unhealthy_count=0, unhealthy_since=None, promoted=False)
    return after


@dataclass(frozen=True, slots=True)
class Rollout:
    """The whole rollout, indexed by phase so that a turn reads the targets in progress, not all of them.

    Attributes:
        flagged: Targets that became unhealthy after they were done, or that a person wants to be tried again.
        number: The number of the last event.
        moved: When a phase last changed.
        aborting: Who aborted the rollout.
        paused: Who paused it.
        reverting: Who reverted it: a person, or `on_failure`.
        unacknowledged: A command was recorded after which the driving process measures spans again.
        reopened: It was finished once and then continued. From then on it takes in no new target.
        calls: How many register and deregister calls returned.
        called: How many registrations those calls had in all.
        gates: How the gates stand that were asked.
        frozen: The freeze that holds up the rollout, as it was last observed.
        wave: The number of the wave that began last, 1 for the first one.
        wave_ended: Since when that wave is over; None while it is not, or where no other one follows.
        wave_promoted: A person ended the pause after it.
        failed_targets: Targets that failed, whatever became of them.
        added: When each target was added to the plan, under the process that drives it now.
        traffic: How a switch stands; None for a rollout of targets.
        driven: How long processes drove it before the present one, each from its first event to its last.
        driven_from: The first event of the present process; None after the end.
        driven_to: The last event of the present process.
    """

    plan: Plan
    begun: datetime
    targets: Mapping[TargetId, Target]
    owners: Mapping[Registration, TargetId]
    places: Mapping[Arn, frozenset[Registration]]
    zones: Mapping[TargetId, str]
    groups: Mapping[TargetId, tuple[Group, ...]]
    sizes: Mapping[tuple[Arn, str], int]
    held: Mapping[TargetId, RolloutId]
    statuses: Mapping[TargetId, TargetStatus]
    by_phase: Mapping[Phase, Mapping[TargetId, None]]
    flagged: Mapping[TargetId, None]
    number: int
    moved: datetime
    owner: Owner | None = None
    owner_version: int = 1  # the newest version of events that the owner reads
    marks: str = ""
    revert_marks: str = ""
    aborting: str | None = None
    paused: str | None = None
    unacknowledged: bool = False
    reverting: str | None = None
    interrupted: bool = False
    finished: datetime | None = None
    reopened: bool = False
    failures: int = 0
    calls: int = 0
    called: int = 0
    gates: Mapping[str, GateStatus] = field(default_factory=dict)
    frozen: Freeze | None = None
    wave: int = 1
    wave_ended: datetime | None = None
    wave_promoted: bool = False
    failed_targets: Mapping[TargetId, None] = field(default_factory=dict)
    added: Mapping[TargetId, datetime] = field(default_factory=dict)
    traffic: TrafficStatus | None = None
    driven: timedelta = timedelta()
    driven_from: datetime | None = None
    driven_to: datetime | None = None

    def driven_until(self, now: datetime | None = None) -> timedelta:
        """How long processes drove it. Time in which none did (after Ctrl-C, or before a retry) does not count.

        Args:
            now: A process drives it at this moment; None: until the last event that one wrote.
        """
        if self.driven_from is None:
            return self.driven
        return self.driven + max((now or self.driven_to or self.driven_from) - self.driven_from, timedelta())

    def at(self, *phases: Phase) -> list[TargetId]:
        """Targets in these phases, phase by phase, each in the order in which they entered it (waiting: plan order)."""
        return [target for phase in phases for target in self.by_phase[phase]]

    @property
    def in_progress(self) -> int:
        """How many targets are in progress, each of two that overlap included."""
        return sum(len(self.by_phase[phase]) for phase in IN_PROGRESS)

    @property
    def rests(self) -> bool:
        """Whether no process has anything to do before a person gives a command.

        It is finished; a person interrupted it with no target and no route in progress; or all requests of a switch
        have moved, and nobody gave up the way back yet.
        """
        if self.finished is not None:
            return True
        if self.traffic is None:
            return self.interrupted and not self.in_progress
        told = self.aborting or self.reverting or self.traffic.finishing
        kept = self.traffic.moved is not None and not told
        return kept or (self.interrupted and not self.traffic.moving)

    @property
    def overlapping(self) -> Mapping[TargetId, TargetId]:
        """The targets that soaked when another one took their place, each with that one, until its work is decided or
        it is back.
        """
        if self.plan.spec.overlap is Overlap.NEVER:
            return {}
        out = self.at(Phase.DRAINING, Phase.OUT, Phase.RETURNING)
        return {soaking: target for target in out if (soaking := self.statuses[target].overlaps)}

    @property
    def batch_size(self) -> int:
        """How many targets leave, or come back, in one call."""
        return batch_size(self.plan, self.calls, self.called)

    @property
    def free_places(self) -> int:
        """How many places in the window are free. Two targets that overlap share one."""
        shared = sum(self.statuses[soaking].phase in IN_PROGRESS for soaking in self.overlapping)
        return self.plan.window - self.in_progress + shared

    @property
    def free(self) -> int:
        """How many targets may be taken out now; 0 until a whole batch fits into the window."""
        free = self.free_places
        return free if free >= self.batch_size else 0

    @property
    def held_waiting(self) -> list[TargetId]:
        """Targets that an earlier rollout left out and that this one still has to take, in the order of the plan."""
        flagged = self.flagged
        return [t for t in self.held if t in flagged and is_held_waiting(self.statuses[t])] if flagged else []

    @property
    def limit_left(self) -> int | None:
        """How many targets may still be taken for the first time; None without a limit, in a revert and in a retry."""
        if self.plan.limit is None or self.reverting or self.reopened:
            return None
        ahead = sum(len(self.by_phase[phase]) for phase in (Phase.WAITING, Phase.SKIPPED, Phase.GONE))
        return max(0, self.plan.limit - (len(self.statuses) - ahead - len(self._never_taken)))

    @property
    def _never_taken(self) -> list[TargetId]:
        """Targets that were out of service before this rollout, which has not taken them yet and perhaps never will."""
        return [target for target in self.held if self.statuses[target].attempt == 0]

    @property
    def stopped(self) -> Reason | None:
        """Why no other target is taken out or worked on, for good; None while the rollout continues."""
        if self.aborting:
            return self._denied or reason(ReasonCode.ABORTED, by=self.aborting)
        if self.failed:
            code = ReasonCode.TOO_MANY_REVERT_FAILURES if self.reverting else ReasonCode.TOO_MANY_FAILURES
            return reason(code, failures=self.failures, allowed=self.plan.spec.on_failure.max_failures)
        return None

    @property
    def _denied(self) -> Reason | None:
        """Which gate ended the rollout, and why; None when a person aborted it."""
        for name, gate in self.gates.items():
            if gate.state is GateState.DENIED:
                return reason(ReasonCode.GATE_DENIED, gate=name, by=gate.by)
            if gate.state is GateState.EXPIRED:
                return reason(ReasonCode.APPROVAL_EXPIRED, gate=name)
            if gate.state is GateState.STOPPED:
                return gate.reason
        return None

    @property
    def asked_gates(self) -> tuple[str, ...]:
        """The approval gates that wait for an answer."""
        asked = tuple(name for name, gate in self.gates.items() if gate.state is GateState.ASKED)
        return asked if self.finished is None and not self.aborting else ()

    @property
    def holding_gates(self) -> tuple[str, ...]:
        """The gates whose condition holds the rollout, as it was last recorded."""
        held = tuple(name for name, gate in self.gates.items() if gate.state is GateState.HOLDING)
        return held if self.finished is None and not self.aborting else ()

    @property
    def waiting_gates(self) -> tuple[str, ...]:
        """Every gate that the rollout waits for now: for an answer, or until its condition is met."""
        return (*self.asked_gates, *self.holding_gates)

    @property
    def gates_ahead(self) -> list[Gate]:
        """The approval gates that are not passed yet, in the order of the configuration. A revert needs none."""
        return [gate for gate in self._gates_left if gate.approval]

    @property
    def conditions(self) -> list[Gate]:
        """The gates with a condition that nobody skipped. A revert needs none."""
        return [gate for gate in self._gates_left if gate.approval is None]

    @property
    def _gates_left(self) -> list[Gate]:
        left = [gate for gate in self.plan.spec.gates if not self._passed(gate.name)]
        return [] if self.reverting else left

    def _passed(self, gate: str) -> bool:
        return gate in self.gates and self.gates[gate].state in PASSED

    @property
    def failed(self) -> bool:
        """More targets failed than were allowed: in the update, or once it is being reverted, in the revert."""
        return self.failures > self.plan.spec.on_failure.max_failures

    @property
    def out_of_service(self) -> list[TargetId]:
        """Targets that were taken out and are not known to serve."""
        return self.at(*(phase for phase in Phase if phase in IN_PROGRESS - {Phase.SOAKING} | {Phase.LEFT_OUT}))

    @property
    def lost(self) -> list[TargetId]:
        """Targets that failed after they were done, whether or not they serve again."""
        return [target for target in self.by_phase[Phase.DONE] if self.statuses[target].cause is Cause.FAILED]

    def command(self, target: TargetId) -> Command:
        """The command that is due on this target: the work, a step beside it, or the revert."""
        status = self.statuses[target]
        return self.plan.spec.command_of(status.intent, self.step(target))

    def step(self, target: TargetId) -> Step:
        """The step that is due on this target: before its work began, the first one."""
        status = self.statuses[target]
        return status.step if status.phase is Phase.WORKING else self.plan.spec.steps(status.intent)[0]

    def key(self, target: TargetId) -> e.WorkKey:
        """The key of the work that is due on this target."""
        status = self.statuses[target]
        return e.WorkKey(self.plan.rollout, target, status.attempt, status.intent, self.step(target))

    def next_step(self, target: TargetId) -> Step | None:
        """The step on this target after the present one; None after the last one."""
        status = self.statuses[target]
        steps = self.plan.spec.steps(status.intent)
        return next(iter(steps[steps.index(status.step) + 1 :]), None)
