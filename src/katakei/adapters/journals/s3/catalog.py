"""The catalog of rollouts, one object for each group, so that finding them costs one call.

The order of the entries is the order in which the rollouts were recorded. The catalog only says where to read: a
rollout that it calls finished is finished; one that it calls open may be open, finished, or never begun. So an entry is
opened before the event that opens a rollout, and closed after the one that ends it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from katakei.adapters.journals.event_codec import record_coder
from katakei.adapters.journals.s3.bucket import Bucket, StoredObject, unchanged_since
from katakei.domain.errors import NoAnswerError
from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import RolloutHeader, newest_first
from katakei.domain.wire import record

FOLDER = "groups/"
TRIES = 8  # how often other processes may be faster


@dataclass(frozen=True, slots=True)
class Entry:
    """One rollout. `opened` counts the openings: the process that closes it must know all of them."""

    header: RolloutHeader
    opened: int


ENTRY = record_coder(Entry, record("Entry", "header opened"))
Entries = dict[RolloutId, Entry]
"""The rollouts of one group, in the order of their recording."""


class Catalog:
    """The entries of every group. A change is written only on the object as it was read; otherwise it is made again."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def of(self, group: Arn) -> Entries:
        """Returns the rollouts of one group."""
        return self._entries(_key(group), self._bucket.get(_key(group)))

    def headers(self, group: Arn | None) -> list[RolloutHeader]:
        """Returns the rollouts of one group, or of all; newest first.

        One of several groups is open when any of the groups calls it open.
        """
        keys = [_key(group)] if group else self._bucket.keys(FOLDER)
        entries = [self._entries(*each) for each in zip(keys, self._bucket.get_all(keys), strict=True)]
        return newest_first([[entry.header for entry in reversed(each.values())] for each in entries])

    def open(self, header: RolloutHeader) -> None:
        """Opens an entry, before the event that opens the rollout."""
        for group in header.groups:
            self._change(group, lambda entries: {**entries, header.rollout: _opened(entries, header)})

    def openings(self, rollout: RolloutId, groups: Sequence[Arn]) -> Mapping[Arn, int]:
        """Returns how often each group opened it so far. Ask before the event that ends it is written."""
        entries = {group: self.of(group).get(rollout) for group in groups}
        return {group: entry.opened for group, entry in entries.items() if entry}

    def close(self, rollout: RolloutId, at: datetime, openings: Mapping[Arn, int]) -> None:
        """Closes an entry, after the event that ends the rollout. One that was opened again meanwhile stays open."""
        for group, opened in openings.items():
            self._change(group, partial(_closed, rollout=rollout, at=at, opened=opened))

    def _change(self, group: Arn, change: Callable[[Entries], Entries]) -> None:
        for _ in range(TRIES):
            found = self._bucket.get(_key(group))
            before = self._entries(_key(group), found)
            after = change(before)
            if after == before or self._bucket.put(_key(group), _text(after), unchanged_since(found)):
                return
        raise NoAnswerError(f"the journal {self._bucket.place} is too busy: too many processes write about {group}")

    def _entries(self, key: str, found: StoredObject | None) -> Entries:
        return self._bucket.parse(key, found, _read) if found else {}


def _opened(entries: Entries, header: RolloutHeader) -> Entry:
    known = entries.get(header.rollout)
    return Entry(header, known.opened + 1 if known else 1)


def _closed(entries: Entries, rollout: RolloutId, at: datetime, opened: int) -> Entries:
    entry = entries.get(rollout)
    if entry is None or entry.opened != opened:
        return entries
    return {**entries, rollout: replace(entry, header=replace(entry.header, finished=at))}


def _read(seen: Any) -> Entries:
    entries = [ENTRY.read(each) for each in seen["rollouts"]]
    return {entry.header.rollout: entry for entry in entries}


def _text(entries: Entries) -> str:
    lines = ",\n".join(json.dumps(ENTRY.write(entry), ensure_ascii=False) for entry in entries.values())
    return f'{{"rollouts": [\n{lines}\n]}}\n'


def _key(group: Arn) -> str:
    return f"{FOLDER}{group}.json"
