"""AWS's redirects for Envoy: its own can fill #{path} only, so this says it in Lua, the texts as data beside it."""

from dataclasses import asdict

from katakei.lab.envoy_resources import EXTENSION, Json, page
from katakei.lab.picture import Redirect

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
    """The route of a redirect. Its own answer is never given: the program answers first."""
    texts: Json = {**asdict(action), "status": str(action.status), "page": page(action.status)}
    program: Json = {"@type": f"{EXTENSION}.filters.http.lua.v3.LuaPerRoute", "source_code": {"inline_string": PROGRAM}}
    return {
        "match": match,
        "direct_response": {"status": action.status},
        "metadata": {"filter_metadata": {LUA: {"to": texts}}},
        "typed_per_filter_config": {LUA: program},
    }
