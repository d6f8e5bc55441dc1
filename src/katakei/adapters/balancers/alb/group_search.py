"""Two searches: the groups that a person means by names and ARNs, and the other groups that list a machine."""

import difflib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from katakei.adapters.balancers.alb.queries import Queries, in_parallel
from katakei.adapters.balancers.alb.target_health import read_registration
from katakei.domain.errors import RejectedError, UsageError
from katakei.domain.model import Arn, Registration, Target

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import TargetGroupTypeDef

ARN = re.compile(
    r"arn:[^:]+:elasticloadbalancing:(?P<region>[^:]+):(?P<account>\d{12}):targetgroup/(?P<name>[^/]+)/\w+"
)
MAX_NAMES_SHOWN = 10


def find_groups(queries: Queries, names: Sequence[str], region: str) -> "list[TargetGroupTypeDef]":
    """Returns the groups of these names and ARNs, in that order, each once; every group when `names` is empty.

    Raises:
        UsageError: there is no such group. The sentence says which groups there are.

    """
    if not names:
        return queries.all_groups()
    given = arns_in(names, region)
    try:
        known = _by_name_and_arn(queries.groups((name for name in names if name not in given), given))
    except (UsageError, RejectedError):  # one unknown group fails the whole call, and AWS does not say which one
        known = _by_name_and_arn(queries.all_groups())
    for name in names:
        if name not in known:
            raise UsageError(_unknown(name, sorted({raw["TargetGroupName"] for raw in queries.all_groups()}), region))
    return list({known[name]["TargetGroupArn"]: known[name] for name in names}.values())


def arns_in(names: Sequence[str], region: str) -> list[str]:
    """Returns the ARNs among the names. Raises UsageError for one that can be no target group of this region."""
    given = [name for name in names if name.startswith("arn:")]
    for arn in given:
        _check_arn(arn, region)
    return given


def find_elsewhere(queries: Queries, targets: Sequence[Target]) -> tuple[Registration, ...]:
    """Returns the registrations of these machines in groups where `targets` has none, in any state.

    Every other group of the account and region is read.
    """
    if not targets:
        return ()
    raws = queries.all_groups()
    own = {place.group for target in targets for place in target.registrations}
    machines = _Machines(queries, targets, {raw.get("VpcId", "") for raw in raws if raw["TargetGroupArn"] in own})
    others = [raw for raw in raws if raw["TargetGroupArn"] not in own and machines.may_be_in(raw)]
    read = queries.progress.told(partial(_registrations, queries), len(others))
    found = in_parallel(read, others)
    return tuple(
        place for raw, places in zip(others, found, strict=True) for place in places if machines.include(raw, place)
    )


def _by_name_and_arn(groups: "Sequence[TargetGroupTypeDef]") -> "Mapping[str, TargetGroupTypeDef]":
    return {key: raw for raw in groups for key in (raw["TargetGroupName"], raw["TargetGroupArn"])}


def _check_arn(arn: str, region: str) -> None:
    read = ARN.fullmatch(arn)
    if read is None:
        raise UsageError(
            f"{arn} is not the ARN of a target group; it looks like"
            f" arn:aws:elasticloadbalancing:{region}:123456789012:targetgroup/NAME/0123456789abcdef"
        )
    if read["region"] != region:
        raise UsageError(f"{arn} is in {read['region']}, but {region} is asked; give --region {read['region']}")


def _unknown(name: str, existing: Sequence[str], region: str) -> str:
    read = ARN.fullmatch(name)
    near = difflib.get_close_matches(read["name"] if read else name, existing, n=3, cutoff=0.6)
    if near:
        return f"there is no target group {name} in {region}; did you mean {' or '.join(near)}?"
    if not existing:
        return f"there is no target group {name} in {region}, and no other; check --region and --profile"
    more = f" and {len(existing) - MAX_NAMES_SHOWN} more" if len(existing) > MAX_NAMES_SHOWN else ""
    return f"there is no target group {name} in {region}; there are {', '.join(existing[:MAX_NAMES_SHOWN])}{more}"


def _registrations(queries: Queries, raw: "TargetGroupTypeDef") -> list[Registration]:
    arn = Arn(raw["TargetGroupArn"])
    return [read_registration(arn, entry["Target"]) for entry in queries.health(arn).entries]


class _Machines:
    """The searched machines by every name that a group may list them under, with the VPCs of that name.

    A machine that EC2 does not know is taken to be in the VPCs of its groups.
    """

    def __init__(self, queries: Queries, targets: Sequence[Target], vpcs: set[str]) -> None:
        known = {one.id: one for one in queries.instances(target.id for target in targets)}
        self._vpcs: dict[str, set[str]] = defaultdict(set)
        for target in targets:
            one = known.get(target.id)
            for name in (target.id, target.address, *(one.addresses if one else ())):
                self._vpcs[name] |= {one.vpc} if one else vpcs

    def may_be_in(self, raw: "TargetGroupTypeDef") -> bool:
        """Only instance and ip groups list machines, and an instance group only those of its own VPC."""
        kind = raw.get("TargetType", "instance")
        return kind == "ip" or (
            kind == "instance" and any(raw.get("VpcId", "") in vpcs for vpcs in self._vpcs.values())
        )

    def include(self, raw: "TargetGroupTypeDef", place: Registration) -> bool:
        """An IP means the same machine within its VPC, or in a group that lists it from outside (zone `all`)."""
        vpcs = self._vpcs.get(place.id)
        return vpcs is not None and (raw.get("VpcId", "") in vpcs or place.zone == "all")
