"""The port through which calls to AWS are observed, for figures and traces. An observer returns at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class CallOutcome(StrEnum):
    """How a call to AWS ended."""

    OK = "ok"
    THROTTLED = "throttled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AwsCall:
    """One call to AWS. It holds no parameter and no answer, which may be secret.

    Attributes:
        service: The name of the service, as botocore names it.
        action: The name of the action.
        outcome: How it ended.
        begun: When it began.
        took: How long it took, without the wait for the rate limit.
    """

    service: str
    action: str
    outcome: CallOutcome
    begun: datetime
    took: timedelta


CallObserver = Callable[[AwsCall], None]
