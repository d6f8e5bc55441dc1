"""What every handler needs: finding things by ARN or name with AWS's errors, and paging. It changes nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from katakei.lab.elb.errors import (
    ElbError,
    balancer_not_found,
    group_not_found,
    invalid,
    listener_not_found,
    rule_not_found,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from katakei.lab.elb.model import Group, Listener, LoadBalancer, Rule
    from katakei.lab.elb.target_state import TargetState

PAGE = 400
T = TypeVar("T")
GROUP_ARN = re.compile(r"arn:aws[\w-]*:elasticloadbalancing:[\w-]+:\d{12}:targetgroup/[^/]+/[0-9a-f]+")
BALANCER_ARN = re.compile(
    r"arn:aws[\w-]*:elasticloadbalancing:[\w-]+:\d{12}:loadbalancer/(app|net|gwy)/[^/]+/[0-9a-f]+"
)
LISTENER_ARN = re.compile(r"arn:aws[\w-]*:elasticloadbalancing:[\w-]+:\d{12}:listener/(app|net|gwy)/.+")


def group(target_state: TargetState, arn: str) -> Group:
    """The group, or ValidationError for what is no ARN, TargetGroupNotFound for an unknown one."""
    if not GROUP_ARN.fullmatch(arn):
        raise invalid(f"'{arn}' is not a valid target group ARN")
    found = target_state.group(arn)
    if found is None:
        raise group_not_found()
    return found


def balancer(target_state: TargetState, arn: str) -> LoadBalancer:
    """The load balancer, or ValidationError, or LoadBalancerNotFound."""
    if not BALANCER_ARN.fullmatch(arn):
        raise invalid(f"'{arn}' is not a valid load balancer ARN")
    if arn not in target_state.balancers:
        raise balancer_not_found()
    return target_state.balancers[arn]


def listener(target_state: TargetState, arn: str) -> Listener:
    """The listener, or ValidationError, or ListenerNotFound."""
    if not LISTENER_ARN.fullmatch(arn):
        raise invalid(f"'{arn}' is not a valid listener ARN")
    if arn not in target_state.listeners:
        raise listener_not_found()
    return target_state.listeners[arn]


def rule(target_state: TargetState, arn: str) -> Rule:
    """A rule that is not a default one; OperationNotPermitted for those, RuleNotFound for an unknown one."""
    if any(arn == one.default_rule for one in target_state.listeners.values()):
        raise ElbError("OperationNotPermitted", f"Default rule '{arn}' cannot be modified or deleted")
    if arn not in target_state.rules:
        raise rule_not_found()
    return target_state.rules[arn]


def page(items: Sequence[T], params: dict[str, Any], name: Callable[[T], str]) -> tuple[Sequence[T], str | None]:
    """The page asked for by Marker and PageSize, and the next marker. A marker is the last name shown."""
    start = 0
    if marker := params.get("Marker"):
        names = [name(item) for item in items]
        if marker not in names:
            raise invalid(f"Invalid marker '{marker}'")
        start = names.index(marker) + 1
    shown = items[start : start + params.get("PageSize", PAGE)]
    more = start + len(shown) < len(items)
    return shown, name(shown[-1]) if more else None
