"""The status of one work key, judged from all that Run Command and the mark have reported. No calls.

The mark comes first. An invocation only says whether the mark's own report may still come; everything else is unknown.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from katakei.adapters.executors.mark import Mark, MarkState
from katakei.adapters.executors.ssm.mark_queries import MarkAnswer
from katakei.adapters.executors.ssm.run_command import Invocation
from katakei.domain.observation import WorkState, WorkStatus

CONFIRM_INTERVAL = timedelta(seconds=30)
"""An agent that died shows its invocation in progress for hours, so the mark is queried besides."""

RECENT = timedelta(seconds=75)

LATE_START = timedelta(seconds=90)
"""A start that reaches its target later than this does nothing: TimeoutSeconds, and what clocks may differ by."""

_READING = "Katakei reads the mark on the target"
_FINAL = frozenset({MarkState.ENDED, MarkState.INTERRUPTED, MarkState.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known about one key.

    Attributes:
        now: the present.
        ticket: the CommandId of the start in question; None when it was taken without one.
        sent: when this process last started it; None when another process did.
        newest: the ticket of that last start; None while there is none.
        invocation: the command on the target, as last listed.
        over: when the invocation was first seen ended.
        printed: the mark as the start itself printed it, as far as it can be believed.
        answer: the newest answer of a query, as far as it can be believed.
        trouble: why the target cannot be reached; None when it can, or nothing is known.

    """

    now: datetime
    ticket: str | None
    sent: datetime | None = None
    newest: str | None = None
    invocation: Invocation | None = None
    over: datetime | None = None
    printed: Mark | None = None
    answer: MarkAnswer | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The status, and whether the mark itself should be queried."""

    work: WorkStatus
    query: bool = False


def unknown(why: str) -> Judgement:
    """Returns that nothing can be said now."""
    return Judgement(WorkStatus(WorkState.UNKNOWN, why=why))


def judge(facts: Facts) -> Judgement:
    """Returns the mark's report where it is final, else the newest answer, else what the invocation allows to say."""
    if facts.printed and (facts.printed.state in _FINAL or _refused_for_good(facts, facts.printed)):
        return Judgement(facts.printed.work)
    if facts.answer and facts.answer.mark.state in _FINAL:
        return Judgement(facts.answer.mark.work)
    if facts.invocation and facts.invocation.open:
        return _in_progress(facts, facts.invocation)
    if _is_absent(facts):
        return Judgement(WorkStatus(WorkState.NOT_STARTED, why=_reason(facts)))
    if _is_running(facts):
        return Judgement(WorkStatus(WorkState.RUNNING, out=_printed(facts)), query=True)
    return Judgement(WorkStatus(WorkState.UNKNOWN, why=_reason(facts)), query=True)


def _refused_for_good(facts: Facts, printed: Mark) -> bool:
    """A refusal that could leave no mark does not stop another start.

    A start sent later may begin the work until it is too late. How far a target's clock is ahead was learned from an
    answer, which may have taken as long as a query waits.
    """
    last = facts.sent or facts.over
    others_are_late = last is not None and facts.now - last > LATE_START + RECENT
    return printed.state is MarkState.REFUSED and (facts.ticket == facts.newest or others_are_late)


def _in_progress(facts: Facts, invocation: Invocation) -> Judgement:
    if not invocation.running:
        return unknown(f"Run Command accepted the command, but the agent has not fetched it yet ({invocation.details})")
    answer = facts.answer if facts.answer and (facts.sent is None or facts.answer.asked > facts.sent) else None
    last = answer.asked if answer else facts.sent
    query = last is None or facts.now - last >= CONFIRM_INTERVAL
    if answer is None or answer.mark.state is not MarkState.ABSENT:
        return Judgement(WorkStatus(WorkState.RUNNING, out=_printed(facts), why="the agent has the command"), query)
    if facts.sent and answer.asked - facts.sent > LATE_START:
        why = "the agent had the command, but did not start the work in time"
        return Judgement(WorkStatus(WorkState.NOT_STARTED, why=why), query)
    why = "the agent has the command, but has not started the work yet"
    return Judgement(WorkStatus(WorkState.UNKNOWN, why=why), query)


def _printed(facts: Facts) -> str:
    """What running work has printed, as the newest query of its mark saw it."""
    mark = facts.answer.mark if facts.answer else None
    return mark.out if mark and mark.state is MarkState.RUNNING else ""


def _is_absent(facts: Facts) -> bool:
    """Only a query proves it that was sent after the last start, and after Run Command had finished that start."""
    if facts.answer is None or facts.answer.mark.state is not MarkState.ABSENT:
        return False
    if facts.ticket and facts.over is None and facts.sent is not None and facts.now - facts.sent < RECENT:
        return False  # a command just sent is not listed yet
    return all(moment is None or facts.answer.asked > moment for moment in (facts.sent, facts.over))


def _is_running(facts: Facts) -> bool:
    seen = [mark for mark in (facts.answer and facts.answer.mark, facts.printed) if mark]
    moments = [moment for moment in (facts.answer and facts.answer.answered, facts.over) if moment]
    running = any(mark.state is MarkState.RUNNING for mark in seen)
    return running and facts.now - max(moments) < RECENT


def _reason(facts: Facts) -> str:
    if facts.trouble:
        return facts.trouble
    if facts.answer and facts.answer.mark.state is MarkState.UNKNOWN:
        return facts.answer.mark.why
    if facts.invocation and facts.invocation.details not in {"Success", "Failed"}:
        return f"Run Command reports {facts.invocation.details}; {_READING}"
    return _READING
