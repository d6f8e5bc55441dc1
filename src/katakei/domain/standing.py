"""Where one target stands, and what a move makes of that: all that a rollout remembers of it."""

from dataclasses import dataclass, replace
from datetime import datetime

from katakei.domain import events as e
from katakei.domain.model import Arn
from katakei.domain.phases import ENDS, Cause, Intent, Phase

BROKEN_OFF = frozenset({Cause.FLOOR_LOST, Cause.REFUSED})  # nothing was done, and trying again may help


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one target stands. Every moment is measured by the clock of the process that drives the rollout now."""

    phase: Phase
    since: datetime
    intent: Intent = Intent.UPDATE
    attempt: int = 1
    why: str = ""
    cause: Cause | None = None
    blind: str | None = None  # why a witness cannot see it, '' when it can, None: not asked
    deregistered: frozenset[Arn] = frozenset()
    registered: frozenset[Arn] = frozenset()
    called: datetime | None = None  # when the last of these calls returned
    out_since: datetime | None = None
    busy_at: datetime | None = None  # when a witness's word of what is pending was last noted
    cut: bool = False  # what still was pending is waited for no more
    arrived: int = 0  # requests after it was called quiet, as the present process counts them
    arrived_before: int = 0  # as the processes before it did
    serving_since: datetime | None = None
    ticket: str | None = None
    exit: int | None = None
    out: str = ""
    turned_down: str = ""
    approved: bool = False
    touched: int = 0  # number of the event that last resolved the update on it; 0: it never was worked on
    touched_before: int = 0  # the same without the present attempt
    may_run: bool = False  # its work was resolved, and not proven to be over or never to have begun
    tries: int = 1  # attempts in a row, with this one, to which nothing was done in the end
    falls: int = 0
    fell: datetime | None = None  # when it was last seen to fall; None once it was seen serving again
    found_serving: int = 0
    retry: bool = False
    was_out: bool = False  # it had been left out when this attempt began
    marks: str = ""  # where the work was resolved: its marks are there, or nowhere
    reverted: bool = False  # a revert was resolved on it since: once is enough, however it ended


def moved(before: Standing, event: e.Moved) -> Standing:
    """Where it stands after it went along a road; from an end on begins another attempt."""
    intent = event.intent or before.intent
    after = replace(
        before, phase=event.to, since=event.at, intent=intent, why=event.why, cause=event.cause or before.cause
    )
    if before.phase in ENDS:
        after = Standing(event.to, event.at, intent, before.attempt + 1, event.why, touched=before.touched)
        again = before.tries + 1 if before.cause in BROKEN_OFF else 1
        after = replace(after, was_out=before.phase is Phase.LEFT_OUT, blind=before.blind, tries=again)
        after = replace(after, reverted=intent is Intent.REVERT)
    if event.to is Phase.DRAINING:
        return replace(after, deregistered=frozenset(), called=None, out_since=None, cut=False, found_serving=0)
    if event.to is Phase.WORKING:
        return replace(after, ticket=None, exit=None, approved=False, may_run=True, touched_before=before.touched)
    if event.to is Phase.CHECKING:
        return replace(after, may_run=False)
    if event.to in {Phase.WARMING, Phase.RETURNING}:
        return replace(after, registered=frozenset(), called=None, serving_since=None, turned_down="", falls=0)
    if event.to in {Phase.SOAKING, Phase.DONE}:
        return replace(after, falls=0, fell=None)
    return after
