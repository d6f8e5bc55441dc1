"""Observations: what one fresh reading of AWS, the targets and the probe shows.

What could not be observed is missing here and counts as unknown. Every observation carries when it `begun` and
`ended`; a decision trusts it only by these two moments.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property

from katakei.domain.events import BaselineTaken, WorkKey
from katakei.domain.freezes import FreezeReading
from katakei.domain.gates import GateReading
from katakei.domain.model import Arn, Registration, Target, TargetId
from katakei.domain.reasons import Reason, ReasonCode, reason
from katakei.domain.traffic import RouteObservation


class HealthState(Enum):
    """ELBv2 `TargetHealthStateEnum`, and `absent` for what is not registered (`unused` with Target.NotRegistered)."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"
    UNUSED = "unused"
    UNAVAILABLE = "unavailable"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class RegistrationHealth:
    """The health of one registration, as one observation showed it.

    Attributes:
        reason: ELBv2 `TargetHealthReasonEnum`, as the load balancer gave it.
        description: The load balancer's own sentence.
        overridden: An administrative override (a zonal shift) keeps traffic away from a healthy target.
    """

    state: HealthState
    begun: datetime
    ended: datetime
    reason: str = ""
    description: str = ""
    overridden: bool = False

    @property
    def serving(self) -> bool:
        """Healthy and not overridden: the load balancer sends it requests (docs/aws.md 1)."""
        return self.state is HealthState.HEALTHY and not self.overridden

    @property
    def idle(self) -> bool:
        """Registered where no load balancer uses the group, or not in this zone (ELBv2 `TargetHealthReasonEnum`)."""
        return self.state is HealthState.UNUSED and self.reason == "Target.NotInUse"

    @property
    def stopped(self) -> bool:
        """Its machine is stopped or terminated (ELBv2 `TargetHealthReasonEnum`): no work can run there."""
        return self.state is HealthState.UNUSED and self.reason == "Target.InvalidState"

    @property
    def out(self) -> bool:
        """Draining or absent: the load balancer was told to send it nothing new."""
        return self.state is HealthState.DRAINING or self.state is HealthState.ABSENT


@dataclass(frozen=True)
class GroupObservation:
    """The registrations of one group, each by its newest observation.

    Attributes:
        full_begun: When the newest observation of the whole group began. Only a whole one says how many serve.
    """

    seen: Mapping[Registration, RegistrationHealth]
    full_begun: datetime | None = None

    @cached_property
    def down(self) -> tuple[Registration, ...]:
        """The registrations that do not serve; computed once, since a turn asks often."""
        return tuple(place for place, health in self.seen.items() if not health.serving)

    @property
    def serving(self) -> int:
        """How many registrations serve, also those that the rollout does not know."""
        return len(self.seen) - len(self.down)


class WorkState(Enum):
    """What is known of the work under one key. `UNKNOWN` is not `NOT_STARTED`.

    HALFWAY: the work was begun, and goes on only with another start under its key, which never begins it again. A
    machine that was stopped has to be started.
    """

    NOT_STARTED = "not started"
    HALFWAY = "halfway"
    RUNNING = "running"
    ENDED = "ended"
    INTERRUPTED = "interrupted"
    REFUSED = "refused"
    AWAITS_APPROVAL = "awaits approval"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class WorkStatus:
    """What the mark on the target says.

    Attributes:
        exit: The exit code; only when ENDED.
        out: The end of what the work printed.
        why: The executor's own words, in every other state.
        cut: How many bytes of the output before `out` are not kept.
    """

    state: WorkState
    exit: int | None = None
    out: str = ""
    why: str = ""
    cut: int = 0


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What the target answered to its health check; `why` says what was received instead of what was expected."""

    passed: bool
    begun: datetime
    why: str = ""


class ProbeVerdict(Enum):
    """What the probe says of a draining target: nothing pending, something pending, or that it cannot tell."""

    QUIET = "quiet"
    BUSY = "busy"
    BLIND = "blind"


@dataclass(frozen=True, slots=True)
class DrainEvidence:
    """A probe's verdict.

    Attributes:
        ended: When the probe's own reading ended. The verdict's age counts from here.
        why: What the probe saw, in its own words.
        open: How many requests may be pending.
    """

    verdict: ProbeVerdict
    begun: datetime
    ended: datetime
    why: str = ""
    open: int = 0


@dataclass(frozen=True, slots=True)
class Visible:
    """The probe saw the target's traffic while the target served. Its verdicts count."""


