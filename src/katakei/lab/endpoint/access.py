"""Requests that the endpoint refuses before it reads anything else of them: those of web pages, and foreign hosts.

A web page of any origin can send requests to a port of loopback. Its browser adds an Origin header to all that could
change something, and names the host of the page's URL, also if that host name resolves to loopback (DNS rebinding).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from katakei.lab.endpoint.wsgi import HttpResponse

if TYPE_CHECKING:
    from katakei.lab.endpoint.signatures import RawRequest

LAB_KEY_HEADER = "x-katakei-lab-key"
OWN_HOST = re.compile(r"(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\])(:\d{1,5})?")
"""Any port: a proxy of the user may stand in front. A name that someone else can point at loopback never matches."""


def foreign(request: RawRequest) -> HttpResponse | None:
    """Returns the refusal of a request that comes from a web page or through a foreign host name, or None."""
    if any(name == "origin" for name, _ in request.headers):
        return refusal("the lab answers no web page: requests with an Origin header are refused")
    hosts = [value for name, value in request.headers if name == "host"]
    if len(hosts) != 1 or not OWN_HOST.fullmatch(hosts[0]):
        return refusal("the lab answers to 127.0.0.1 and localhost only: another Host header is refused")
    if not request.target.startswith("/") or request.method == "OPTIONS":
        return refusal("the lab refuses OPTIONS and requests to proxies")
    return None


def refusal(sentence: str) -> HttpResponse:
    """Returns 403 with one sentence, and no header that a browser could read as a permission."""
    return HttpResponse("403 Forbidden", (("Content-Type", "text/plain; charset=utf-8"),), f"{sentence}\n".encode())
