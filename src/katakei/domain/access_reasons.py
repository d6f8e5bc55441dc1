"""The codes of every reason that access gives: missing rights, and credentials that are not accepted.

`katakei.render.access_reasons` writes the sentence of each code. The audit log holds the codes, so a code that was
released is never renamed. No fact holds a secret or a part of one.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from katakei.domain.outside_text import one_line
from katakei.domain.reasons import Reason, ReasonValue, reason_of


class AccessCode(StrEnum):
    """Why somebody may not do something, or why a credential is not accepted."""

    # Rights
    ROLE_TOO_LOW = "role_too_low"
    SERVICE_NOT_IN_TOKEN = "service_not_in_token"  # noqa: S105 - a code, not a secret
    ACT_NOT_IN_TOKEN = "act_not_in_token"  # noqa: S105 - a code, not a secret
    NOT_FOR_CI = "not_for_ci"
    NOT_IN_POLICY = "not_in_policy"
    FOUR_EYES = "four_eyes"
    FOUR_EYES_PERSON = "four_eyes_person"
    BEYOND_OWN_RIGHTS = "beyond_own_rights"
    # Tokens, links and sessions
    NOT_SIGNED_IN = "not_signed_in"
    TOKEN_NOT_VALID = "token_not_valid"  # noqa: S105 - a code, not a secret
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - a code, not a secret
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - a code, not a secret
    LINK_NOT_VALID = "link_not_valid"
    SESSION_ENDED = "session_ended"
    CSRF_NOT_VALID = "csrf_not_valid"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    # Sign-in of people by OpenID Connect
    LOGIN_NOT_CONFIGURED = "login_not_configured"
    LOGIN_STATE_NOT_VALID = "login_state_not_valid"
    LOGIN_REFUSED = "login_refused"
    LOGIN_WITHOUT_ROLE = "login_without_role"
    # OpenID Connect tokens of CI jobs
    CI_TOKEN_NOT_VALID = "ci_token_not_valid"  # noqa: S105 - a code, not a secret
    CI_TOKEN_USED = "ci_token_used"  # noqa: S105 - a code, not a secret
    CI_NOT_BOUND = "ci_not_bound"
    CI_CLAIM_DIFFERS = "ci_claim_differs"


_A = AccessCode

FACTS: Mapping[AccessCode, tuple[str, ...]] = MappingProxyType(
    {
        code: tuple(names.split())
        for code, names in {
            _A.ROLE_TOO_LOW: "who act service needed",
            _A.SERVICE_NOT_IN_TOKEN: "who act service",
            _A.ACT_NOT_IN_TOKEN: "who act service",
            _A.NOT_FOR_CI: "who act service",
            _A.NOT_IN_POLICY: "who act service",
            _A.FOUR_EYES: "who act service",
            _A.FOUR_EYES_PERSON: "who act service",
            _A.BEYOND_OWN_RIGHTS: "who",
            _A.NOT_SIGNED_IN: "",
            _A.TOKEN_NOT_VALID: "",
            _A.TOKEN_EXPIRED: "expired",
            _A.TOKEN_REVOKED: "revoked",
            _A.LINK_NOT_VALID: "",
            _A.SESSION_ENDED: "",
            _A.CSRF_NOT_VALID: "",
            _A.TOO_MANY_ATTEMPTS: "wait",
            _A.LOGIN_NOT_CONFIGURED: "",
            _A.LOGIN_STATE_NOT_VALID: "",
            _A.LOGIN_REFUSED: "text",
            _A.LOGIN_WITHOUT_ROLE: "who",
            _A.CI_TOKEN_NOT_VALID: "text",
            _A.CI_TOKEN_USED: "",
            _A.CI_NOT_BOUND: "service",
            _A.CI_CLAIM_DIFFERS: "service claim binding",
        }.items()
    }
)
"""The names of the facts of each code, in order. Durations are seconds, moments ISO 8601 text."""


def access_reason(code: AccessCode, **facts: ReasonValue) -> Reason:
    """A reason of access with its facts.

    Raises:
        ValueError: The facts are not those that `FACTS` lists for the code.
    """
    return reason_of(code, FACTS[code], {name: _harmless(value) for name, value in facts.items()})


def _harmless(value: ReasonValue) -> ReasonValue:
    return one_line(value) if isinstance(value, str) else value
