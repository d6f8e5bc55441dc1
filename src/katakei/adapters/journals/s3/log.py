"""The numbered events of one rollout as lines of text: one object per append, named by its first number.

Two appends of the same number want the same key, and only one can have it. A snapshot, now and then, spares whoever
reads a long history from reading thousands of objects; it is whole appends from the first one on, or is not there.
"""

from collections.abc import Sequence

from katakei.adapters.journals.s3.bucket import NEW, Bucket
from katakei.domain.errors import UnreachableError
from katakei.domain.model import RolloutId

EVERY = 1000  # events
WIDTH = 10  # digits of a number in a key


class Log:
    """Remembers what it read, since no event ever changes: what is new costs one question."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._known: dict[RolloutId, list[str]] = {}

    def read(self, rollout: RolloutId, after: int) -> list[str]:
        """The events behind number `after`. Raises Unseen, Unreachable."""
        lines = list(self._known.get(rollout) or self._snapshot(rollout))
        keys = self._bucket.keys(_folder(rollout), _key(rollout, len(lines)))
        for key, found in zip(keys, self._bucket.all(keys), strict=True):
            if found is None or _number(key) != len(lines) + 1:
                raise UnreachableError(
                    f"the journal {self._bucket.place} has lost events of rollout {rollout} before {_number(key)}:"
                    " restore the objects, and look at the target groups by hand"
                )
            lines += _lines(found.text)
        self._known[rollout] = lines
        return lines[after:]

    def end(self, rollout: RolloutId) -> int:
        """The number of the newest event; 0: there is none."""
        return len(self.read(rollout, 0))

    def add(self, rollout: RolloutId, after: int, lines: Sequence[str]) -> bool:
        """All of them or none. False: `after` is not the end, or somebody was faster."""
        if len(self._known.get(rollout, ())) != after and self.end(rollout) != after:
            return False
        if not self._bucket.put(_key(rollout, after + 1), "".join(f"{line}\n" for line in lines), NEW):
            return False
        self._known[rollout] = [*self._known.get(rollout, ()), *lines]
        return True

    def keep(self, rollout: RolloutId) -> None:
        """Makes the snapshot anew. One that a slower process makes at the same time may be shorter, never wrong."""
        self._bucket.put(_whole(rollout), "".join(f"{line}\n" for line in self.read(rollout, 0)))

    def _snapshot(self, rollout: RolloutId) -> list[str]:
        found = self._bucket.get(_whole(rollout))
        return _lines(found.text) if found else []


def _lines(text: str) -> list[str]:
    """JSON holds no line feed as such, but may hold what else Python takes for the end of a line."""
    return text.split("\n")[:-1]


def _folder(rollout: RolloutId) -> str:
    return f"rollouts/{rollout}/events/"


def _whole(rollout: RolloutId) -> str:
    return f"rollouts/{rollout}/snapshot.jsonl"


def _key(rollout: RolloutId, number: int) -> str:
    """Sorts as numbers do."""
    return f"{_folder(rollout)}{number:0{WIDTH}}.jsonl"


def _number(key: str) -> int:
    return int(key.rpartition("/")[2].partition(".")[0])
