"""The freezes in S3: one object for all of them, changed only while it still has the ETag that was read.

The store's time is the `Date` header of S3's answer. Where an answer has none, the time of this machine counts.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from katakei.adapters.journals.event_codec import record_coder
from katakei.adapters.journals.freeze_queries import check_end
from katakei.adapters.journals.s3.bucket import VERSION_KEY, Bucket, StoredObject, unchanged_since
from katakei.domain.errors import NoAnswerError
from katakei.domain.freezes import Freeze, still_active
from katakei.domain.wire import record

KEY = "freezes.json"
TRIES = 8  # how often other processes may be faster
FREEZE = record_coder(Freeze, record("Freeze", "name who why since until"))


class S3Freezes:
    """Implements the port `Freezes`. Every method may raise NoAnswerError and UnreachableError."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def active(self) -> Sequence[Freeze]:
        """As the port says."""
        return self.read()[1]

    def read(self) -> tuple[datetime, Sequence[Freeze]]:
        """As the port says: one call, or two where nothing was ever frozen."""
        found, now = self._seen()
        return now, still_active(self._freezes(found), now)

    def freeze(self, name: str, who: str, why: str, until: datetime | None) -> Freeze:
        """As the port says."""

        def added(freezes: Sequence[Freeze], now: datetime) -> tuple[Freeze, ...]:
            made = Freeze(name, who, why, now, until)
            check_end(made)
            return (*(each for each in freezes if each.name != name), made)

        return next(each for each in self._change(added)[1] if each.name == name)

    def unfreeze(self, name: str, who: str) -> Freeze | None:
        """As the port says. The object does not keep who lifted a freeze."""
        del who
        before, _ = self._change(lambda freezes, _now: tuple(each for each in freezes if each.name != name))
        return next((each for each in before if each.name == name), None)

    def _change(
        self, change: Callable[[Sequence[Freeze], datetime], tuple[Freeze, ...]]
    ) -> tuple[tuple[Freeze, ...], tuple[Freeze, ...]]:
        """The active freezes before and after a change. Those that have ended are dropped."""
        for _ in range(TRIES):
            found, now = self._seen()
            before = still_active(self._freezes(found), now)
            after = change(before, now)
            if after == before or self._bucket.put(KEY, _text(after), unchanged_since(found)):
                return before, after
        raise NoAnswerError(f"the journal {self._bucket.place} is too busy: too many processes freeze and unfreeze")

    def _seen(self) -> tuple[StoredObject | None, datetime]:
        """The object, and the store's time."""
        found = self._bucket.get(KEY)
        answered = found or self._bucket.get(VERSION_KEY)
        return found, (answered and answered.answered) or self._bucket.clock.now()

    def _freezes(self, found: StoredObject | None) -> tuple[Freeze, ...]:
        return self._bucket.parse(KEY, found, _read) if found else ()


def _read(seen: Any) -> tuple[Freeze, ...]:
    return tuple(FREEZE.read(each) for each in seen["freezes"])


def _text(freezes: Sequence[Freeze]) -> str:
    lines = ",\n".join(json.dumps(FREEZE.write(each), ensure_ascii=False) for each in freezes)
    return f'{{"freezes": [\n{lines}\n]}}\n'
