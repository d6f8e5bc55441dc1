"""Actions on listeners, their attributes and certificates. A new listener binds a real port."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from katakei.lab import clock
from katakei.lab.address import bound_address
from katakei.lab.elb import actions, attributes, lookup
from katakei.lab.elb.errors import ElbError, invalid
from katakei.lab.elb.model import Listener, LoadBalancer
from katakei.lab.errors import LabError

if TYPE_CHECKING:
    from datetime import datetime

    from katakei.lab.address import BoundAddress
    from katakei.lab.elb.query_protocol import Params
    from katakei.lab.elb.target_state import TargetState

LISTENER_PROTOCOLS = {"application": ("HTTP", "HTTPS"), "network": ("TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC")}
TLS_PROTOCOLS = ("HTTPS", "TLS")
POLICY = "ELBSecurityPolicy-2016-08"


def create_listener(target_state: TargetState, params: Params, now: datetime) -> Params:
    """CreateListener. The same listener again succeeds; another one on the same port is rejected."""
    balancer = lookup.balancer(target_state, params["LoadBalancerArn"])
    listener = _new(target_state, balancer, params)
    for old in target_state.listeners.values():
        if (old.balancer, old.port) == (balancer.arn, listener.port):
            if _settings(old) != _settings(listener):
                text = f"A listener already exists on this port for this load balancer '{balancer.arn}'"
                raise ElbError("DuplicateListener", text)
            return {"Listeners": [described(old)]}
    listener = replace(listener, bound_address=_bound_address(balancer, listener.port))
    target_state.listeners[listener.arn] = listener
    target_state.tags[listener.arn] = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", [])}
    target_state.reroute(now)
    return {"Listeners": [described(listener)]}


def describe_listeners(target_state: TargetState, params: Params, _now: datetime) -> Params:
    """DescribeListeners, of one load balancer or by ARN."""
    arns, balancer = params.get("ListenerArns", []), params.get("LoadBalancerArn")
    if arns:
        return {"Listeners": [described(lookup.listener(target_state, arn)) for arn in arns]}
    if balancer is None:
        raise invalid("You must specify either listener ARNs or a load balancer ARN")
    lookup.balancer(target_state, balancer)
    own = [listener for listener in target_state.listeners.values() if listener.balancer == balancer]
    page, marker = lookup.page(own, params, lambda listener: listener.arn)
    return {"Listeners": [described(listener) for listener in page], "NextMarker": marker}


def modify_listener(target_state: TargetState, params: Params, now: datetime) -> Params:
    """ModifyListener. Absent settings stay; a given list of actions replaces the old list."""
    listener = lookup.listener(target_state, params["ListenerArn"])
    balancer = target_state.balancers[listener.balancer]
    changes = _changes(target_state, balancer, listener, params)
    if changes.port != listener.port:
        if any(o.port == changes.port and o.balancer == balancer.arn for o in target_state.listeners.values()):
            text = f"A listener already exists on this port for this load balancer '{balancer.arn}'"
            raise ElbError("DuplicateListener", text)
        changes = replace(changes, bound_address=_bound_address(balancer, changes.port))
    target_state.listeners[listener.arn] = changes
    target_state.reroute(now)
    return {"Listeners": [described(changes)]}


def delete_listener(target_state: TargetState, params: Params, now: datetime) -> Params:
    """DeleteListener. Its rules are deleted and its port closes."""
    listener = lookup.listener(target_state, params["ListenerArn"])
    del target_state.listeners[listener.arn]
    target_state.rules = {arn: rule for arn, rule in target_state.rules.items() if rule.listener != listener.arn}
    target_state.tags.pop(listener.arn, None)
    target_state.reroute(now)
    return {}


def describe_listener_attributes(target_state: TargetState, params: Params, _now: datetime) -> Params:
    """DescribeListenerAttributes. Shows all attributes."""
    return {"Attributes": _pairs(lookup.listener(target_state, params["ListenerArn"]))}


def modify_listener_attributes(target_state: TargetState, params: Params, _now: datetime) -> Params:
    """ModifyListenerAttributes, all or none. The lab stores them without effect."""
    listener = lookup.listener(target_state, params["ListenerArn"])
    new = attributes.changed(listener.attributes, params["Attributes"], attributes.LISTENER, "Listener")
    target_state.listeners[listener.arn] = replace(listener, attributes=new)
    return {"Attributes": _pairs(target_state.listeners[listener.arn])}


def describe_listener_certificates(target_state: TargetState, params: Params, _now: datetime) -> Params:
    """DescribeListenerCertificates. The first certificate is the default."""
    listener = lookup.listener(target_state, params["ListenerArn"])
    certificates = listener.certificates
    return {"Certificates": [{"CertificateArn": arn, "IsDefault": n == 0} for n, arn in enumerate(certificates)]}


def described(listener: Listener) -> Params:
    """Returns one Listener as AWS shows it. A plain HTTP listener has neither SslPolicy nor AlpnPolicy."""
    default = listener.certificates[:1]
    return {
        "ListenerArn": listener.arn,
        "LoadBalancerArn": listener.balancer,
        "Port": listener.port,
        "Protocol": listener.protocol,
        "Certificates": [{"CertificateArn": arn} for arn in default] or None,
        "SslPolicy": listener.ssl_policy,
        "DefaultActions": list(listener.actions),
    }


def _pairs(listener: Listener) -> list[Params]:
    return [{"Key": key, "Value": value} for key, value in listener.attributes.items()]


def _settings(listener: Listener) -> tuple[object, ...]:
    return listener.protocol, listener.actions, listener.ssl_policy, listener.certificates


def _bound_address(balancer: LoadBalancer, port: int) -> BoundAddress:
    try:
        return bound_address(balancer.node, port)
    except LabError as error:
        raise ElbError("InvalidConfigurationRequest", str(error)) from error


def _new(target_state: TargetState, balancer: LoadBalancer, params: Params) -> Listener:
    if "Port" not in params:
        raise invalid("A listener port must be specified")
    if "Protocol" not in params:
        raise invalid("A listener protocol must be specified")
    middle = balancer.arn.partition(":loadbalancer/")[2]
    arn = target_state.arn(f"listener/{middle}/{clock.unique()[:16]}")
    rule = arn.replace(":listener/", ":listener-rule/") + f"/{clock.unique()[:16]}"
    blank = Listener(
        arn, balancer.arn, params["Port"], params["Protocol"], bound_address=("", 0), actions=(), default_rule=rule  # type: ignore[arg-type]  # bound below
    )  # fmt: skip
    return _changes(target_state, balancer, replace(blank, attributes=attributes.defaults(attributes.LISTENER)), params)


def _changes(target_state: TargetState, balancer: LoadBalancer, old: Listener, params: Params) -> Listener:
    protocol = params.get("Protocol", old.protocol)
    allowed = LISTENER_PROTOCOLS.get(balancer.kind, ("GENEVE",))
    if protocol not in allowed:
        raise invalid(f"Listener protocol '{protocol}' must be one of '{', '.join(allowed)}'")
    given = tuple(c["CertificateArn"] for c in params.get("Certificates", []) if "CertificateArn" in c)
    certificates = (given or old.certificates) if protocol in TLS_PROTOCOLS else ()
    if protocol in TLS_PROTOCOLS and not certificates:
        raise invalid(f"A certificate must be specified for {protocol} listeners")
    return replace(
        old,
        port=params.get("Port", old.port),
        protocol=protocol,
        certificates=certificates,
        ssl_policy=params.get("SslPolicy", old.ssl_policy or POLICY) if protocol in TLS_PROTOCOLS else None,
        actions=actions.validated(target_state, balancer, params["DefaultActions"])
        if "DefaultActions" in params
        else old.actions,
    )
