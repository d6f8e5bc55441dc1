"""Errors of ELBv2 as the API names them: without the `Exception` suffix, with AWS's own text where it is known."""

from __future__ import annotations

from katakei.lab.errors import ApiError


class ElbError(ApiError):
    """A call of ELBv2 that AWS would reject."""


def invalid(message: str) -> ElbError:
    """Returns ValidationError: the call itself is not valid."""
    return ElbError("ValidationError", message)


def group_not_found() -> ElbError:
    """Returns TargetGroupNotFound."""
    return ElbError("TargetGroupNotFound", "One or more target groups not found")


def balancer_not_found() -> ElbError:
    """Returns LoadBalancerNotFound."""
    return ElbError("LoadBalancerNotFound", "One or more load balancers not found")


def listener_not_found() -> ElbError:
    """Returns ListenerNotFound."""
    return ElbError("ListenerNotFound", "One or more listeners not found")


def rule_not_found() -> ElbError:
    """Returns RuleNotFound."""
    return ElbError("RuleNotFound", "One or more rules not found")
