"""Dispatcher of the ELBv2 API: calls from inside the lab, and calls by HTTP behind the rate limiter.

One call holds the lock of the state from its first read to its last write.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from katakei.lab import clock
from katakei.lab.elb import query_protocol
from katakei.lab.elb.api import listeners, load_balancers, metadata, rules, target_groups, targets
from katakei.lab.elb.errors import ElbError
from katakei.lab.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from types import ModuleType

    from katakei.lab.elb.query_protocol import Params
    from katakei.lab.elb.target_state import TargetState

    Handler = Callable[[TargetState, Params, datetime], Params]

HANDLER_MODULES: tuple[ModuleType, ...] = (load_balancers, target_groups, listeners, metadata, rules, targets)


def _snake(action: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=SSL)(?=P)", "_", action).lower()


def handlers() -> dict[str, Handler]:
    """Returns the function for each action of the service model, found by name in the handler modules."""
    named = {
        name: getattr(module, name) for module in HANDLER_MODULES for name in dir(module) if not name.startswith("_")
    }
    return {
        action: named[_snake(action)] for action in query_protocol.model().operation_names if _snake(action) in named
    }


class Api:
    """The API of one region."""

    def __init__(self, target_state: TargetState) -> None:
        self.target_state = target_state
        self._handlers = handlers()

    def call(self, action: str, params: Params) -> Params:
        """Execute a call from inside the lab, without rate limits and range checks.

        Raises:
            ElbError: AWS would reject the call.
        """
        handler = self._handlers.get(action)
        if handler is None:
            raise ElbError(
                "InvalidAction", f"The lab does not implement {action}; its ELBv2 covers targets and routing."
            )
        with self.target_state.locked() as now:
            return handler(self.target_state, params, now)

    def answer(self, form: Mapping[str, str], *, limited: bool = True) -> tuple[int, bytes]:
        """Execute a call by HTTP.

        Args:
            form: the call.
            limited: whether the rate limits apply.

        Returns:
            The status and the XML. An ApiError becomes an error response.
        """
        request_id = clock.unique_uuid()
        action = form.get("Action", "")
        try:
            if limited:
                self._admit(action)
            result = self.call(action, query_protocol.parse(action, form))
        except ApiError as error:
            return error.status, query_protocol.render_error(error, request_id)
        return 200, query_protocol.render(action, result, request_id)

    def _admit(self, action: str) -> None:
        with self.target_state.locked():
            open_to_all = not self.target_state.switches.throttling
            if not open_to_all and not self.target_state.limits.take(action, clock.monotonic()):
                raise ElbError(self.target_state.switches.throttle_code, "Rate exceeded")
