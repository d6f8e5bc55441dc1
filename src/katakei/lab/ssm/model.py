"""Values of Run Command: requests, commands, invocations, their states, and the settings of a rehearsal."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum


class Status(Enum):
    """The values of `GetCommandInvocation.Status`."""

    PENDING = "Pending"
    IN_PROGRESS = "InProgress"
    DELAYED = "Delayed"
    CANCELLING = "Cancelling"
    SUCCESS = "Success"
    CANCELLED = "Cancelled"
    TIMED_OUT = "TimedOut"
    FAILED = "Failed"


UNSENT = frozenset({Status.PENDING, Status.DELAYED})
"""States in which the agent has not received the command. A cancellation now means that it never runs."""

ENDED = frozenset({Status.SUCCESS, Status.CANCELLED, Status.TIMED_OUT, Status.FAILED})


class Details(Enum):
    """The values of `StatusDetails` that say more than the status. The guide writes them as words, real answers join
    them.
    """

    DELIVERY_TIMED_OUT = "DeliveryTimedOut"
    EXECUTION_TIMED_OUT = "ExecutionTimedOut"
    TERMINATED = "Terminated"
    NO_INSTANCES_IN_TAG = "NoInstancesInTag"


VALIDATION_ERROR = "ValidationException"
NOT_STARTED = -1
"""`ResponseCode` of an invocation that has not started."""


class SsmError(Exception):
    """An error answer of the service, with its code and message."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Selector:
    """One entry of `Targets`: a key (`InstanceIds`, `tag:Role`) and its values."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SendCommandRequest:
    """A valid SendCommand request. `timeout` limits the wait for the start, `execution_timeout` the run."""

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
    """One accepted request and the nodes that it selected."""

    id: str
    request: SendCommandRequest
    instance_ids: tuple[str, ...]
    requested: datetime
    cancelling: bool = False

    @property
    def expires(self) -> datetime:
        """When none of it can still be running: start timeout plus execution timeout."""
        return self.requested + self.request.timeout + self.request.execution_timeout


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one run of the script, as the agent reports it."""

    code: int
    out: str = ""
    err: str = ""
    timed_out: bool = False
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Invocation:
    """One command on one node."""

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
        """The identity of this invocation."""
        return (self.command_id, self.instance_id)

    @property
    def status_details(self) -> str:
        """`StatusDetails` in the API."""
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
    """Settings that a rehearsal may change while the lab runs.

    Attributes:
        visible_after: how long read calls do not know a new command (eventual consistency, docs/aws.md 9).
        delivery: time until a command reaches a running agent.
        dead: nodes whose agent runs nothing.
        deliver_late: a command whose delivery timed out still runs when the agent is back.
        deliver_twice: every command reaches its agent twice and runs twice.
    """

    visible_after: timedelta = timedelta(milliseconds=400)
    delivery: timedelta = timedelta(milliseconds=150)
    dead: frozenset[str] = frozenset()
    deliver_late: bool = False
    deliver_twice: bool = False
