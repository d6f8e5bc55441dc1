"""What one group lists, joined with the machines behind it. Asks nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from katakei.adapters.balancers.alb.machines import Machines
from katakei.adapters.balancers.alb.reading import registration, seen, shifted
from katakei.domain.model import Arn, TargetId, TargetType
from katakei.domain.ports import GroupMember, ListedGroup

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import TargetGroupTypeDef, TargetHealthDescriptionTypeDef


@dataclass(frozen=True, slots=True)
class Health:
    """One answer of DescribeTargetHealth, and when it was asked and got."""

    entries: "Sequence[TargetHealthDescriptionTypeDef]"
    begun: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class Listing:
    """A group's members. One that EC2 does not know is called by the id it has in the group."""

    raw: "TargetGroupTypeDef"
    health: Health
    machines: Machines

    @property
    def listed(self) -> ListedGroup:
        """With what never changes of the group."""
        raw = self.raw
        of = TargetType(raw.get("TargetType", "instance"))
        arn, name, port = Arn(raw["TargetGroupArn"]), raw["TargetGroupName"], raw.get("Port", 0)
        return ListedGroup(arn, name, port, raw.get("Protocol", ""), of, self.members)

    @property
    def members(self) -> tuple[GroupMember, ...]:
        """In ELBv2's order."""
        return tuple(self._member(entry) for entry in self.health.entries)

    @property
    def autoscaling(self) -> tuple[str, ...]:
        """The Auto Scaling groups that own a member."""
        known = (self.machines.of(self.raw.get("VpcId", ""), entry["Target"]["Id"]) for entry in self.health.entries)
        return tuple(sorted({one.autoscaling for one in known if one and one.autoscaling}))

    @property
    def zonal_shift(self) -> tuple[str, ...]:
        """The zones from which a zonal shift keeps traffic away now, as the members show it."""
        return tuple(sorted({self._member(entry).zone for entry in self.health.entries if shifted(entry)}))

    def _member(self, entry: "TargetHealthDescriptionTypeDef") -> GroupMember:
        place = registration(Arn(self.raw["TargetGroupArn"]), entry["Target"])
        look = seen(entry, self.health.begun, self.health.ended)
        known = self.machines.of(self.raw.get("VpcId", ""), place.id)
        if known is None:
            address = place.id if self.raw.get("TargetType") == "ip" else ""
            return GroupMember(place, look, TargetId(place.id), "", address, place.zone or "", {})
        return GroupMember(place, look, TargetId(known.id), known.name, known.address, known.zone, known.tags)
