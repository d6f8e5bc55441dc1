"""The codes of every reason that planning gives: refusals, usage faults and notices.

`katakei.render.plan_reasons` writes the sentence of each code. A code of a notice is recorded in the plan, so it is
never renamed.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from katakei.domain.model import Target
from katakei.domain.reasons import Reason, ReasonValue, reason_of


class PlanCode(StrEnum):
    """Why there is no plan, or what a person must know about the plan."""

    # Refusals: the plan would be unsafe, or Katakei does not support the target group.
    TARGET_TYPE_NOT_SUPPORTED = "target_type_not_supported"
    LOAD_BALANCER_NOT_SUPPORTED = "load_balancer_not_supported"
    OWNED_BY_AUTO_SCALING = "owned_by_auto_scaling"
    CROSS_ZONE_OFF = "cross_zone_off"
    ZONAL_SHIFT_ACTIVE = "zonal_shift_active"
    TARGET_OPTIMIZER_ON = "target_optimizer_on"
    UNHEALTHY_AT_START = "unhealthy_at_start"
    HEALTH_MINIMUM_ABOVE_FLOOR = "health_minimum_above_floor"
    UNUSED_GROUP_WITH_FLOOR = "unused_group_with_floor"
    FLOOR_NEVER_KEPT = "floor_never_kept"
    ZONE_FLOOR_NEVER_KEPT = "zone_floor_never_kept"
    BELOW_FLOOR = "below_floor"
    BELOW_ZONE_FLOOR = "below_zone_floor"
    SHARED_TARGETS = "shared_targets"
    DRAINED_BY_OTHERS = "drained_by_others"
    SETTLE_TOO_SHORT = "settle_too_short"
    DRAIN_LIMIT_TOO_SHORT = "drain_limit_too_short"
    REQUESTS_NOT_POSSIBLE = "requests_not_possible"
    GRPC_CHECK_NOT_SUPPORTED = "grpc_check_not_supported"
    CHECK_UNREACHABLE = "check_unreachable"
    WINDOWS_NOT_SUPPORTED = "windows_not_supported"
    TARGET_NOT_READY = "target_not_ready"
    TOO_DISRUPTIVE = "too_disruptive"
    NOT_AN_INSTANCE = "not_an_instance"
    STOP_IN_AUTO_SCALING = "stop_in_auto_scaling"
    CANNOT_BE_STOPPED = "cannot_be_stopped"
    UNKNOWN_INSTANCE_TYPE = "unknown_instance_type"
    WRONG_ARCHITECTURE = "wrong_architecture"
    STILL_IN_OTHER_GROUPS = "still_in_other_groups"
    HELD_IN_MORE_GROUPS = "held_in_more_groups"
    HELD_NEEDED_FOR_FLOOR = "held_needed_for_floor"
    HELD_NOT_READY = "held_not_ready"

    # Refusals of a switch of traffic
    NO_ROUTES = "no_routes"
    ROUTE_NOT_MOVABLE = "route_not_movable"
    BALANCER_WITHOUT_WEIGHTS = "balancer_without_weights"
    NEW_GROUP_ELSEWHERE = "new_group_elsewhere"
    NEW_GROUP_SERVES_TOO_FEW = "new_group_serves_too_few"
    STICKY_SESSIONS_NEED_GROUP = "sticky_sessions_need_group"
    WEIGHT_SETTLE_TOO_SHORT = "weight_settle_too_short"

    # Usage: what the person named does not exist or is ambiguous.
    GROUP_EMPTY = "group_empty"
    NO_TARGET_CHOSEN = "no_target_chosen"
    TARGETS_NOT_REGISTERED = "targets_not_registered"
    PORT_NOT_REGISTERED = "port_not_registered"
    PORT_OUT_OF_RANGE = "port_out_of_range"
    NAME_AMBIGUOUS = "name_ambiguous"
    NOT_A_TARGET = "not_a_target"
    SWITCH_SAME_GROUP = "switch_same_group"
    ROUTE_UNKNOWN = "route_unknown"

    # Notices: the plan goes ahead, and says so.
    UNUSED_GROUP = "unused_group"
    SHORT_SETTLE_ACCEPTED = "short_settle_accepted"
    CHECK_SKIPPED = "check_skipped"
    OUTAGE_ACCEPTED = "outage_accepted"
    FLOOR_FROM_MINIMUM = "floor_from_minimum"
    ZONE_FLOOR_FROM_GROUP = "zone_floor_from_group"
    STICKY_SESSIONS = "sticky_sessions"
    SLOW_START_ON = "slow_start_on"
    ZONAL_SHIFT_ALLOWED = "zonal_shift_allowed"
    UNHEALTHY_SKIPPED = "unhealthy_skipped"
    RANKS_EMPTY = "ranks_empty"
    GATE_NOT_ASKED = "gate_not_asked"
    CURRENT_LEFT_ALONE = "current_left_alone"
    LIMITED = "limited"
    DRAINING_LEFT_ALONE = "draining_left_alone"
    OTHER_GROUPS_LEFT_ALONE = "other_groups_left_alone"
    REGISTERED_AS_RECORDED = "registered_as_recorded"
    REGISTERED_WHERE_HELD = "registered_where_held"
    GROUP_PORT_USED = "group_port_used"
    REQUESTS_FALLBACK = "requests_fallback"
    UNKNOWN_PORT_USED = "unknown_port_used"
    ROLLOUT_UNFINISHED = "rollout_unfinished"
    INSTANCE_STORE_LOST = "instance_store_lost"
    PUBLIC_ADDRESS_CHANGES = "public_address_changes"

    HELD_TAKEN_FIRST = "held_taken_first"
    HELD_NOT_SELECTED = "held_not_selected"
    HELD_BY_HAND = "held_by_hand"
    HELD_MAY_RUN = "held_may_run"
    HELD_BY_OTHER_GROUPS = "held_by_other_groups"
    HELD_KEPT_OUT = "held_kept_out"
    ALREADY_OUT = "already_out"
    TRAFFIC_GOES_ON = "traffic_goes_on"
    DEPLOY_UNCONFIRMED = "deploy_unconfirmed"

    NEW_GROUP_CHECKED_FIRST = "new_group_checked_first"
    OTHER_ROUTES_STAY = "other_routes_stay"
    CLIENTS_STICK = "clients_stick"
    CONNECTIONS_STAY = "connections_stay"
    SMALLER_GROUP_ACCEPTED = "smaller_group_accepted"
    WEIGHT_TAKEN_AWAY = "weight_taken_away"

    # Forecast: the setting that decides how long a part takes.
    SETTING_SETTLE = "setting_settle"
    SETTING_SETTLE_UP_TO_DELAY = "setting_settle_up_to_delay"
    SETTING_DEREGISTRATION_DELAY = "setting_deregistration_delay"
    SETTING_HEALTH_CHECK_INTERVAL = "setting_health_check_interval"
    SETTING_FIXED = "setting_fixed"
    SETTING_SOAK = "setting_soak"
    LIMITED_BY_FLOOR = "limited_by_floor"
    LIMITED_BY_ZONE_FLOOR = "limited_by_zone_floor"


class Risk(StrEnum):
    """A risk that a person can accept. An interface names its own option or button for it."""

    BELOW_FLOOR = "below_floor"
    SHORT_SETTLE = "short_settle"
    SHARED_TARGETS = "shared_targets"
    FOREIGN_DRAINING = "foreign_draining"


_P = PlanCode

FACTS: Mapping[PlanCode, tuple[str, ...]] = MappingProxyType(
    {
        code: tuple(names.split())
        for code, names in {
            _P.TARGET_TYPE_NOT_SUPPORTED: "group type",
            _P.LOAD_BALANCER_NOT_SUPPORTED: "group protocol balancer_type",
            _P.OWNED_BY_AUTO_SCALING: "group auto_scaling_groups",
            _P.CROSS_ZONE_OFF: "group zone floor",
            _P.ZONAL_SHIFT_ACTIVE: "group zones",
            _P.TARGET_OPTIMIZER_ON: "group until",
            _P.UNHEALTHY_AT_START: "targets",
            _P.HEALTH_MINIMUM_ABOVE_FLOOR: "group minimum needed base floor",
            _P.UNUSED_GROUP_WITH_FLOOR: "group",
            _P.FLOOR_NEVER_KEPT: "group floor base",
            _P.ZONE_FLOOR_NEVER_KEPT: "group zone floor",
            _P.BELOW_FLOOR: "group serving floor risk",
            _P.BELOW_ZONE_FLOOR: "group zone serving floor risk",
            _P.SHARED_TARGETS: "registrations risk",
            _P.DRAINED_BY_OTHERS: "targets risk",
            _P.SETTLE_TOO_SHORT: "settle safe risk",
            _P.DRAIN_LIMIT_TOO_SHORT: "limit needed",
            _P.REQUESTS_NOT_POSSIBLE: "group protocol protocol_version",
            _P.REQUESTS_FALLBACK: "group protocol protocol_version fallback",
            _P.GRPC_CHECK_NOT_SUPPORTED: "group",
            _P.CHECK_UNREACHABLE: "target text",
            _P.WINDOWS_NOT_SUPPORTED: "targets",
            _P.TARGET_NOT_READY: "target text",
            _P.TOO_DISRUPTIVE: "command disruption most",
            _P.NOT_AN_INSTANCE: "targets",
            _P.STOP_IN_AUTO_SCALING: "targets",
            _P.CANNOT_BE_STOPPED: "target text",
            _P.UNKNOWN_INSTANCE_TYPE: "type",
            _P.WRONG_ARCHITECTURE: "target type architecture architectures",
            _P.STILL_IN_OTHER_GROUPS: "registrations risk",
            _P.HELD_IN_MORE_GROUPS: "target rollout groups",
            _P.HELD_NEEDED_FOR_FLOOR: "group floor base targets",
            _P.HELD_NOT_READY: "target rollout text group",
            _P.NO_ROUTES: "group",
            _P.ROUTE_NOT_MOVABLE: "route trouble",
            _P.BALANCER_WITHOUT_WEIGHTS: "group balancer_type",
            _P.NEW_GROUP_ELSEWHERE: "group",
            _P.NEW_GROUP_SERVES_TOO_FEW: "group serving needed risk",
            _P.STICKY_SESSIONS_NEED_GROUP: "groups routes",
            _P.WEIGHT_SETTLE_TOO_SHORT: "settle safe risk",
            _P.SWITCH_SAME_GROUP: "group",
            _P.ROUTE_UNKNOWN: "route group routes",
            _P.NEW_GROUP_CHECKED_FIRST: "group",
            _P.OTHER_ROUTES_STAY: "group",
            _P.CLIENTS_STICK: "routes length",
            _P.CONNECTIONS_STAY: "group",
            _P.SMALLER_GROUP_ACCEPTED: "group serving was",
            _P.WEIGHT_TAKEN_AWAY: "group rollout left",
            _P.GROUP_EMPTY: "group",
            _P.NO_TARGET_CHOSEN: "groups",
            _P.TARGETS_NOT_REGISTERED: "targets groups registered",
            _P.PORT_NOT_REGISTERED: "target ports port",
            _P.PORT_OUT_OF_RANGE: "port",
            _P.NAME_AMBIGUOUS: "name targets",
            _P.NOT_A_TARGET: "name group expected",
            _P.UNUSED_GROUP: "group",
            _P.SHORT_SETTLE_ACCEPTED: "settle safe",
            _P.CHECK_SKIPPED: "target text",
            _P.OUTAGE_ACCEPTED: "group",
            _P.FLOOR_FROM_MINIMUM: "group floor base minimum",
            _P.ZONE_FLOOR_FROM_GROUP: "group floor",
            _P.STICKY_SESSIONS: "group lasts",
            _P.SLOW_START_ON: "group slow_start soak",
            _P.ZONAL_SHIFT_ALLOWED: "group zones targets",
            _P.UNHEALTHY_SKIPPED: "targets",
            _P.RANKS_EMPTY: "tag values",
            _P.GATE_NOT_ASKED: "gate after targets",
            _P.CURRENT_LEFT_ALONE: "targets release",
            _P.LIMITED: "limit targets",
            _P.DRAINING_LEFT_ALONE: "targets",
            _P.OTHER_GROUPS_LEFT_ALONE: "groups",
            _P.REGISTERED_AS_RECORDED: "target rollout",
            _P.REGISTERED_WHERE_HELD: "target port rollout",
            _P.GROUP_PORT_USED: "target port",
            _P.UNKNOWN_PORT_USED: "target ports port",
            _P.ROLLOUT_UNFINISHED: "rollout",
            _P.INSTANCE_STORE_LOST: "targets",
            _P.PUBLIC_ADDRESS_CHANGES: "targets",
            _P.HELD_TAKEN_FIRST: "target rollout ended",
            _P.HELD_NOT_SELECTED: "target rollout ended",
            _P.HELD_BY_HAND: "target rollout",
            _P.HELD_MAY_RUN: "target rollout ended",
            _P.HELD_BY_OTHER_GROUPS: "target rollout ended",
            _P.HELD_KEPT_OUT: "target rollout ended",
            _P.ALREADY_OUT: "target rollout",
            _P.TRAFFIC_GOES_ON: "registrations",
            _P.DEPLOY_UNCONFIRMED: "target rollout ended may_run",
            _P.SETTING_SETTLE: "",
            _P.SETTING_SETTLE_UP_TO_DELAY: "delay",
            _P.SETTING_DEREGISTRATION_DELAY: "",
            _P.SETTING_HEALTH_CHECK_INTERVAL: "",
            _P.SETTING_FIXED: "",
            _P.SETTING_SOAK: "",
            _P.LIMITED_BY_FLOOR: "group floor window",
            _P.LIMITED_BY_ZONE_FLOOR: "group floor window",
        }.items()
    }
)
"""The names of the facts of each code, in order. Durations are seconds, ports numbers, `text` is text from outside."""


def reason(code: PlanCode, **facts: ReasonValue) -> Reason:
    """A reason of planning with its facts.

    Raises:
        ValueError: The facts are not those that `FACTS` lists for the code.
    """
    return reason_of(code, FACTS[code], facts)


def named(target: Target) -> tuple[ReasonValue, ...]:
    """A target as a fact: its id, and its Name tag or ''."""
    return str(target.id), target.name
