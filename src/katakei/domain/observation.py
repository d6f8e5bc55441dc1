"""What a fresh look can say. What could not be seen is said to be unseen, never guessed.

Every look carries when it `begun` and `ended`; a decision may only trust a look by these two moments.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property

from katakei.domain.events import WorkKey
from katakei.domain.model import Arn, Registration, Target, TargetId


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
    """One registration as one look showed it; `reason` and `description` are the load balancer's own words.

    `overridden` is true when an administrative override (a zonal shift) keeps traffic away from a healthy target.
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
        """Its machine is stopped or terminated (ELBv2 `TargetHealthReasonEnum`): nothing can be worked on there."""
        return self.state is HealthState.UNUSED and self.reason == "Target.InvalidState"

    @property
    def out(self) -> bool:
        """Draining or absent: the load balancer has been told to send it nothing new."""
        return self.state is HealthState.DRAINING or self.state is HealthState.ABSENT


@dataclass(frozen=True)
class GroupObservation:
    """What was seen of one group, each registration by its newest look.

    `full_begun` is when the newest look at the whole group began: only a whole look can say how many serve.
    """

    seen: Mapping[Registration, RegistrationHealth]
    full_begun: datetime | None = None

    @cached_property
    def down(self) -> tuple[Registration, ...]:
        """The registrations seen not serving; sought once, however often a turn asks."""
        return tuple(place for place, look in self.seen.items() if not look.serving)

    @property
    def serving(self) -> int:
        """How many registrations are seen serving, strangers' included."""
        return len(self.seen) - len(self.down)


class WorkState(Enum):
    """What is known of the work under one key. `UNKNOWN` is not `NOT_STARTED`."""

    NOT_STARTED = "not started"
    RUNNING = "running"
    ENDED = "ended"
    INTERRUPTED = "interrupted"
    REFUSED = "refused"
    AWAITS_APPROVAL = "awaits approval"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class WorkStatus:
    """The mark's answer. `exit` only when ENDED; `out` is the tail of what the work printed; `why` for the others."""

    state: WorkState
    exit: int | None = None
    out: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What the target answered when the check was asked of it; `why` tells what was got instead of what was hoped."""

    passed: bool
    begun: datetime
    why: str = ""


class ProbeVerdict(Enum):
    """What a witness says of a draining target: nothing pending, something pending, or that it cannot tell."""

    QUIET = "quiet"
    BUSY = "busy"
    BLIND = "blind"


@dataclass(frozen=True, slots=True)
class DrainEvidence:
    """A witness's verdict, counted from the moment its own look ended; `open` is how many requests may be pending."""

    verdict: ProbeVerdict
    begun: datetime
    ended: datetime
    why: str = ""
    open: int = 0


@dataclass(frozen=True, slots=True)
class AttributesReading:
    """One reading of a group's attributes; `changed` says what is no longer as the plan recorded it, '' nothing."""

    begun: datetime
    changed: str = ""


@dataclass(frozen=True, slots=True)
class UnplannedRegistration:
    """A machine with a registration that the rollout does not know; `trouble` is why it cannot be rolled, else ''."""

    target: Target
    tags: Mapping[str, str]
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """One fresh look at everything asked for. A missing group, key or target is unseen; `unseen` says why.

    `deleted` are groups that the load balancer says do not exist.
    """

    groups: Mapping[Arn, GroupObservation] = field(default_factory=dict)
    works: Mapping[WorkKey, WorkStatus] = field(default_factory=dict)
    answers: Mapping[TargetId, CheckResult] = field(default_factory=dict)
    baseline: Mapping[TargetId, str] = field(default_factory=dict)
    evidence: Mapping[TargetId, DrainEvidence] = field(default_factory=dict)
    arrivals: Mapping[TargetId, int] = field(default_factory=dict)
    attributes: Mapping[Arn, AttributesReading] = field(default_factory=dict)
    unseen: Mapping[Arn, str] = field(default_factory=dict)
    deleted: frozenset[Arn] = frozenset()
    newcomers: tuple[UnplannedRegistration, ...] = ()

    def of(self, registration: Registration) -> RegistrationHealth | None:
        """The newest look at one registration, or None where it was never seen."""
        group = self.groups.get(registration.group)
        return group.seen.get(registration) if group else None
