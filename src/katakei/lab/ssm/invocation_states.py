"""The states of an invocation and of a command: each function takes what is and when, and gives what comes next.
No clock, no thread, no wire.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from katakei.lab.ssm.model import ENDED, UNSENT, Command, Details, Invocation, Result, Status

STDOUT_KEPT = 24_000
STDERR_KEPT = 8_000
OUTPUT_KEPT = 2_500


def begun(invocation: Invocation, now: datetime) -> Invocation:
    """The agent has it. One that was cancelled or given up before stays as it is."""
    if invocation.status not in UNSENT:
        return invocation
    return replace(invocation, status=Status.IN_PROGRESS, begun=now)


def delayed(invocation: Invocation) -> Invocation:
    """A first attempt to deliver found no agent; the service goes on trying (docs/aws.md 8)."""
    return replace(invocation, status=Status.DELAYED) if invocation.status is Status.PENDING else invocation


def finished(invocation: Invocation, result: Result, now: datetime) -> Invocation:
    """The agent's report. Only the first one counts: what has ended stays as it ended."""
    if invocation.status in ENDED:
        return invocation
    status, details = _verdict(result)
    return replace(
        invocation,
        status=status,
        details=details,
        code=result.code,
        begun=invocation.begun or now,
        ended=now,
        out=_cut(result.out, STDOUT_KEPT, "\n---Output truncated---"),
        err=_cut(result.err, STDERR_KEPT, "\n---Error truncated----"),
    )


def expired(invocation: Invocation, command: Command, now: datetime) -> Invocation:
    """What the service gives up by itself: no start within TimeoutSeconds, no report until the total expiry."""
    if invocation.status in UNSENT and now >= command.requested + command.request.timeout:
        return _ended(invocation, Status.TIMED_OUT, now, Details.DELIVERY_TIMED_OUT)
    if invocation.status not in ENDED and now >= command.expires:
        return _ended(invocation, Status.TIMED_OUT, now, Details.EXECUTION_TIMED_OUT)
    return invocation


def cancelled(invocation: Invocation, now: datetime) -> Invocation:
    """CancelCommand: what has not started never does; what runs is asked to stop, without promise."""
    if invocation.status in UNSENT:
        return _ended(invocation, Status.CANCELLED, now)
    return replace(invocation, status=Status.CANCELLING) if invocation.status not in ENDED else invocation


def terminated(invocation: Invocation, now: datetime) -> Invocation:
    """More errors than MaxErrors: the rest is never sent. What an absent agent waits for has been sent already."""
    if invocation.status is not Status.PENDING:
        return invocation
    return _ended(invocation, Status.CANCELLED, now, Details.TERMINATED)


def share(text: str, whole: int) -> int:
    """MaxConcurrency or MaxErrors as a number: a count, or a percentage of the machines, rounded down."""
    return whole * int(text[:-1]) // 100 if text.endswith("%") else int(text)


def command_status(command: Command, invocations: Sequence[Invocation]) -> tuple[Status, str]:
    """Status and StatusDetails of the whole: open while one is open, else the worst end of its parts."""
    if not invocations:
        return Status.SUCCESS, Details.NO_INSTANCES_IN_TAG.value
    states = [invocation.status for invocation in invocations]
    if all(state is Status.PENDING for state in states):
        return Status.PENDING, Status.PENDING.value
    if any(state not in ENDED for state in states):
        open_state = Status.CANCELLING if command.cancelling else Status.IN_PROGRESS
        return open_state, open_state.value
    for worst in (Status.FAILED, Status.TIMED_OUT, Status.CANCELLED):
        for invocation in invocations:
            if invocation.status is worst:
                return worst, invocation.status_details
    return Status.SUCCESS, Status.SUCCESS.value


def is_error(invocation: Invocation) -> bool:
    """What counts against MaxErrors: failures and execution time-outs, never a late delivery."""
    return invocation.status is Status.FAILED or invocation.details is Details.EXECUTION_TIMED_OUT


def _verdict(result: Result) -> tuple[Status, Details | None]:
    if result.cancelled:
        return Status.CANCELLED, None
    if result.timed_out:
        return Status.TIMED_OUT, Details.EXECUTION_TIMED_OUT
    return (Status.SUCCESS if result.code == 0 else Status.FAILED), None


def _ended(invocation: Invocation, status: Status, now: datetime, details: Details | None = None) -> Invocation:
    return replace(invocation, status=status, details=details, ended=now)


def _cut(text: str, kept: int, mark: str) -> str:
    return text if len(text) <= kept else text[: kept - len(mark)] + mark
