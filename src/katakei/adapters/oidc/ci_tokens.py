"""The OpenID Connect tokens of GitHub Actions and GitLab CI/CD.

The claims are compared with a policy elsewhere (`katakei.domain.ci_identity`); here it is shown that the CI system
signed them, for this server, a short while ago.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from katakei.adapters.oidc.provider_http import ProviderHttp, checked_url
from katakei.adapters.oidc.signing_keys import SigningKeys
from katakei.adapters.oidc.token_check import Expected, TokenFaultError, moment, parsed, texts, verified
from katakei.domain.access_reasons import AccessCode, access_reason
from katakei.domain.ci_identity import CiClaims, CiSystem, github_values, gitlab_values
from katakei.domain.errors import UnauthorizedError

ALGORITHMS = ("RS256",)
MAX_AGE: Mapping[CiSystem, timedelta] = {CiSystem.GITHUB: timedelta(minutes=10), CiSystem.GITLAB: timedelta(hours=1)}
"""GitHub issues a token when the job asks for it; GitLab issues it when the job begins."""
KEYS: Mapping[CiSystem, str] = {
    CiSystem.GITHUB: "/.well-known/jwks",
    CiSystem.GITLAB: "/oauth/discovery/keys",
}
"""Where a system has its keys, below its issuer (its discovery document says the same)."""
VALUES: Mapping[CiSystem, Callable[[Mapping[str, str]], Mapping[str, str]]] = {
    CiSystem.GITHUB: github_values,
    CiSystem.GITLAB: gitlab_values,
}
DESCRIBED: Mapping[CiSystem, Sequence[tuple[str, str]]] = {
    CiSystem.GITHUB: (("", "repository"), ("run ", "run_id"), ("by ", "actor")),
    CiSystem.GITLAB: (("", "project_path"), ("pipeline ", "pipeline_id"), ("by ", "user_login")),
}


class CiTokens:
    """Implements the port `CiVerifier`."""

    def __init__(self, audience: str) -> None:
        """Fetches nothing yet.

        Args:
            audience: The audience that a job must request its token for: the address of this server.
        """
        self._audience = audience
        self._http = ProviderHttp()
        self._keys: dict[tuple[str, CiSystem], SigningKeys] = {}
        self._making = threading.Lock()

    def verify(self, text: str, systems: Mapping[str, CiSystem], now: datetime) -> CiClaims:
        """As the port says."""
        try:
            return self._claims(text, systems, now)
        except TokenFaultError as fault:
            why = access_reason(AccessCode.CI_TOKEN_NOT_VALID, text=str(fault))
            raise UnauthorizedError(reasons=(why,)) from fault

    def _claims(self, text: str, systems: Mapping[str, CiSystem], now: datetime) -> CiClaims:
        token = parsed(text)
        issuer = token.claims.get("iss")
        if not isinstance(issuer, str) or issuer not in systems:
            raise TokenFaultError("it is from another issuer")
        system = systems[issuer]
        keys = self._keys_of(issuer, system)
        expected = Expected(issuer, self._audience, ALGORITHMS, MAX_AGE[system], ("jti",))
        claims = verified(token, keys, expected, now)
        words = texts(claims)
        if not words.get("jti"):
            raise TokenFaultError("its claim jti is not a text")
        described = " ".join(f"{before}{words[name]}" for before, name in DESCRIBED[system] if name in words)
        return CiClaims(issuer, words["jti"], moment(claims, "exp"), VALUES[system](words), described)

    def _keys_of(self, issuer: str, system: CiSystem) -> SigningKeys:
        """The keys of an issuer, the same object each time. Raises UnauthorizedError: it is not an https:// address."""
        address = checked_url(issuer, "the issuer of CI tokens").rstrip("/") + KEYS[system]
        with self._making:
            return self._keys.setdefault((issuer, system), SigningKeys(self._http, lambda: address, ALGORITHMS))
