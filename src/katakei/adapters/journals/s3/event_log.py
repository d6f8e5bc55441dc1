"""The numbered events of one rollout as lines of text: one object per append, named by its first number.

Two appends of the same number need the same key, and only one can get it. A snapshot, now and then, saves a reader of
a long history from reading thousands of objects. It holds whole appends from the first one on, or does not exist.
"""

from collections.abc import Sequence

from katakei.adapters.journals.s3.bucket import Bucket, Condition
from katakei.domain.errors import UnreachableError
from katakei.domain.model import RolloutId

SNAPSHOT_INTERVAL = 1000  # events
WIDTH = 10  # digits of a number in a key


class EventLog:
    """The events of every rollout. It keeps what it read, since no event ever changes: new events cost one call."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._known: dict[RolloutId, list[str]] = {}

    def read(self, rollout: RolloutId, after: int) -> list[str]:
        """Returns the events after number `after`. Raises NoAnswerError, UnreachableError."""
        lines = list(self._known.get(rollout) or self._snapshot(rollout))
        keys = self._bucket.keys(_folder(rollout), _key(rollout, len(lines)))
        for key, found in zip(keys, self._bucket.get_all(keys), strict=True):
            if found is None or _number(key) != len(lines) + 1:
                raise UnreachableError(
                    f"the journal {self._bucket.place} has lost events of rollout {rollout} before {_number(key)}:"
                    " restore the objects, and check the target groups by hand"
                )
            lines += _lines(found.text)
        self._known[rollout] = lines
        return lines[after:]

    def end(self, rollout: RolloutId) -> int:
        """Returns the number of the newest event; 0 when there is none."""
        return len(self.read(rollout, 0))

    def add(self, rollout: RolloutId, after: int, lines: Sequence[str]) -> bool:
        """Writes all events or none. Returns False when `after` is not the end, or another process was faster."""
        if len(self._known.get(rollout, ())) != after and self.end(rollout) != after:
            return False
        if not self._bucket.put(_key(rollout, after + 1), "".join(f"{line}\n" for line in lines), Condition.IF_ABSENT):
            return False
        self._known[rollout] = [*self._known.get(rollout, ()), *lines]
        return True

    def write_snapshot(self, rollout: RolloutId) -> None:
        """Writes the snapshot again. A slower process may write a shorter one at the same time, never a wrong one."""
        self._bucket.put(_snapshot_key(rollout), "".join(f"{line}\n" for line in self.read(rollout, 0)))

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
