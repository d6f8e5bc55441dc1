"""Rule conditions of AWS as Envoy's header matches: regular expressions that must all match."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network

from katakei.lab.desired_config import Conditions, QueryPair

Match = dict[str, object]

SOURCE_HEADER = "x-katakei-lab-source"
"""Header in which the listener notes the client's address for source-ip conditions; removed before the target."""

IN_PATH, IN_QUERY, ANY = "[^?]", "[^&]", "."
"""The characters that one wildcard matches."""


def matches(conditions: Conditions) -> list[Match]:
    """Returns one header match for each condition; none if there is no condition."""
    found = []
    if conditions.paths:
        found.append(_header(":path", _any(_pattern(each, IN_PATH) for each in conditions.paths) + r"(?:\?.*)?"))
    if conditions.hosts:
        found.append(
            _header(":authority", "(?i)" + _any(_pattern(each, ANY) for each in conditions.hosts) + r"(?::\d+)?")
        )
    if conditions.methods:
        found.append(_header(":method", _any(re.escape(each) for each in conditions.methods)))
    found += [
        _header(name, "(?i)" + _any(_pattern(each, ANY) for each in values)) for name, values in conditions.headers
    ]
    found += [
        _header(":path", r"(?i)[^?]*\?(?:.*&)?" + _any(_pair(each) for each in pairs) + "(?:&.*)?")
        for pairs in conditions.queries
    ]
    if conditions.sources:
        found.append(
            _header(SOURCE_HEADER, _any(_network(IPv4Network(each, strict=False)) for each in conditions.sources))
        )
    return found


def _header(name: str, expression: str) -> Match:
    return {"name": name, "string_match": {"safe_regex": {"regex": expression}}}


def _any(expressions: Iterable[str]) -> str:
    return "(?:" + "|".join(expressions) + ")"


def _pattern(pattern: str, character: str) -> str:
    wild = {"*": f"{character}*", "?": character}
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    return "".join(wild.get(part) or re.escape(part[-1]) for part in parts)


def _pair(pair: QueryPair) -> str:
    key = "[^&=]*" if pair.key is None else re.escape(pair.key)
    return f"{key}={_pattern(pair.value, IN_QUERY)}"


def _network(network: IPv4Network) -> str:
    octets = []
    for low, high in zip(network.network_address.packed, network.broadcast_address.packed, strict=True):
        octets.append(r"\d+" if (low, high) == (0, 255) else _any(str(each) for each in range(low, high + 1)))
    return r"\.".join(octets)
