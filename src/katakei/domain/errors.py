"""The errors that a person meets: what happened and what to do now, and the exit code of the command.

    KatakeiError
    ├── UsageError                     2  usage, configuration, unknown names
    │   └── UnknownGroupError
    ├── RefusedError                   4  floor, gate, differing plan, not supported
    │   ├── LeaseHeldError                another rollout has the lease
    │   └── RouteChangedError             somebody else changed a listener or rule of a switch
    ├── UnreachableError               5  AWS, executor, journal or credentials; asking again does not help
    │   └── TemporarilyUnavailableError   the same, but it may come back
    ├── UnauthorizedError              5  a server does not accept the token, the session or the link
    │   └── TooManyAttemptsError          the same, after too many failed sign-ins
    ├── ForbiddenError                 5  a server knows who asks, and that principal may not do it
    ├── NoAnswerError                  5  one call had no answer; ask again
    ├── RejectedError                  4  the load balancer will never carry the call out
    ├── LeaseLostError                 4  another process has taken over
    ├── ConcurrentAppendError          1  another event was written first
    └── InternalError                130  a fault of Katakei

Adapters turn every foreign error into one of these. No exception of a library leaves an adapter.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katakei.domain.leases import Heartbeat
    from katakei.domain.model import Registration
    from katakei.domain.reasons import Reason


class ExitCode(IntEnum):
    """The exit codes of the command line."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    LEFT_OUT = 3
    REFUSED = 4
    UNREACHABLE = 5
    INTERRUPTED = 130


class KatakeiError(Exception):
    """Any error that a person meets.

    `katakei.render.errors.error_text` is what an interface shows of it.

    Attributes:
        code: What the process ends with.
        reasons: Why, as data. Empty for an error that consists of a sentence.
    """

    code = ExitCode.FAILED

    def __init__(self, sentence: str = "", *, reasons: "tuple[Reason, ...]" = ()) -> None:
        super().__init__(sentence or "; ".join(f"{each.code} {dict(each.data)}" for each in reasons))
        self.reasons: tuple[Reason, ...] = reasons


class UsageError(KatakeiError):
    """Usage, configuration, unknown group, target or rollout."""

    code = ExitCode.USAGE


class UnknownGroupError(UsageError):
    """There is no such target group, or it was deleted."""


class RefusedError(KatakeiError):
    """A floor, a gate or a differing plan forbids it, or the membership of a target is not supported."""

    code = ExitCode.REFUSED


class UnreachableError(KatakeiError):
    """Balancer, executor, journal or credentials are unreachable, denied or full. Asking again does not help."""

    code = ExitCode.UNREACHABLE


class TemporarilyUnavailableError(UnreachableError):
    """It cannot be reached now (network, endpoint, expired credentials), but it may come back."""


class UnauthorizedError(KatakeiError):
    """A token, a session, a link or a sign-in is not accepted: nobody has proved who they are."""

    code = ExitCode.UNREACHABLE


class TooManyAttemptsError(UnauthorizedError):
    """Too many sign-ins failed. Its reason says how long to wait.

    Attributes:
        wait: Seconds until the next attempt counts.
    """

    def __init__(self, sentence: str = "", *, wait: float = 0.0, reasons: "tuple[Reason, ...]" = ()) -> None:
        super().__init__(sentence, reasons=reasons)
        self.wait = wait


class ForbiddenError(KatakeiError):
    """The principal is known and has no right to do this."""

    code = ExitCode.UNREACHABLE


class NoAnswerError(KatakeiError):
    """This call had no answer (throttled, 5xx, timed out): nothing is known, ask again."""

    code = ExitCode.UNREACHABLE


class RejectedError(KatakeiError):
    """The balancer understood the call and will never carry it out (for example, register a stopped instance).

    Attributes:
        which: The rejected registrations, each with the balancer's words. All others were accepted, or were not tried
            before the deadline: an observation shows which. Empty: none was accepted.
    """

    code = ExitCode.REFUSED

    def __init__(self, sentence: str, which: "Mapping[Registration, str] | None" = None) -> None:
        super().__init__(sentence)
        self.which: Mapping[Registration, str] = which or {}


class LeaseHeldError(RefusedError):
    """Another rollout has the lease. The sentence names it.

    Attributes:
        silent: The newest heartbeats of the holders, when each of them may be gone. A process that observes them
            unchanged for long enough may take over. Empty when one holder's heartbeat is fresh and its process is not
            known to be dead.
        unsure: The same, but also when heartbeats are fresh, because a holder may have died right after one. Empty
            only when the process of a holder with a fresh heartbeat is observed alive.
    """

    def __init__(
        self, sentence: str, silent: "frozenset[Heartbeat]" = frozenset(), unsure: "frozenset[Heartbeat]" = frozenset()
    ) -> None:
        super().__init__(sentence)
        self.silent = silent
        self.unsure = unsure


class FrozenError(RefusedError):
    """A freeze forbids to take a target out of service. The sentence names it."""


class RouteChangedError(RefusedError):
    """Somebody else changed a listener or a rule that a switch moves. Its reason says how; it was not written then."""


class LeaseLostError(KatakeiError):
    """Another process has taken over: this one writes nothing and starts no act."""

    code = ExitCode.REFUSED


class ConcurrentAppendError(KatakeiError):
    """Another event has the number that this append wanted: read again and decide again."""

    code = ExitCode.FAILED


class InternalError(KatakeiError):
    """A fault of Katakei in the middle of a rollout. Its exit code must not say that every target serves."""

    code = ExitCode.INTERRUPTED
