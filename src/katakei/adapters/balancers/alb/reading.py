"""Entries of DescribeTargetHealth as values of ours. Asks nothing, and guesses nothing that an entry does not say."""

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from katakei.domain.model import Arn, Registration
from katakei.domain.observation import HealthState, RegistrationHealth

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import TargetDescriptionTypeDef, TargetHealthDescriptionTypeDef


_STATES = {one.value: one for one in HealthState if one is not HealthState.ABSENT}
_place = lru_cache(maxsize=2**16)(Registration)  # a group lists the same members at every look


def registration(group: Arn, raw: "TargetDescriptionTypeDef") -> Registration:
    """The key of one entry, verbatim: where the list names a zone, a call that names another would not find it."""
    return _place(group, raw["Id"], raw.get("Port", 0), raw.get("AvailabilityZone"))


def seen(raw: "TargetHealthDescriptionTypeDef", begun: datetime, ended: datetime) -> RegistrationHealth:
    """One entry of DescribeTargetHealth. Not registered is absent; a state we do not know is no knowledge."""
    health, override = raw.get("TargetHealth", {}), raw.get("AdministrativeOverride", {})
    words = health.get("State", ""), health.get("Reason", ""), health.get("Description", "")
    return _look(words, override.get("State", "no_override"), begun, ended)


@lru_cache(maxsize=64)
def _look(words: tuple[str, str, str], override: str, begun: datetime, ended: datetime) -> RegistrationHealth:
    """Of a thousand members most are seen in one state."""
    state, reason, description = words
    return RegistrationHealth(
        _state(state, reason), begun, ended, reason, description, overridden=override != "no_override"
    )


def shifted(raw: "TargetHealthDescriptionTypeDef") -> bool:
    """Whether a zonal shift keeps traffic from this target's zone."""
    return raw.get("AdministrativeOverride", {}).get("State", "").startswith("zonal_shift")


def _state(state: str, reason: str) -> HealthState:
    if state == "unused" and reason == "Target.NotRegistered":
        return HealthState.ABSENT
    return _STATES.get(
        state.partition(".")[0], HealthState.UNAVAILABLE
    )  # Network Load Balancers say `unhealthy.draining`
