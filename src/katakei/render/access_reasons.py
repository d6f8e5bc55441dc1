"""The sentences for the reasons of access: missing rights, and credentials that are not accepted.

`katakei.render.reasons` fills these templates in.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from katakei.domain.access_reasons import AccessCode
from katakei.domain.reasons import ReasonValue
from katakei.render.translation import Translator

_A = AccessCode

SENTENCES: Mapping[AccessCode, str] = MappingProxyType(
    {
        _A.ROLE_TOO_LOW: (
            "{who} may not {act:act}{service:for service}: this needs the role {needed}; ask an admin for it"
        ),
        _A.SERVICE_NOT_IN_TOKEN: "the token of {who} is not for {service:the service}; use a token for it",
        _A.ACT_NOT_IN_TOKEN: "the token of {who} does not include `{act}`; use a token that does",
        _A.NOT_FOR_CI: "a CI job may not {act:act}{service:for service}; a person must do it",
        _A.NOT_IN_POLICY: "the policy of {service:the service} does not let {who} {act:act}; ask somebody it names",
        _A.FOUR_EYES: (
            "{who} started this rollout of {service:the service} and may not {act:act} in it; ask another person"
        ),
        _A.FOUR_EYES_PERSON: (
            "the policy of {service:the service} asks for a second person, and {who} is a program; ask a person"
        ),
        _A.BEYOND_OWN_RIGHTS: "{who} may not give a token more rights than {who} has; ask an admin of every service",
        _A.NOT_SIGNED_IN: "this needs a sign-in: give a token, or sign in again",
        _A.TOKEN_NOT_VALID: "the token is not valid; check that it is complete, or ask an admin for a new one",
        _A.TOKEN_EXPIRED: "the token expired at {expired}; ask an admin for a new one",
        _A.TOKEN_REVOKED: "the token was revoked at {revoked}; ask an admin for a new one",
        _A.LINK_NOT_VALID: "the sign-in link was used already or has expired; start the server again for a new one",
        _A.SESSION_ENDED: "the session has ended; sign in again",
        _A.CSRF_NOT_VALID: "the form is not from this session; nothing was changed: load the page again",
        _A.TOO_MANY_ATTEMPTS: "too many failed sign-ins; try again in {wait:span}",
        _A.LOGIN_NOT_CONFIGURED: "sign-in by OpenID Connect is not configured; sign in with a token",
        _A.LOGIN_STATE_NOT_VALID: "this sign-in was finished already or took too long; begin again",
        _A.LOGIN_REFUSED: "the sign-in was refused: {text}",
        _A.LOGIN_WITHOUT_ROLE: "{who} has no role on this server; ask an admin to map a group or name to a role",
        _A.CI_TOKEN_NOT_VALID: "the token of the CI job is not accepted: {text}",
        _A.CI_TOKEN_USED: "the token of the CI job was used already; request a new one in the job",
        _A.CI_NOT_BOUND: "this CI job may not use {service:the service}; add a `ci` entry with its ids to the policy",
        _A.CI_CLAIM_DIFFERS: (
            "the CI job does not match the `ci` entry {binding} of {service:the service}: its {claim} differs or is"
            " missing; correct the job or the policy"
        ),
    }
)

ACTS: Mapping[str, str] = MappingProxyType(
    {
        "read": "read this",
        "logs": "read logs",
        "plan": "make a plan",
        "start": "start a rollout",
        "confirm_work": "say that manual work is done",
        "pause": "pause a rollout",
        "resume": "resume a rollout",
        "approve": "approve a gate",
        "promote": "promote a rollout",
        "skip_gate": "skip a gate",
        "abort": "abort a rollout",
        "retry": "retry targets",
        "revert": "revert a rollout",
        "freeze": "freeze",
        "unfreeze": "lift a freeze",
        "deregister": "deregister a target",
        "register": "register a target",
        "read_audit": "read the audit log",
        "manage_tokens": "manage tokens",
    }
)
"""An act as a verb phrase."""


def _act(value: ReasonValue, tr: Translator) -> str:
    return tr.of(ACTS.get(str(value), str(value)))


def _for_service(value: ReasonValue, tr: Translator) -> str:
    return tr(" for {service}", service=value) if value else ""


def _the_service(value: ReasonValue, tr: Translator) -> str:
    return tr("{service}", service=value) if value else tr("all services")


FORMS: Mapping[str, Callable[[ReasonValue, Translator], str]] = MappingProxyType(
    {"act": _act, "for service": _for_service, "the service": _the_service}
)
"""How a fact is written, by the part after the colon of its placeholder."""
