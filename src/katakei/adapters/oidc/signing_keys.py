"""The public keys of an issuer: fetched when they are needed, kept for five minutes, fetched at most once a minute.

A key that the issuer removed is therefore trusted for at most five minutes. Tokens with an unknown key cause at most
one request a minute, however many there are.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from katakei.adapters.oidc.provider_http import ProviderHttp, checked_url
from katakei.domain.errors import KatakeiError, TemporarilyUnavailableError

KEPT = timedelta(minutes=5)
AT_MOST_EVERY = timedelta(minutes=1)
MAX_KEYS = 100


class SigningKeys:
    """The keys of one issuer."""

    def __init__(self, http: ProviderHttp, address: Callable[[], str], algorithms: Sequence[str]) -> None:
        """Fetches nothing yet.

        Args:
            http: Makes the requests.
            address: The address of the key set; asked for at every fetch.
            algorithms: Keys of other algorithms are left out.
        """
        self._http = http
        self._address = address
        self._algorithms = algorithms
        self._keys: dict[str, PyJWK] = {}
        self._read: datetime | None = None
        self._tried: datetime | None = None
        self._fetching = threading.Lock()

    def find(self, kid: str, now: datetime) -> PyJWK | None:
        """The key with this id; None: the issuer has no such key.

        Raises:
            TemporarilyUnavailableError: The keys cannot be read now.
            UnauthorizedError: The address or the answer is not acceptable.
        """
        with self._fetching:
            fresh = self._read is not None and now - self._read < KEPT
            if (not fresh or kid not in self._keys) and self._may_fetch(now):
                self._fetch(now)
                fresh = True
            if not fresh:
                raise TemporarilyUnavailableError("the keys of the OpenID Connect issuer cannot be read: try again")
            return self._keys.get(kid)

    def _may_fetch(self, now: datetime) -> bool:
        return self._tried is None or now - self._tried >= AT_MOST_EVERY

    def _fetch(self, now: datetime) -> None:
        self._tried = now
        try:
            found = self._http.get(checked_url(self._address(), "the address of the keys")).get("keys")
        except KatakeiError:
            if self._read is None or now - self._read >= KEPT:
                raise
            return  # the keys that are known are still fresh
        self._keys = {kid: key for kid, key in map(self._key, _listed(found)) if kid and key}
        self._read = now

    def _key(self, data: dict[str, Any]) -> tuple[str, PyJWK | None]:
        """The id and the key; no key where it is not one for signatures of the algorithms."""
        kid, use = data.get("kid"), data.get("use", "sig")
        kind = {"RSA": "RS256", "EC": "ES256"}.get(str(data.get("kty")))
        algorithm = data.get("alg", kind)
        if not isinstance(kid, str) or use != "sig" or algorithm not in self._algorithms or algorithm != kind:
            return "", None
        try:
            return kid, PyJWK(data, algorithm=str(algorithm))
        except (PyJWTError, ValueError, TypeError):
            return "", None


def _listed(found: object) -> list[dict[str, Any]]:
    return [each for each in found if isinstance(each, dict)][:MAX_KEYS] if isinstance(found, list) else []
