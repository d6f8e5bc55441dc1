"""How a person writes a target: an instance id, an IP or a name, with or without a port. Nothing is looked up here."""

import ipaddress
import re

from katakei.domain.errors import UsageError

INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")


def is_instance(text: str) -> bool:
    """Looks like an instance id."""
    return INSTANCE.fullmatch(text) is not None


def is_address(text: str) -> bool:
    """Is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def split(text: str) -> tuple[str, int | None]:
    """The target and its port, None where none is written; an IPv6 address has colons of its own. Raises UsageFault."""
    bare, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or is_address(text):
        return text, None
    if not 1 <= int(port) <= 65535:
        raise UsageError(f"{port} is not a port (1 to 65535)")
    return bare, int(port)
