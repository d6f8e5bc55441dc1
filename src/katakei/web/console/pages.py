"""All routes of the console, and the page of an error."""

from fastapi import APIRouter

from katakei.web.console import access_pages, group_pages, list_pages, new_pages, rollout_pages, step_pages
from katakei.web.console.serving import error_page

__all__ = ["error_page", "router"]

router = APIRouter()
for _each in (group_pages, step_pages, rollout_pages, new_pages, list_pages, access_pages):
    router.include_router(_each.routes)
router.include_router(access_pages.open_routes)
