"""Bits of HTML: the only place where text becomes markup, so the only one that must escape it."""

from collections.abc import Iterable, Sequence
from html import escape

from katakei.render.sanitize import harmless


def text(value: object) -> str:
    """Anything that was said, as text and nothing else."""
    return escape(harmless(str(value)), quote=True)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], kind: str = "") -> str:
    """Rows of text under heads; it scrolls by itself where it is wider than the page."""
    head = "".join(f'<th scope="col">{text(each)}</th>' for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
    return (
        f'<div class="wide"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'
    )


def section(title: str, *parts: str, note: str = "") -> str:
    """A part of the page with its title, and a sentence on how to read it."""
    said = f'<p class="note">{text(note)}</p>\n' if note else ""
    return f"<section>\n<h2>{text(title)}</h2>\n{said}{chr(10).join(parts)}\n</section>\n"


def folded(title: str, inside: str) -> str:
    """What is shown to whoever opens it; browsers do that without any script."""
    return f"<details><summary>{text(title)}</summary>\n{inside}\n</details>\n"
