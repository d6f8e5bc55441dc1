"""The status of a gate, as the events of a rollout tell it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from katakei.domain.reasons import Reason


class GateState(Enum):
    """How a gate stands once it was asked, or once its condition was not met.

    EXPIRED ends or pauses the rollout, as the plan says; DENIED ends it. HOLDING lasts until the condition is met.
    STOPPED ended the rollout, or reverted it.
    """

    ASKED = "asked"
    APPROVED = "approved"
    SKIPPED = "skipped"
    DENIED = "denied"
    EXPIRED = "expired"
    HOLDING = "holding"
    STOPPED = "stopped"


PASSED = frozenset({GateState.APPROVED, GateState.SKIPPED})
"""A gate in one of these states holds nothing any more."""


@dataclass(frozen=True, slots=True)
class GateStatus:
    """One gate.

    Attributes:
        since: When it came into this state, by the clock of the process that wrote it; for people only.
        expires: When the question of an approval expires, by the clock of the journal's store; None for a condition.
        by: The person who answered or skipped it; '' for nobody.
        why: The reason for which it was skipped.
        reason: Why a condition holds or stopped the rollout.
    """

    state: GateState
    since: datetime
    expires: datetime | None
    by: str = ""
    why: str = ""
    reason: Reason | None = None


class GateVerdict(Enum):
    """What the reading of a condition says: it is met, it is not met, or that is not known."""

    PASSES = "passes"
    FAILS = "fails"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class GateReading:
    """One reading of the condition of a gate.

    Attributes:
        begun: When it began.
        why: What was found, unless the condition is met.
    """

    begun: datetime
    verdict: GateVerdict
    why: Reason | None = None
