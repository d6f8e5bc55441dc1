"""Listener rules and actions as Envoy routes: weighted forwards, sticky clients, fixed responses and redirects.

Envoy's own redirects can fill in #{path} only, so a Lua program makes them. The texts are its data.
"""

from dataclasses import asdict
from datetime import timedelta

from katakei.lab.desired_config import (
    Conditions,
    FixedResponse,
    Forward,
    Group,
    Listener,
    Redirect,
    RouteAction,
    Weighted,
)
from katakei.lab.envoy.matches import SOURCE_HEADER, matches
from katakei.lab.envoy.resources import EXTENSION, STICKY_FILTER, Json, envoy_name, header, page, seconds

GROUP_COOKIE = "AWSALBTG"
"""Cookie in which a client keeps the group that a weighted forward chose for it."""


def routes(listener: Listener, groups: dict[str, Group]) -> Json:
    """Returns all routes of a listener, rules first, in order. A group that is not in `groups` answers 503."""
    found = []
    for rule in listener.rules:
        found += _action(rule.conditions, rule.action, groups, listener.idle_timeout)
    found += _action(Conditions(), listener.default, groups, listener.idle_timeout)
    return {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        "name": envoy_name("listener", listener.arn),
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": found}],
        "request_headers_to_add": [header("X-Forwarded-Port", str(listener.port))],
        "request_headers_to_remove": [SOURCE_HEADER, "x-envoy-internal", "x-envoy-external-address"],
    }


def _action(conditions: Conditions, action: RouteAction, groups: dict[str, Group], idle: timedelta) -> list[Json]:
    match: Json = {"prefix": "/", "headers": matches(conditions)}
    if isinstance(action, FixedResponse):
        return [_answer(match, action.status, action.body, action.content_type)]
    if isinstance(action, Redirect):
        return [redirect(match, action)]
    return _forward(match, action, groups, idle)


def _answer(match: Json, status: int, body: str, content_type: str) -> Json:
    own = [header("Content-Type", content_type), header("Server", "awselb/2.0")]
    answer: Json = {"status": status} | ({"body": {"inline_string": body}} if body else {})
    return {"match": match, "direct_response": answer, "response_headers_to_add": own}


def _forward(match: Json, action: Forward, groups: dict[str, Group], idle: timedelta) -> list[Json]:
    shares = [share for share in action.groups if share.weight > 0]
    if not shares:
        return [_answer(match, 503, page(503), "text/html")]
    timeouts: Json = {"timeout": "0s", "idle_timeout": seconds(idle)}
    clusters = [_share(share, groups, action.sticky_for) for share in shares]
    found: list[Json] = [{"match": match, "route": {"weighted_clusters": {"clusters": clusters}} | timeouts}]
    if action.sticky_for is None:
        return found
    # A client stays with its group whatever the weights are now, so these routes match before the weighted one.
    kept: list[Json] = [
        {
            "match": _with_cookie(match, share.group_arn),
            "route": {"weighted_clusters": {"clusters": [_share(share, groups, action.sticky_for)]}} | timeouts,
        }
        for share in action.groups
    ]
    return kept + found


def _with_cookie(match: Json, arn: str) -> Json:
    expression = rf"(?:.*;\s*)?{GROUP_COOKIE}={envoy_name('', arn)}(?:;.*)?"
    cookie: Json = {"name": "cookie", "string_match": {"safe_regex": {"regex": expression}}}
    headers = match["headers"]
    return match | {"headers": [*(headers if isinstance(headers, list) else []), cookie]}


def _share(share: Weighted, groups: dict[str, Group], sticky_for: timedelta | None) -> Json:
    found: Json = {"name": envoy_name("group", share.group_arn), "weight": max(1, share.weight)}
    group = groups.get(share.group_arn)
    if sticky_for is not None:
        cookie = f"{GROUP_COOKIE}={envoy_name('', share.group_arn)}; Max-Age={int(sticky_for.total_seconds())}; Path=/"
        added: Json = {"header": {"key": "Set-Cookie", "value": cookie}, "append_action": "APPEND_IF_EXISTS_OR_ADD"}
        found["response_headers_to_add"] = [added]
    if group and group.stickiness:
        found["typed_per_filter_config"] = {STICKY_FILTER: _sticky(group.stickiness.cookie, group.stickiness.duration)}
    return found


def _sticky(cookie: str, duration: timedelta) -> Json:
    state: Json = {
        "@type": f"{EXTENSION}.http.stateful_session.cookie.v3.CookieBasedSessionState",
        "cookie": {"name": cookie, "ttl": seconds(duration), "path": "/"},
    }
    return {
        "@type": f"{EXTENSION}.filters.http.stateful_session.v3.StatefulSessionPerRoute",
        "stateful_session": {"session_state": {"name": "envoy.http.stateful_session.cookie", "typed_config": state}},
    }


LUA = "envoy.filters.http.lua"

PROGRAM = """
function envoy_on_request(request)
  local headers, to = request:headers(), request:metadata():get("to")
  local protocol, authority = headers:get("x-forwarded-proto"), headers:get(":authority")
  local path, query = headers:get(":path"):match("^/?([^?]*)%??(.*)$")
  local asked = {
    protocol = protocol, host = authority:match("^[^:]*"), path = path, query = query,
    port = authority:match(":(%d+)$") or (protocol == "https" and "443" or "80"),
  }
  local function fill(name)
    return (to[name]:gsub("#{(%a+)}", asked))
  end
  local ending = fill("query")
  local location = fill("protocol"):lower() .. "://" .. fill("host") .. ":" .. fill("port") .. fill("path")
  if ending ~= "" then location = location .. "?" .. ending end
  request:respond({
    [":status"] = to.status, location = location, server = "awselb/2.0", ["content-type"] = "text/html",
  }, to.page)
end
"""


def redirect(match: Json, action: Redirect) -> Json:
    """Returns the route of a redirect. The program answers first, so the route's own response is never sent."""
    texts: Json = {**asdict(action), "status": str(action.status), "page": page(action.status)}
    program: Json = {"@type": f"{EXTENSION}.filters.http.lua.v3.LuaPerRoute", "source_code": {"inline_string": PROGRAM}}
    return {
        "match": match,
        "direct_response": {"status": action.status},
        "metadata": {"filter_metadata": {LUA: {"to": texts}}},
        "typed_per_filter_config": {LUA: program},
    }
