"""The gate of every route: who asks, whether the request is theirs, whether they may do it, and how it ended.

A route of `ActRoute` names its act; without one the application does not start. The gate authenticates, checks the
CSRF token of a session, finds the services that the request concerns, asks for the right, bounds what one principal
may change, and records every act in the audit log, those that are refused or fail included. Handlers only do the act.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from katakei.app.access import READING, Session
from katakei.app.subjects import NOTHING, Subject
from katakei.domain.access_reasons import AccessCode, access_reason
from katakei.domain.audit import AuditEntry, Outcome
from katakei.domain.errors import ForbiddenError, KatakeiError, UnauthorizedError
from katakei.domain.principals import EVERY_SERVICE, Act, Principal, PrincipalKind, Role
from katakei.render.errors import error_text
from katakei.web.errors import ProblemError, UnknownError, problem_for
from katakei.web.guard import SAFE, busy_problem, too_many_problem
from katakei.web.rates import Buckets
from katakei.web.server_context import ServerContext
from katakei.web.settings import WebSettings
from katakei.web.streams import Watcher

COOKIE = "katakei_session"
SECURE_COOKIE = "__Host-katakei_session"
CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf_token"
DECLARED = "x-katakei-act"
UNRECORDED = READING | {Act.READ_AUDIT, Act.MANAGE_TOKENS}
"""Acts that the gate does not record: they change nothing, or `Access` records them itself."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass
class Asked:
    """A request that was let in.

    Attributes:
        principal: Who asks.
        act: What is asked.
        subject: What it concerns.
        address: The address from which it came.
        session: The browser's session; None for a token.
        rollout: The rollout of the act, for the audit log; a handler that starts one fills it in.
        detail: More for the audit log.
    """

    principal: Principal
    act: Act
    subject: Subject
    address: str
    session: Session | None = None
    rollout: str = ""
    detail: str = field(default="")


def doing(act: Act) -> dict[str, Any]:
    """The act of a route: `@routes.post("/…", **doing(Act.ABORT))`."""
    return {"openapi_extra": {DECLARED: act.value}}


def context_of(request: Request) -> ServerContext:
    """The dependencies of the server (a FastAPI dependency)."""
    return cast("ServerContext", request.app.state.context)


def asked_of(request: Request) -> Asked:
    """The request that was let in (a FastAPI dependency)."""
    return cast("Asked", request.state.asked)


def known_of(request: Request) -> tuple[Principal, Session | None] | None:
    """Who asks, also where the request was refused after that; None: nobody who is signed in."""
    return cast("tuple[Principal, Session | None] | None", getattr(request.state, "known", None))


def principal_of(request: Request) -> Principal:
    """Who asks (a FastAPI dependency)."""
    return asked_of(request).principal


def csrf_of(request: Request) -> str:
    """What the forms of a page must carry; '' without a session (a FastAPI dependency)."""
    session = asked_of(request).session
    return session.csrf if session else ""


Context = Depends(context_of)
Let = Depends(asked_of)


class ActRoute(APIRoute):
    """A route behind the gate."""

    def get_route_handler(self) -> Handler:
        """The handler, behind the gate. Raises TypeError: the route does not say what it does."""
        inner = super().get_route_handler()
        act = act_of(self)
        if act is None:
            raise TypeError(f"the route {self.path} does not name its act")

        async def handle(request: Request) -> Response:
            return await _through(request, act, inner)

        return handle


def act_of(route: APIRoute) -> Act | None:
    """The act of a route; None: it is open to everybody."""
    declared = (route.openapi_extra or {}).get(DECLARED)
    return Act(declared) if declared else None


class Load:
    """How many requests are answered now, and how often each principal changes something."""

    def __init__(self, settings: WebSettings) -> None:
        self.running = 0
        self.most = settings.max_waiting
        self.acts = Buckets(settings.act_rate, settings.act_burst)


async def _through(request: Request, act: Act, inner: Handler) -> Response:
    load = cast("Load", request.app.state.load)
    if load.running >= load.most:
        raise ProblemError(busy_problem())
    load.running += 1
    try:
        asked = await _admitted(request, act, load)
        request.state.asked = asked
        return await _recorded(request, asked, inner)
    finally:
        load.running -= 1


async def _admitted(request: Request, act: Act, load: Load) -> Asked:
    """The request, with everything proved. Raises UnauthorizedError, ForbiddenError, UnknownError, ProblemError."""
    context = context_of(request)
    address = address_of(request)
    principal, session = await run_in_threadpool(_authenticated, context, request, address)
    request.state.known = (principal, session)
    if request.method not in SAFE:
        if session is not None:
            await _check_csrf(context, request, session, act)
        if wait := load.acts.take(principal.name, asyncio.get_running_loop().time()):
            raise ProblemError(too_many_problem(wait))
    subject = await run_in_threadpool(_permitted, context, request, principal, act)
    return Asked(principal, act, subject, address, session, subject.rollout)


