"""Switches for AWS behavior that nobody has verified. Each default is the more likely behavior."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any


class DrainingIp(StrEnum):
    """The behavior of RegisterTargets for an IP address that is still draining. AWS only says that one must wait."""

    REFUSED = "refused"
    IGNORED = "ignored"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Switches:
    """The lab's answers to open questions about AWS.

    Attributes:
        lag: how much later than the API the traffic follows, both ways.
        propagation: how long a registration stays RegistrationInProgress before its first check.
        initial_failures: number of failures that ends `initial` (None: the group's unhealthy threshold).
    """

    lag: timedelta = timedelta(0)
    propagation: timedelta = timedelta(seconds=1)
    close_idle: bool = True
    fail_open_includes_initial: bool = False
    draining_ip: DrainingIp = DrainingIp.REFUSED
    register_resets_health: bool = False
    deregister_restarts_timer: bool = False
    unused_group_drains: bool = False
    delay_change_moves_timers: bool = False
    portless_describe_means_all_ports: bool = False
    initial_failures: int | None = None
    throttling: bool = True
    throttle_code: str = "Throttling"
    default_check_timeout: int = 5

    def as_json(self) -> dict[str, Any]:
        """Returns the switches by name, durations in seconds."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {k: v.total_seconds() if isinstance(v, timedelta) else v for k, v in values.items()}

    def changed(self, changes: object) -> Switches:
        """Change the switches that parsed JSON names.

        Raises:
            ValueError: a name or value is not valid.
        """
        known = {field.name for field in fields(self)}
        if not isinstance(changes, dict) or not set(changes) <= known:
            raise ValueError(f"switches are a JSON object with any of {', '.join(sorted(known))}")
        return replace(self, **{name: _value(name, value, getattr(self, name)) for name, value in changes.items()})


def _value(name: str, value: object, present: object) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(present, DrainingIp):
        return DrainingIp(str(value))
    if isinstance(present, timedelta) and isinstance(value, int | float) and number and value >= 0:
        return timedelta(seconds=value)
    if name == "initial_failures" and (value is None or (isinstance(value, int) and number and value > 0)):
        return value
    if isinstance(present, bool | str | int) and type(value) is type(present):
        return value
    raise ValueError(f"{name} cannot be {value!r}")
