"""Faults that a rehearsal can inject, and the random choice of the calls that they hit."""

from __future__ import annotations

import random
import threading
from dataclasses import asdict, dataclass, fields, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

FRACTIONS = ("throttle", "error", "timeout")
SECONDS = ("stale", "lag", "hold")
FLAGS = ("close_idle", "deliver_late", "deliver_twice")


class FaultError(Exception):
    """A request for faults that is not valid. The text names the field and what it accepts."""


@dataclass(frozen=True, slots=True)
class Faults:
    """All faults of a lab at one time.

    Attributes:
        throttle, error, timeout: fractions of the calls. A call that fails or times out may still have been
            executed.
        hold: seconds that a call which times out is held open.
        stale: age of the answers of DescribeTargetHealth in seconds.
        lag: seconds by which the traffic follows the API.
        actions: the actions that `throttle`, `error` and `timeout` may hit; all if empty.
        deny: actions that are answered with AccessDenied.
        close_idle: whether idle connections to a deregistered target are closed.
        agent_dead, target_dead, deploy_hangs: instances whose agent runs nothing, whose application is dead, whose
            work never ends.
        deliver_late, deliver_twice: faults of Run Command's delivery.
    """

    throttle: float = 0.0
    error: float = 0.0
    timeout: float = 0.0
    stale: float = 0.0
    lag: float = 0.0
    hold: float = 90.0
    seed: int | None = None
    actions: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    close_idle: bool = True
    agent_dead: tuple[str, ...] = ()
    target_dead: tuple[str, ...] = ()
    deploy_hangs: tuple[str, ...] = ()
    deliver_late: bool = False
    deliver_twice: bool = False

    def changed(self, changes: object) -> Faults:
        """Replace the fields that a parsed JSON object names.

        Raises:
            FaultError: a field or value is not valid; nothing has changed.
        """
        if not isinstance(changes, dict):
            raise FaultError('faults are a JSON object such as {"throttle": 0.3}')
        known = [field.name for field in fields(self)]
        unknown = sorted(set(changes) - set(known))
        if unknown:
            raise FaultError(f"no such fault: {', '.join(unknown)}; there are {', '.join(known)}")
        return replace(self, **{name: _value(name, value) for name, value in changes.items()})

    def as_json(self) -> dict[str, Any]:
        """Returns the faults as `GET /_lab/faults` shows them."""
        return asdict(self)


def _value(name: str, value: object) -> Any:
    if name in FLAGS:
        _require(isinstance(value, bool), name, "true or false")
        return value
    if name in FRACTIONS or name in SECONDS:
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1.0
        highest, what = (1.0, "a fraction from 0 to 1") if name in FRACTIONS else (3600.0, "seconds from 0 to 3600")
        _require(0 <= number <= highest, name, what)
        return float(number)
    if name == "seed":
        _require(value is None or isinstance(value, int), name, "a whole number or null")
        return value
    listed = isinstance(value, list) and all(isinstance(item, str) for item in value)
    _require(listed, name, "a list of texts")
    return tuple(value) if isinstance(value, list) else ()


def _require(valid: bool, name: str, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not valid:
        raise FaultError(f"{name} must be {what}")


class FaultOutcome(Enum):
    """What happens to one call. Calls with a `_DONE` outcome are executed, but the caller cannot know it."""

    PASS = "pass"  # noqa: S105 - the word, not a secret
    DENY = "deny"
    THROTTLE = "throttle"
    ERROR = "error"
    ERROR_DONE = "error_done"
    TIMEOUT = "timeout"
    TIMEOUT_DONE = "timeout_done"


class FaultInjector:
    """The faults of a running lab. Thread-safe; listeners are called with (before, after) at every change."""

    def __init__(self, faults: Faults | None = None) -> None:
        self._faults = faults or Faults()
        self._random = random.Random(self._faults.seed)  # noqa: S311 - dice, not secrets
        self._lock = threading.Lock()
        self._listeners: list[Callable[[Faults, Faults], None]] = []

    @property
    def now(self) -> Faults:
        """The faults at this moment."""
        return self._faults

    def listen(self, to: Callable[[Faults, Faults], None]) -> None:
        """Call `to(before, after)` at every change, in the thread that makes the change."""
        self._listeners.append(to)

    def change(self, changes: object) -> Faults:
        """Replace the fields that a parsed JSON object names.

        Raises:
            FaultError: a field or value is not valid.
        """
        with self._lock:
            before, after = self._faults, self._faults.changed(changes)
            self._faults = after
            if isinstance(changes, dict) and "seed" in changes:
                self._random = random.Random(after.seed)  # noqa: S311 - dice, not secrets
        for each in self._listeners:
            each(before, after)
        return after

    def outcome(self, action: str) -> FaultOutcome:
        """Choose the outcome of one call at random."""
        with self._lock:
            faults = self._faults
            if action in faults.deny:
                return FaultOutcome.DENY
            if faults.actions and action not in faults.actions:
                return FaultOutcome.PASS
            dice, done = self._random.random(), self._random.random() < 0.5
        for fraction, outcome in (
            (faults.throttle, FaultOutcome.THROTTLE),
            (faults.error, FaultOutcome.ERROR_DONE if done else FaultOutcome.ERROR),
            (faults.timeout, FaultOutcome.TIMEOUT_DONE if done else FaultOutcome.TIMEOUT),
        ):
            if dice < fraction:
                return outcome
            dice -= fraction
        return FaultOutcome.PASS
