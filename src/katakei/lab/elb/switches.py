"""What nobody has verified on AWS, as switches: each default is the likelier answer, none is asserted elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class DrainingIp(StrEnum):
    """What RegisterTargets does with an IP address that is still draining; AWS only says that one must wait."""

    REFUSED = "refused"
    IGNORED = "ignored"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Switches:
    """How this lab answers the open questions about AWS.

    `lag` is how much later than the API the traffic learns of a change, both ways; `propagation` is how long a
    registration stays RegistrationInProgress before its first check; `initial_failures` is the number of failures
    that ends `initial` (None: the group's unhealthy threshold). `one_zone_will_do` is no question but a liberty: a load
    balancer in a single zone, which AWS refuses.
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
    one_zone_will_do: bool = False
    throttling: bool = True
    throttle_code: str = "Throttling"
    default_check_timeout: int = 5
