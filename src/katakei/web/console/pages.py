"""The pages of the console, and the environment of their templates."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.responses import HTMLResponse, RedirectResponse, Response

from katakei.domain.principals import Act, Principal
from katakei.web.errors import Problem
from katakei.web.gate import ActRoute, csrf_of, doing, principal_of

router = APIRouter(route_class=ActRoute, include_in_schema=False)
environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape(default=True)
)

UNAUTHORIZED = 401


@router.get("/", **doing(Act.READ))
def first_page(
    principal: Annotated[Principal, Depends(principal_of)], csrf: Annotated[str, Depends(csrf_of)]
) -> HTMLResponse:
    """The first page."""
    del csrf
    return HTMLResponse(
        environment.from_string("<!doctype html><title>Katakei</title>{{ name }}").render(name=principal.name)
    )


async def error_page(request: Request, problem: Problem) -> Response:
    """An error as a page; without a session the sign-in page."""
    if problem.status == UNAUTHORIZED and request.url.path != "/sign-in":
        return RedirectResponse("/sign-in", 303)
    page = environment.from_string("<!doctype html><title>Katakei</title><p>{{ message }}</p>")
    return HTMLResponse(page.render(message=problem.message), problem.status)
