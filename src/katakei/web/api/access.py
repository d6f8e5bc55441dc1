"""Access: who asks, tokens, the exchange of a CI job's token, and the audit log."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime
from starlette.status import HTTP_201_CREATED

from katakei.app.access import TokenRequest
from katakei.domain.audit import AuditEntry, AuditQuery
from katakei.domain.errors import UsageError
from katakei.domain.ports.access import StoredToken
from katakei.domain.principals import Act, Principal, Role
from katakei.render.json_data import Plain, plain
from katakei.web.api import answers
from katakei.web.api.models import CiTokenBody, TokenBody
from katakei.web.api.parameters import ID, Limit, Search, ServiceName, Text
from katakei.web.errors import PlainJson
from katakei.web.gate import ActRoute, Asked, Context, Let, address_of, context_of, doing
from katakei.web.server_context import ServerContext

routes = APIRouter(route_class=ActRoute, tags=["access"])
public = APIRouter(tags=["access"])

Server = Annotated[ServerContext, Context]
Who = Annotated[Asked, Let]
Before = Annotated[int | None, Query(ge=1, le=10**15, description="Only entries with a lower number.")]
Moment = Annotated[AwareDatetime | None, Query(description="A moment with its time zone.")]


@routes.get("/me", response_model=answers.Person, **doing(Act.MANAGE_TOKENS))
def me(asked: Who) -> PlainJson:
    """Who asks, as the server knows them, with their roles."""
    return PlainJson(_principal(asked.principal))


@routes.get("/tokens", response_model=answers.Tokens, **doing(Act.MANAGE_TOKENS))
def tokens(context: Server, asked: Who) -> PlainJson:
    """The tokens that the person may manage, and their own. No secret is among them."""
    return PlainJson({"tokens": [_token(each) for each in context.access.tokens(asked.principal)]})


@routes.post("/tokens", status_code=HTTP_201_CREATED, response_model=answers.Issued, **doing(Act.MANAGE_TOKENS))
def issue_token(context: Server, asked: Who, body: TokenBody) -> PlainJson:
    """Issues a token. Its secret is in this answer and nowhere else."""
    roles, acts = _roles(body.roles), _acts(body.acts)
    request = TokenRequest(body.name, roles, body.program, acts, timedelta(days=body.days), body.label)
    issued = context.access.issue_token(asked.principal, request, asked.address)
    return PlainJson({"secret": issued.secret, "token": _token(issued.token)}, HTTP_201_CREATED)


@routes.delete("/tokens/{token}", response_model=answers.Revoked, **doing(Act.MANAGE_TOKENS))
def revoke_token(context: Server, asked: Who, token: Annotated[str, Path(pattern=ID)]) -> PlainJson:
    """Revokes a token at once and ends its sessions."""
    context.access.revoke(asked.principal, token, asked.address)
    return PlainJson({"revoked": token})


@routes.get("/audit", response_model=answers.Entries, **doing(Act.READ_AUDIT))
def audit(  # noqa: PLR0913 - the fields of a search
    context: Server,
    *,
    text: Search = "",
    who: Text = "",
    act: Text = "",
    rollout: Text = "",
    since: Moment = None,
    until: Moment = None,
    before: Before = None,
    limit: Limit = 100,
) -> PlainJson:
    """The audit log of the whole server, the newest entry first."""
    query = AuditQuery(text, who, act, None, rollout, since, until)
    return _entries(context.access.audit(query, before, limit))


@routes.get("/services/{service}/audit", response_model=answers.Entries, **doing(Act.READ_AUDIT))
def audit_of_service(
    context: Server, service: ServiceName, text: Search = "", before: Before = None, limit: Limit = 100
) -> PlainJson:
    """The entries of one service, the newest first."""
    return _entries(context.access.audit(AuditQuery(text, services=frozenset({service})), before, limit))


@public.post("/ci/token", status_code=HTTP_201_CREATED, response_model=answers.Exchanged)
def exchange_ci_token(request: Request, body: CiTokenBody) -> PlainJson:
    """Exchanges the OpenID Connect token of a CI job, once, for a short token of one service."""
    context = context_of(request)
    named = (each for each in context.fleet.services() if each.name == body.service)
    policy = next((each.policy for each in named), None)
    issued = context.access.exchange_ci_token(body.token, body.service, policy, address_of(request))
    expires = issued.token.expires.isoformat()
    return PlainJson({"secret": issued.secret, "expires": expires}, HTTP_201_CREATED)


def _roles(written: Mapping[str, str]) -> Mapping[str, Role]:
    known = {role.value: role for role in Role}
    if strange := [text for text in written.values() if text not in known]:
        raise UsageError(f"{strange[0]!r} is no role; the roles are {', '.join(known)}")
    return {service: known[text] for service, text in written.items()}


def _acts(written: Sequence[str] | None) -> frozenset[Act] | None:
    known = {act.value: act for act in Act}
    if strange := [text for text in written or () if text not in known]:
        raise UsageError(f"{strange[0]!r} is no act; the acts are {', '.join(known)}")
    return None if written is None else frozenset(known[text] for text in written)


def _principal(principal: Principal) -> Plain:
    acts, services = principal.acts, principal.services
    return {
        "name": principal.name,
        "kind": principal.kind.value,
        "roles": {service: role.value for service, role in principal.roles.items()},
        "acts": None if acts is None else plain(sorted(act.value for act in acts)),
        "services": None if services is None else plain(sorted(services)),
    }


def _token(token: StoredToken) -> Plain:
    return {
        "id": token.id,
        "principal": _principal(token.principal),
        "label": token.label,
        "created": token.created.isoformat(),
        "created_by": token.created_by,
        "expires": token.expires.isoformat(),
        "revoked": token.revoked.isoformat() if token.revoked else None,
    }


def _entries(entries: Sequence[AuditEntry]) -> PlainJson:
    return PlainJson({"entries": [_entry(each) for each in entries]})


def _entry(entry: AuditEntry) -> Plain:
    return {
        "number": entry.number,
        "at": entry.at.isoformat() if entry.at else None,
        "who": entry.who,
        "address": entry.address,
        "act": entry.act,
        "service": entry.service,
        "rollout": entry.rollout,
        "outcome": entry.outcome.value,
        "detail": entry.detail,
    }
