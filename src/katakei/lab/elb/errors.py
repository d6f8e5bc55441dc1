"""Errors of ELBv2 as the API names them: without the `Exception` suffix, with AWS's own text where it is known."""

from __future__ import annotations


class ElbError(Exception):
    """A call that AWS would reject. HTTP status 400 stands for a `Sender` error, 500 for a `Receiver` error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


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
