"""Text helpers of every view: durations, labels of targets, lists, aligned columns, and output made harmless.

Every view uses these, so that the same fact reads alike on a terminal, in the report and in an error.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from katakei.domain.events import WorkKey
from katakei.domain.model import Target
from katakei.domain.outside_text import harmless, one_line  # also used by adapters, which must not import render
from katakei.domain.phases import Step
from katakei.domain.words import counted, span  # also used by adapters, which must not import render
from katakei.render.translation import ENGLISH, Translator
from katakei.render.widths import padded, width

__all__ = ["clock_time", "counted", "grid", "harmless", "label", "listed", "one_line", "span", "work_name"]


def clock_time(at: datetime) -> str:
    """A moment of today for people, in local time with its zone: '09:12:31 JST'."""
    return f"{at.astimezone():%H:%M:%S %Z}"


def label(target: Target) -> str:
    """The id of a target, with its name where it has one: 'i-0abc (web1)'."""
    name = one_line(target.name)
    return f"{target.id} ({name})" if name else str(target.id)


def work_name(key: WorkKey, tr: Translator) -> str:
    """What a key of work is for: its intent, and the step where it is not the work itself."""
    intent = tr.name(key.intent)
    return intent if key.step is Step.WORK else tr("{intent}, step {step}", intent=intent, step=key.step.value)


def listed(things: Iterable[object]) -> str:
    """A list that fits on one line: 'a, b, c, d, e and 3 more'."""
    return ENGLISH.listed(things)


def grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, two spaces apart, by their width on a terminal; no cell is cut.

    `status`, `groups` and `list` print this. A table library would cost too much start-up time.
    """
    lines = [list(heads), *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(width(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(padded(cell, columns) for cell, columns in zip(line, widths, strict=True)).rstrip() for line in lines
    )
