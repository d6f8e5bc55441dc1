"""The phases of a target, and the table of transitions between them. A transition that is not in it is an error.

The figure in the README is drawn from `TRANSITIONS`. Nothing else decides which phase may follow which.
"""

from collections.abc import Mapping
from enum import Enum


class Phase(Enum):
    """The phase of a target."""

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

    __hash__ = object.__hash__  # a turn looks up thousands of phases, and Enum computes its hash in Python


class Intent(Enum):
    """Why a target is in its phase: to update it, to revert it, to return it untouched, or to keep it out."""

    UPDATE = "update"
    REVERT = "revert"
    RETURN = "return"
    KEEP_OUT = "keep_out"

    __hash__ = object.__hash__  # part of every key of work


class Step(Enum):
    """A part of the work on a target: the work itself, or a step beside it that has a mark of its own."""

    BEFORE = "before"
    WORK = "work"
    AFTER = "after"

    __hash__ = object.__hash__  # part of every key of work


class Cause(Enum):
    """The kind of an end that is not success. Only `FAILED` counts against `max_failures`.

    FLOOR_LOST, REFUSED, FROZEN and OVERLAP_ENDED mean that nothing was done to the target, so it may get another
    attempt. LIMIT means that the rollout was asked for fewer targets: it is no failure of the rollout.
    """

    FAILED = "failed"
    FLOOR_LOST = "floor lost"
    REFUSED = "refused"
    ABORTED = "aborted"
    BY_HAND = "by hand"
    FROZEN = "frozen"
    OVERLAP_ENDED = "overlap ended"
    LIMIT = "limit"


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
# A target counts as serving only in these phases, whatever an observation says in the others.
MAY_SERVE = frozenset({_P.WAITING, _P.SOAKING, _P.DONE, _P.RETURNED, _P.FAILED_SERVING, _P.SKIPPED})
