"""The status of a gate, as the events of a rollout tell it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class GateState(Enum):
    """How a gate stands once it was asked. EXPIRED ends or pauses the rollout, as the plan says; DENIED ends it."""

    ASKED = "asked"
    APPROVED = "approved"
    SKIPPED = "skipped"
    DENIED = "denied"
    EXPIRED = "expired"


PASSED = frozenset({GateState.APPROVED, GateState.SKIPPED})
"""A gate in one of these states holds nothing any more."""


@dataclass(frozen=True, slots=True)
class GateStatus:
    """One gate.

    Attributes:
        since: When it came into this state, by the clock of the process that wrote it; for people only.
        expires: When the question expires, by the clock of the journal's store.
        by: The person who answered or skipped it; '' for nobody.
        why: The reason for which it was skipped.
    """

    state: GateState
    since: datetime
    expires: datetime
    by: str = ""
    why: str = ""
