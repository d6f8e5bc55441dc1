"""The pages of access: sign-in, preferences, and the settings with tokens and roles."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from katakei.app.access import TokenRequest
from katakei.domain.access import RIGHTS
from katakei.domain.errors import UsageError
from katakei.domain.principals import EVERY_SERVICE, Act, Role
from katakei.web.api.parameters import ID, Search, Text
from katakei.web.console.page import LANGUAGE_COOKIE, THEME_COOKIE, THEMES, Message, translator_of
from katakei.web.console.serving import SEE_OTHER, answered, shown
from katakei.web.console.translation import LANGUAGES
from katakei.web.gate import ActRoute, Asked, Context, Let, context_of, doing
from katakei.web.server_context import ServerContext

routes = APIRouter(route_class=ActRoute, include_in_schema=False)
open_routes = APIRouter(include_in_schema=False)

Server = Annotated[ServerContext, Context]
Who = Annotated[Asked, Let]
YEAR = 365 * 24 * 3600


@open_routes.get("/sign-in")
async def sign_in_page(request: Request, link: Annotated[str, Query(max_length=500)] = "") -> Response:
    """Sign-in by a token, by the one-time link, or by the provider that is configured.

    A link is not used by opening the page, so that a program that reads it beforehand does not use it up.
    """
    login = context_of(request).access.login_configured
    return await shown(request, "sign_in.html", {"message": None, "login": login, "link": link})


@open_routes.get("/preferences")
def set_preferences(
    request: Request,
    language: Annotated[str, Query(max_length=10)] = "",
    theme: Annotated[str, Query(max_length=10)] = "",
    back: Annotated[str, Query(max_length=300)] = "/",
) -> Response:
    """Keeps the language and the theme in cookies of this browser."""
    inside = back.startswith("/") and not back.startswith(("//", "/\\"))
    response = RedirectResponse(back if inside else "/", SEE_OTHER)
    secure = context_of(request).site.secure
    if language in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR, samesite="lax", secure=secure, httponly=True)
    if theme in THEMES:
        response.set_cookie(THEME_COOKIE, theme, max_age=YEAR, samesite="lax", secure=secure, httponly=True)
    return response


@routes.get("/settings", **doing(Act.READ))
async def settings_page(
    request: Request, context: Server, asked: Who, said: Search = "", revoke: Text = ""
) -> Response:
    """Who the reader is, their tokens, and what each role may do. Asks about the token to revoke."""
    message = Message("good", said) if said else None
    return await _settings(request, context, asked, message=message, revoke=revoke)


@routes.post("/settings/tokens", **doing(Act.MANAGE_TOKENS))
async def issue_token(  # noqa: PLR0913, PLR0917 - the fields of the form
    request: Request,
    context: Server,
    asked: Who,
    name: Annotated[str, Form(max_length=100)],
    role: Annotated[str, Form(max_length=20)],
    service: Annotated[str, Form(max_length=100)] = EVERY_SERVICE,
    label: Annotated[str, Form(max_length=200)] = "",
    days: Annotated[int, Form(ge=1, le=366)] = 90,
    *,
    program: Annotated[bool, Form()] = False,
) -> Response:
    """Issues a token and shows its secret once."""
    known = {each.value: each for each in Role}
    if role not in known:
        raise UsageError(f"{role!r} is no role; the roles are {', '.join(known)}")
    wanted = TokenRequest(name, {service or EVERY_SERVICE: known[role]}, program, None, timedelta(days=days), label)
    issued = await run_in_threadpool(context.access.issue_token, asked.principal, wanted, asked.address)
    return await _settings(request, context, asked, secret=issued.secret)


@routes.post("/settings/revoke", **doing(Act.MANAGE_TOKENS))
async def revoke_token(
    request: Request, context: Server, asked: Who, token: Annotated[str, Form(pattern=ID)]
) -> Response:
    """Revokes a token at once and ends its sessions."""
    await run_in_threadpool(context.access.revoke, asked.principal, token, asked.address)
    tr = translator_of(request)
    done = tr("Token {token} is revoked, and its sessions ended.", token=token)
    return await answered(request, "/settings", Message("good", done))


async def _settings(  # noqa: PLR0913 - what the page may show on top
    request: Request,
    context: ServerContext,
    asked: Asked,
    *,
    message: Message | None = None,
    secret: str = "",
    revoke: str = "",
) -> Response:
    tokens = await run_in_threadpool(context.access.tokens, asked.principal)
    subject_free = context.subjects.of_service(EVERY_SERVICE)
    values = {
        "principal": asked.principal,
        "tokens": tokens,
        "may_manage": context.subjects.allows(asked.principal, Act.MANAGE_TOKENS, subject_free),
        "roles": list(Role),
        "rights": [(act, right) for act, right in RIGHTS.items()],
        "services": [each.name for each in context.fleet.services()],
        "message": message,
        "secret": secret,
        "revoke": next((each for each in tokens if each.id == revoke and not each.revoked), None),
        "everything": EVERY_SERVICE,
    }
    return await shown(request, "settings.html", values)
