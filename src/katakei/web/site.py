"""The addresses under which the server answers: hosts for the Host header, origins for the Origin header."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from katakei.domain.errors import UsageError

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Site:
    """The addresses of one server.

    Attributes:
        base_url: What people open, without a slash at the end.
        origins: All origins, lower case: 'https://katakei.example.com'.
    """

    base_url: str
    origins: frozenset[str]

    @property
    def secure(self) -> bool:
        """Whether people open it by HTTPS. Cookies are sent only by HTTPS then."""
        return self.base_url.startswith("https:")

    def is_host(self, host: str) -> bool:
        """Whether a Host header names this server."""
        return any(f"{scheme}://{host.lower()}" in self.origins for scheme in DEFAULT_PORTS)

    def is_origin(self, origin: str) -> bool:
        """Whether an Origin header names this server."""
        return origin.lower() in self.origins


def site_of(host: str, port: int, base_url: str = "", others: Iterable[str] = ()) -> Site:
    """The site of a server.

    Args:
        host: The address on which it listens.
        port: Its port.
        base_url: What people open; '': the address on which it listens.
        others: More names under which it answers, each with a port or without.

    Raises:
        UsageError: The base URL is no URL of a server.
    """
    names = {f"{each}:{port}" for each in LOOPBACK}
    if host not in {"0.0.0.0", "::"}:  # noqa: S104 - only compared
        names.add(f"{_bracketed(host)}:{port}")
    names |= {name.lower() for name in others}
    names |= {name.removesuffix(":80") for name in names}  # what a browser sends for the default port
    base = base_url.rstrip("/") or f"http://{_bracketed(host)}:{port}"
    parts = _split(base)
    origins = {f"http://{name}" for name in names} | {f"https://{name.removesuffix(':443')}" for name in names}
    return Site(base, frozenset({*origins, f"{parts[0]}://{parts[1]}"}))


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches this address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _split(base: str) -> tuple[str, str]:
    try:
        parts = urlsplit(base)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"--base-url {base} is not a URL: give https://host") from error
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.path or parts.query or parts.username:
        raise UsageError(f"--base-url {base} is not the URL of a server: give https://host, without a path")
    named = "" if port in {None, DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return parts.scheme, f"{_bracketed(parts.hostname)}{named}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
