"""The API, version 1: JSON in, JSON out. Each handler calls one use case; the gate has proved the right before."""

from fastapi import APIRouter

from katakei.web.api import access, answers, commands, freezes, groups, journal, rollouts, services, steps

PREFIX = "/api/v1"


def api_router() -> APIRouter:
    """All routes of version 1."""
    router = APIRouter(prefix=PREFIX, responses=answers.PROBLEMS)
    for each in (groups, services, rollouts, commands, steps, freezes, access, journal):
        router.include_router(each.routes)
    return router