async def _recorded(request: Request, asked: Asked, inner: Handler) -> Response:
    """Does the act, and records how it ended."""
    if asked.act in UNRECORDED:
        return await inner(request)
    context = context_of(request)
    try:
        response = await inner(request)
    except (KatakeiError, ProblemError, HTTPException, RequestValidationError) as error:
        await run_in_threadpool(_record, context, asked, Outcome.REFUSED, problem_for(request, error).message)
        raise
    except Exception as error:
        await run_in_threadpool(_record, context, asked, Outcome.FAILED, type(error).__name__)
        raise
    refused = response.status_code >= HTTPStatus.BAD_REQUEST
    await run_in_threadpool(_record, context, asked, Outcome.REFUSED if refused else Outcome.DONE, "")
    return response


def _record(context: ServerContext, asked: Asked, outcome: Outcome, trouble: str) -> None:
    detail = "; ".join(filter(None, (asked.detail, trouble)))
    services = ", ".join(asked.subject.services)
    context.access.record(
        AuditEntry(asked.principal.name, asked.act, outcome, asked.address, services, asked.rollout, detail)
    )


def address_of(request: Request) -> str:
    """The address from which a request came."""
    return request.client.host if request.client else ""


def session_id(request: Request) -> str:
    """The session's id in the browser's cookie; ''."""
    context = context_of(request)
    return request.cookies.get(SECURE_COOKIE if context.site.secure else COOKIE, "")


def _authenticated(context: ServerContext, request: Request, address: str) -> tuple[Principal, Session | None]:
    """Who asks. Raises UnauthorizedError."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        return context.access.authenticate_token(token.strip() if scheme.lower() == "bearer" else "", address), None
    if (text := session_id(request)) and (session := context.access.session(text)):
        return session.principal, session
    if context.dev:
        return Principal(context.dev_name, PrincipalKind.PERSON, {EVERY_SERVICE: Role.ADMIN}), None
    raise UnauthorizedError(reasons=(access_reason(AccessCode.NOT_SIGNED_IN),))


def _permitted(context: ServerContext, request: Request, principal: Principal, act: Act) -> Subject:
    """What the request concerns, with the right proved. Raises ForbiddenError, UnknownError."""
    subject = _subject(context, request, principal)
    if act is Act.MANAGE_TOKENS:  # `Access` decides by the roles of each token
        return subject
    if subject is NOTHING and act in READING:  # a list; it shows what the principal may read
        context.subjects.require_some(principal)
    else:
        context.subjects.require(principal, act, subject, address_of(request))
    return subject


def watcher_of(request: Request) -> Watcher:
    """The reader of a stream. Whether they may still read is asked again while it is open."""
    context, act = context_of(request), asked_of(request).act

    def check() -> KatakeiError | None:
        try:
            principal, _ = _authenticated(context, request, address_of(request))
            _permitted(context, request, principal, act)
        except (UnauthorizedError, ForbiddenError) as error:
            return error
        except KatakeiError:  # the store does not answer: what was known a moment ago still counts
            return None
        return None

    return Watcher(context.hub, partial(run_in_threadpool, check), context.settings)


async def _check_csrf(context: ServerContext, request: Request, session: Session, act: Act) -> None:
    try:
        context.access.check_csrf(session, await _csrf_text(request))
    except ForbiddenError as error:
        refused = Asked(session.principal, act, NOTHING, address_of(request), session)
        await run_in_threadpool(_record, context, refused, Outcome.REFUSED, error_text(error))
        raise


async def _csrf_text(request: Request) -> str:
    if text := request.headers.get(CSRF_HEADER):
        return text
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return ""
    value = (await request.form()).get(CSRF_FIELD)
    return value if isinstance(value, str) else ""


def _subject(context: ServerContext, request: Request, principal: Principal) -> Subject:
    """What the path names. A person who may read nothing learns nothing about what exists."""
    parameters = request.path_params
    if rollout := parameters.get("rollout"):
        subject = context.subjects.of_rollout(rollout)
        if subject is None:
            context.subjects.require_some(principal)
            raise UnknownError(f"there is no rollout {rollout}; the list of rollouts has those there are")
        return subject
    if service := parameters.get("service"):
        return context.subjects.of_service(service)
    if "region" in parameters:
        return context.subjects.of_group(parameters["region"], parameters["name"])
    return NOTHING
