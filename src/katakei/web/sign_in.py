"""Sign-in and sign-out of browsers: by a token, by the one-time link, or by OpenID Connect. The console has the pages.

These routes are open, because nobody has proved who they are; the guard has checked the origin before.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from katakei.app.access import Session
from katakei.web.gate import COOKIE, SECURE_COOKIE, address_of, context_of, session_id

routes = APIRouter(include_in_schema=False)

LOGIN_COOKIE = "katakei_login"
LOGIN_LASTS = 600
SEE_OTHER = 303


@routes.post("/sign-in")
def sign_in(
    request: Request,
    token: Annotated[str, Form(max_length=500)] = "",
    link: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """A session by a token or by the secret of a one-time link, then the first page."""
    context = context_of(request)
    session = context.access.sign_in(
        token=token.strip(), link=link.strip(), address=address_of(request), replaces=session_id(request)
    )
    return _signed_in(request, session)


@routes.post("/sign-out")
def sign_out(request: Request) -> Response:
    """Ends the session. A page of another site cannot do it: the cookie is not sent with its requests."""
    context_of(request).access.sign_out(session_id(request), address_of(request))
    response = RedirectResponse("/sign-in", SEE_OTHER)
    response.delete_cookie(COOKIE)
    response.delete_cookie(SECURE_COOKIE, secure=True)
    return response


@routes.get("/sign-in/login")
def begin_login(request: Request) -> Response:
    """Sends the browser to the OpenID Connect provider."""
    context = context_of(request)
    begun = context.access.begin_login(f"{context.base_url}/sign-in/done")
    response = RedirectResponse(begun.url, SEE_OTHER)
    _set(request, response, LOGIN_COOKIE, begun.browser, max_age=LOGIN_LASTS)
    return response


@routes.get("/sign-in/done")
def finish_login(
    request: Request,
    state: Annotated[str, Query(max_length=500)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
) -> Response:
    """The provider sends the browser back here."""
    browser = request.cookies.get(LOGIN_COOKIE, "")
    session = context_of(request).access.finish_login(
        state, code, browser, address=address_of(request), replaces=session_id(request)
    )
    response = _signed_in(request, session)
    response.delete_cookie(LOGIN_COOKIE)
    return response


def _signed_in(request: Request, session: Session) -> Response:
    response = RedirectResponse("/", SEE_OTHER)
    name = SECURE_COOKIE if context_of(request).site.secure else COOKIE
    _set(request, response, name, session.id, max_age=None)
    return response


def _set(request: Request, response: Response, name: str, value: str, *, max_age: int | None) -> None:
    secure = context_of(request).site.secure
    response.set_cookie(name, value, max_age=max_age, path="/", httponly=True, secure=secure, samesite="lax")
