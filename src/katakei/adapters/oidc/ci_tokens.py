"""The OpenID Connect tokens of GitHub Actions and GitLab CI/CD.

The claims are compared with a policy elsewhere (`katakei.domain.ci_identity`); here it is shown that the CI system
signed them, for this server, a short while ago.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class CiIssuer:
    """One CI system whose tokens are accepted."""

    system: CiSystem
    issuer: str


class CiTokens:
    """Implements the port `CiVerifier`."""

    def __init__(self, issuers: Sequence[CiIssuer], audience: str) -> None:
        """Fetches nothing yet.

        Args:
            issuers: The systems.
            audience: The audience that a job must request its token for: the address of this server.

        Raises:
            UnauthorizedError: An issuer is not an https:// address.
        """
        self._audience = audience
        http = ProviderHttp()
        self._issuers = {
            each.issuer: (each.system, SigningKeys(http, _keys_of(each), ALGORITHMS))
            for each in issuers
            if checked_url(each.issuer, "the issuer of CI tokens")
        }

    def verify(self, text: str, now: datetime) -> CiClaims:
        """As the port says."""
        try:
            return self._claims(text, now)
        except TokenFaultError as fault:
            why = access_reason(AccessCode.CI_TOKEN_NOT_VALID, text=str(fault))
            raise UnauthorizedError(reasons=(why,)) from fault

    def _claims(self, text: str, now: datetime) -> CiClaims:
        token = parsed(text)
        issuer = token.claims.get("iss")
        if not isinstance(issuer, str) or issuer not in self._issuers:
            raise TokenFaultError("it is from another issuer")
        system, keys = self._issuers[issuer]
        expected = Expected(issuer, self._audience, ALGORITHMS, MAX_AGE[system], ("jti",))
        claims = verified(token, keys, expected, now)
        words = texts(claims)
        if not words.get("jti"):
            raise TokenFaultError("its claim jti is not a text")
        described = " ".join(f"{before}{words[name]}" for before, name in DESCRIBED[system] if name in words)
        return CiClaims(issuer, words["jti"], moment(claims, "exp"), VALUES[system](words), described)


def _keys_of(issuer: CiIssuer) -> Callable[[], str]:
    return lambda: issuer.issuer.rstrip("/") + KEYS[issuer.system]
