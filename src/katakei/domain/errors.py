"""What can go wrong, as the user meets it: one sentence with what to do now, and an exit code of product rank.

Drivers turn every foreign error into one of these; no library's exception passes a driver's door.
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
    """There is no such target group, or no longer."""


class RefusedError(KatakeiError):
    """Floor, gate, differing plan, a membership that is not understood."""

    code = ExitCode.REFUSED


class UnreachableError(KatakeiError):
    """Balancer, executor, journal or credentials unreachable, denied or full: asking again by itself will not help."""

    code = ExitCode.UNREACHABLE


class TemporarilyUnavailableError(UnreachableError):
    """No way there just now (network, endpoint, credentials that ended): it may come back, by itself or by a person."""


class NoAnswerError(KatakeiError):
    """This look or call had no answer (throttled, 5xx, timed out): nothing is known, ask again."""

    code = ExitCode.UNREACHABLE


class RejectedError(KatakeiError):
    """The balancer understood the call and will never do it (a registration of a stopped instance, say).

    `which` tells the registrations that were refused, each with the balancer's words; all others were taken, or were
    not tried before the deadline (looks tell). Empty: none was taken.
    """

    code = ExitCode.REFUSED

    def __init__(self, sentence: str, which: "Mapping[Registration, str] | None" = None) -> None:
        super().__init__(sentence)
        self.which: Mapping[Registration, str] = which or {}


class LeaseHeldError(RefusedError):
    """Another rollout has the lease. The sentence names it.

    `silent` are the newest beats of the holders when each of them may be gone: whoever sees them unchanged for long
    enough may take over. Empty: at least one holder was heard of just now. `unsure` are the same, and in that case too,
    unless the process of one that was heard of is seen to live: it may have died right after that beat.
    """

    def __init__(
        self, sentence: str, silent: "frozenset[Heartbeat]" = frozenset(), unsure: "frozenset[Heartbeat]" = frozenset()
    ) -> None:
        super().__init__(sentence)
        self.silent = silent
        self.unsure = unsure


class LeaseLostError(KatakeiError):
    """The lease is no longer ours: somebody took over, so this process writes nothing and starts no act."""

    code = ExitCode.REFUSED


class ConcurrentAppendError(KatakeiError):
    """Another event took the number this append wanted: read again and decide again."""

    code = ExitCode.FAILED


class InternalError(KatakeiError):
    """A fault of ours in the middle of a rollout (its cause): nobody must take it for one after which all serve."""

    code = ExitCode.INTERRUPTED
