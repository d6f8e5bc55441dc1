"""Envoy resources for listeners and target groups, as JSON values that make Envoy behave as an ALB.

Sources: Envoy's v3 API for the structure, AWS's ELB guide for the behavior.
"""

from datetime import timedelta
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from katakei.lab.address import BoundAddress
from katakei.lab.desired_config import Group, GroupTarget, Listener, TrafficState
from katakei.lab.envoy.matches import SOURCE_HEADER

Json = dict[str, object]
"""A JSON object in Envoy's format."""

EXTENSION = "type.googleapis.com/envoy.extensions"
PRESERVE_CASE: Json = {
    "stateful_formatter": {
        "name": "preserve_case",
        "typed_config": {"@type": f"{EXTENSION}.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig"},
    }
}
ADMIN_SOCKET = "admin.sock"
"""Name of the admin socket. Envoy runs in its folder, so that the path is short enough for a socket."""
UNLIMITED = 1_000_000
CONNECT_TIMEOUT = timedelta(seconds=10)
"""Limit for connecting to a target; an ALB's limit is fixed too."""


def envoy_name(kind: str, arn: str) -> str:
    """Returns a name for Envoy. ARNs hold characters that Envoy's statistics replace."""
    return f"{kind}-{sha256(arn.encode()).hexdigest()[:16]}"


def seconds(span: timedelta) -> str:
    """Format a duration for Envoy."""
    return f"{span.total_seconds():.3f}s"


def page(status: int) -> str:
    """Returns the HTML page of an ALB's own answers."""
    title = f"{status} {HTTPStatus(status).phrase.replace('Gateway Timeout', 'Gateway Time-out')}"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "</body>\r\n</html>\r\n"
    )


def header(name: str, value: str) -> Json:
    """Returns the setting of one header, whether or not the header exists."""
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def socket_address(bound_address: BoundAddress) -> Json:
    """Returns an address to listen on or to connect to."""
    return {"socket_address": {"address": bound_address.address, "port_value": bound_address.port}}


def from_file(path: Path) -> Json:
    """Returns a configuration source that Envoy reads again whenever a file is renamed onto the path."""
    return {"path_config_source": {"path": str(path)}, "resource_api_version": "V3"}


def bootstrap(folder: Path) -> Json:
    """Returns Envoy's start configuration: an admin socket in its folder and the two files that list all resources."""
    runtime = {"re2.max_program_size.error_level": UNLIMITED, "re2.max_program_size.warn_level": UNLIMITED}
    return {
        "node": {"id": "lab", "cluster": "lab"},
        "admin": {"address": {"pipe": {"path": ADMIN_SOCKET, "mode": 0o600}}},
        "dynamic_resources": {
            "lds_config": from_file(folder / "lds.json"),
            "cds_config": from_file(folder / "cds.json"),
        },
        "layered_runtime": {"layers": [{"name": "lab", "static_layer": runtime}]},
    }


def cluster(group: Group, endpoints: Path, source: str, idle: timedelta) -> Json:
    """Returns the cluster of a group.

    Args:
        group: the target group.
        endpoints: the file that lists the group's targets.
        source: the address that connections come from.
        idle: the idle timeout.
    """
    limits = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
    h1: Json = {"http_protocol_options": {"header_key_format": PRESERVE_CASE}}
    tls = f"{EXTENSION}.transport_sockets.tls.v3.UpstreamTlsContext"
    secure: Json = {"transport_socket": {"name": "tls", "typed_config": {"@type": tls}}}
    return {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": envoy_name("group", group.arn),
        "type": "EDS",
        "eds_cluster_config": {"eds_config": from_file(endpoints)},
        "connect_timeout": seconds(CONNECT_TIMEOUT),
        "lb_policy": "LEAST_REQUEST" if group.least_outstanding_requests else "ROUND_ROBIN",
        "common_lb_config": {
            "healthy_panic_threshold": {"value": 0}
        },  # the desired configuration decides about fail-open
        "circuit_breakers": {"thresholds": [dict.fromkeys(limits, UNLIMITED)]},
        "upstream_bind_config": {"source_address": {"address": source, "port_value": 0}},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{EXTENSION}.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": seconds(idle)},
                "explicit_http_config": h1 if group.protocol_version == "HTTP1" else {"http2_protocol_options": {}},
            }
        },
        **(secure if group.protocol == "HTTPS" else {}),
    }


