"""State machine of invocations and commands: pure functions from a value and a time to the next value."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from katakei.lab.ssm.model import ENDED, UNSENT, Command, Details, Invocation, Result, Status

STDOUT_KEPT = 24_000
STDERR_KEPT = 8_000
OUTPUT_KEPT = 2_500


def begun(invocation: Invocation, now: datetime) -> Invocation:
    """The agent has received it. An invocation that was cancelled or expired before stays as it is."""
    if invocation.status not in UNSENT:
        return invocation
    return replace(invocation, status=Status.IN_PROGRESS, begun=now)


def delayed(invocation: Invocation) -> Invocation:
    """The first delivery found no agent. The service keeps trying (docs/aws.md 8)."""
    return replace(invocation, status=Status.DELAYED) if invocation.status is Status.PENDING else invocation


def finished(invocation: Invocation, result: Result, now: datetime) -> Invocation:
    """The agent has reported. Only the first report counts."""
    if invocation.status in ENDED:
        return invocation
    status, details = _status_of(result)
    return replace(
        invocation,
        status=status,
        details=details,
        code=result.code,
        begun=invocation.begun or now,
        ended=now,
        out=_truncate(result.out, STDOUT_KEPT, "\n---Output truncated---"),
        err=_truncate(result.err, STDERR_KEPT, "\n---Error truncated----"),
    )


def expired(invocation: Invocation, command: Command, now: datetime) -> Invocation:
    """Apply the service's timeouts: no start within TimeoutSeconds, or no report until the total expiry."""
    if invocation.status in UNSENT and now >= command.requested + command.request.timeout:
        return _ended(invocation, Status.TIMED_OUT, now, Details.DELIVERY_TIMED_OUT)
    if invocation.status not in ENDED and now >= command.expires:
        return _ended(invocation, Status.TIMED_OUT, now, Details.EXECUTION_TIMED_OUT)
    return invocation


def cancelled(invocation: Invocation, now: datetime) -> Invocation:
    """Apply CancelCommand: an unsent invocation never starts; a running one is asked to stop, without a guarantee."""
    if invocation.status in UNSENT:
        return _ended(invocation, Status.CANCELLED, now)
    return replace(invocation, status=Status.CANCELLING) if invocation.status not in ENDED else invocation


def terminated(invocation: Invocation, now: datetime) -> Invocation:
    """Apply MaxErrors: the rest is never sent. An invocation that waits for an absent agent has already been sent."""
    if invocation.status is not Status.PENDING:
        return invocation
    return _ended(invocation, Status.CANCELLED, now, Details.TERMINATED)


def share(text: str, whole: int) -> int:
    """Convert MaxConcurrency or MaxErrors to a number: a count, or a percentage of the nodes, rounded down."""
    return whole * int(text[:-1]) // 100 if text.endswith("%") else int(text)


def command_status(command: Command, invocations: Sequence[Invocation]) -> tuple[Status, str]:
    """Returns Status and StatusDetails of a command: open while one invocation is open, else the worst result."""
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
    """Whether it counts against MaxErrors: failures and execution timeouts do, late deliveries do not."""
    return invocation.status is Status.FAILED or invocation.details is Details.EXECUTION_TIMED_OUT


def _status_of(result: Result) -> tuple[Status, Details | None]:
    if result.cancelled:
        return Status.CANCELLED, None
    if result.timed_out:
        return Status.TIMED_OUT, Details.EXECUTION_TIMED_OUT
    return (Status.SUCCESS if result.code == 0 else Status.FAILED), None


def _ended(invocation: Invocation, status: Status, now: datetime, details: Details | None = None) -> Invocation:
    return replace(invocation, status=status, details=details, ended=now)


def _truncate(text: str, kept: int, mark: str) -> str:
    return text if len(text) <= kept else text[: kept - len(mark)] + mark
