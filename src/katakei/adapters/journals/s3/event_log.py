"""The numbered events of one rollout as lines of text: one object per append, named by its first number.

Two appends of the same number need the same key, and only one can get it. A snapshot, now and then, saves a reader of
a long history from reading thousands of objects. It holds whole appends from the first one on, or does not exist.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from katakei.adapters.journals.damage import readable
from katakei.adapters.journals.s3.bucket import Bucket, Condition
from katakei.adapters.journals.s3.event_chain import BrokenChainError, Link, chain, unchain
from katakei.domain.errors import UnreachableError
from katakei.domain.model import RolloutId

SNAPSHOT_INTERVAL = 1000  # events
WIDTH = 10  # digits of a number in a key
ADVICE = "restore the objects from a copy, and check the target groups by hand"


@dataclass(slots=True)
class _Known:
    """The events of one rollout as far as they were read or written here.

    Attributes:
        lock: Held from the moment at which the end of the log is known until the append there was answered. Without it
            another thread could read the new object first, and the append would then be counted twice: the next key
            would leave a hole.
        lines: The stored lines from the first one on, without a gap. The tuple is replaced, never changed.
        events: The events in these lines, without their hashes.
        link: The end of the chain.
    """

    link: Link
    lock: threading.RLock = field(default_factory=threading.RLock)
    lines: tuple[str, ...] = ()
    events: tuple[str, ...] = ()


class EventLog:
    """The events of every rollout. It keeps what it read, since no event ever changes: new events cost one call.

    Thread-safe. While one thread waits for the answer to an append, another one that asks about the same rollout waits
    with it.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._lock = threading.Lock()
        self._logs: dict[RolloutId, _Known] = {}

    def read(self, rollout: RolloutId, after: int) -> Sequence[str]:
        """Returns the events after number `after`. Raises NoAnswerError, UnreachableError."""
        known = self._known(rollout)
        with known.lock:
            if not known.lines:
                self._take(rollout, known, self._snapshot(rollout))
            self._take(rollout, known, self._newer(rollout, len(known.lines)))
            return known.events[after:]

    def end(self, rollout: RolloutId) -> int:
        """Returns the number of the newest event; 0 when there is none."""
        return len(self.read(rollout, 0))

    def add(self, rollout: RolloutId, after: int, events: Sequence[str]) -> bool:
        """Writes all events or none. Returns False when `after` is not the end, or another writer was faster."""
        known = self._known(rollout)
        with known.lock:
            if len(known.lines) != after and self.end(rollout) != after:
                return False
            lines, link = chain(known.link, events)
            if not self._bucket.put(_key(rollout, after + 1), _text(lines), Condition.IF_ABSENT):
                return False
            known.lines, known.events, known.link = (*known.lines, *lines), (*known.events, *events), link
            return True

    def write_snapshot(self, rollout: RolloutId) -> None:
        """Writes the snapshot again. A slower process may write a shorter one at the same time, never a wrong one."""
        known = self._known(rollout)
        with known.lock:
            self.read(rollout, 0)
            text = _text(known.lines)
        self._bucket.put(_snapshot_key(rollout), text)

    def _known(self, rollout: RolloutId) -> _Known:
        with self._lock:
            return self._logs.setdefault(rollout, _Known(Link.first(rollout)))

    def _take(self, rollout: RolloutId, known: _Known, lines: Sequence[str]) -> None:
        """Adds stored lines to the known ones. Raises UnreachableError: they do not follow from them."""
        try:
            events, link = unchain(known.link, lines, empty=not known.lines)
        except BrokenChainError as broken:
            raise UnreachableError(
                f"event {len(known.lines) + broken.number} of rollout {rollout} does not follow from the one before it:"
                f" an object of the journal {self._bucket.place} was changed or added by hand; {ADVICE}"
            ) from broken
        known.lines, known.events, known.link = (*known.lines, *lines), (*known.events, *events), link

    def _newer(self, rollout: RolloutId, after: int) -> list[str]:
        """Returns every line in the bucket after this number. Raises UnreachableError: one is missing or damaged."""
        lines: list[str] = []
        keys = self._bucket.keys(_folder(rollout), _key(rollout, after))
        for key, found in zip(keys, self._bucket.get_all(keys), strict=True):
            with readable(self._bucket.name_of(key), ADVICE):
                number, new = _number(key), _lines(found.text) if found else []
            if not new or number != after + len(lines) + 1:
                raise UnreachableError(
                    f"the journal {self._bucket.place} has lost events of rollout {rollout} before {number}: {ADVICE}"
                )
            lines += new
        return lines

    def _snapshot(self, rollout: RolloutId) -> list[str]:
        key = _snapshot_key(rollout)
        found = self._bucket.get(key)
        with readable(self._bucket.name_of(key), ADVICE):
            return _lines(found.text) if found else []


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _lines(text: str) -> list[str]:
    """The lines of an object, which ends with a line feed. Raises ValueError: it was cut.

    JSON never holds a line feed, but it may hold other characters that `splitlines` takes for the end of a line.
    """
    if not text.endswith("\n"):
        raise ValueError("its last line is cut")
    return text.split("\n")[:-1]


def _folder(rollout: RolloutId) -> str:
    return f"rollouts/{rollout}/events/"


def _snapshot_key(rollout: RolloutId) -> str:
    return f"rollouts/{rollout}/snapshot.jsonl"


def _key(rollout: RolloutId, number: int) -> str:
    """The keys sort as the numbers do."""
    return f"{_folder(rollout)}{number:0{WIDTH}}.jsonl"


def _number(key: str) -> int:
    return int(key.rpartition("/")[2].partition(".")[0])
