"""The conditions of gates as the user writes them: hours, the answer of a URL, when they are asked, what follows."""

from dataclasses import dataclass
from enum import Enum


class GateMoment(Enum):
    """When a condition is asked: before a target is taken out, at the end of its soak, at the end of the rollout."""

    BEFORE = "before"
    SOAK = "soak"
    END = "end"


class GateOutcome(Enum):
    """What follows where a condition is not met: the rollout waits, ends as after an abort, or is reverted."""

    HOLD = "hold"
    STOP = "stop"
    REVERT = "revert"


@dataclass(frozen=True, slots=True)
class OpenHours:
    """Hours on some days of the week, by the wall clock.

    Attributes:
        days: 0 for Monday.
        begin: Minutes since midnight.
        end: Minutes since midnight, 1440 for the end of the day. Not after `begin`: on the next day.
    """

    days: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours in which targets may be taken out, in a time zone of the IANA database."""

    open: tuple[OpenHours, ...]
    zone: str


@dataclass(frozen=True, slots=True)
class GateProbe:
    """A URL that has to answer with one of these statuses; `expect` is an ELBv2 matcher."""

    url: str
    expect: str = "200"
