"""Reasons as data: a code, and the facts that belong to it.

Domain and reconcile say *why* only in this form. `katakei.render.reasons` turns a reason into a sentence for a
terminal, a page or a report, in the language of the reader. The journal and the JSON output hold the code and the
facts.

`FACTS` lists every code with the names of its facts. A test compares it with the sentences in render, both ways.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Union

from katakei.domain.outside_text import one_line

ReasonValue = Union[None, bool, int, float, str, tuple["ReasonValue", ...], "Reason"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is so, or why a rollout waits.

    Attributes:
        code: Names the sentence: a `ReasonCode`, or in a journal of a newer version a code that is unknown here.
        data: Facts by name, in order. Durations are seconds. Text that came from outside (AWS, a program on a target)
            is a fact; `reason` makes it one harmless line.
    """

    code: str
    data: tuple[tuple[str, ReasonValue], ...] = ()

    def value(self, name: str) -> ReasonValue:
        """The fact of this name.

        Raises:
            KeyError: The reason has no such fact.
        """
        return dict(self.data)[name]


class ReasonCode(StrEnum):
    """Every reason that this version gives. Journals hold these names, so a name that was released never changes."""

    # Around other reasons
    RECORDED_TEXT = "recorded_text"
    THEN = "then"
    TARGET_WAITS = "target_waits"
    # The rollout as a whole
    FINISHED = "finished"
    NOTHING_IN_PROGRESS = "nothing_in_progress"
    ACTING = "acting"
    ABORTED = "aborted"
    REVERTED = "reverted"
    REVERTED_BEFORE_TURN = "reverted_before_turn"
    TOO_MANY_FAILURES = "too_many_failures"
    TOO_MANY_REVERT_FAILURES = "too_many_revert_failures"
    PAUSED = "paused"
    GATE_DENIED = "gate_denied"
    APPROVAL_EXPIRED = "approval_expired"
    GATE_PENDING = "gate_pending"
    FROZEN = "frozen"
    # Before a target is taken out
    GATE_HOLDS = "gate_holds"
    GATE_WITHOUT_DATA = "gate_without_data"
    GATE_FAILED = "gate_failed"
    HOURS_CLOSED = "hours_closed"
    GATE_REPORT = "gate_report"
    WAVE_PAUSE = "wave_pause"
    LIMIT_REACHED = "limit_reached"
    NEXT_TARGET_WAITS = "next_target_waits"
    WAITED_TOO_LONG = "waited_too_long"
    FREEZES_NOT_READ = "freezes_not_read"
    PLACE_PENDING = "place_pending"
    BASELINE_PENDING = "baseline_pending"
    PROBE_SILENT = "probe_silent"
    PROBE_BLIND = "probe_blind"
    ATTRIBUTES_NOT_READ = "attributes_not_read"
    GROUP_CHANGED = "group_changed"
    ATTRIBUTE_CHANGED = "attribute_changed"
    LISTENER_REMOVED = "listener_removed"
    GROUP_NOT_OBSERVED = "group_not_observed"
    GROUP_FLOOR = "group_floor"
    ZONE_FLOOR = "zone_floor"
    DEREGISTERED_ELSEWHERE = "deregistered_elsewhere"
    DRAINING_ELSEWHERE = "draining_elsewhere"
    MACHINE_STOPPED = "machine_stopped"
    GROUP_DELETED = "group_deleted"
    # Two targets that overlap: one drains while the other one soaks
    OVERLAP_NEEDS_SERVICE = "overlap_needs_service"
    TOO_FEW_PROVEN = "too_few_proven"
    ZONE_TOO_FEW_PROVEN = "zone_too_few_proven"
    SOAK_AWAITED = "soak_awaited"
    OVERLAP_ENDED = "overlap_ended"
    OVERLAP_PAUSED = "overlap_paused"
    OVERLAP_INTERRUPTED = "overlap_interrupted"
    SOAK_BROKEN = "soak_broken"
    SOAK_RESTARTED = "soak_restarted"
    SOAK_NOT_OBSERVED = "soak_not_observed"
    KEPT_FOR_OVERLAP = "kept_for_overlap"
    # Health as AWS reports it
    HEALTH = "health"
    # Draining
    DEREGISTER_PENDING = "deregister_pending"
    DEREGISTERED_NOT_OBSERVED = "deregistered_not_observed"
    DEREGISTERED_STILL_IN_SERVICE = "deregistered_still_in_service"
    DEREGISTER_BLOCKED = "deregister_blocked"
    DEREGISTER_NOT_SENT = "deregister_not_sent"
    SETTLING = "settling"
    DRAINING = "draining"
    PROBE_REPORT = "probe_report"
    QUIET_BUT_GROUP_CHANGED = "quiet_but_group_changed"
    QUIET_BUT_ATTRIBUTES_NOT_READ = "quiet_but_attributes_not_read"
    DRAIN_TIMEOUT = "drain_timeout"
    REGISTERED_ELSEWHERE = "registered_elsewhere"
    FLOOR_LOST = "floor_lost"
    RETURNED_FOR_FREEZE = "returned_for_freeze"
    DEREGISTERED_BY_HAND = "deregistered_by_hand"
    DEREGISTERED_BY_HAND_WITHOUT_WAIT = "deregistered_by_hand_without_wait"
    # Work
    WORK_STARTING = "work_starting"
    WORK_RESTARTING = "work_restarting"
    WORK_RUNNING = "work_running"
    OF_STEP = "of_step"
    WORK_HALFWAY = "work_halfway"
    WORK_NOT_OBSERVED = "work_not_observed"
    WORK_NOT_OBSERVED_AFTER_STOP = "work_not_observed_after_stop"
    WORK_ENDED = "work_ended"
    WORK_FAILED = "work_failed"
    WORK_REFUSED = "work_refused"
    WORK_INTERRUPTED = "work_interrupted"
    WORK_OVERDUE = "work_overdue"
    WORK_CANCELING = "work_canceling"
    WORK_FORBIDDING = "work_forbidding"
    WORK_MAY_RUN = "work_may_run"
    APPROVAL_PENDING = "approval_pending"
    NOT_APPROVED = "not_approved"
    ABORTED_BEFORE_APPROVAL = "aborted_before_approval"
    # Check and return
    IN_SERVICE_BEFORE_CHECK = "in_service_before_check"
    CHECK_PENDING = "check_pending"
    CHECK_FAILED = "check_failed"
    ADDRESS_STILL_DRAINING = "address_still_draining"
    BATCH_PENDING = "batch_pending"
    REGISTER_PENDING = "register_pending"
    REGISTERED_NOT_OBSERVED = "registered_not_observed"
    REGISTERED_NOT_SERVING = "registered_not_serving"
    SERVING_ONCE = "serving_once"
    REGISTRATION_REPEATED = "registration_repeated"
    REGISTRATION_REJECTED = "registration_rejected"
    RETURN_REJECTED = "return_rejected"
    WARMING_TIMEOUT = "warming_timeout"
    RETURN_TIMEOUT = "return_timeout"
    SOAKING = "soaking"
    SOAKING_NOT_OBSERVED = "soaking_not_observed"
    SOAKING_UNHEALTHY = "soaking_unhealthy"
    SOAK_FAILED = "soak_failed"
    GROUPS_NOT_OBSERVED = "groups_not_observed"
    KEPT_FOR_FLOOR = "kept_for_floor"
    # After a target is done
    LEFT_SERVICE = "left_service"
    LEFT_SERVICE_WAITING = "left_service_waiting"
    LEFT_SERVICE_NOT_OBSERVED = "left_service_not_observed"
    # Targets that an earlier rollout left out of service
    HELD_SINCE = "held_since"
    HELD_WITHOUT_CHECK = "held_without_check"
    # Targets that the plan does not know
    LATE_TARGETS_LEFT = "late_targets_left"
    MACHINE_TAKES_NO_PART = "machine_takes_no_part"
    TAGS_DIFFER = "tags_differ"
    CAME_AFTER_ROLLOUT = "came_after_rollout"
    IN_OTHER_GROUPS = "in_other_groups"
    NOT_WORKABLE = "not_workable"
    # A switch of traffic by weights
    ROUTE_DELETED = "route_deleted"
    ROUTE_ACTIONS_CHANGED = "route_actions_changed"
    ROUTE_WEIGHTS_CHANGED = "route_weights_changed"
    ROUTE_REJECTED = "route_rejected"
    ROUTES_NOT_OBSERVED = "routes_not_observed"
    WEIGHTS_MOVING = "weights_moving"
    WEIGHTS_RETURNING = "weights_returning"
    WEIGHTS_CONFIRMING = "weights_confirming"
    SHARE_SOAKING = "share_soaking"
    SHARE_WAITS = "share_waits"
    NEW_GROUP_TOO_SMALL = "new_group_too_small"
    OLD_GROUP_DOWN_TOO = "old_group_down_too"
    TRAFFIC_MOVED = "traffic_moved"
    WEIGHT_SETTLING = "weight_settling"
    # What the rollout cannot reach
    JOURNAL_UNAVAILABLE = "journal_unavailable"
    JOURNAL_SLOW = "journal_slow"
    WORK_NOT_TAKEN = "work_not_taken"
    UNAVAILABLE = "unavailable"


