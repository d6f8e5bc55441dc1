"""A rollout as one HTML page that needs nothing else: no script, no picture, no network. For a change ticket.

Everything that did not come from us is escaped on its way into the page.
"""

from katakei.render.report.page import page

__all__ = ["page"]
