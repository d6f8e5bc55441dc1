"""The freezes in S3: one object for all of them, changed only while it still has the ETag that was read.

The store's time is the `Date` header of S3's answer. Where an answer has none, the time of this machine counts.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class LiftedFreeze:
    """A freeze that a person lifted. It is kept until the same name is frozen again.

    Attributes:
        freeze: The freeze.
        lifted: When, in the store's time.
        lifted_by: The person.
    """

    freeze: Freeze
    lifted: datetime
    lifted_by: str


LIFTED = record_coder(LiftedFreeze, record("LiftedFreeze", "freeze lifted lifted_by"))


@dataclass(frozen=True, slots=True)
class Kept:
    """What the object keeps: the active freezes, and those that were lifted. An older version drops the latter."""

    active: tuple[Freeze, ...] = ()
    lifted: tuple[LiftedFreeze, ...] = ()


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
        return now, still_active(self._kept(found).active, now)

    def freeze(self, name: str, who: str, why: str, until: datetime | None) -> Freeze:
        """As the port says."""

        def added(kept: Kept, now: datetime) -> Kept:
            made = Freeze(name, who, why, now, until)
            check_end(made)
            return Kept((*_others(kept.active, name), made), _others_lifted(kept.lifted, name))

        return next(each for each in self._change(added)[1].active if each.name == name)

    def unfreeze(self, name: str, who: str) -> Freeze | None:
        """As the port says."""

        def lifted(kept: Kept, now: datetime) -> Kept:
            ended = [LiftedFreeze(each, now, who) for each in kept.active if each.name == name]
            return Kept(_others(kept.active, name), (*_others_lifted(kept.lifted, name), *ended)) if ended else kept

        before, _ = self._change(lifted)
        return next((each for each in before.active if each.name == name), None)

    def _change(self, change: Callable[[Kept, datetime], Kept]) -> tuple[Kept, Kept]:
        """What is kept before and after a change. The freezes that have ended by themselves are dropped."""
        for _ in range(TRIES):
            found, now = self._seen()
            read = self._kept(found)
            before = replace(read, active=still_active(read.active, now))
            after = change(before, now)
            if after == before or self._bucket.put(KEY, _text(after), unchanged_since(found)):
                return before, after
        raise NoAnswerError(f"the journal {self._bucket.place} is too busy: too many processes freeze and unfreeze")

    def _seen(self) -> tuple[StoredObject | None, datetime]:
        """The object, and the store's time."""
        found = self._bucket.get(KEY)
        answered = found or self._bucket.get(VERSION_KEY)
        return found, (answered and answered.answered) or self._bucket.clock.now()

    def _kept(self, found: StoredObject | None) -> Kept:
        return self._bucket.parse(KEY, found, _read) if found else Kept()


def _others(freezes: Sequence[Freeze], name: str) -> tuple[Freeze, ...]:
    return tuple(each for each in freezes if each.name != name)


def _others_lifted(lifted: Sequence[LiftedFreeze], name: str) -> tuple[LiftedFreeze, ...]:
    return tuple(each for each in lifted if each.freeze.name != name)


def _read(seen: Any) -> Kept:
    """Objects that older versions wrote have no list of lifted freezes."""
    return Kept(tuple(map(FREEZE.read, seen["freezes"])), tuple(map(LIFTED.read, seen.get("lifted", []))))


def _text(kept: Kept) -> str:
    active, lifted = _lines(map(FREEZE.write, kept.active)), _lines(map(LIFTED.write, kept.lifted))
    return f'{{"freezes": [\n{active}\n], "lifted": [\n{lifted}\n]}}\n'


def _lines(written: Iterable[Any]) -> str:
    return ",\n".join(json.dumps(each, ensure_ascii=False) for each in written)
