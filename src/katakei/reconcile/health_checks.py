"""The health checks of a target before it is registered again: the user's check, or the one of each group.

A group's check is made as the load balancer makes it: same scheme, port, path and matcher (docs/aws.md 6). Targets of
an IP group are checked at the registered address, which need not be the machine's first one.
"""

from collections.abc import Mapping
from datetime import timedelta

from katakei.domain.model import Arn, Group, Registration, Target, TargetId, TargetType
from katakei.domain.ports import CheckRequest
from katakei.domain.replay import Rollout
from katakei.domain.spec import HttpCheck

TIMEOUT = timedelta(seconds=5)


def questions(rollout: Rollout, target: TargetId) -> tuple[CheckRequest, ...]:
    """The checks of this target. It has passed when every one has passed."""
    groups = {group.arn: group for group in rollout.plan.groups}
    return of_target(rollout.targets[target], groups, rollout.plan.spec.check.http)


def of_target(target: Target, groups: Mapping[Arn, Group], http: HttpCheck | None) -> tuple[CheckRequest, ...]:
    """As `questions`, before there is a rollout.

    Args:
        target: The target to be checked.
        groups: Its groups, by ARN.
        http: The user's check; None for the check of each group.
    """
    asked = [_ask(target, place, groups[place.group], http) for place in target.registrations]
    return tuple(dict.fromkeys(asked))


def _ask(target: Target, place: Registration, group: Group, http: HttpCheck | None) -> CheckRequest:
    address = place.id if group.target_type is TargetType.IP else target.address
    if http:
        scheme = "https" if group.protocol == "HTTPS" else "http"
        return CheckRequest(scheme, address, http.port or place.port, http.path, http.expect, TIMEOUT)
    check = group.check
    port = check.port or place.port
    return CheckRequest(check.protocol.lower(), address, port, check.path, check.matcher, check.timeout)
