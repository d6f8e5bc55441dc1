"""The journal in S3: events go to the log, under a lease that was just looked at; the catalogue follows.

Lease and event cannot share a transaction. An old owner is fenced by the numbers: its next event would have the one
that the taker's `Taken` has.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from katakei.adapters.journals.codec import decode, encode
from katakei.adapters.journals.heading import header, in_order, reopens, unknown
from katakei.adapters.journals.moments import moment
from katakei.adapters.journals.s3.bucket import Bucket
from katakei.adapters.journals.s3.catalogue import Catalogue
from katakei.adapters.journals.s3.leases import S3Leases
from katakei.adapters.journals.s3.log import EVERY, Log
from katakei.domain.errors import ConcurrentAppendError, KatakeiError, UnreachableError
from katakei.domain.events import Event, Finished, Planned, RetryAsked, RevertAsked, UserCommand
from katakei.domain.leases import Lease
from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import RolloutHeader
from katakei.domain.wire import EVENTS

TRIES = 5
REOPENS = {EVENTS[kind].kind for kind in (RetryAsked, RevertAsked)}


class S3Journal:
    """Implements the port `Journal`. Raises Unseen (what was asked may have happened; look again) and Unreachable."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._log = Log(bucket)
        self._catalogue = Catalogue(bucket)
        self._leases = S3Leases(bucket)

    def read(self, rollout: RolloutId, after: int) -> Sequence[Event]:
        """As the port says."""
        return [decode(line) for line in self._log.read(rollout, after)]

    def append(self, lease: Lease, rollout: RolloutId, after: int, events: Sequence[Event]) -> None:
        """As the port says. Raises ValueError: the first event of a rollout, and only that, is Planned."""
        self._leases.confirm(lease)
        in_order(after, events)
        if not events:
            self._must(self._log.end(rollout) == after, rollout, after)
            return
        if isinstance(events[0], Planned):
            self._must(self._log.end(rollout) == after, rollout, after)
            self._catalogue.open(header(rollout, events[0]))
        self._reopen(rollout, events)
        finished = next((event.at for event in reversed(events) if isinstance(event, Finished)), None)
        openings = self._catalogue.openings(rollout, sorted(lease.groups)) if finished else {}
        self._must(self._log.add(rollout, after, [encode(event) for event in events]), rollout, after)
        with suppress(KatakeiError):  # the events are written; what follows only spares questions
            if finished:
                self._catalogue.close(rollout, finished, openings)
            if finished or after // EVERY != (after + len(events)) // EVERY:
                self._log.keep(rollout)

    def tell(self, rollout: RolloutId, word: UserCommand) -> None:
        """As the port says. Raises UsageFault: no such rollout."""
        for _ in range(TRIES):
            after = self._log.end(rollout)
            if not after:
                raise unknown(rollout)
            self._reopen(rollout, [word])
            if self._log.add(rollout, after, [encode(word)]):
                return
        raise UnreachableError(f"the journal {self._bucket.place} is too busy for one more word: try again")

    def find(
        self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False
    ) -> Sequence[RolloutHeader]:
        """As the port says; what the catalogue calls open is judged by its events."""
        entries = self._catalogue.of(group) if group else self._catalogue.every()
        wanted = [entry.header for entry in entries.values() if service in {None, entry.header.service}]
        open_ones = {each.rollout: self._judged(each) for each in wanted if each.finished is None}
        headers = [open_ones.get(each.rollout, each) for each in wanted]
        found = [each for each in headers if each and not (unfinished and each.finished)]
        return sorted(found, key=lambda each: (each.begun, each.rollout), reverse=True)

    def close(self) -> None:
        """Nothing is held open."""

    def _reopen(self, rollout: RolloutId, events: Sequence[Event]) -> None:
        """Before the word is written, and after its end was looked at: whoever closes it later must know of this."""
        if any(reopens(event) for event in events):
            planned = decode(self._log.read(rollout, 0)[0])
            if isinstance(planned, Planned):
                self._catalogue.open(header(rollout, planned))

    def _judged(self, listed: RolloutHeader) -> RolloutHeader | None:
        """None: it was never begun. Kinds are enough: what else a newer version may write is not asked."""
        lines: list[dict[str, Any]] = [json.loads(line) for line in self._log.read(listed.rollout, 0)]
        finished: datetime | None = None
        for line in lines:
            if line["kind"] == EVENTS[Finished].kind:
                finished = moment(line["at"])
            elif line["kind"] in REOPENS:
                finished = None
        return replace(listed, finished=finished) if lines else None

    def _must(self, ours: bool, rollout: RolloutId, after: int) -> None:  # noqa: FBT001 - read as a sentence
        if not ours:
            raise ConcurrentAppendError(
                f"another event took number {after + 1} of rollout {rollout}, or {after} is not its end"
            )
