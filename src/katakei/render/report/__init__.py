"""The report: one rollout as one HTML page without script, picture or network access, or as Markdown, for a ticket.

Text that came from outside (output of the work, names, messages of AWS) is escaped on its way into the page.
"""

from katakei.render.report.markdown import markdown
from katakei.render.report.page import page
from katakei.render.report.timeline import data

__all__ = ["data", "markdown", "page"]
