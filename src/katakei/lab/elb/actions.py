"""Validation of the actions of listeners and rules, and the form in which AWS shows them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from katakei.lab.elb import lookup
from katakei.lab.elb.errors import ElbError, invalid

if TYPE_CHECKING:
    from katakei.lab.elb.model import ApiStructure, LoadBalancer
    from katakei.lab.elb.query_protocol import Params
    from katakei.lab.elb.target_state import TargetState

MAX_GROUPS = 5
MAX_STICKINESS = 604800
FINAL_TYPES = ("forward", "redirect", "fixed-response")
PROTOCOLS_BY_TYPE = {
    "application": ("HTTP", "HTTPS"),
    "network": ("TCP", "TLS", "UDP", "TCP_UDP"),
    "gateway": ("GENEVE",),
}


def validated(
    target_state: TargetState, balancer: LoadBalancer, actions: list[dict[str, Any]]
) -> tuple[ApiStructure, ...]:
    """Validate actions.

    Returns:
        The actions as AWS shows them.

    Raises:
        ElbError: AWS would reject them; every group must exist and be used by no other load balancer.
    """
    if not actions or sum(action["Type"] in FINAL_TYPES for action in actions) != 1:
        raise ElbError(
            "InvalidLoadBalancerAction", f"You must specify exactly one action of type '{', '.join(FINAL_TYPES)}'"
        )
    return tuple(
        _validated(target_state, balancer, action) for action in sorted(actions, key=lambda a: a.get("Order", 0))
    )


def _validated(target_state: TargetState, balancer: LoadBalancer, action: dict[str, Any]) -> ApiStructure:
    if action["Type"] == "forward":
        return _forward(target_state, balancer, action)
    if action["Type"] == "fixed-response":
        _check_fixed(action.get("FixedResponseConfig"))
    if action["Type"] == "redirect":
        return {**action, "RedirectConfig": _redirect(action.get("RedirectConfig"))}
    return action


def _forward(target_state: TargetState, balancer: LoadBalancer, action: dict[str, Any]) -> ApiStructure:
    config: Params = action.get("ForwardConfig", {})
    groups: list[Params] = config.get("TargetGroups", [])
    single = action.get("TargetGroupArn")
    if single and groups and [group.get("TargetGroupArn") for group in groups] != [single]:
        raise invalid("You cannot specify both a target group ARN and a forward config with other target groups")
    groups = groups or ([{"TargetGroupArn": single}] if single else [])
    if not groups:
        raise invalid("A target group ARN must be specified")
    if len(groups) > MAX_GROUPS:
        raise ElbError("TooManyTargetGroups", f"An action can forward to at most '{MAX_GROUPS}' target groups")
    tuples = [_weighted(target_state, balancer, group) for group in groups]
    if len({group["TargetGroupArn"] for group in tuples}) < len(tuples):
        raise invalid("A target group can be specified only once in an action")
    sticky = config.get("TargetGroupStickinessConfig", {"Enabled": False})
    alone = {"TargetGroupArn": tuples[0]["TargetGroupArn"]} if len(tuples) == 1 else {}
    order = {"Order": action["Order"]} if "Order" in action else {}
    stickiness = {"TargetGroupStickinessConfig": _sticky(sticky)}
    return {"Type": "forward", **alone, **order, "ForwardConfig": {"TargetGroups": tuples, **stickiness}}


def _sticky(config: Params) -> Params:
    enabled, seconds = config.get("Enabled", False), config.get("DurationSeconds")
    if enabled and seconds is None:
        raise invalid("A target group stickiness duration must be specified when target group stickiness is enabled")
    if seconds is not None and not 1 <= seconds <= MAX_STICKINESS:
        raise invalid(f"Target group stickiness duration must be between '1' and '{MAX_STICKINESS}' seconds")
    return {"Enabled": enabled} | ({"DurationSeconds": seconds} if seconds is not None else {})


def _weighted(target_state: TargetState, balancer: LoadBalancer, given: Params) -> Params:
    arn, weight = given.get("TargetGroupArn", ""), given.get("Weight", 1)
    if not 0 <= weight <= 999:
        raise invalid(f"Weight '{weight}' must be between 0 and 999 inclusive")
    group = lookup.group(target_state, arn)
    protocols = PROTOCOLS_BY_TYPE[balancer.kind]
    if group.protocol is not None and group.protocol not in protocols:
        raise ElbError("InvalidConfigurationRequest", f"Target group protocol '{group.protocol}' is not supported")
    if set(target_state.balancers_of(arn)) - {balancer.arn}:
        text = f"The following target groups cannot be associated with more than one load balancer: {arn}"
        raise ElbError("TargetGroupAssociationLimit", text)
    return {"TargetGroupArn": arn, "Weight": weight}


def _check_fixed(config: Params | None) -> None:
    if config is None:
        raise invalid("A fixed response config must be specified")
    if not re.fullmatch(r"[245]\d\d", config["StatusCode"]):
        raise invalid(f"Fixed response status code '{config['StatusCode']}' must be 2XX, 4XX or 5XX")
    if len(config.get("MessageBody", "")) > 1024:
        raise invalid("The fixed response message body cannot be longer than '1024' characters")
    types = ("text/plain", "text/css", "text/html", "application/javascript", "application/json")
    if config.get("ContentType", types[0]) not in types:
        raise ElbError("InvalidLoadBalancerAction", f"The ContentType must be one of: {', '.join(types)}")


def _redirect(config: Params | None) -> Params:
    """Validate a redirect. AWS shows every part; absent parts are shown as placeholders."""
    if config is None:
        raise invalid("A redirect config must be specified")
    complete = {
        "Protocol": "#{protocol}",
        "Host": "#{host}",
        "Port": "#{port}",
        "Path": "/#{path}",
        "Query": "#{query}",
        **config,
    }
    if all(complete[name] == f"#{{{name.lower()}}}" for name in ("Protocol", "Host", "Port")) and (
        complete["Path"] == "/#{path}"
    ):
        raise invalid("The redirect must change at least one of protocol, host, port or path, or it would loop")
    return complete
