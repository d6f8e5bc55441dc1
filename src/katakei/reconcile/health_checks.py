"""Which questions are asked of a target before it is registered again: the user's check, or each group's own.

A group's own check is asked as the load balancer asks it: same scheme, port, path and matcher (docs/aws.md 6). An ip
group's targets are asked at the address that is registered, which need not be the machine's first.
"""

from collections.abc import Mapping
from datetime import timedelta

from katakei.domain.model import Arn, Group, Registration, Target, TargetId, TargetType
from katakei.domain.ports import CheckRequest
from katakei.domain.replay import Rollout
from katakei.domain.spec import HttpCheck

PATIENCE = timedelta(seconds=5)


def questions(rollout: Rollout, target: TargetId) -> tuple[CheckRequest, ...]:
    """All of them; the check has passed when every one has."""
    groups = {group.arn: group for group in rollout.plan.groups}
    return of_target(rollout.targets[target], groups, rollout.plan.spec.check.http)


def of_target(target: Target, groups: Mapping[Arn, Group], http: HttpCheck | None) -> tuple[CheckRequest, ...]:
    """As `questions`, before there is a rollout."""
    asked = [_ask(target, place, groups[place.group], http) for place in target.registrations]
    return tuple(dict.fromkeys(asked))


def _ask(target: Target, place: Registration, group: Group, http: HttpCheck | None) -> CheckRequest:
    address = place.id if group.target_type is TargetType.IP else target.address
    if http:
        scheme = "https" if group.protocol == "HTTPS" else "http"
        return CheckRequest(scheme, address, http.port or place.port, http.path, http.expect, PATIENCE)
    check = group.check
    port = check.port or place.port
    return CheckRequest(check.protocol.lower(), address, port, check.path, check.matcher, check.timeout)
