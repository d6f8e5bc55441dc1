"""The publisher of wait reports: it tells a team's store what the rollouts of this process wait for.

Turns hand their reason over and go on at once; a thread of its own writes the newest reason of each rollout, at most
once a second. A store that does not answer costs a turn nothing: the report is written later, or never.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from katakei.domain.errors import KatakeiError
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.ports import Clock, WaitReport, WaitReports
from katakei.domain.reasons import Reason, ReasonValue
from katakei.runtime.runner import Turn
from katakei.runtime.session_host import TurnListener

log = logging.getLogger(__name__)

PUBLISH_INTERVAL = timedelta(seconds=1)
"""How often reports are written at most."""
REFRESH_INTERVAL = timedelta(seconds=20)
"""A reason that stays the same is written again at the first turn after this time. Turns are at most 15 s apart."""
OUTPUT_LIMIT, OUTPUTS_LIMIT = 1_000, 4_000
"""How many characters of output a report holds: of one target, and of all together."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said last of a rollout, and when that was handed over."""

    report: WaitReport
    at: datetime


class WaitPublisher:
    """Publishes what the rollouts of this process wait for."""

    def __init__(self, reports: WaitReports, clock: Clock) -> None:
        """Publishes nothing yet.

        Args:
            reports: The store of the team.
            clock: The clock of the process.
        """
        self._reports = reports
        self._clock = clock
        self._said: dict[RolloutId, _Said] = {}
        self._pending: dict[RolloutId, WaitReport | None] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._silent = False
        self._thread = threading.Thread(target=self._publish_on, name="katakei-waits", daemon=True)

    def run(self) -> None:
        """Publishes from now on, until `close`."""
        self._thread.start()

    def close(self) -> None:
        """Ends the publishing, and waits for a report under way for a moment."""
        self._over.set()
        with suppress(RuntimeError):  # it never ran
            self._thread.join(1)

    def turn(self, rollout: RolloutId, turn: Turn) -> None:
        """Notes what a rollout waits for after a turn (`SessionHost.listen`). Returns at once."""
        now = self._clock.now()
        with self._lock:
            before = self._said.get(rollout)
            if turn.over:
                self._said.pop(rollout, None)
                self._pending[rollout] = None
                return
            same = before is not None and _kind(before.report.why) == _kind(turn.why)
            since = before.report.since if before is not None and same else now
            report = WaitReport(turn.rollout.number, turn.why, since, bounded(turn.outputs))
            if before is None or report != before.report or now - before.at >= REFRESH_INTERVAL:
                self._said[rollout] = _Said(report, now)
                self._pending[rollout] = report

    def publish(self) -> None:
        """Writes what is pending. A store that does not answer gets the newest reports again the next time."""
        with self._lock:
            pending, self._pending = self._pending, {}
        if not pending:
            return
        try:
            self._reports.publish(pending)
        except KatakeiError as error:
            with self._lock:
                self._pending = {**pending, **self._pending}
            if not self._silent:
                log.warning("waits not published", extra={"facts": {"error": str(error)}})
            self._silent = True
        else:
            self._silent = False

    def _publish_on(self) -> None:
        while not self._over.wait(PUBLISH_INTERVAL.total_seconds()):
            try:
                self.publish()
            except Exception:
                log.exception("waits not published")
        with suppress(Exception):
            self.publish()  # rollouts that ended in the last second


@contextmanager
def publishing(reports: WaitReports | None, clock: Clock) -> Iterator[TurnListener]:
    """What gets the turns whose reasons are published until the end of the block. Without a store it does nothing."""
    if reports is None:
        yield lambda _rollout, _turn: None
        return
    publisher = WaitPublisher(reports, clock)
    publisher.run()
    try:
        yield publisher.turn
    finally:
        publisher.close()


def _kind(value: ReasonValue) -> object:
    """What tells two reasons apart. Numbers do not: a count that rises is still the same wait."""
    if isinstance(value, Reason):
        return value.code, tuple((name, _kind(fact)) for name, fact in value.data)
    if isinstance(value, tuple):
        return tuple(map(_kind, value))
    return value if isinstance(value, str) else None


def bounded(outputs: Mapping[TargetId, str]) -> Mapping[TargetId, str]:
    """The last lines of these outputs, as far as a report may hold them."""
    kept: dict[TargetId, str] = {}
    left = OUTPUTS_LIMIT
    for target, output in sorted(outputs.items()):
        end = output[-min(left, OUTPUT_LIMIT) :] if left else ""
        if len(end) < len(output):  # a line that was cut says less than none
            end = end.partition("\n")[2] or end
        if end:
            kept[target] = end
            left -= len(end)
    return kept
