"""The words of Run Command: orders, commands, invocations, their states, and the switches a rehearsal may turn.
Values only; nothing here runs, waits or speaks.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum


class Status(Enum):
    """`GetCommandInvocation.Status`, word for word."""

    PENDING = "Pending"
    IN_PROGRESS = "InProgress"
    DELAYED = "Delayed"
    CANCELLING = "Cancelling"
    SUCCESS = "Success"
    CANCELLED = "Cancelled"
    TIMED_OUT = "TimedOut"
    FAILED = "Failed"


UNSENT = frozenset({Status.PENDING, Status.DELAYED})
"""The agent has not got it yet; cancelling one of these means that it never runs."""

ENDED = frozenset({Status.SUCCESS, Status.CANCELLED, Status.TIMED_OUT, Status.FAILED})


class Details(Enum):
    """`StatusDetails` that say more than the status. The guide writes the words apart, genuine answers join them."""

    DELIVERY_TIMED_OUT = "DeliveryTimedOut"
    EXECUTION_TIMED_OUT = "ExecutionTimedOut"
    TERMINATED = "Terminated"
    NO_INSTANCES_IN_TAG = "NoInstancesInTag"


VALIDATION_ERROR = "ValidationException"
NOT_STARTED = -1
"""`ResponseCode` of an invocation that has not started."""


class SsmError(Exception):
    """An answer of the service that is an error: its wire code and its sentence."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Selector:
    """One entry of `Targets`: a key (`InstanceIds`, `tag:Role`) and the values that match."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SendCommandRequest:
    """A SendCommand request that holds water. `timeout` bounds the wait for a start, `execution_timeout` the run."""

    document: str
    commands: tuple[str, ...]
    instance_ids: tuple[str, ...] = ()
    targets: tuple[Selector, ...] = ()
    working_directory: str = ""
    execution_timeout: timedelta = timedelta(hours=1)
    timeout: timedelta = timedelta(hours=1)
    comment: str = ""
    max_concurrency: str = "50"
    max_errors: str = "0"


@dataclass(frozen=True, slots=True)
class Command:
    """One accepted order, and the machines it resolved to."""

    id: str
    request: SendCommandRequest
    instance_ids: tuple[str, ...]
    requested: datetime
    cancelling: bool = False

    @property
    def expires(self) -> datetime:
        """When nothing of it can still be running: start timeout plus execution timeout."""
        return self.requested + self.request.timeout + self.request.execution_timeout


@dataclass(frozen=True, slots=True)
class Result:
    """How one run of the script ended, as the agent reports it."""

    code: int
    out: str = ""
    err: str = ""
    timed_out: bool = False
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Invocation:
    """One command on one machine."""

    command_id: str
    instance_id: str
    requested: datetime
    status: Status = Status.PENDING
    details: Details | None = None
    code: int = NOT_STARTED
    begun: datetime | None = None
    ended: datetime | None = None
    out: str = ""
    err: str = ""

    @property
    def key(self) -> "InvocationKey":
        """What tells this invocation from every other."""
        return (self.command_id, self.instance_id)

    @property
    def status_details(self) -> str:
        """`StatusDetails` on the wire."""
        return str((self.details or self.status).value)


InvocationKey = tuple[str, str]
"""(command id, instance id)"""


@dataclass(frozen=True, slots=True)
class ManagedNode:
    """What the service knows of a managed node."""

    id: str
    address: str
    name: str
    running: bool
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RunCommandSettings:
    """What a rehearsal may turn while the lab runs.

    `visible_after`: how long a new command is unknown to the read calls (eventual consistency, docs/aws.md 9).
    `delivery`: how long an order is under way to a living agent. `dead`: machines whose agent runs nothing.
    `deliver_late`: an order that timed out undelivered runs all the same once the agent lives again.
    `deliver_twice`: every order reaches its agent twice, and runs twice.
    """

    visible_after: timedelta = timedelta(milliseconds=400)
    delivery: timedelta = timedelta(milliseconds=150)
    dead: frozenset[str] = frozenset()
    deliver_late: bool = False
    deliver_twice: bool = False
