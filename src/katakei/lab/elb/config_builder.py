"""Builder of the data plane's desired configuration from the state of ELBv2."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from katakei.lab import desired_config
from katakei.lab.elb import states
from katakei.lab.elb.conditions import desired_conditions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from katakei.lab.elb.model import ApiStructure, Group, Listener, TargetKey
    from katakei.lab.elb.target_state import TargetState

HTTP = ("HTTP", "HTTPS")
TrafficStates = dict[str, dict["TargetKey", desired_config.TrafficState]]


def build_desired_config(
    target_state: TargetState, now: datetime
) -> tuple[desired_config.DesiredConfig, TrafficStates]:
    """Build the configuration for a time.

    Returns:
        The configuration, and the traffic of each registration. Targets appear as they were one lag ago.
    """
    then = target_state.data_plane_time(now)
    flow: TrafficStates = {}
    groups = []
    for arn, timeline in target_state.timelines.items():
        group = timeline.as_of(then)
        if group.protocol in HTTP:
            flow[arn] = states.traffic(group, then, target_state.switches)
            groups.append(_group(target_state, group, flow[arn]))
    listeners = tuple(_listener(target_state, one) for one in target_state.listeners.values() if one.protocol in HTTP)
    return desired_config.DesiredConfig(listeners, tuple(groups), close_idle=target_state.switches.close_idle), flow


def merged(configs: Sequence[desired_config.DesiredConfig]) -> desired_config.DesiredConfig:
    """Join the configurations of several states. ARNs keep them apart; what concerns all comes from the first."""
    return desired_config.DesiredConfig(
        tuple(listener for each in configs for listener in each.listeners),
        tuple(group for each in configs for group in each.groups),
        close_idle=configs[0].close_idle,
    )


def _group(
    target_state: TargetState, group: Group, flow: Mapping[TargetKey, desired_config.TrafficState]
) -> desired_config.Group:
    targets = tuple(
        desired_config.GroupTarget(
            target_state.environment.bound_address(key.id, key.port or 0), does, group.registrations[key].zone or ""
        )
        for key, does in flow.items()
    )
    sticky = None
    if group.attributes.get("stickiness.enabled") == "true":
        kind = group.attributes["stickiness.type"]
        seconds = int(group.attributes[f"stickiness.{kind}.duration_seconds"])
        cookie = "AWSALB" if kind == "lb_cookie" else "AWSALBAPP-0"
        sticky = desired_config.Stickiness(cookie, timedelta(seconds=seconds))
    return desired_config.Group(
        group.arn,
        targets,
        protocol=group.protocol or "HTTP",
        protocol_version=group.version or "HTTP1",
        stickiness=sticky,
        least_outstanding_requests=group.attributes.get("load_balancing.algorithm.type")
        == "least_outstanding_requests",
    )


def _listener(target_state: TargetState, listener: Listener) -> desired_config.Listener:
    idle = int(target_state.balancers[listener.balancer].attributes["idle_timeout.timeout_seconds"])
    rules = sorted((r for r in target_state.rules.values() if r.listener == listener.arn), key=lambda r: r.priority)
    return desired_config.Listener(
        listener.arn,
        listener.bound_address,
        default=_action(listener.actions),
        rules=tuple(desired_config.Rule(desired_conditions(rule.conditions), _action(rule.actions)) for rule in rules),
        port=listener.port,
        protocol=listener.protocol,
        idle_timeout=timedelta(seconds=idle),
    )


def _action(actions: tuple[ApiStructure, ...]) -> desired_config.RouteAction:
    """Convert the last action. Authentication actions before it let every request pass in the lab."""
    action = actions[-1]
    if action["Type"] == "fixed-response":
        fixed = action["FixedResponseConfig"]
        return desired_config.FixedResponse(
            int(fixed["StatusCode"]), fixed.get("MessageBody", ""), fixed.get("ContentType", "text/plain")
        )
    if action["Type"] == "redirect":
        given = action["RedirectConfig"]
        named = {name.lower(): given[name] for name in ("Protocol", "Host", "Port", "Path", "Query") if name in given}
        return desired_config.Redirect(int(given["StatusCode"].removeprefix("HTTP_")), **named)
    forward = action["ForwardConfig"]
    weighted = tuple(desired_config.Weighted(g["TargetGroupArn"], g["Weight"]) for g in forward["TargetGroups"])
    sticky = forward["TargetGroupStickinessConfig"]
    lasting = timedelta(seconds=sticky["DurationSeconds"]) if sticky["Enabled"] else None
    return desired_config.Forward(weighted, lasting)
