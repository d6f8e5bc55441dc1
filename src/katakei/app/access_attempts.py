"""The rate limit of failed sign-ins: per address, and per token or name. The counts are in the store.

A limit stops only sign-ins that would be checked anew. A token that this process has verified lately goes on, so that
one misconfigured job does not lock out others behind the same address.
"""

from datetime import timedelta
from ipaddress import IPv6Address, ip_address

from katakei.domain.access_reasons import AccessCode, access_reason
from katakei.domain.audit import AuditEntry, Outcome
from katakei.domain.errors import TooManyAttemptsError, UnauthorizedError
from katakei.domain.ports.access import AccessStore
from katakei.domain.reasons import Reason

WITHIN = timedelta(minutes=5)
PER_ADDRESS = 20
PER_NAME = 5


class Attempts:
    """Counts failed sign-ins and refuses further ones."""

    def __init__(self, store: AccessStore) -> None:
        self._store = store

    def check(self, address: str, name: str = "") -> None:
        """Raises TooManyAttemptsError: too many failed from this address, or with this token or name."""
        for key, limit in _keys(address, name):
            count, left = self._store.failures(key)
            if count >= limit:
                wait = max(1.0, left.total_seconds())
                raise TooManyAttemptsError(wait=wait, reasons=(access_reason(AccessCode.TOO_MANY_ATTEMPTS, wait=wait),))

    def failed(self, address: str, name: str, reason: Reason, detail: str = "") -> UnauthorizedError:
        """Counts and records a failed sign-in. Returns the error to raise."""
        for key, _ in _keys(address, name):
            self._store.count_failure(key, WITHIN)
        text = f"{reason.code}: {detail}" if detail else reason.code
        self._store.record(AuditEntry("", "sign_in", Outcome.REFUSED, address, detail=text))
        return UnauthorizedError(reasons=(reason,))


def _keys(address: str, name: str) -> list[tuple[str, int]]:
    keys = [(f"address {network_of(address)}", PER_ADDRESS)] if address else []
    return [*keys, (f"name {name}", PER_NAME)] if name else keys


def network_of(address: str) -> str:
    """An address as it is counted: of IPv6 the network of 64 bits, because one host has all of its addresses."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped) if parsed.ipv4_mapped else str(IPv6Address(int(parsed) >> 64 << 64))
