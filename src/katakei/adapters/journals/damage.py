"""Damaged entries of a journal: what no Katakei wrote, or what was cut or changed since, as one short sentence.

An entry is read whole or not at all. Python refuses some of them in ways of its own: numbers of 5,000 digits, JSON that
is nested too deeply, durations beyond any date. All of these are faults of the entry, not of Katakei.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from katakei.domain.errors import UnreachableError
from katakei.domain.outside_text import one_line

DAMAGE = (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError)
"""What reading a damaged entry raises. No entry is read inside `readable` by code that calls a store."""
LONGEST = 80
"""Characters of a fault that are shown: it may quote the entry."""


@contextmanager
def readable(entry: str, advice: str = "restore it from a copy; nothing was changed") -> Iterator[None]:
    """Turns what a damaged entry raises into UnreachableError.

    Args:
        entry: What is read, for the sentence.
        advice: What to do now.
    """
    try:
        yield
    except DAMAGE as fault:
        raise UnreachableError(f"{entry} is damaged ({short(fault)}): {advice}") from fault


def short(fault: BaseException) -> str:
    """What an error says, as one short and harmless line."""
    said = str(fault)
    text = one_line(said[:LONGEST]) or type(fault).__name__
    return f"{text} …" if len(said) > LONGEST else text