_C = ReasonCode

FACTS: Mapping[ReasonCode, tuple[str, ...]] = MappingProxyType(
    {
        code: tuple(names.split())
        for code, names in {
            _C.RECORDED_TEXT: "text",
            _C.THEN: "first why",
            _C.TARGET_WAITS: "target name why others",
            _C.FINISHED: "",
            _C.NOTHING_IN_PROGRESS: "",
            _C.ACTING: "targets",
            _C.ABORTED: "by",
            _C.REVERTED: "by",
            _C.REVERTED_BEFORE_TURN: "by",
            _C.TOO_MANY_FAILURES: "failures allowed",
            _C.TOO_MANY_REVERT_FAILURES: "failures allowed",
            _C.PAUSED: "by waited rollout",
            _C.GATE_DENIED: "gate by",
            _C.APPROVAL_EXPIRED: "gate",
            _C.GATE_PENDING: "gate waited rollout expires default others",
            _C.FROZEN: "name by why since until",
            _C.LIMIT_REACHED: "limit",
            _C.GATE_HOLDS: "gate waited why rollout",
            _C.GATE_WITHOUT_DATA: "gate waited why rollout",
            _C.GATE_FAILED: "gate why",
            _C.HOURS_CLOSED: "zone until",
            _C.GATE_REPORT: "text",
            _C.WAVE_PAUSE: "wave waves waited left rollout",
            _C.NEXT_TARGET_WAITS: "target name waited why",
            _C.WAITED_TOO_LONG: "why",
            _C.FREEZES_NOT_READ: "",
            _C.PLACE_PENDING: "",
            _C.BASELINE_PENDING: "why",
            _C.PROBE_SILENT: "",
            _C.PROBE_BLIND: "text",
            _C.ATTRIBUTES_NOT_READ: "group",
            _C.GROUP_CHANGED: "group changes",
            _C.ATTRIBUTE_CHANGED: "attribute was now",
            _C.LISTENER_REMOVED: "",
            _C.GROUP_NOT_OBSERVED: "group",
            _C.GROUP_FLOOR: "group serving floor",
            _C.ZONE_FLOOR: "group zone serving floor",
            _C.DEREGISTERED_ELSEWHERE: "",
            _C.DRAINING_ELSEWHERE: "",
            _C.MACHINE_STOPPED: "health",
            _C.GROUP_DELETED: "groups",
            _C.OVERLAP_NEEDS_SERVICE: "",
            _C.TOO_FEW_PROVEN: "group proven floor",
            _C.ZONE_TOO_FEW_PROVEN: "group zone proven floor",
            _C.SOAK_AWAITED: "target name waited left limit",
            _C.OVERLAP_ENDED: "target name why",
            _C.OVERLAP_PAUSED: "by",
            _C.OVERLAP_INTERRUPTED: "",
            _C.SOAK_BROKEN: "",
            _C.SOAK_RESTARTED: "left",
            _C.SOAK_NOT_OBSERVED: "waited",
            _C.KEPT_FOR_OVERLAP: "target name why",
            _C.HEALTH: "state description overridden",
            _C.DEREGISTER_PENDING: "waited",
            _C.DEREGISTERED_NOT_OBSERVED: "waited text",
            _C.DEREGISTERED_STILL_IN_SERVICE: "waited health",
            _C.DEREGISTER_BLOCKED: "waited why",
            _C.DEREGISTER_NOT_SENT: "waited",
            _C.SETTLING: "waited left",
            _C.DRAINING: "waited probe delay left",
            _C.PROBE_REPORT: "text",
            _C.QUIET_BUT_GROUP_CHANGED: "changes",
            _C.QUIET_BUT_ATTRIBUTES_NOT_READ: "",
            _C.DRAIN_TIMEOUT: "waited",
            _C.REGISTERED_ELSEWHERE: "",
            _C.FLOOR_LOST: "why",
            _C.RETURNED_FOR_FREEZE: "why",
            _C.DEREGISTERED_BY_HAND: "",
            _C.DEREGISTERED_BY_HAND_WITHOUT_WAIT: "",
            _C.WORK_STARTING: "waited text",
            _C.WORK_RESTARTING: "waited text",
            _C.WORK_RUNNING: "waited",
            _C.OF_STEP: "step why",
            _C.WORK_HALFWAY: "waited text",
            _C.WORK_NOT_OBSERVED: "waited text",
            _C.WORK_NOT_OBSERVED_AFTER_STOP: "waited why",
            _C.WORK_ENDED: "",
            _C.WORK_FAILED: "exit text",
            _C.WORK_REFUSED: "text",
            _C.WORK_INTERRUPTED: "text",
            _C.WORK_OVERDUE: "state waited",
            _C.WORK_CANCELING: "why",
            _C.WORK_FORBIDDING: "why",
            _C.WORK_MAY_RUN: "why",
            _C.APPROVAL_PENDING: "waited rollout target",
            _C.NOT_APPROVED: "",
            _C.ABORTED_BEFORE_APPROVAL: "by",
            _C.IN_SERVICE_BEFORE_CHECK: "waited",
            _C.CHECK_PENDING: "waited text",
            _C.CHECK_FAILED: "within text",
            _C.ADDRESS_STILL_DRAINING: "waited",
            _C.BATCH_PENDING: "waited",
            _C.REGISTER_PENDING: "waited",
            _C.REGISTERED_NOT_OBSERVED: "waited text",
            _C.REGISTERED_NOT_SERVING: "waited health",
            _C.SERVING_ONCE: "health left",
            _C.REGISTRATION_REPEATED: "waited limit text",
            _C.REGISTRATION_REJECTED: "text",
            _C.RETURN_REJECTED: "text",
            _C.WARMING_TIMEOUT: "waited health",
            _C.RETURN_TIMEOUT: "waited health",
            _C.SOAKING: "health left",
            _C.SOAKING_NOT_OBSERVED: "waited text",
            _C.SOAKING_UNHEALTHY: "waited health",
            _C.SOAK_FAILED: "waited health",
            _C.GROUPS_NOT_OBSERVED: "why",
            _C.KEPT_FOR_FLOOR: "why",
            _C.LEFT_SERVICE: "why",
            _C.LEFT_SERVICE_WAITING: "waited why",
            _C.LEFT_SERVICE_NOT_OBSERVED: "waited text",
            _C.HELD_SINCE: "rollout",
            _C.HELD_WITHOUT_CHECK: "rollout",
            _C.LATE_TARGETS_LEFT: "",
            _C.MACHINE_TAKES_NO_PART: "",
            _C.TAGS_DIFFER: "",
            _C.CAME_AFTER_ROLLOUT: "",
            _C.IN_OTHER_GROUPS: "groups",
            _C.NOT_WORKABLE: "text",
            _C.ROUTE_DELETED: "route",
            _C.ROUTE_ACTIONS_CHANGED: "route",
            _C.ROUTE_WEIGHTS_CHANGED: "route old new",
            _C.ROUTE_REJECTED: "route text",
            _C.ROUTES_NOT_OBSERVED: "waited text",
            _C.WEIGHTS_MOVING: "share routes waited",
            _C.WEIGHTS_RETURNING: "routes waited why",
            _C.WEIGHTS_CONFIRMING: "left",
            _C.SHARE_SOAKING: "share left",
            _C.SHARE_WAITS: "share group serving needed waited",
            _C.NEW_GROUP_TOO_SMALL: "share group serving needed",
            _C.OLD_GROUP_DOWN_TOO: "group serving needed waited",
            _C.TRAFFIC_MOVED: "rollout",
            _C.WEIGHT_SETTLING: "left",
            _C.JOURNAL_UNAVAILABLE: "text waited",
            _C.JOURNAL_SLOW: "target name times took waited",
            _C.WORK_NOT_TAKEN: "text waited",
            _C.UNAVAILABLE: "text waited limit",
        }.items()
    }
)


