"""Where else machines are registered: every other group of the account and region is read. Only questions."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from katakei.adapters.balancers.alb.reading import registration
from katakei.adapters.balancers.alb.survey import Survey, together
from katakei.domain.model import Arn, Registration, Target

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import TargetGroupTypeDef


def elsewhere(survey: Survey, targets: Sequence[Target]) -> tuple[Registration, ...]:
    """Registrations of these machines in groups where `targets` has none, whatever their state."""
    if not targets:
        return ()
    raws = survey.every()
    own = {place.group for target in targets for place in target.registrations}
    sought = _Sought(survey, targets, {raw.get("VpcId", "") for raw in raws if raw["TargetGroupArn"] in own})
    others = [raw for raw in raws if raw["TargetGroupArn"] not in own and sought.may_be_in(raw)]
    found = together(lambda raw: _places(survey, raw), others)
    return tuple(
        place for raw, places in zip(others, found, strict=True) for place in places if sought.called(raw, place)
    )


def _places(survey: Survey, raw: "TargetGroupTypeDef") -> list[Registration]:
    arn = Arn(raw["TargetGroupArn"])
    return [registration(arn, entry["Target"]) for entry in survey.health(arn).entries]


class _Sought:
    """Machines by all that a group may call them. What EC2 does not know is taken to be in the VPCs of its groups."""

    def __init__(self, survey: Survey, targets: Sequence[Target], vpcs: set[str]) -> None:
        known = {one.id: one for one in survey.instances(target.id for target in targets)}
        self._vpcs: dict[str, set[str]] = defaultdict(set)
        for target in targets:
            one = known.get(target.id)
            for called in (target.id, target.address, *(one.addresses if one else ())):
                self._vpcs[called] |= {one.vpc} if one else vpcs

    def may_be_in(self, raw: "TargetGroupTypeDef") -> bool:
        """Only instance and ip groups list machines, and an instance group only those of its own VPC."""
        kind = raw.get("TargetType", "instance")
        return kind == "ip" or (kind == "instance" and any(raw.get("VpcId", "") in of for of in self._vpcs.values()))

    def called(self, raw: "TargetGroupTypeDef", place: Registration) -> bool:
        """An IP means the same machine within its VPC, or where a group calls it outside its own (zone `all`)."""
        vpcs = self._vpcs.get(place.id)
        return vpcs is not None and (raw.get("VpcId", "") in vpcs or place.zone == "all")
