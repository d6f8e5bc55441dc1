"""The exchange of a CI job's OpenID Connect token for a short token of one service. Each CI token counts once."""

from collections.abc import Sequence
from datetime import timedelta

from katakei.app.access_attempts import Attempts
from katakei.app.access_tokens import IssuedToken, Tokens
from katakei.domain.access import lowest_role
from katakei.domain.access_reasons import AccessCode, access_reason
from katakei.domain.ci_identity import ALWAYS, CiBinding, find_binding
from katakei.domain.errors import UnauthorizedError
from katakei.domain.ports.access import AccessStore, CiVerifier
from katakei.domain.principals import Principal, PrincipalKind
from katakei.domain.reasons import Reason

LEEWAY = timedelta(minutes=2)
"""The id of a CI token is kept this much longer than the token is valid: clocks differ, and its check has a leeway."""


class CiExchange:
    """Exchanges the tokens of CI jobs."""

    def __init__(self, store: AccessStore, tokens: Tokens, attempts: Attempts, verifier: CiVerifier | None) -> None:
        self._store = store
        self._tokens = tokens
        self._attempts = attempts
        self._verifier = verifier

    def exchange(self, text: str, service: str, bindings: Sequence[CiBinding], address: str) -> tuple[IssuedToken, str]:
        """A short token of the service, and the CI job as its system names it.

        Args:
            text: The token of the job.
            service: The service that the job wants.
            bindings: The CI bindings of that service's policy.
            address: From where.

        Raises:
            UnauthorizedError: It is not valid, was used already, or matches no binding.
            TooManyAttemptsError: Too many sign-ins failed from there.
            TemporarilyUnavailableError: The keys of the CI system cannot be read now.
        """
        self._attempts.check(address)
        now = self._store.now()
        systems = {each.issuer: each.system for each in bindings}
        if self._verifier is None or not systems:
            raise self._refused(address, access_reason(AccessCode.CI_NOT_BOUND, service=service))
        try:
            claims = self._verifier.verify(text, systems, now)
        except UnauthorizedError as error:
            raise self._refused(address, error.reasons[0]) from error
        binding = find_binding(claims, service, bindings)
        if isinstance(binding, Reason):
            raise self._refused(address, binding, detail=claims.described)
        if not self._store.add_once("jti", f"{claims.issuer} {claims.jti}", "", claims.expires - now + LEEWAY):
            raise self._refused(address, access_reason(AccessCode.CI_TOKEN_USED), detail=claims.described)
        acts = binding.acts | ALWAYS
        name = f"ci:{binding.name}"
        principal = Principal(name, PrincipalKind.CI, {service: lowest_role(acts)}, acts, frozenset({service}))
        return self._tokens.add(principal, name, binding.lifetime, claims.described), claims.described

    def _refused(self, address: str, reason: Reason, detail: str = "") -> UnauthorizedError:
        return self._attempts.failed(address, "", reason, detail)
