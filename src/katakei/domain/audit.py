"""The audit log as values: one entry for each act that somebody asked for, and a search."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """How an act ended."""

    DONE = "done"
    REFUSED = "refused"
    """Not allowed, or not possible now. Nothing was changed."""
    FAILED = "failed"
    """It was tried and ended with an error."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry. It never holds a secret.

    Attributes:
        who: The name of the principal, or '' where nobody has proved who they are.
        act: The name of an `Act`, or one of access itself: `sign_in`, `sign_out`, `sign_in_link`, `issue_token`,
            `revoke_token`, `end_sessions`.
        outcome: How it ended.
        address: The address from which it came; '' when it came from this machine.
        service: The service that it concerns; ''.
        rollout: The rollout that it concerns; ''.
        detail: More, as one harmless line.
        at: When, by the store's clock. None: not recorded yet.
        number: The place in the log, from 1 on and rising. 0: not recorded yet.
    """

    who: str
    act: str
    outcome: Outcome
    address: str = ""
    service: str = ""
    rollout: str = ""
    detail: str = ""
    at: datetime | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """A search in the audit log. An empty field matches everything; all fields must match.

    Attributes:
        text: Occurs in any text of the entry; upper and lower case count as the same for ASCII letters.
        who: The exact name.
        act: The exact act.
        services: Only entries of these services; None: all, also those without a service.
        rollout: The exact rollout.
        since: Not before this moment.
        until: Before this moment.
    """

    text: str = ""
    who: str = ""
    act: str = ""
    services: frozenset[str] | None = None
    rollout: str = ""
    since: datetime | None = None
    until: datetime | None = None
