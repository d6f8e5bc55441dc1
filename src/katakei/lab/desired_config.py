"""What the data plane should do now, as one frozen value: listeners, rules, groups and the traffic each target may get.

Nothing here acts or asks; the ELB truth draws the picture, `envoy.py` makes it so.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from katakei.lab.address import BoundAddress


class TrafficState(Enum):
    """What a target may still get."""

    IN_SERVICE = "in_service"  # new requests
    DRAINING = "draining"  # nothing new, not even of sticky clients; what is in flight may finish
    CUT = "cut"  # the delay is over: what is still in flight ends now, with 502 for its client


@dataclass(frozen=True, slots=True)
class GroupTarget:
    """One registration as the data plane sees it: a really bound door and what it may get."""

    bound_address: BoundAddress
    traffic: TrafficState
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Stickiness:
    """Target stickiness of a group (`stickiness.*`): the cookie that carries it and how long it lives."""

    cookie: str = "AWSALB"  # AWSALBAPP-0 for app_cookie, which the lab treats as one of its own
    duration: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Group:
    """A target group. A target that is not listed gets nothing new; what it has in flight may finish."""

    arn: str
    targets: tuple[GroupTarget, ...] = ()
    protocol: str = "HTTP"  # HTTP | HTTPS
    protocol_version: str = "HTTP1"  # HTTP1 | HTTP2 | GRPC
    stickiness: Stickiness | None = None
    least_outstanding_requests: bool = False  # else round robin


@dataclass(frozen=True, slots=True)
class Weighted:
    """One group's share of a forward action, 0 to 999."""

    group_arn: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Forward:
    """Requests go to one of the groups by weight. An empty group answers 503 for its share."""

    groups: tuple[Weighted, ...]
    sticky_for: timedelta | None = None  # TargetGroupStickinessConfig: how long a client keeps its group


@dataclass(frozen=True, slots=True)
class FixedResponse:
    """The load balancer answers by itself."""

    status: int
    body: str = ""
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Redirect:
    """The load balancer sends the client elsewhere; the texts are AWS's, with #{host}, #{port}, #{path} and so on."""

    status: int  # 301 | 302
    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"


RouteAction = Forward | FixedResponse | Redirect


@dataclass(frozen=True, slots=True)
class QueryPair:
    """One value of a query-string condition; without a key any key will do."""

    value: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a rule asks for: every field that is not empty must match, by any one of its values.

    Values are AWS's own patterns (`*` any run, `?` one character, a backslash takes their meaning away). Paths are
    case-sensitive, hosts, header values and queries are not, methods are exact.
    """

    paths: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[tuple[str, tuple[str, ...]], ...] = ()  # (name, any of these values), each pair must match
    queries: tuple[tuple[QueryPair, ...], ...] = ()  # any of the pairs of each condition
    sources: tuple[str, ...] = ()  # IPv4 networks, as 10.0.0.0/8


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a listener; its place in `Listener.rules` is its priority."""

    conditions: Conditions
    action: RouteAction


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener of a load balancer and the load balancer's idle timeout."""

    arn: str
    bound_address: BoundAddress  # where it is really bound
    default: RouteAction
    rules: tuple[Rule, ...] = ()
    port: int = 80  # what the API says, told to targets as X-Forwarded-Port
    protocol: str = "HTTP"  # HTTP | HTTPS (with a certificate made by the lab)
    idle_timeout: timedelta = timedelta(seconds=60)  # silent that long: 504 to the client


@dataclass(frozen=True, slots=True)
class DesiredConfig:
    """Everything the data plane does. `close_idle`: idle connections to a target no longer in service close at once."""

    listeners: tuple[Listener, ...] = ()
    groups: tuple[Group, ...] = ()
    close_idle: bool = False