def reason(code: ReasonCode, **data: ReasonValue | timedelta) -> Reason:
    """A reason with its facts by keyword; a duration is kept as seconds.

    Raises:
        ValueError: The facts are not those that `FACTS` lists for the code. Every fact is given; one that is not
            known is None.
    """
    return reason_of(code, FACTS[code], {name: _plain(value) for name, value in data.items()})


def reason_of(code: StrEnum, names: Collection[str], facts: Mapping[str, ReasonValue]) -> Reason:
    """A reason of any set of codes.

    Args:
        code: The code.
        names: The facts that the code has, in their order.
        facts: Their values.

    Raises:
        ValueError: The facts are not those that the code has.
    """
    if [*facts] != [*names] and facts.keys() != set(names):
        raise ValueError(f"{code} has the facts {', '.join(names) or 'none'}, not {', '.join(facts) or 'none'}")
    return Reason(code.value, tuple((name, facts[name]) for name in names))


def recorded_text(text: str) -> Reason | None:
    """The reason that an older version recorded as text; None for ''."""
    return reason(ReasonCode.RECORDED_TEXT, text=text) if text else None


def _plain(value: ReasonValue | timedelta) -> ReasonValue:
    if isinstance(value, str):
        return one_line(value)
    return value.total_seconds() if isinstance(value, timedelta) else value


def then(first: Reason | None, why: Reason) -> Reason:
    """The later reason, after the earlier one if there is one, so that the earlier one is not lost."""
    return reason(ReasonCode.THEN, first=first, why=why) if first else why
