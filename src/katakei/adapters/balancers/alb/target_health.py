"""Answers of DescribeTargetHealth as values: registrations, their health, and the members of a group. No calls.

Nothing is guessed that an entry does not say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from katakei.adapters.balancers.alb.instances import InstanceIndex
from katakei.domain.model import Arn, Registration, TargetId, TargetType
from katakei.domain.observation import HealthState, RegistrationHealth
from katakei.domain.outside_text import one_line
from katakei.domain.ports import GroupMember, ListedGroup

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import TargetDescriptionTypeDef, TargetGroupTypeDef, TargetHealthDescriptionTypeDef


_STATES = {one.value: one for one in HealthState if one is not HealthState.ABSENT}
_registration = lru_cache(maxsize=2**16)(Registration)  # a group lists the same members every time


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """One answer of DescribeTargetHealth, with the moments of the request and of the answer."""

    entries: "Sequence[TargetHealthDescriptionTypeDef]"
    begun: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class GroupListing:
    """A group, what it lists, and the instances behind. A target that EC2 does not know keeps its id in the group."""

    raw: "TargetGroupTypeDef"
    health: HealthAnswer
    instances: InstanceIndex

    @property
    def arn(self) -> Arn:
        """The group's ARN."""
        return Arn(self.raw["TargetGroupArn"])

    @property
    def listed(self) -> ListedGroup:
        """The members, with what never changes about the group."""
        raw = self.raw
        kind = TargetType(raw.get("TargetType", "instance"))
        name, port = raw["TargetGroupName"], raw.get("Port", 0)
        return ListedGroup(self.arn, name, port, raw.get("Protocol", ""), kind, self.members)

    @property
    def members(self) -> tuple[GroupMember, ...]:
        """The members in ELBv2's order."""
        return tuple(self._member(entry) for entry in self.health.entries)

    @property
    def auto_scaling_groups(self) -> tuple[str, ...]:
        """The Auto Scaling groups that own a member."""
        vpc = self.raw.get("VpcId", "")
        known = (self.instances.find(vpc, entry["Target"]["Id"]) for entry in self.health.entries)
        return tuple(sorted({one.auto_scaling_group for one in known if one and one.auto_scaling_group}))

    @property
    def shifted_zones(self) -> tuple[str, ...]:
        """The zones from which a zonal shift keeps traffic away now, as the members show it."""
        return tuple(sorted({self._member(entry).zone for entry in self.health.entries if _is_shifted(entry)}))

    def _member(self, entry: "TargetHealthDescriptionTypeDef") -> GroupMember:
        place = read_registration(self.arn, entry["Target"])
        seen = read_health(entry, self.health.begun, self.health.ended)
        known = self.instances.find(self.raw.get("VpcId", ""), place.id)
        if known is None:
            address = place.id if self.raw.get("TargetType") == "ip" else ""
            return GroupMember(place, seen, TargetId(place.id), "", address, place.zone or "", {})
        machine = TargetId(known.id), known.name, known.address or "", known.zone
        return GroupMember(place, seen, *machine, known.tags, known.windows)


def read_registration(group: Arn, raw: "TargetDescriptionTypeDef") -> Registration:
    """Returns the key of one entry, verbatim: a call that names another zone than the list would not find it."""
    return _registration(group, raw["Id"], raw.get("Port", 0), raw.get("AvailabilityZone"))


def read_health(raw: "TargetHealthDescriptionTypeDef", begun: datetime, ended: datetime) -> RegistrationHealth:
    """Returns the health of one entry.

    Not registered is ABSENT; a state that this version does not know is UNAVAILABLE.

    Args:
        raw: the entry.
        begun: when the request was made.
        ended: when the answer came.

    """
    health, override = raw.get("TargetHealth", {}), raw.get("AdministrativeOverride", {})
    words = health.get("State", ""), health.get("Reason", ""), health.get("Description", "")
    return _health(words, override.get("State", "no_override"), begun, ended)


@lru_cache(maxsize=64)
def _health(words: tuple[str, str, str], override: str, begun: datetime, ended: datetime) -> RegistrationHealth:
    """Cached, since most of a thousand members are in one state."""
    state, reason, description = words[0], one_line(words[1]), one_line(words[2])
    overridden = override != "no_override"
    return RegistrationHealth(_state(state, reason), begun, ended, reason, description, overridden=overridden)


def _is_shifted(raw: "TargetHealthDescriptionTypeDef") -> bool:
    """Whether a zonal shift keeps traffic from this target's zone."""
    return raw.get("AdministrativeOverride", {}).get("State", "").startswith("zonal_shift")


def _state(state: str, reason: str) -> HealthState:
    if state == "unused" and reason == "Target.NotRegistered":
        return HealthState.ABSENT
    return _STATES.get(state.partition(".")[0], HealthState.UNAVAILABLE)  # an NLB says `unhealthy.draining`
