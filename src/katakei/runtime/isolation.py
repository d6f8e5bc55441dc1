"""The isolation of targets from each other: one whose driver fails, or answers nonsense, is unknown alone.

A question or an act names several targets at once. An error that no adapter foresaw must not end the rollout, and must
not hide what the others answered. The observer and the dispatcher ask through `isolated`.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from katakei.domain.errors import KatakeiError
from katakei.domain.observation import CheckResult, DrainEvidence, WorkState, WorkStatus
from katakei.domain.ports import Clock

K = TypeVar("K")
V = TypeVar("V")
R = TypeVar("R")

LONGEST_TEXT = 200
LARGEST_COUNT = 2**31 - 1
EXIT_CODES = range(-(2**31), 2**32)
"""Exit codes of POSIX (0 to 255), of Run Command (also -1) and of Windows (32 bits, signed or not)."""
LONGEST_MEMORY = timedelta(hours=1)
"""A verdict or a check that began longer ago is nonsense: probes and health checks answer within minutes."""

log = logging.getLogger(__name__)


def isolated(
    ask: Callable[[Mapping[K, V]], Mapping[K, R]],
    asked: Mapping[K, V],
    valid: Callable[[R], R],
    unknown: Callable[[K, str], R | None],
) -> dict[K, R]:
    """The answers of all targets. After an unforeseen error each target is asked alone.

    Args:
        ask: Asks for several targets at once.
        asked: The question of each target.
        valid: Returns a plausible answer as it is. Any error means that it is nonsense.
        unknown: The answer of a target whose driver failed, from a text that says how; None: no answer.

    Raises:
        KatakeiError: As `ask` raised it for all of them.
    """
    try:
        answers = dict(ask(asked))
    except KatakeiError:
        raise
    except Exception as error:  # noqa: BLE001 - unforeseen is whatever an adapter did not translate
        return _one_by_one(ask, asked, valid, unknown, error)
    return {key: answer for key, said in answers.items() if (answer := _checked(key, said, valid, unknown)) is not None}


def _one_by_one(
    ask: Callable[[Mapping[K, V]], Mapping[K, R]],
    asked: Mapping[K, V],
    valid: Callable[[R], R],
    unknown: Callable[[K, str], R | None],
    error: Exception,
) -> dict[K, R]:
    if len(asked) == 1:
        [key] = asked
        answer = unknown(key, _reported(key, error))
        return {} if answer is None else {key: answer}
    answers: dict[K, R] = {}
    for key, value in asked.items():
        with suppress(KatakeiError):  # this one has no answer now
            answers |= isolated(ask, {key: value}, valid, unknown)
    return answers


def _checked(key: K, said: R, valid: Callable[[R], R], unknown: Callable[[K, str], R | None]) -> R | None:
    try:
        return valid(said)
    except Exception as error:  # noqa: BLE001 - nonsense may fail in any way
        return unknown(key, _reported(key, error))


def _reported(key: object, error: Exception) -> str:
    text = fault_text(error)
    log.warning("unforeseen error", extra={"facts": {"about": str(key), "error": text}})
    log.debug("unforeseen error", exc_info=error)
    return text


def fault_text(error: BaseException) -> str:
    """An unforeseen error in one line."""
    words = " ".join(str(error).split())[:LONGEST_TEXT]
    return f"unforeseen error: {type(error).__name__}" + (f": {words}" if words else "")


def plausible_work(work: WorkStatus) -> WorkStatus:
    """A work status whose exit code is one. Raises ValueError or TypeError."""
    if not isinstance(work, WorkStatus) or not isinstance(work.state, WorkState):
        raise TypeError("no work status")
    if work.state is WorkState.ENDED and not (isinstance(work.exit, int) and work.exit in EXIT_CODES):
        raise ValueError("work ended without an exit code")
    return work


def plausible_evidence(clock: Clock) -> Callable[[DrainEvidence], DrainEvidence]:
    """Checks that a verdict is of the last hour by our clock. A verdict of the future would never be too old."""

    def check(evidence: DrainEvidence) -> DrainEvidence:
        now = clock.now()
        if not now - LONGEST_MEMORY <= evidence.begun <= evidence.ended <= now:
            raise ValueError("verdict of an impossible moment")
        plausible_count(evidence.open)
        return evidence

    return check


def plausible_check(clock: Clock) -> Callable[[CheckResult], CheckResult]:
    """Checks that a health check is of the last hour by our clock."""

    def check(result: CheckResult) -> CheckResult:
        now = clock.now()
        if not now - LONGEST_MEMORY <= result.begun <= now:
            raise ValueError("health check of an impossible moment")
        return result

    return check


def plausible_count(count: int) -> int:
    """A number of requests. Raises ValueError or TypeError."""
    if not 0 <= count <= LARGEST_COUNT:
        raise ValueError("impossible number of requests")
    return count


def plausible_text(text: str) -> str:
    """Text, such as a ticket. Raises TypeError."""
    if not isinstance(text, str):
        raise TypeError("no text")
    return text
