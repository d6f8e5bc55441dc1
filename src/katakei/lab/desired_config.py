"""Desired configuration of the data plane as one frozen value: listeners, rules, groups and target traffic.

`elb.config_builder` makes it from the state of ELBv2; `envoy.process` applies it.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from katakei.lab.address import BoundAddress


class TrafficState(Enum):
    """The traffic that a target may still get."""

    IN_SERVICE = "in_service"  # new requests
    DRAINING = "draining"  # no new requests, not even from sticky clients; requests in flight may finish
    CUT = "cut"  # the delay is over: requests in flight end now, and their clients get 502


@dataclass(frozen=True, slots=True)
class GroupTarget:
    """One registration as the data plane sees it: the bound address and the traffic it may get."""

    bound_address: BoundAddress
    traffic: TrafficState
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Stickiness:
    """Target stickiness of a group (`stickiness.*`): its cookie and the cookie's lifetime."""

    cookie: str = "AWSALB"  # AWSALBAPP-0 for app_cookie, which the lab also sets itself
    duration: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Group:
    """A target group. A target that is not listed gets no new requests; its requests in flight may finish."""

    arn: str
    targets: tuple[GroupTarget, ...] = ()
    protocol: str = "HTTP"  # HTTP | HTTPS
    protocol_version: str = "HTTP1"  # HTTP1 | HTTP2 | GRPC
    stickiness: Stickiness | None = None
    least_outstanding_requests: bool = False  # else round robin


@dataclass(frozen=True, slots=True)
class Weighted:
    """The share of one group in a forward action, from 0 to 999."""

    group_arn: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Forward:
    """Requests go to one of the groups by weight. A group without targets answers 503 for its share."""

    groups: tuple[Weighted, ...]
    sticky_for: timedelta | None = None  # TargetGroupStickinessConfig: how long a client stays with its group


@dataclass(frozen=True, slots=True)
class FixedResponse:
    """An answer that the load balancer gives itself."""

    status: int
    body: str = ""
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirect by the load balancer. The texts are AWS's, with #{host}, #{port}, #{path} and so on."""

    status: int  # 301 | 302
    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"


RouteAction = Forward | FixedResponse | Redirect


@dataclass(frozen=True, slots=True)
class QueryPair:
    """One value of a query-string condition. Without a key, any key matches."""

    value: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of a rule. Every field that is not empty must match, by any of its values.

    Values are AWS patterns: `*` matches any run, `?` one character, a backslash escapes them. Paths are case-sensitive;
    hosts, header values and queries are not; methods are exact.
    """

    paths: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[
        tuple[str, tuple[str, ...]], ...
    ] = ()  # (name, values): any of the values may match; every pair must match
    queries: tuple[tuple[QueryPair, ...], ...] = ()  # any of the pairs of each condition
    sources: tuple[str, ...] = ()  # IPv4 networks, as 10.0.0.0/8


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a listener. Its position in `Listener.rules` is its priority."""

    conditions: Conditions
    action: RouteAction


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener of a load balancer, with the load balancer's idle timeout."""

    arn: str
    bound_address: BoundAddress  # where it is really bound
    default: RouteAction
    rules: tuple[Rule, ...] = ()
    port: int = 80  # the port that the API shows, sent to targets as X-Forwarded-Port
    protocol: str = "HTTP"  # HTTP | HTTPS (with a certificate made by the lab)
    idle_timeout: timedelta = timedelta(seconds=60)  # after this much silence the client gets 504


@dataclass(frozen=True, slots=True)
class DesiredConfig:
    """Everything that the data plane does.

    With `close_idle`, idle connections to a target that left service close at once.
    """

    listeners: tuple[Listener, ...] = ()
    groups: tuple[Group, ...] = ()
    close_idle: bool = False
