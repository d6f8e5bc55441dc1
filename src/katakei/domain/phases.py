"""The roads a target may travel: one table is the machine, and what is not in it is an error.

The drawing in the README is generated from `TRANSITIONS`; nothing else decides which phase may follow which.
"""

from collections.abc import Mapping
from enum import Enum


class Phase(Enum):
    """Where a target is."""

    WAITING = "waiting"
    DRAINING = "draining"
    OUT = "out"
    WORKING = "working"
    CHECKING = "checking"
    WARMING = "warming"
    SOAKING = "soaking"
    RETURNING = "returning"
    DONE = "done"
    RETURNED = "returned"
    LEFT_OUT = "left_out"
    FAILED_SERVING = "failed_serving"
    SKIPPED = "skipped"
    GONE = "gone"


class Intent(Enum):
    """Why a target is there."""

    UPDATE = "update"
    REVERT = "revert"
    RETURN = "return"
    KEEP_OUT = "keep_out"


class Cause(Enum):
    """What kind of end an unhoped-for end is: only `FAILED` counts against `max_failures`.

    FLOOR_LOST and REFUSED tell that nothing was done to the target, which may therefore be tried again.
    """

    FAILED = "failed"
    FLOOR_LOST = "floor lost"
    REFUSED = "refused"
    ABORTED = "aborted"
    BY_HAND = "by hand"


_P = Phase

TRANSITIONS: Mapping[Phase, frozenset[Phase]] = {
    _P.WAITING: frozenset({_P.DRAINING, _P.SKIPPED, _P.GONE}),
    _P.DRAINING: frozenset({_P.OUT, _P.RETURNING, _P.LEFT_OUT, _P.GONE}),
    _P.OUT: frozenset({_P.WORKING, _P.RETURNING, _P.LEFT_OUT, _P.GONE}),
    _P.WORKING: frozenset({_P.CHECKING, _P.LEFT_OUT, _P.GONE}),
    _P.CHECKING: frozenset({_P.WARMING, _P.LEFT_OUT, _P.GONE}),
    _P.WARMING: frozenset({_P.SOAKING, _P.DRAINING, _P.GONE}),
    _P.SOAKING: frozenset({_P.DONE, _P.DRAINING, _P.FAILED_SERVING, _P.GONE}),
    _P.RETURNING: frozenset({_P.RETURNED, _P.LEFT_OUT, _P.GONE}),
    _P.DONE: frozenset({_P.DRAINING, _P.WORKING}),
    _P.RETURNED: frozenset({_P.DRAINING, _P.WORKING}),
    _P.LEFT_OUT: frozenset({_P.DRAINING, _P.WORKING}),
    _P.FAILED_SERVING: frozenset({_P.DRAINING, _P.WORKING}),
    _P.SKIPPED: frozenset(),
    _P.GONE: frozenset(),
}

FINAL_PHASES = frozenset({_P.DONE, _P.RETURNED, _P.LEFT_OUT, _P.FAILED_SERVING, _P.SKIPPED, _P.GONE})
IN_PROGRESS = frozenset(Phase) - FINAL_PHASES - {_P.WAITING}
# The journal lets a target serve only here; everywhere else it does not count, whatever a look says.
MAY_SERVE = frozenset({_P.WAITING, _P.SOAKING, _P.DONE, _P.RETURNED, _P.FAILED_SERVING, _P.SKIPPED})
