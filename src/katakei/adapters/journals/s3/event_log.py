"""The numbered events of one rollout as lines of text: one object per append, named by its first number.

Two appends of the same number need the same key, and only one can get it. A snapshot, now and then, saves a reader of
a long history from reading thousands of objects. It holds whole appends from the first one on, or does not exist.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from katakei.adapters.journals.s3.bucket import Bucket, Condition
from katakei.domain.errors import UnreachableError
from katakei.domain.model import RolloutId

SNAPSHOT_INTERVAL = 1000  # events
WIDTH = 10  # digits of a number in a key


@dataclass(slots=True)
class _Known:
    """The events of one rollout as far as they were read or written here.

    Attributes:
        lock: Held from the moment at which the end of the log is known until the append there was answered. Without it
            another thread could read the new object first, and the append would then be counted twice: the next key
            would leave a hole.
        lines: The events from the first one on, without a gap. The tuple is replaced, never changed.
    """

    lock: threading.RLock = field(default_factory=threading.RLock)
    lines: tuple[str, ...] = ()


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
            known.lines = self._verified(rollout, known.lines)
            return known.lines[after:]

    def end(self, rollout: RolloutId) -> int:
        """Returns the number of the newest event; 0 when there is none."""
        return len(self.read(rollout, 0))

    def add(self, rollout: RolloutId, after: int, lines: Sequence[str]) -> bool:
        """Writes all events or none. Returns False when `after` is not the end, or another writer was faster."""
        known = self._known(rollout)
        with known.lock:
            if len(known.lines) != after and self.end(rollout) != after:
                return False
            text = "".join(f"{line}\n" for line in lines)
            if not self._bucket.put(_key(rollout, after + 1), text, Condition.IF_ABSENT):
                return False
            known.lines = (*known.lines, *lines)
            return True

    def write_snapshot(self, rollout: RolloutId) -> None:
        """Writes the snapshot again. A slower process may write a shorter one at the same time, never a wrong one."""
        self._bucket.put(_snapshot_key(rollout), "".join(f"{line}\n" for line in self.read(rollout, 0)))

    def _known(self, rollout: RolloutId) -> _Known:
        with self._lock:
            return self._logs.setdefault(rollout, _Known())

    def _verified(self, rollout: RolloutId, known: tuple[str, ...]) -> tuple[str, ...]:
        """Returns the known lines and every later one in the bucket. Raises UnreachableError: one is missing."""
        lines = list(known or self._snapshot(rollout))
        keys = self._bucket.keys(_folder(rollout), _key(rollout, len(lines)))
        for key, found in zip(keys, self._bucket.get_all(keys), strict=True):
            if found is None or _number(key) != len(lines) + 1:
                raise UnreachableError(
                    f"the journal {self._bucket.place} has lost events of rollout {rollout} before {_number(key)}:"
                    " restore the objects, and check the target groups by hand"
                )
            lines += _lines(found.text)
        return tuple(lines)

    def _snapshot(self, rollout: RolloutId) -> list[str]:
        found = self._bucket.get(_snapshot_key(rollout))
        return _lines(found.text) if found else []


def _lines(text: str) -> list[str]:
    """JSON never holds a line feed, but it may hold other characters that `splitlines` takes for the end of a line."""
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