@dataclass(frozen=True, slots=True)
class Blind:
    """The probe did not see the target's traffic while the target served. Its silence proves nothing."""

    why: Reason


Baseline = Visible | Blind
"""What the probe saw before a target left service. Where no baseline was taken yet there is none (None)."""

SILENT = Blind(reason(ReasonCode.PROBE_SILENT))
"""The baseline of a target about which the probe gave no answer."""


def baseline_of(text: str) -> Baseline:
    """The baseline that a probe gave as text: '' when it sees the target's traffic, else why it does not."""
    return Blind(reason(ReasonCode.PROBE_BLIND, text=text)) if text else Visible()


def recorded_baseline(event: BaselineTaken) -> Baseline:
    """The baseline that an event recorded."""
    return Blind(event.reason) if event.reason else baseline_of(event.blind)


def baseline_text(baseline: Baseline | None) -> str:
    """The baseline as a probe and the journal know it: '' when nothing is known against the target.

    Returns:
        The probe's own words, or the code of the reason where the probe said nothing.
    """
    if not isinstance(baseline, Blind):
        return ""
    return str(dict(baseline.why.data).get("text", baseline.why.code))


@dataclass(frozen=True, slots=True)
class AttributesReading:
    """One reading of a group's attributes; `changes` says what is not as the plan recorded it."""

    begun: datetime
    changes: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class UnplannedRegistration:
    """A machine with a registration that the rollout does not know.

    Attributes:
        trouble: Why no work can run on it; None if it can.
    """

    target: Target
    tags: Mapping[str, str]
    trouble: Reason | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One fresh observation of everything that was asked for. A missing group, key or target is unknown.

    Attributes:
        places: Where each target keeps the marks of its work, see ports.Executor.prepare; '' where it keeps none.
        unseen: Groups whose observation failed, with the error's own words.
        deleted: Groups that the load balancer says do not exist.
        freezes: The newest reading of the freezes, with the time of the journal's store.
        gates: The newest reading of the condition of each gate that was read.
        watched: Since when this process watches each group.
        moved: When a registration was last observed out, or registered a moment ago (`initial`); within `warm.soak`.
        routes: What each route of a switch says.
    """

    groups: Mapping[Arn, GroupObservation] = field(default_factory=dict)
    works: Mapping[WorkKey, WorkStatus] = field(default_factory=dict)
    places: Mapping[TargetId, str] = field(default_factory=dict)
    answers: Mapping[TargetId, CheckResult] = field(default_factory=dict)
    baseline: Mapping[TargetId, Baseline] = field(default_factory=dict)
    evidence: Mapping[TargetId, DrainEvidence] = field(default_factory=dict)
    arrivals: Mapping[TargetId, int] = field(default_factory=dict)
    attributes: Mapping[Arn, AttributesReading] = field(default_factory=dict)
    unseen: Mapping[Arn, str] = field(default_factory=dict)
    deleted: frozenset[Arn] = frozenset()
    newcomers: tuple[UnplannedRegistration, ...] = ()
    freezes: FreezeReading | None = None
    gates: Mapping[str, GateReading] = field(default_factory=dict)
    watched: Mapping[Arn, datetime] = field(default_factory=dict)
    moved: Mapping[Registration, datetime] = field(default_factory=dict)
    routes: Mapping[Arn, RouteObservation] = field(default_factory=dict)

    def of(self, registration: Registration) -> RegistrationHealth | None:
        """The newest health of one registration, or None where it was never observed."""
        group = self.groups.get(registration.group)
        return group.seen.get(registration) if group else None
