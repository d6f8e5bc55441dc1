"""The rollout as a value: the status of each target, what people asked for, and questions about the whole.

`replay` folds the events of a journal into it. Nothing is decided here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict

from katakei.domain import events as e
from katakei.domain.leases import Owner
from katakei.domain.model import Arn, Group, Registration, Target, TargetId
from katakei.domain.phases import FINAL_PHASES, IN_PROGRESS, Cause, Intent, Phase
from katakei.domain.plan import Plan
from katakei.domain.spec import Command


class Members(TypedDict):
    """`targets` take part; the others are of bystanders too: whose a registration is, those of a group, the zones.

    `groups` are those in which a target is registered.
    """

    targets: Mapping[TargetId, Target]
    owners: Mapping[Registration, TargetId]
    places: Mapping[Arn, frozenset[Registration]]
    zones: Mapping[TargetId, str]
    groups: Mapping[TargetId, tuple[Group, ...]]


def members(plan: Plan) -> Members:
    """All of it; as dear as the plan is long, so once for each plan."""
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
    }


def groups_of(plan: Plan, target: Target) -> tuple[Group, ...]:
    """The groups this target is registered in, in the order of the plan."""
    arns = {place.group for place in target.registrations}
    return tuple(group for group in plan.groups if group.arn in arns)


WIDE = 100  # from so many places in the window on, waiting for a few others costs hardly any time
ENOUGH = 6  # registrations in one call, on average: what has been called so gives no reason to wait
TOGETHER = 8  # of one group are waited for


def batch_size(plan: Plan, calls: int, called: int) -> int:
    """More than one only in a wide window whose `calls`, with `called` registrations in all, were not few."""
    many = plan.window >= WIDE and calls * ENOUGH > called
    return min(TOGETHER * len(plan.groups), plan.window // 12) if many else 1


RETRYABLE = frozenset({Cause.FLOOR_LOST, Cause.REFUSED})  # nothing was done, and trying again may help


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """Where one target stands. Every moment is measured by the clock of the process that drives the rollout now."""

    phase: Phase
    since: datetime
    intent: Intent = Intent.UPDATE
    attempt: int = 1
    why: str = ""
    cause: Cause | None = None
    blind: str | None = None  # why a witness cannot see it, '' when it can, None: not asked
    deregistered: frozenset[Arn] = frozenset()
    registered: frozenset[Arn] = frozenset()
    called: datetime | None = None  # when the last of these calls returned
    out_since: datetime | None = None
    busy_at: datetime | None = None  # when a witness's word of what is pending was last noted
    cut: bool = False  # what still was pending is waited for no more
    arrived: int = 0  # requests after it was called quiet, as the present process counts them
    arrived_before: int = 0  # as the processes before it did
    serving_since: datetime | None = None
    ticket: str | None = None
    exit: int | None = None
    out: str = ""
    turned_down: str = ""
    approved: bool = False
    touched: int = 0  # number of the event that last resolved the update on it; 0: it never was worked on
    touched_before: int = 0  # the same without the present attempt
    may_run: bool = False  # its work was resolved, and not proven to be over or never to have begun
    tries: int = 1  # attempts in a row, with this one, to which nothing was done in the end
    falls: int = 0
    fell: datetime | None = None  # when it was last seen to fall; None once it was seen serving again
    found_serving: int = 0
    retry: bool = False
    was_out: bool = False  # it had been left out when this attempt began
    marks: str = ""  # where the work was resolved: its marks are there, or nowhere
    reverted: bool = False  # a revert was resolved on it since: once is enough, however it ended


def after_change(before: TargetStatus, event: e.PhaseChanged) -> TargetStatus:
    """Where it stands after it went along a road; from an end on begins another attempt."""
    intent = event.intent or before.intent
    after = replace(
        before, phase=event.to, since=event.at, intent=intent, why=event.why, cause=event.cause or before.cause
    )
    if before.phase in FINAL_PHASES:
        after = TargetStatus(event.to, event.at, intent, before.attempt + 1, event.why, touched=before.touched)
        again = before.tries + 1 if before.cause in RETRYABLE else 1
        after = replace(after, was_out=before.phase is Phase.LEFT_OUT, blind=before.blind, tries=again)
        after = replace(after, reverted=intent is Intent.REVERT)
    if event.to is Phase.DRAINING:
        return replace(after, deregistered=frozenset(), called=None, out_since=None, cut=False, found_serving=0)
    if event.to is Phase.WORKING:
        return replace(after, ticket=None, exit=None, approved=False, may_run=True, touched_before=before.touched)
    if event.to is Phase.CHECKING:
        return replace(after, may_run=False)
    if event.to in {Phase.WARMING, Phase.RETURNING}:
        return replace(after, registered=frozenset(), called=None, serving_since=None, turned_down="", falls=0)
    if event.to in {Phase.SOAKING, Phase.DONE}:
        return replace(after, falls=0, fell=None)
    return after


@dataclass(frozen=True, slots=True)
class Rollout:
    """The whole, indexed so that a turn looks at what is in hand, not at everything."""

    plan: Plan
    begun: datetime
    targets: Mapping[TargetId, Target]
    owners: Mapping[Registration, TargetId]
    places: Mapping[Arn, frozenset[Registration]]
    zones: Mapping[TargetId, str]
    groups: Mapping[TargetId, tuple[Group, ...]]
    statuses: Mapping[TargetId, TargetStatus]
    by_phase: Mapping[Phase, Mapping[TargetId, None]]
    flagged: Mapping[TargetId, None]  # those that fell, or are to be tried again
    number: int
    moved: datetime
    owner: Owner | None = None
    owner_version: int = 1  # the newest version of events that the owner reads
    marks: str = ""
    revert_marks: str = ""
    aborting: str = ""
    paused: str = ""  # by whom
    unacknowledged: bool = False  # a word came after which spans are to be measured anew, by the clock of who drives
    reverting: str = ""  # by whom
    interrupted: bool = False
    finished: datetime | None = None
    reopened: bool = False  # finished once, then taken up for more: it takes in nobody else
    failures: int = 0
    calls: int = 0  # that took registrations out or put them back,
    called: int = 0  # and how many those were

    def at(self, *phases: Phase) -> list[TargetId]:
        """Targets in these phases, phase by phase, each in the order of their coming there (waiting: plan order)."""
        return [target for phase in phases for target in self.by_phase[phase]]

    @property
    def in_progress(self) -> int:
        """How many targets take a place in the window."""
        return sum(len(self.by_phase[phase]) for phase in IN_PROGRESS)

    @property
    def batch_size(self) -> int:
        """How many leave, or come back, together: more than one only in a wide window whose calls were not few."""
        return batch_size(self.plan, self.calls, self.called)

    @property
    def free(self) -> int:
        """How many may be taken now: places of the window stay empty until they are a lot."""
        free = self.plan.window - self.in_progress
        return free if free >= self.batch_size else 0

    @property
    def stopped(self) -> str:
        """Why nothing more is touched, for good; '' while the rollout goes on."""
        if self.aborting:
            return f"aborted by {self.aborting}"
        if self.failed:
            what = "could not be taken back" if self.reverting else "failed"
            return f"stopped: {self.failures} {what}, {self.plan.spec.on_failure.max_failures} allowed"
        return ""

    @property
    def failed(self) -> bool:
        """More targets failed than were allowed: of the update, or once it is being reverted, of that."""
        return self.failures > self.plan.spec.on_failure.max_failures

    @property
    def out_of_service(self) -> list[TargetId]:
        """Targets that were touched and are not known to serve."""
        return self.at(*(phase for phase in Phase if phase in IN_PROGRESS - {Phase.SOAKING} | {Phase.LEFT_OUT}))

    @property
    def lost(self) -> list[TargetId]:
        """Targets that were done and left service afterwards, whether or not they serve again."""
        return [target for target in self.by_phase[Phase.DONE] if self.statuses[target].cause is Cause.FAILED]

    def command(self, target: TargetId) -> Command:
        """What is run on this target, as it stands."""
        return self.plan.spec.command(back=self.statuses[target].intent is Intent.REVERT)

    def key(self, target: TargetId) -> e.WorkKey:
        """The name of the work now due on this target."""
        status = self.statuses[target]
        return e.WorkKey(self.plan.rollout, target, status.attempt, status.intent)