def endpoints(group: Group, *, close_idle: bool) -> Json:
    """Returns the group's targets.

    Envoy closes the idle connections of a target that leaves this list; a draining target keeps them.
    """
    bound_addresses: dict[BoundAddress, Json] = {}
    for target in sorted(group.targets, key=lambda each: each.traffic is TrafficState.IN_SERVICE):
        if _listed(target, close_idle=close_idle):
            health = "HEALTHY" if target.traffic is TrafficState.IN_SERVICE else "DRAINING"
            bound_addresses[target.bound_address] = {
                "endpoint": {"address": socket_address(target.bound_address)},
                "health_status": health,
            }
    return {
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": envoy_name("group", group.arn),
        "endpoints": [{"lb_endpoints": [bound_addresses[bound_address] for bound_address in sorted(bound_addresses)]}],
    }


def _listed(target: GroupTarget, *, close_idle: bool) -> bool:
    return target.traffic is TrafficState.IN_SERVICE or (target.traffic is TrafficState.DRAINING and not close_idle)


def listener(listener: Listener, routes: Path, certificate: tuple[Path, Path] | None) -> Json:
    """Returns a listener. Its rules are in the file `routes`, so that a change of rules touches no connection."""
    name = envoy_name("listener", listener.arn)
    chain: Json = {"filters": [{"name": "http", "typed_config": _connection_manager(listener, name, routes)}]}
    if certificate and listener.protocol == "HTTPS":
        chain["transport_socket"] = {"name": "tls", "typed_config": _tls(*certificate)}
    return {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": name,
        "address": socket_address(listener.bound_address),
        "enable_reuse_port": False,  # otherwise a second lab would silently share the port
        "tcp_backlog_size": 1024,
        "filter_chains": [chain],
    }


def _tls(certificate: Path, key: Path) -> Json:
    own = {"certificate_chain": {"filename": str(certificate)}, "private_key": {"filename": str(key)}}
    return {
        "@type": f"{EXTENSION}.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {"alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [own]},
    }


def _connection_manager(listener: Listener, name: str, routes: Path) -> Json:
    mutation: Json = {
        "@type": f"{EXTENSION}.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        "mutations": [{"append": header(SOURCE_HEADER, "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%")}],
    }
    return {
        "@type": f"{EXTENSION}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "use_remote_address": True,  # sets X-Forwarded-For and -Proto as an ALB does
        "server_header_transformation": "PASS_THROUGH",
        "generate_request_id": False,
        "preserve_external_request_id": True,
        "http_protocol_options": {"accept_http_10": True, "header_key_format": PRESERVE_CASE},
        "common_http_protocol_options": {"idle_timeout": seconds(listener.idle_timeout)},
        "delayed_close_timeout": "0.100s",  # a reset shows at once; an earlier answer can still be read
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "early_header_mutation_extensions": [{"name": "source", "typed_config": mutation}],
        "local_reply_config": {"mappers": [_mapper(*each) for each in LOCAL_REPLIES]},
        "rds": {"config_source": from_file(routes), "route_config_name": name},
        "http_filters": [
            {"name": "envoy.filters.http.lua", "typed_config": {"@type": f"{EXTENSION}.filters.http.lua.v3.Lua"}},
            {
                "name": STICKY_FILTER,
                "typed_config": {"@type": f"{EXTENSION}.filters.http.stateful_session.v3.StatefulSession"},
            },
            {
                "name": "router",
                "typed_config": {
                    "@type": f"{EXTENSION}.filters.http.router.v3.Router",
                    "suppress_envoy_headers": True,
                },
            },
        ],
    }


STICKY_FILTER = "envoy.filters.http.stateful_session"

LOCAL_REPLIES = (
    ("UF", "response.code_details.contains('connection_timeout')", 504),
    ("UF UC UR UPE LR", "true", 502),  # refused, reset, closed, not HTTP
    ("UH UO NC NR", "true", 503),  # no target
    ("SI", "response.code == 408", 408),  # the client stopped sending in the middle of its request
    ("UT SI", "true", 504),  # the target was silent for longer than the idle timeout
)
"""Envoy's response flags, a further condition, and the status of an ALB in this case; the first match wins."""


def _mapper(flags: str, condition: str, status: int) -> Json:
    cel: Json = {"@type": f"{EXTENSION}.access_loggers.filters.cel.v3.ExpressionFilter", "expression": condition}
    both = [
        {"response_flag_filter": {"flags": flags.split()}},
        {"extension_filter": {"name": "cel", "typed_config": cel}},
    ]
    return {
        "filter": {"and_filter": {"filters": both}},
        "status_code": status,
        "body": {"inline_string": page(status)},
        "body_format_override": {
            "text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"},
            "content_type": "text/html",
        },
        "headers_to_add": [header("Server", "awselb/2.0")],
    }
