"""Lookup of resources by ARN with AWS's errors, and paging. Nothing here changes state."""

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
    """Find a target group.

    Raises:
        ElbError: ValidationError if it is not an ARN, TargetGroupNotFound if it is unknown.
    """
    if not GROUP_ARN.fullmatch(arn):
        raise invalid(f"'{arn}' is not a valid target group ARN")
    found = target_state.group(arn)
    if found is None:
        raise group_not_found()
    return found


def balancer(target_state: TargetState, arn: str) -> LoadBalancer:
    """Find a load balancer.

    Raises:
        ElbError: ValidationError if it is not an ARN, LoadBalancerNotFound if it is unknown.
    """
    if not BALANCER_ARN.fullmatch(arn):
        raise invalid(f"'{arn}' is not a valid load balancer ARN")
    if arn not in target_state.balancers:
        raise balancer_not_found()
    return target_state.balancers[arn]


def listener(target_state: TargetState, arn: str) -> Listener:
    """Find a listener.

    Raises:
        ElbError: ValidationError if it is not an ARN, ListenerNotFound if it is unknown.
    """
    if not LISTENER_ARN.fullmatch(arn):
        raise invalid(f"'{arn}' is not a valid listener ARN")
    if arn not in target_state.listeners:
        raise listener_not_found()
    return target_state.listeners[arn]


def rule(target_state: TargetState, arn: str) -> Rule:
    """Find a rule.

    Raises:
        ElbError: OperationNotPermitted for a default rule, RuleNotFound if it is unknown.
    """
    if any(arn == one.default_rule for one in target_state.listeners.values()):
        raise ElbError("OperationNotPermitted", f"Default rule '{arn}' cannot be modified or deleted")
    if arn not in target_state.rules:
        raise rule_not_found()
    return target_state.rules[arn]


def page(items: Sequence[T], params: dict[str, Any], name: Callable[[T], str]) -> tuple[Sequence[T], str | None]:
    """Returns the page that Marker and PageSize select, and the next marker. A marker is the last name shown."""
    start = 0
    if marker := params.get("Marker"):
        names = [name(item) for item in items]
        if marker not in names:
            raise invalid(f"Invalid marker '{marker}'")
        start = names.index(marker) + 1
    shown = items[start : start + params.get("PageSize", PAGE)]
    more = start + len(shown) < len(items)
    return shown, name(shown[-1]) if more else None
