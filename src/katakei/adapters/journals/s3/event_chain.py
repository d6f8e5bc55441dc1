"""The chain of a log's events: each line ends with the hash of the line before, so that no line can be exchanged.

    {"kind": "Planned", …, "before": "3b1f…"}
    {"kind": "Deregistered", …, "before": "9c02…"}

The first line has the hash of the rollout's id. Logs of older versions have no hashes: they are read as they are, and
stay without hashes to their end, because a process of the older version may still read them. Once one line has a hash,
every later line must have one. Anyone who may write every object can also write a whole log anew: only the policy of
the bucket prevents that (docs/journal.md).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from katakei.domain.model import RolloutId

_BEFORE = re.compile(r', "before": "([0-9a-f]{64})"\}$')


class BrokenChainError(Exception):
    """A line does not follow from the one before. It never leaves the S3 journal.

    Attributes:
        number: The number of the line after the known ones, counted from 1.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(frozen=True, slots=True)
class Link:
    """The end of a log: the hash of its last line, and whether that line has the hash of the one before it."""

    hash: str
    chained: bool

    @classmethod
    def first(cls, rollout: RolloutId) -> "Link":
        """What the first line follows from."""
        return cls(_hash(rollout), chained=True)


def chain(link: Link, events: Iterable[str]) -> tuple[list[str], Link]:
    """The lines that are stored for these events, and the new end. They get hashes if the log has them."""
    lines = []
    for event in events:
        line = f'{event[:-1]}, "before": "{link.hash}"}}' if link.chained else event
        lines.append(line)
        link = Link(_hash(line), link.chained)
    return lines, link


def unchain(link: Link, lines: Sequence[str], *, empty: bool) -> tuple[list[str], Link]:
    """The events of these lines, and the new end.

    Args:
        link: The end of the log before them.
        lines: As they are stored.
        empty: Whether the log has no line before them: then the first of them says whether the log has hashes.

    Raises:
        BrokenChainError: One of them does not follow from the one before.
    """
    events = []
    for number, line in enumerate(lines, 1):
        found = _BEFORE.search(line)
        if (found is None and link.chained and not (empty and number == 1)) or (found and found[1] != link.hash):
            raise BrokenChainError(number)
        events.append(f"{line[: found.start()]}}}" if found else line)
        link = Link(_hash(line), chained=found is not None)
    return events, link


def _hash(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()
