"""Which groups a person means by names and ARNs, and one helpful sentence when there are none such. Asks only."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from katakei.adapters.balancers.alb.survey import Survey
from katakei.domain.errors import RejectedError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import TargetGroupTypeDef

ARN = re.compile(
    r"arn:[^:]+:elasticloadbalancing:(?P<region>[^:]+):(?P<account>\d{12}):targetgroup/(?P<name>[^/]+)/\w+"
)
LISTED = 10


def find(survey: Survey, names: Sequence[str], region: str) -> "list[TargetGroupTypeDef]":
    """The groups of these names and ARNs, in that order, each once; every group when empty. Raises UsageFault."""
    if not names:
        return survey.every()
    given = arns(names, region)
    try:
        known = _keyed(survey.named((name for name in names if name not in given), given))
    except (UsageError, RejectedError):  # one that does not exist fails the whole question, which does not say which
        known = _keyed(survey.every())
    for name in names:
        if name not in known:
            raise UsageError(_unknown(name, sorted({raw["TargetGroupName"] for raw in survey.every()}), region))
    return list({known[name]["TargetGroupArn"]: known[name] for name in names}.values())


def arns(names: Sequence[str], region: str) -> list[str]:
    """Those of the names that are ARNs. Raises UsageFault for one that can be no target group of this region."""
    given = [name for name in names if name.startswith("arn:")]
    for arn in given:
        _check(arn, region)
    return given


def _keyed(groups: "Sequence[TargetGroupTypeDef]") -> "Mapping[str, TargetGroupTypeDef]":
    return {key: raw for raw in groups for key in (raw["TargetGroupName"], raw["TargetGroupArn"])}


def _check(arn: str, region: str) -> None:
    read = ARN.fullmatch(arn)
    if read is None:
        raise UsageError(
            f"{arn} is not the ARN of a target group; it looks like"
            f" arn:aws:elasticloadbalancing:{region}:123456789012:targetgroup/NAME/0123456789abcdef"
        )
    if read["region"] != region:
        raise UsageError(f"{arn} is in {read['region']}, but {region} is asked; give --region {read['region']}")


def _unknown(name: str, there: Sequence[str], region: str) -> str:
    read = ARN.fullmatch(name)
    near = difflib.get_close_matches(read["name"] if read else name, there, n=3, cutoff=0.6)
    if near:
        return f"there is no target group {name} in {region}; did you mean {' or '.join(near)}?"
    if not there:
        return f"there is no target group {name} in {region}, and no other; check --region and --profile"
    more = f" and {len(there) - LISTED} more" if len(there) > LISTED else ""
    return f"there is no target group {name} in {region}; there are {', '.join(there[:LISTED])}{more}"
