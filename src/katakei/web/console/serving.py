"""What the routes of the console share: the reader of a request, pages and parts of pages, and answers to forms."""

from collections.abc import Mapping
from urllib.parse import quote

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from katakei.web.console.group_facts import FactReader, StateTimes
from katakei.web.console.page import Message, Reader, fragment_wanted, page_response, preferences, render
from katakei.web.errors import Problem
from katakei.web.gate import context_of, known_of

SEE_OTHER = 303
UNAUTHORIZED = 401


def reader_of(request: Request) -> Reader:
    """The reader of a request, also of one that was refused."""
    language, theme = preferences(request)
    known = known_of(request)
    if known is None:
        return Reader(language, theme)
    principal, session = known
    csrf = session.csrf if session else ""
    return Reader(language, theme, principal, csrf, context_of(request).dev and session is None)


async def shown(request: Request, template: str, values: Mapping[str, object], status: int = 200) -> Response:
    """A page, made in a thread because a long list takes a while."""
    reader = reader_of(request)
    text = await run_in_threadpool(render, reader, request.url.path, template, values, context_of(request).clock.now())
    return page_response(text, status, reader.language)


async def answered(request: Request, back: str, message: Message) -> Response:
    """The answer to a form: the message alone for the script, else the page again with the message on top.

    Args:
        request: The request with the form.
        back: The path of the page.
        message: What happened.
    """
    if fragment_wanted(request):
        response = await shown(request, "message.html", {"message": message})
        response.headers["HX-Trigger"] = "katakei:acted"
        return response
    joint = "&" if "?" in back else "?"
    return RedirectResponse(f"{back}{joint}said={quote(message.text)}&kind={message.kind}"[:1500], SEE_OTHER)


def gone_to(request: Request, path: str) -> Response:
    """The browser goes to another page of the console."""
    if fragment_wanted(request):
        return Response(status_code=204, headers={"HX-Redirect": path})
    return RedirectResponse(path, SEE_OTHER)


async def error_page(request: Request, problem: Problem) -> Response:
    """An error as a page or as a message for the script; without a session the sign-in page."""
    if problem.status == UNAUTHORIZED and not request.url.path.startswith("/sign-in"):
        return gone_to(request, f"/sign-in?next={quote(request.url.path)}")
    message = Message("bad", problem.message)
    if fragment_wanted(request):
        return await shown(request, "message.html", {"message": message}, problem.status)
    if request.url.path.startswith("/sign-in"):
        login = context_of(request).access.login_configured
        return await shown(request, "sign_in.html", {"message": message, "login": login, "link": ""}, problem.status)
    return await shown(request, "error.html", {"message": message, "status": problem.status}, problem.status)


def facts_of(request: Request) -> FactReader:
    """The reader of facts about groups: one for each server."""
    state = request.app.state
    if not hasattr(state, "console_facts"):
        state.console_facts = FactReader(context_of(request))
    reader: FactReader = state.console_facts
    return reader


def times_of(request: Request) -> StateTimes:
    """Since when registrations are in their states: one memory for each server."""
    state = request.app.state
    if not hasattr(state, "console_times"):
        state.console_times = StateTimes()
    times: StateTimes = state.console_times
    return times
