"""The draft of a configuration for target groups: the settings that fit what AWS tells about them."""

from collections.abc import Mapping
from dataclasses import dataclass

from katakei.domain.errors import KatakeiError
from katakei.domain.model import Arn, Group, TargetId
from katakei.domain.ports import GroupMember
from katakei.domain.spec import Share, Spec


@dataclass(frozen=True, slots=True)
class Draft:
    """A configuration for target groups, and what it was made from.

    Attributes:
        spec: The configuration.
        groups: The groups.
        members: What each of them lists.
        unready: The targets that Run Command does not reach, each with the reason.
        given: Whether the command of the work was given.
        refused: Why `katakei plan` refuses the groups as they are now; None when it does not.
    """

    spec: Spec
    groups: tuple[Group, ...]
    members: Mapping[Arn, tuple[GroupMember, ...]]
    unready: Mapping[TargetId, str]
    given: bool
    refused: KatakeiError | None = None


def floor_for(groups: tuple[Group, ...], members: Mapping[Arn, tuple[GroupMember, ...]]) -> Share:
    """Half of the registrations, or more where a health minimum of a group asks for it.

    Returns:
        0 where no floor can be kept: in a group without a load balancer nothing serves, and the only registration of a
        group cannot leave above any floor.
    """
    least = min(len(members[group.arn]) for group in groups)
    if least < 2 or any(not group.load_balancers for group in groups):
        return Share(count=0)
    minima = [minimum for group in groups for minimum in group.minima]
    percent = max([50, *(minimum.percent for minimum in minima if minimum.percent is not None)])
    count = max([0, *(minimum.count for minimum in minima if minimum.count is not None)])
    share = Share(percent=percent)
    return Share(count=count) if count > max(1, share.up(least)) else share
