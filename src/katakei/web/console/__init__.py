"""The console: pages in HTML over the use cases of `katakei.app`. One more client; no page holds a rule."""

from katakei.web.console.pages import error_page, router

__all__ = ["error_page", "router"]
