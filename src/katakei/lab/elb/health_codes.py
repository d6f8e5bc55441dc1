"""Health states, reasons and descriptions exactly as AWS writes them, and matchers of HTTP codes.

Clients may compare these texts, so none may be changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from katakei.lab.elb.errors import invalid


class State(StrEnum):
    """The values of TargetHealth.State that the lab shows."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"
    UNUSED = "unused"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Health:
    """One TargetHealth. A healthy one has neither reason nor description."""

    state: State
    reason: str | None = None
    description: str | None = None


REGISTERING = Health(State.INITIAL, "Elb.RegistrationInProgress", "Target registration is in progress")
CHECKING = Health(State.INITIAL, "Elb.InitialHealthChecking", "Initial health checks in progress")
HEALTHY = Health(State.HEALTHY)
DRAINING = Health(State.DRAINING, "Target.DeregistrationInProgress", "Target deregistration is in progress")
NOT_REGISTERED = Health(State.UNUSED, "Target.NotRegistered", "Target is not registered to the target group")
GROUP_NOT_IN_USE = Health(
    State.UNUSED,
    "Target.NotInUse",
    "Target group is not configured to receive traffic from the load balancer",
)
ZONE_NOT_ENABLED = Health(
    State.UNUSED,
    "Target.NotInUse",
    "Target is in an Availability Zone that is not enabled for the load balancer",
)
STOPPED = Health(State.UNUSED, "Target.InvalidState", "Target is in the stopped state")
IP_UNUSABLE = Health(
    State.UNUSED,
    "Target.IpUnusable",
    "The IP address cannot be used as a target, as it is in use by a load balancer",
)
CHECK_DISABLED = Health(
    State.UNAVAILABLE, "Target.HealthCheckDisabled", "Health checks are not enabled for this target"
)
FAILED = Health(State.UNHEALTHY, "Target.FailedHealthChecks", "Health checks failed")
TIMED_OUT = Health(State.UNHEALTHY, "Target.Timeout", "Request timed out")


def mismatch(code: int) -> Health:
    """Returns unhealthy because the answer's code does not match. The description holds the code."""
    return Health(State.UNHEALTHY, "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{code}]")


FORM = re.compile(r"\d{1,3}(-\d{1,3})?(,\d{1,3}(-\d{1,3})?)*")


def matches(matcher: str, code: int) -> bool:
    """Whether a code means healthy by a matcher such as `200`, `200,202` or `200-299`."""
    return any(low <= code <= high for low, high in _ranges(matcher))


def check_matcher(matcher: str, lowest: int, highest: int) -> None:
    """Validate a matcher.

    Raises:
        ElbError: ValidationError for invalid syntax or a code outside the limits.
    """
    if not FORM.fullmatch(matcher):
        raise invalid("HttpCode must be like 200 | 200-399 | 200,201 ...")
    if any(low < lowest or high > highest or low > high for low, high in _ranges(matcher)):
        raise invalid(f"Health check matcher HTTP code '{matcher}' must be within '{lowest}-{highest}' inclusive")


def _ranges(matcher: str) -> list[tuple[int, int]]:
    parts = (part.partition("-") for part in matcher.split(","))
    return [(int(low), int(high or low)) for low, _, high in parts]
