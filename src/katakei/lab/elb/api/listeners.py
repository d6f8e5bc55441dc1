"""Listeners: create, describe, modify, delete, their attributes and certificates. A new listener opens a real port."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from katakei.lab import clock
from katakei.lab.address import bound_address
from katakei.lab.elb import actions, attributes, lookup
from katakei.lab.elb.errors import ElbError, invalid
from katakei.lab.elb.model import LoadBalancer, Listener
from katakei.lab.errors import LabError

if TYPE_CHECKING:
    from datetime import datetime

    from katakei.lab.address import BoundAddress
    from katakei.lab.elb.query_protocol import Params
    from katakei.lab.elb.target_state import TargetState

SPEAKS = {"application": ("HTTP", "HTTPS"), "network": ("TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC")}
SECURE = ("HTTPS", "TLS")
POLICY = "ELBSecurityPolicy-2016-08"


def create_listener(truth: TargetState, params: Params, now: datetime) -> Params:
    """The same listener once more succeeds again; another one on the same port does not."""
    balancer = lookup.balancer(truth, params["LoadBalancerArn"])
    listener = _new(truth, balancer, params)
    for old in truth.listeners.values():
        if (old.balancer, old.port) == (balancer.arn, listener.port):
            if _settings(old) != _settings(listener):
                text = f"A listener already exists on this port for this load balancer '{balancer.arn}'"
                raise ElbError("DuplicateListener", text)
            return {"Listeners": [shown(old)]}
    listener = replace(listener, door=_door(balancer, listener.port))
    truth.listeners[listener.arn] = listener
    truth.tags[listener.arn] = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", [])}
    truth.reroute(now)
    return {"Listeners": [shown(listener)]}


def describe_listeners(truth: TargetState, params: Params, _now: datetime) -> Params:
    """Of one load balancer, or by ARN."""
    arns, balancer = params.get("ListenerArns", []), params.get("LoadBalancerArn")
    if arns:
        return {"Listeners": [shown(lookup.listener(truth, arn)) for arn in arns]}
    if balancer is None:
        raise invalid("You must specify either listener ARNs or a load balancer ARN")
    lookup.balancer(truth, balancer)
    own = [listener for listener in truth.listeners.values() if listener.balancer == balancer]
    page, marker = lookup.page(own, params, lambda listener: listener.arn)
    return {"Listeners": [shown(listener) for listener in page], "NextMarker": marker}


def modify_listener(truth: TargetState, params: Params, now: datetime) -> Params:
    """Only what is given changes; a list of actions is replaced whole."""
    listener = lookup.listener(truth, params["ListenerArn"])
    balancer = truth.balancers[listener.balancer]
    changes = _changes(truth, balancer, listener, params)
    if changes.port != listener.port:
        if any(o.port == changes.port and o.balancer == balancer.arn for o in truth.listeners.values()):
            text = f"A listener already exists on this port for this load balancer '{balancer.arn}'"
            raise ElbError("DuplicateListener", text)
        changes = replace(changes, door=_door(balancer, changes.port))
    truth.listeners[listener.arn] = changes
    truth.reroute(now)
    return {"Listeners": [shown(changes)]}


def delete_listener(truth: TargetState, params: Params, now: datetime) -> Params:
    """Its rules go with it, its port closes."""
    listener = lookup.listener(truth, params["ListenerArn"])
    del truth.listeners[listener.arn]
    truth.rules = {arn: rule for arn, rule in truth.rules.items() if rule.listener != listener.arn}
    truth.tags.pop(listener.arn, None)
    truth.reroute(now)
    return {}


def describe_listener_attributes(truth: TargetState, params: Params, _now: datetime) -> Params:
    """All of them, also those never set."""
    return {"Attributes": _pairs(lookup.listener(truth, params["ListenerArn"]))}


def modify_listener_attributes(truth: TargetState, params: Params, _now: datetime) -> Params:
    """All or none of them; answers with all. The lab only remembers them."""
    listener = lookup.listener(truth, params["ListenerArn"])
    new = attributes.changed(listener.attributes, params["Attributes"], attributes.LISTENER, "Listener")
    truth.listeners[listener.arn] = replace(listener, attributes=new)
    return {"Attributes": _pairs(truth.listeners[listener.arn])}


def describe_listener_certificates(truth: TargetState, params: Params, _now: datetime) -> Params:
    """The first one is the default."""
    listener = lookup.listener(truth, params["ListenerArn"])
    certificates = listener.certificates
    return {"Certificates": [{"CertificateArn": arn, "IsDefault": n == 0} for n, arn in enumerate(certificates)]}


def shown(listener: Listener) -> Params:
    """One Listener as AWS shows it: a plain HTTP one has neither SslPolicy nor AlpnPolicy."""
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


def _door(balancer: LoadBalancer, port: int) -> BoundAddress:
    try:
        return bound_address(balancer.node, port)
    except LabError as error:
        raise ElbError("InvalidConfigurationRequest", str(error)) from error


def _new(truth: TargetState, balancer: LoadBalancer, params: Params) -> Listener:
    if "Port" not in params:
        raise invalid("A listener port must be specified")
    if "Protocol" not in params:
        raise invalid("A listener protocol must be specified")
    middle = balancer.arn.partition(":loadbalancer/")[2]
    arn = truth.arn(f"listener/{middle}/{clock.unique()[:16]}")
    rule = arn.replace(":listener/", ":listener-rule/") + f"/{clock.unique()[:16]}"
    blank = Listener(
        arn, balancer.arn, params["Port"], params["Protocol"], door=("", 0), actions=(), default_rule=rule  # type: ignore[arg-type]  # bound below
    )  # fmt: skip
    return _changes(truth, balancer, replace(blank, attributes=attributes.defaults(attributes.LISTENER)), params)


def _changes(truth: TargetState, balancer: LoadBalancer, old: Listener, params: Params) -> Listener:
    protocol = params.get("Protocol", old.protocol)
    allowed = SPEAKS.get(balancer.kind, ("GENEVE",))
    if protocol not in allowed:
        raise invalid(f"Listener protocol '{protocol}' must be one of '{', '.join(allowed)}'")
    given = tuple(c["CertificateArn"] for c in params.get("Certificates", []) if "CertificateArn" in c)
    certificates = (given or old.certificates) if protocol in SECURE else ()
    if protocol in SECURE and not certificates:
        raise invalid(f"A certificate must be specified for {protocol} listeners")
    return replace(
        old,
        port=params.get("Port", old.port),
        protocol=protocol,
        certificates=certificates,
        ssl_policy=params.get("SslPolicy", old.ssl_policy or POLICY) if protocol in SECURE else None,
        actions=actions.validated(truth, balancer, params["DefaultActions"])
        if "DefaultActions" in params
        else old.actions,
    )
