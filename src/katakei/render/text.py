"""Text helpers of every view: durations, labels of targets, lists, aligned columns, and output made harmless.

Every view uses these, so that the same fact reads alike on a terminal, in the report and in an error.
"""

import re
from collections.abc import Iterable, Sequence

from katakei.domain.model import Target
from katakei.domain.words import counted, span  # also used by adapters, which must not import render

__all__ = ["counted", "grid", "harmless", "label", "listed", "span"]

LIST_LIMIT = 5  # names that a list shows; it must fit on one line

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def label(target: Target) -> str:
    """The id of a target, with its name where it has one: 'i-0abc (web1)'."""
    return f"{target.id} ({target.name})" if target.name else str(target.id)


def listed(things: Iterable[object]) -> str:
    """A list that fits on one line: 'a, b, c, d, e and 3 more'."""
    names = [str(thing) for thing in things]
    if len(names) <= LIST_LIMIT:
        return ", ".join(names)
    return f"{', '.join(names[:LIST_LIMIT])} and {len(names) - LIST_LIMIT} more"


def grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, two spaces apart; no cell is cut.

    `status`, `groups` and `list` print this. A table library would cost too much start-up time.
    """
    lines = [list(heads), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def harmless(text: str) -> str:
    r"""Output of a program without anything that a terminal or a browser would act on.

    Colors are removed, every other control character is written out (`\x1b`). Line ends and tabs stay.
    """
    plain = _COLOR.sub("", text.replace("\r\n", "\n"))
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", plain)
