"""One execution as a value: who stands where, what people want of it, and questions about the whole.

Nothing is decided here, and no event is folded in: see rollout.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from katakei.domain import events as e
from katakei.domain.leases import Owner
from katakei.domain.lots import lot
from katakei.domain.model import Arn, Group, Registration, Target, TargetId
from katakei.domain.phases import IN_HAND, Cause, Intent, Phase
from katakei.domain.plan import Plan
from katakei.domain.spec import Command
from katakei.domain.standing import Standing


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
    standings: Mapping[TargetId, Standing]
    by_phase: Mapping[Phase, Mapping[TargetId, None]]
    singled_out: Mapping[TargetId, None]  # those that fell, or are to be tried again
    number: int
    moved: datetime
    owner: Owner | None = None
    marks: str = ""
    revert_marks: str = ""
    aborting: str = ""
    paused: str = ""  # by whom
    unheard: bool = False  # a word came after which spans are to be measured anew, by the clock of who drives
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
    def in_hand(self) -> int:
        """How many targets take a place in the window."""
        return sum(len(self.by_phase[phase]) for phase in IN_HAND)

    @property
    def lot(self) -> int:
        """How many leave, or come back, together: more than one only in a wide window whose calls were not few."""
        return lot(self.plan, self.calls, self.called)

    @property
    def free(self) -> int:
        """How many may be taken now: places of the window stay empty until they are a lot."""
        free = self.plan.window - self.in_hand
        return free if free >= self.lot else 0

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
        return self.at(*(phase for phase in Phase if phase in IN_HAND - {Phase.SOAKING} | {Phase.LEFT_OUT}))

    @property
    def lost(self) -> list[TargetId]:
        """Targets that were done and left service afterwards, whether or not they serve again."""
        return [target for target in self.by_phase[Phase.DONE] if self.standings[target].cause is Cause.FAILED]

    def command(self, target: TargetId) -> Command:
        """What is run on this target, as it stands."""
        return self.plan.spec.command(back=self.standings[target].intent is Intent.REVERT)

    def key(self, target: TargetId) -> e.Key:
        """The name of the work now due on this target."""
        standing = self.standings[target]
        return e.Key(self.plan.rollout, target, standing.attempt, standing.intent)
