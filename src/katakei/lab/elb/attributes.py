"""Attributes of target groups, load balancers and listeners: defaults and valid values.

Source: botocore's documentation of TargetGroupAttribute and LoadBalancerAttribute. Values are strings, as in the API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from katakei.lab.elb.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: its default and its range or its valid values. An attribute without both accepts any text."""

    default: str
    low: int | None = None
    high: int | None = None
    choices: tuple[str, ...] = ()

    def allows(self, value: str) -> bool:
        """Whether AWS would accept this value."""
        if value in self.choices:
            return True
        if self.low is None or self.high is None:
            return not self.choices
        return value.isascii() and value.isdigit() and self.low <= int(value) <= self.high

    def expected(self) -> str:
        """Returns the valid values as the end of a sentence with "must be"."""
        if self.low is not None:
            return f"between '{self.low}-{self.high}' inclusive"
        return f"one of [{', '.join(self.choices)}]"


BOOL = ("true", "false")
WEEK = 604800
HEALTH = "target_group_health"
MINIMUM = "minimum_healthy_targets"
GROUP_HEALTH = {
    f"{HEALTH}.unhealthy_state_routing.{MINIMUM}.count": Attribute("1", 1, 1000),
    f"{HEALTH}.unhealthy_state_routing.{MINIMUM}.percentage": Attribute("off", 1, 100, ("off",)),
    f"{HEALTH}.dns_failover.{MINIMUM}.count": Attribute("1", 1, 1000, ("off",)),
    f"{HEALTH}.dns_failover.{MINIMUM}.percentage": Attribute("off", 1, 100, ("off",)),
}
CROSS_ZONE = Attribute("use_load_balancer_configuration", choices=(*BOOL, "use_load_balancer_configuration"))
ALB_GROUP = {
    "stickiness.enabled": Attribute("false", choices=BOOL),
    "deregistration_delay.timeout_seconds": Attribute("300", 0, 3600),
    "stickiness.app_cookie.cookie_name": Attribute(""),
    "stickiness.type": Attribute("lb_cookie", choices=("lb_cookie", "app_cookie")),
    "stickiness.lb_cookie.duration_seconds": Attribute("86400", 1, WEEK),
    "stickiness.app_cookie.duration_seconds": Attribute("86400", 1, WEEK),
    "slow_start.duration_seconds": Attribute("0", 30, 900, ("0",)),
    "load_balancing.algorithm.type": Attribute(
        "round_robin", choices=("round_robin", "least_outstanding_requests", "weighted_random")
    ),
    "load_balancing.algorithm.anomaly_mitigation": Attribute("off", choices=("on", "off")),
    "load_balancing.cross_zone.enabled": CROSS_ZONE,
    **GROUP_HEALTH,
}
NLB_GROUP = {
    "stickiness.enabled": Attribute("false", choices=BOOL),
    "deregistration_delay.timeout_seconds": Attribute("300", 0, 3600),
    "deregistration_delay.connection_termination.enabled": Attribute("false", choices=BOOL),
    "stickiness.type": Attribute("source_ip", choices=("source_ip",)),
    "preserve_client_ip.enabled": Attribute("true", choices=BOOL),
    "proxy_protocol_v2.enabled": Attribute("false", choices=BOOL),
    "load_balancing.cross_zone.enabled": CROSS_ZONE,
    "target_health_state.unhealthy.connection_termination.enabled": Attribute("true", choices=BOOL),
    "target_health_state.unhealthy.draining_interval_seconds": Attribute("0", 0, 360000),
    **GROUP_HEALTH,
}
LAMBDA_GROUP = {"lambda.multi_value_headers.enabled": Attribute("false", choices=BOOL)}
LOGS = {
    f"{kind}.s3.{part}": Attribute("false" if part == "enabled" else "", choices=BOOL if part == "enabled" else ())
    for kind in ("access_logs", "connection_logs", "health_check_logs")
    for part in ("enabled", "bucket", "prefix")
}
ALB = {
    **LOGS,
    "idle_timeout.timeout_seconds": Attribute("60", 1, 4000),
    "client_keep_alive.seconds": Attribute("3600", 60, WEEK),
    "deletion_protection.enabled": Attribute("false", choices=BOOL),
    "load_balancing.cross_zone.enabled": Attribute("true", choices=("true",)),
    "ipv6.deny_all_igw_traffic": Attribute("false", choices=BOOL),
    "routing.http2.enabled": Attribute("true", choices=BOOL),
    "routing.http.drop_invalid_header_fields.enabled": Attribute("false", choices=BOOL),
    "routing.http.preserve_host_header.enabled": Attribute("false", choices=BOOL),
    "routing.http.xff_client_port.enabled": Attribute("false", choices=BOOL),
    "routing.http.xff_header_processing.mode": Attribute("append", choices=("append", "preserve", "remove")),
    "routing.http.desync_mitigation_mode": Attribute("defensive", choices=("monitor", "defensive", "strictest")),
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": Attribute("false", choices=BOOL),
    "waf.fail_open.enabled": Attribute("false", choices=BOOL),
    "zonal_shift.config.enabled": Attribute("false", choices=BOOL),
}
NLB = {
    **{key: value for key, value in LOGS.items() if key.startswith("access")},
    "deletion_protection.enabled": Attribute("false", choices=BOOL),
    "load_balancing.cross_zone.enabled": Attribute("false", choices=BOOL),
    "ipv6.deny_all_igw_traffic": Attribute("false", choices=BOOL),
    "zonal_shift.config.enabled": Attribute("false", choices=BOOL),
}
LISTENER = {
    **{
        f"routing.http.response.{header}.header_value": Attribute("")
        for header in ("strict_transport_security", "x_frame_options", "x_content_type_options")
    },
    "routing.http.response.server.enabled": Attribute("true", choices=BOOL),
}

Table = dict[str, Attribute]


def group_table(protocol: str | None, target_type: str) -> Table:
    """Returns the attributes of a group with this protocol and target type."""
    if target_type == "lambda":
        return LAMBDA_GROUP
    return ALB_GROUP if protocol in {"HTTP", "HTTPS"} else NLB_GROUP


def defaults(table: Table) -> dict[str, str]:
    """Returns the attributes of a new resource."""
    return {key: attribute.default for key, attribute in table.items()}


def changed(old: Mapping[str, str], requested: list[dict[str, str]], table: Table, what: str) -> dict[str, str]:
    """Apply a Modify call.

    Returns:
        All attributes after the call.

    Raises:
        ElbError: ValidationError for an unknown key or an invalid value.
    """
    new = dict(old)
    for pair in requested:
        key, value = pair.get("Key", ""), pair.get("Value", "")
        if key not in table:
            raise invalid(f"{what} attribute key '{key}' is not recognized")
        if not table[key].allows(value):
            raise invalid(f"'{key}' value '{value}' must be {table[key].expected()}")
        new[key] = value
    return new
