"""The console: pages over the same use cases as the API."""

from katakei.web.console.pages import error_page, router

__all__ = ["error_page", "router"]
