"""What may be said of one key from all that Run Command and the mark have told. Nothing is asked here.

A mark's own words come first; an invocation only says whether they may still come; everything else is unknown.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from katakei.adapters.executors.mark import Mark, MarkState
from katakei.adapters.executors.ssm.asks import Heard
from katakei.adapters.executors.ssm.door import Invocation
from katakei.domain.observation import WorkState, WorkStatus

CONFIRMED_EVERY = timedelta(seconds=30)
"""An agent that died shows its invocation in progress for hours; the mark is asked beside it."""

FRESH = timedelta(seconds=75)

LATE = timedelta(seconds=90)
"""A start that reaches its target later than this begins nothing: TimeoutSeconds, and what clocks may differ by."""

_FINAL = frozenset({MarkState.ENDED, MarkState.INTERRUPTED, MarkState.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Known:
    """All that bears on one key.

    `sent` is when this process last started it and `newest` the ticket of that, '' while it has none; `over` is when
    its invocation was first seen ended, `answer` what the start itself printed, `heard` what an ask was told.
    """

    now: datetime
    ticket: str
    sent: datetime | None = None
    newest: str = ""
    invocation: Invocation | None = None
    over: datetime | None = None
    answer: Mark | None = None
    heard: Heard | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is so, and whether the mark itself should be asked."""

    work: WorkStatus
    ask: bool = False


def unseen(why: str) -> Verdict:
    """Nothing can be said now."""
    return Verdict(WorkStatus(WorkState.UNKNOWN, why=why))


def of(known: Known) -> Verdict:
    """The mark's words where they are final, else the newest sight of it, else what the invocation allows to say."""
    if known.answer and (known.answer.state in _FINAL or _refused_for_good(known, known.answer)):
        return Verdict(known.answer.work)
    if known.heard and known.heard.mark.state in _FINAL:
        return Verdict(known.heard.mark.work)
    if known.invocation and known.invocation.open:
        return _under_way(known, known.invocation)
    if _proves_absence(known):
        return Verdict(WorkStatus(WorkState.NOT_STARTED, why=_lost(known)))
    if _runs(known):
        return Verdict(WorkStatus(WorkState.RUNNING), ask=True)
    return Verdict(WorkStatus(WorkState.UNKNOWN, why=_lost(known)), ask=True)


def _refused_for_good(known: Known, answer: Mark) -> bool:
    """A refusal that could leave no mark binds no other start: one sent later may begin the work, until it is too late.

    How far ahead a target's clock is was learnt from an answer, which may have taken as long as is waited for one.
    """
    last = known.sent or known.over
    others_are_late = last is not None and known.now - last > LATE + FRESH
    return answer.state is MarkState.REFUSED and (known.ticket == known.newest or others_are_late)


def _under_way(known: Known, invocation: Invocation) -> Verdict:
    if not invocation.running:
        return unseen(f"Run Command has it, the agent does not yet ({invocation.details})")
    told = known.heard if known.heard and (known.sent is None or known.heard.asked > known.sent) else None
    last = told.asked if told else known.sent
    ask = last is None or known.now - last >= CONFIRMED_EVERY
    if told is None or told.mark.state is not MarkState.ABSENT:
        return Verdict(WorkStatus(WorkState.RUNNING, why="the agent has it"), ask)
    if known.sent and told.asked - known.sent > LATE:
        return Verdict(WorkStatus(WorkState.NOT_STARTED, why="the agent had it, but began nothing in time"), ask)
    return Verdict(WorkStatus(WorkState.UNKNOWN, why="the agent has it, but has begun nothing yet"), ask)


def _proves_absence(known: Known) -> bool:
    """Only a look that was asked for after the last start, and after Run Command had done with that start."""
    if known.heard is None or known.heard.mark.state is not MarkState.ABSENT:
        return False
    if known.ticket and known.over is None and known.sent is not None and known.now - known.sent < FRESH:
        return False  # a command just sent is not listed yet
    return all(moment is None or known.heard.asked > moment for moment in (known.sent, known.over))


def _runs(known: Known) -> bool:
    seen = [mark for mark in (known.heard and known.heard.mark, known.answer) if mark]
    moments = [moment for moment in (known.heard and known.heard.heard, known.over) if moment]
    running = any(mark.state is MarkState.RUNNING for mark in seen)
    return running and known.now - max(moments) < FRESH


def _lost(known: Known) -> str:
    if known.trouble:
        return known.trouble
    if known.heard and known.heard.mark.state is MarkState.UNKNOWN:
        return known.heard.mark.why
    if known.invocation and known.invocation.details not in {"Success", "Failed"}:
        return f"Run Command says {known.invocation.details}; the mark is asked"
    return "the mark is asked"
