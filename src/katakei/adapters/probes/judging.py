"""The verdict on one target from what was counted on it (docs/evidence.md). Pure; what is not known is never quiet.

Silence is judged by the youngest of connections that are alike, so that no way of grouping them can hide one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from katakei.adapters.probes.counting import Alike, Count, Source, Terms
from katakei.domain.observation import ProbeVerdict
from katakei.domain.words import counted, span


class Standing(Enum):
    """What one connection is: silent for longer than a request may be, answered by the strict rule, or neither."""

    PROVED = "proved"
    ANSWERED = "answered"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`open` is how many connections may hold a request, 0 unless busy."""

    pending: ProbeVerdict
    why: str = ""
    open: int = 0


def classify(alike: Alike, terms: Terms) -> Standing:
    """The rule, to the letter. Equal ages are the same tick of the kernel's clock: they tell no order."""
    if alike.youngest > terms.idle:
        return Standing.PROVED
    empty = not alike.unread and not alike.unsent
    settled = alike.youngest >= terms.quiet
    if terms.http1 and alike.sent and empty and alike.answered_last and settled:
        return Standing.ANSWERED
    return Standing.BUSY


def verdict(count: Count, terms: Terms) -> Verdict:
    """Quiet when every connection satisfies the terms; without ages only when there is none."""
    if count.source is Source.NONE:
        return Verdict(
            ProbeVerdict.BLIND, "connections cannot be seen there: it has neither ss nor a readable /proc/net/tcp"
        )
    enough = {Standing.PROVED, Standing.ANSWERED} if terms.answers else {Standing.PROVED}
    doubtful = [each for each in count.alike if classify(each, terms) not in enough]
    if not doubtful:
        return Verdict(ProbeVerdict.QUIET, _quiet(count.alike))
    number = sum(each.number for each in doubtful)
    if count.source is Source.PROC:
        return Verdict(
            ProbeVerdict.BUSY, f"{counted(number, 'connection')}, whose silence cannot be seen there without ss", number
        )
    return Verdict(ProbeVerdict.BUSY, _busy(doubtful, number, terms), number)


def blind(count: Count, wanted: Iterable[int]) -> str:
    """Why this target cannot be witnessed, from a baseline of before its deregistration; '' when it can be."""
    if count.source is Source.NONE:
        return "connections cannot be seen there: it has neither ss nor a readable /proc/net/tcp"
    if count.proxied:
        return f"{count.proxied} hands its port on to a container, whose connections cannot be seen from the machine"
    missing = sorted(set(wanted) - count.seen)
    if missing:
        said = ", ".join(map(str, missing))
        return f"while it served no data of another address was seen on port {said}: it may end somewhere else"
    return ""


def _quiet(alike: Iterable[Alike]) -> str:
    number = sum(each.number for each in alike)
    return f"{counted(number, 'connection')}, none holds a request" if number else "no connection"


def _busy(doubtful: Iterable[Alike], number: int, terms: Terms) -> str:
    # Of connections that are alike some may be older than the terms ask; the one shown is one that still matters.
    oldest = max(each.oldest if each.oldest <= terms.idle else each.youngest for each in doubtful)
    one = "" if number == 1 else "one "
    return f"{counted(number, 'connection')}, {one}silent for {_seconds(oldest)}, proved at {_seconds(terms.idle)}"


def _seconds(length: timedelta) -> str:
    """'65 s': seconds, so that both figures of the sentence can be compared at a glance."""
    return f"{int(length.total_seconds())} s" if length < timedelta(minutes=10) else span(length)
