"""The errors of ELBv2 as the wire names them: no `Exception` suffix, AWS's own texts where anybody has seen them."""

from __future__ import annotations


class ElbError(Exception):
    """A call that AWS would refuse: code, message, HTTP status. `Sender` errors are 400, `Receiver` ones 500."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def invalid(message: str) -> ElbError:
    """ValidationError: the call is wrong in itself."""
    return ElbError("ValidationError", message)


def group_not_found() -> ElbError:
    """TargetGroupNotFound."""
    return ElbError("TargetGroupNotFound", "One or more target groups not found")


def balancer_not_found() -> ElbError:
    """LoadBalancerNotFound."""
    return ElbError("LoadBalancerNotFound", "One or more load balancers not found")


def listener_not_found() -> ElbError:
    """ListenerNotFound."""
    return ElbError("ListenerNotFound", "One or more listeners not found")


def rule_not_found() -> ElbError:
    """RuleNotFound."""
    return ElbError("RuleNotFound", "One or more rules not found")
