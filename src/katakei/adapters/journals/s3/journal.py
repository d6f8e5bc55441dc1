"""The journal in S3: events go to the event log, under a lease that was just confirmed; the catalog follows.

Lease and event cannot share a transaction. The numbers fence an old owner: its next event would need the number that
the new owner's `OwnerChanged` has.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from katakei.adapters.journals.damage import readable
from katakei.adapters.journals.event_codec import decode, encode
from katakei.adapters.journals.rollout_headers import check_order, header, reopens, unknown_rollout
from katakei.adapters.journals.s3.bucket import Bucket
from katakei.adapters.journals.s3.catalog import Catalog
from katakei.adapters.journals.s3.event_log import SNAPSHOT_INTERVAL, EventLog
from katakei.adapters.journals.s3.leases import S3Leases
from katakei.adapters.journals.timestamps import moment
from katakei.domain.errors import ConcurrentAppendError, KatakeiError, UnreachableError
from katakei.domain.events import Event, Finished, Planned, RetryAsked, RevertAsked, UserCommand
from katakei.domain.leases import Lease
from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import RolloutHeader
from katakei.domain.wire import EVENTS

TRIES = 5
REOPENS = {EVENTS[kind].kind for kind in (RetryAsked, RevertAsked)}


class S3Journal:
    """Implements the port `Journal`.

    Every method may raise NoAnswerError (what was asked may have happened: read again) and UnreachableError.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._log = EventLog(bucket)
        self._catalog = Catalog(bucket)
        self._leases = S3Leases(bucket)

    def read(self, rollout: RolloutId, after: int) -> Sequence[Event]:
        """As the port says."""
        return [decode(line) for line in self._log.read(rollout, after)]

    def append(self, lease: Lease, rollout: RolloutId, after: int, events: Sequence[Event]) -> None:
        """As the port says. Raises ValueError: the first event of a rollout, and only that, is Planned."""
        self._leases.confirm(lease)
        check_order(after, events)
        if not events:
            self._must(self._log.end(rollout) == after, rollout, after)
            return
        if isinstance(events[0], Planned):
            self._must(self._log.end(rollout) == after, rollout, after)
            self._catalog.open(header(rollout, events[0]))
        self._reopen(rollout, events)
        finished = next((event.at for event in reversed(events) if isinstance(event, Finished)), None)
        openings = self._catalog.openings(rollout, sorted(lease.groups)) if finished else {}
        self._must(self._log.add(rollout, after, [encode(event) for event in events]), rollout, after)
        with suppress(KatakeiError):  # the events are written; what follows only saves calls
            if finished:
                self._catalog.close(rollout, finished, openings)
            if finished or after // SNAPSHOT_INTERVAL != (after + len(events)) // SNAPSHOT_INTERVAL:
                self._log.write_snapshot(rollout)

    def tell(self, rollout: RolloutId, word: UserCommand) -> None:
        """As the port says. Raises UsageError: no such rollout."""
        for _ in range(TRIES):
            after = self._log.end(rollout)
            if not after:
                raise unknown_rollout(rollout)
            self._reopen(rollout, [word])
            if self._log.add(rollout, after, [encode(word)]):
                return
        raise UnreachableError(f"the journal {self._bucket.place} is too busy for one more command: try again")

    def find(
        self, *, service: str | None = None, group: Arn | None = None, unfinished: bool = False
    ) -> Sequence[RolloutHeader]:
        """As the port says. What the catalog calls open is judged by its events."""
        wanted = [header for header in self._catalog.headers(group) if service in {None, header.service}]
        open_ones = {each.rollout: self._judged(each) for each in wanted if each.finished is None}
        headers = [open_ones.get(each.rollout, each) for each in wanted]
        return [each for each in headers if each and not (unfinished and each.finished)]

    def close(self) -> None:
        """Nothing is held open."""

    def _reopen(self, rollout: RolloutId, events: Sequence[Event]) -> None:
        """Opens the entry before the command is written: a process that closes the rollout later must know of this."""
        if any(reopens(event) for event in events):
            planned = decode(self._log.read(rollout, 0)[0])
            if isinstance(planned, Planned):
                self._catalog.open(header(rollout, planned))

    def _judged(self, listed: RolloutHeader) -> RolloutHeader | None:
        """Returns None when it never began. Only the kinds are read, so events of a newer version do no harm."""
        lines = self._log.read(listed.rollout, 0)
        finished: datetime | None = None
        with readable(f"rollout {listed.rollout} in the journal {self._bucket.place}"):
            for line in map(json.loads, lines):
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
