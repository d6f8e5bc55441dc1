"""The notifications about rollouts: which event of a turn is worth a message, and a queue that never holds a turn up.

The process that writes an event sends its messages, so that each is sent once, also after another process took over.
A process that dies between the two sends nothing: the message is lost, and nobody sends it later.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from katakei.domain import events as e
from katakei.domain.errors import NoAnswerError, RefusedError, RejectedError
from katakei.domain.model import RolloutId
from katakei.domain.notifications import Message, NotifyRule, Occasion
from katakei.domain.phases import Intent, Phase
from katakei.domain.plan import PlanKind
from katakei.domain.ports.notifier import Notifier
from katakei.domain.replay import Rollout
from katakei.domain.results import Result, result
from katakei.render.notifications import message
from katakei.render.text import label
from katakei.runtime.runner import Turn

MAX_WAITING = 200
"""Messages that wait to be sent. More are dropped: an address that does not answer must not fill the memory."""
SEND_LIMIT = timedelta(seconds=10)
RETRY_AFTER = timedelta(seconds=2)
LAST_MESSAGES = timedelta(seconds=25)
"""How long the end of a process waits for the messages that are queued: two tries of one, and a little more."""
MANUAL = "manual"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something in a turn that is worth a message.

    Attributes:
        occasion: What it is.
        waiting: What waits for approval.
    """

    occasion: Occasion
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Waiting:
    rule: NotifyRule
    message: Message
    occasion: Occasion
    rollout: RolloutId
    service: str


class Notifications:
    """Sends messages about the turns of this process. `turn` is a `TurnListener` and returns at once. Thread-safe.

    Args:
        notifier: Sends one message.
        rules: The rules of a service.
        link: The address of the page of a rollout; '' where there is none.
    """

    def __init__(
        self,
        notifier: Notifier,
        rules: Callable[[str], Sequence[NotifyRule]],
        link: Callable[[RolloutId], str] = lambda _rollout: "",
    ) -> None:
        self._notifier = notifier
        self._rules = rules
        self._link = link
        self._queue: queue.Queue[_Waiting] = queue.Queue(MAX_WAITING)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._failed: list[str] = []

    @property
    def failed(self) -> Sequence[str]:
        """Why messages were not sent, the newest last: at most as many as may wait."""
        return tuple(self._failed)

    def turn(self, rollout: RolloutId, turn: Turn) -> None:
        """Queues what this turn is worth."""
        for happening in happenings(turn):
            service = turn.rollout.plan.spec.service
            for rule in self._rules(service):
                if happening.occasion in rule.on:
                    text = message(
                        happening.occasion,
                        turn.rollout,
                        rule.language,
                        waiting=happening.waiting,
                        link=self._link(rollout),
                    )
                    self._put(_Waiting(rule, text, happening.occasion, rollout, service))

    def close(self, within: timedelta) -> None:
        """Sends what is queued, for at most this time; the rest is dropped."""
        self._closing.set()
        thread = self._thread
        if thread is not None:
            thread.join(within.total_seconds())
            if thread.is_alive():
                log.warning("notifications dropped at the end", extra={"facts": {"count": self._queue.qsize() + 1}})

    @property
    def waiting(self) -> int:
        """How many messages wait to be sent."""
        return self._queue.qsize()

    def _put(self, waiting: _Waiting) -> None:
        try:
            self._queue.put_nowait(waiting)
        except queue.Full:
            self._note_failure(waiting, f"{MAX_WAITING} messages wait already")
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._send_all, name="katakei-notifications", daemon=True)
                self._thread.start()

    def _send_all(self) -> None:
        while True:
            try:
                waiting = self._queue.get(timeout=0.2)
            except queue.Empty:
                if self._closing.is_set():
                    return
                continue
            self._send(waiting)

    def _send(self, waiting: _Waiting) -> None:
        """Tries twice. A failure is one line in the log, without the address and the text."""
        why = ""
        for attempt in (1, 2):
            try:
                self._notifier.send(waiting.rule.url, waiting.message, SEND_LIMIT)
            except NoAnswerError as error:
                why = str(error)
                if attempt == 1:
                    self._closing.wait(RETRY_AFTER.total_seconds())
            except RejectedError as error:
                why = str(error)
                break
            else:
                facts = {"rollout": waiting.rollout, "service": waiting.service, "occasion": waiting.occasion.value}
                log.info("notified", extra={"facts": facts})
                return
        self._note_failure(waiting, why)

    def _note_failure(self, waiting: _Waiting, why: str) -> None:
        self._failed = [*self._failed[-MAX_WAITING:], f"{waiting.occasion.value} to {waiting.rule.url}: {why}"]
        facts = {
            "rollout": waiting.rollout,
            "service": waiting.service,
            "occasion": waiting.occasion.value,
            "address": str(waiting.rule.url),
            "error": why,
        }
        log.warning("notification failed", extra={"facts": facts})


@contextmanager
def notifying(notifier: Notifier, rules: Sequence[NotifyRule]) -> Iterator[Notifications]:
    """The notifications of one rollout. At the end of the block what is queued is sent; after an error it is not."""
    notifications = Notifications(notifier, lambda _service: rules)
    try:
        yield notifications
    except BaseException:
        notifications.close(timedelta())
        raise
    notifications.close(LAST_MESSAGES)


def check_notifier(notifier: Notifier, rules: Sequence[NotifyRule]) -> None:
    """Raises RefusedError: this process could not send the messages, because a secret is missing, for example."""
    for rule in rules:
        if lacking := notifier.lacks(rule.url):
            raise RefusedError(lacking)


def happenings(turn: Turn) -> Iterator[Happening]:
    """What a turn is worth to be told, in the order of its events. Manual steps are watched by who gave them."""
    rollout = turn.rollout
    if rollout.plan.kind is not PlanKind.ROLL:
        return
    if _begins(turn):
        yield Happening(Occasion.STARTED)
    if waiting := [name for event in turn.written if (name := _waits_for(rollout, event))]:
        yield Happening(Occasion.WAITING_FOR_APPROVAL, tuple(waiting))
    if any(isinstance(event, e.Finished) for event in turn.written):
        yield Happening(Occasion.DONE if result(rollout) is Result.DONE else Occasion.FAILED)


def _begins(turn: Turn) -> bool:
    """Whether it is the first turn of the rollout: before it there was only the plan."""
    return turn.rollout.number - len(turn.written) == 1


def _waits_for(rollout: Rollout, event: e.Event) -> str:
    """The gate, or the target with manual work, that waits for a person since this event; '' for any other event."""
    if isinstance(event, e.ApprovalAsked):
        return event.gate
    if not isinstance(event, e.PhaseChanged) or event.to is not Phase.WORKING:
        return ""
    intent = event.intent or rollout.statuses[event.target].intent
    manual = rollout.plan.spec.command(back=intent is Intent.REVERT).executor == MANUAL
    return label(rollout.targets[event.target]) if manual else ""
