"""The sentences for the reasons of planning: refusals, usage errors, notices, and the settings of a forecast.

`katakei.render.reasons` fills these templates in. The codes are written as text here, because commands that only read
must not import planning; a test compares them with the codes of planning.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from katakei.domain.reasons import ReasonValue
from katakei.render.translation import Translator

RISK_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "below_floor": "--force",
        "short_settle": "--force",
        "shared_targets": "--only-these-groups",
        "foreign_draining": "--ignore-draining",
    }
)
"""The option of the command line that accepts a risk."""

WHY_NOT_STOPPED: Mapping[str, str] = MappingProxyType(
    {
        "spot": "it is a Spot instance",
        "instance_store": "its root device is an instance store",
    }
)
"""Why EC2 cannot stop an instance and start it again."""

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        # Refusals
        "target_type_not_supported": (
            "{group} is a target group of type {type}; only the types instance and ip are supported"
        ),
        "load_balancer_not_supported": (
            "{group} uses the protocol {protocol} and {balancer_type:load balancer};"
            " only Application Load Balancers are supported"
        ),
        "owned_by_auto_scaling": (
            "targets of {group} belong to an Auto Scaling group ({auto_scaling_groups}), which may replace them;"
            " use an instance refresh, or put them into standby by hand (docs/auto-scaling.md)"
        ),
        "cross_zone_off": (
            "cross-zone load balancing is off for {group}, so {floor:registration} must serve in each zone, and in"
            " {zone} no target could ever be taken out; turn it on, or add a target there"
        ),
        "zonal_shift_active": (
            "a zonal shift is active for {group} ({zones}); wait until it has ended, or set membership: {{zonal_shift:"
            " allow}}"
        ),
        "target_optimizer_on": (
            "the target optimizer of {group} puts an agent in front of each target, so drain.until: {until} would"
            " observe the agent; use drain.until: counter or delay"
        ),
        "unhealthy_at_start": (
            "not serving before the rollout: {targets:with names}. Repair them, leave them out with --only, or set"
            " membership.unhealthy to first, last or skip"
        ),
        "health_minimum_above_floor": (
            "{group} requires {needed} of {base} healthy targets ({minimum}), so none could ever be taken out;"
            " with fewer the load balancer also sends traffic to unhealthy ones. Lower it (window.floor: {floor})"
        ),
        "unused_group_with_floor": (
            "no listener forwards to {group}, so no target in it can serve;"
            " if that is intended, set floor: 0 and remove floor_per_zone"
        ),
        "floor_never_kept": (
            "the floor of {group} is {floor} of {base}, so no target could ever be taken out;"
            " lower window.floor (0 accepts an outage)"
        ),
        "zone_floor_never_kept": (
            "the floor of {group} in zone {zone} is {floor}, so no target there could ever be taken out;"
            " lower window.floor_per_zone"
        ),
        "below_floor": (
            "only {serving:registration} of {group} would serve, but the floor is {floor};"
            " to accept that, add {risk:option}"
        ),
        "below_zone_floor": (
            "only {serving:registration} of {group} would serve in zone {zone}, but the floor there is {floor};"
            " to accept that, add {risk:option}"
        ),
        "shared_targets": (
            "targets are registered in other groups too, which would keep sending them requests:"
            " {registrations:with groups}. Add those groups to the configuration, or accept that with {risk:option}"
        ),
        "drained_by_others": (
            "draining, although no rollout of this journal took them out: {targets}."
            " Find out who did, or leave them alone with {risk:option}"
        ),
        "settle_too_short": (
            "drain.settle of {settle:span} is shorter than {safe:span}; until then a real load balancer may still send"
            " new requests to a draining target. To accept that, add {risk:option}"
        ),
        "drain_limit_too_short": (
            "limits.draining of {limit:span} is shorter than the {needed:span} that a drain takes here,"
            " so no drain could end in time; raise it"
        ),
        "requests_not_possible": (
            "drain.until: requests needs plain HTTP/1.1 behind an Application Load Balancer, but {group} speaks"
            " {protocol} ({protocol_version}); list a fallback: until: [requests, proof]"
        ),
        "grpc_check_not_supported": (
            "{group} has a gRPC health check, which Katakei cannot send yet; set check: {{http: …}} or check: none"
        ),
        "check_unreachable": (
            "the check of {target} cannot be sent from this machine: {text}."
            " Run Katakei where it can reach the targets, or set check: none"
        ),
        "windows_not_supported": (
            "{targets} run Windows, on which Katakei cannot work yet; leave them out with targets or --only"
        ),
        "target_not_ready": "{target} cannot be worked on: {text}",
        "too_disruptive": (
            "the configuration allows disruption: {most}, but {command} may go as far as {disruption};"
            " change one of them"
        ),
        "not_an_instance": "not an EC2 instance, so work: ec2 cannot act on it: {targets}; leave it out",
        "stop_in_auto_scaling": ("Auto Scaling replaces an instance that is stopped; leave out its members: {targets}"),
        "cannot_be_stopped": "{target} cannot be stopped and started: {text:instance}; leave it out",
        "unknown_instance_type": "there is no instance type {type} in this region; change instance_type",
        "wrong_architecture": (
            "{target} runs {architecture}, but {type} is for {architectures} only; write another instance_type"
        ),
        "still_in_other_groups": (
            "other groups still send requests to it: {registrations:with groups}. Take it out of all of them with"
            " --all-groups, or accept that with {risk:option}"
        ),
        "held_in_more_groups": (
            "{target:with name} is out since {rollout}, which took it out of {groups} too; add those groups to the"
            " configuration, or keep it out with katakei deregister"
        ),
        "held_needed_for_floor": (
            "the floor of {group} is {floor} of {base}, so no target could ever be taken out while"
            " {targets:with names} stays out; include it, or put it back with katakei register"
        ),
        "held_not_ready": (
            "{target:with name} is out since {rollout} and cannot be worked on: {text}."
            " To roll without it, run: katakei deregister {group} {target:id}"
        ),
        # Refusals of a switch
        "no_routes": "no listener and no rule sends requests to {group}, so there is nothing to switch",
        "route_not_movable": "{route} cannot be switched: {trouble:route trouble}",
        "balancer_without_weights": (
            "{group} is behind {balancer_type:load balancer}, which has no weights;"
            " only Application and Network Load Balancers are supported"
        ),
        "new_group_elsewhere": (
            "{group} is used by another load balancer, and a group can belong to one only; create a group for this one"
        ),
        "new_group_serves_too_few": (
            "{group} has {serving:serving target}, but {needed} serve all requests now; register more targets,"
            " or accept a smaller group with {risk:option}"
        ),
        "sticky_sessions_need_group": (
            "the targets of {groups} keep their clients by a cookie, which works with weights only where clients keep"
            " their group too; turn on target group stickiness in {routes}"
        ),
        "weight_settle_too_short": (
            "a settle of {settle:span} is shorter than {safe:span}; until then requests may still reach a group whose"
            " weight is 0. To accept that, add {risk:option}"
        ),
        # Usage errors
        "switch_same_group": "a switch goes from one target group to another, but both are {group}",
        "route_unknown": "{route} is no listener and no rule that names {group}; there are: {routes}",
        "group_empty": "{group} has no targets, so there is nothing to do; register some first",
        "no_target_chosen": "no target of {groups} is selected; check targets in the configuration, or --only",
        "targets_not_registered": "not registered in {groups}: {targets}; registered are {registered:with names}",
        "port_not_registered": "{target} is registered with port {ports}, not {port}; nothing was changed",
        "port_out_of_range": "{port} is not a port (1 to 65535)",
        "name_ambiguous": "{name} is the name of several targets ({targets}); give an id",
        "not_a_target": (
            "{name} is not known in {group} and is not an {expected}; that is how its targets are registered"
        ),
        # Notices
        "unused_group": "no listener forwards to {group}, so no target in it can serve",
        "short_settle_accepted": (
            "drain.settle of {settle:span} is shorter than {safe:span}; until then a real load balancer may still send"
            " new requests to a draining target"
        ),
        "check_skipped": (
            "this machine cannot reach {target} ({text}), so no check runs before a target is registered again;"
            " only the load balancer's own health check decides"
        ),
        "gate_not_asked": (
            "nobody is asked to pass the gate {gate}: it comes after {after:target}, and the plan has {targets:target}"
        ),
        "requests_fallback": (
            "{group} speaks {protocol} ({protocol_version}), where requests cannot be counted;"
            " its targets drain until {fallback}"
        ),
        "floor_from_minimum": (
            "the floor of {group} is {floor} of {base}, because the load balancer needs so many ({minimum});"
            " below that it also sends traffic to unhealthy targets"
        ),
        "zone_floor_from_group": (
            "cross-zone load balancing is off for {group}, so {floor:registration} must serve in each zone"
        ),
        "sticky_sessions": (
            "{group} has sticky sessions of {lasts:span}; those of a target that is taken out move to another target"
        ),
        "slow_start_on": (
            "{group} has a slow start of {slow_start:span}; a target counts as serving only after it (soak {soak:span})"
        ),
        "zonal_shift_allowed": (
            "a zonal shift is active for {group} ({zones}); {targets:registration} there do not count as serving"
        ),
        "unhealthy_skipped": "not serving, and left alone: {targets:with names}",
        "ranks_empty": "no target has the tag {tag} with {values} (window.ranks)",
        "outage_accepted": "the floor of {group} is 0, so an outage is accepted",
        "current_left_alone": (
            "left alone because the journal says that {release} is there already: {targets:with names}"
        ),
        "limited": (
            "only the first {limit:target} of {targets} are taken; the others are left for a later rollout, which takes"
            " them first where it has a limit too"
        ),
        "draining_left_alone": "draining, and left alone: {targets}",
        "other_groups_left_alone": "registrations in other groups stay as they are: {groups}",
        "registered_as_recorded": "{target:with name} is registered as rollout {rollout} recorded it",
        "registered_where_held": (
            "{target:with name} is registered at port {port} too, because rollout {rollout} took it out there"
        ),
        "group_port_used": "no port is recorded for {target}, so the group's own port {port} is used",
        "unknown_port_used": "{target:with name} is known here with port {ports}, not with {port}; {port} is used",
        "rollout_unfinished": "rollout {rollout} is not finished; katakei roll carries it on as it was planned:",
        "instance_store_lost": "a stop deletes the data on the instance store volumes of {targets}",
        "public_address_changes": (
            "a stop releases the public IPv4 address that AWS gave to {targets}; the start brings another one"
        ),
        "held_taken_first": "{target:with name} is out since {rollout} ({ended:result}): taken first",
        "held_not_selected": "{target:with name} is out since {rollout} ({ended:result}) and stays out: not selected",
        "held_by_hand": (
            "{target:with name} is out since {rollout} (deregistered by hand) and stays out;"
            " to put it back, run katakei register"
        ),
        "held_may_run": (
            "{target:with name} is out since {rollout} ({ended:result}) and stays out: its work may still run there."
            " To settle that, run: katakei retry {rollout}"
        ),
        "held_by_other_groups": (
            "{target:with name} is out since {rollout} ({ended:result}) and stays out:"
            " that rollout was of other target groups"
        ),
        "held_kept_out": "{target:with name} is out already, since {rollout} ({ended:result}); it is kept out",
        "already_out": "{target:with name} is out already{rollout:since}",
        "traffic_goes_on": "requests go on through other groups: {registrations:with groups}",
        "deploy_unconfirmed": (
            "the last deploy of {target:with name} is not known to be good: {rollout} ({ended:result})"
            "{may_run:may run}. Check it before it serves"
        ),
        "new_group_checked_first": (
            "{group} is in no listener yet: it is added with weight 0 first, so that its targets are checked"
        ),
        "other_routes_stay": "other listeners or rules go on sending requests to {group}",
        "clients_stick": (
            "{routes} keeps each client in its group for {length:span}, also after the weights have changed"
        ),
        "connections_stay": "connections that are open stay with {group} until they end; only new ones move",
        "smaller_group_accepted": "{group} carries all requests with {serving:target}, where {was} carried them before",
        "weight_taken_away": (
            "rollout {rollout} took the weight of {group} away; no target is taken out for another {left:span}"
        ),
        # Forecast
        "setting_settle": "drain.settle",
        "setting_settle_up_to_delay": "drain.settle; up to the delay of {delay:span} while requests may be pending",
        "setting_deregistration_delay": "the group's deregistration delay",
        "setting_health_check_interval": "the group's health check interval",
        "setting_fixed": "fixed",
        "setting_soak": "warm.soak",
        "limited_by_floor": "window.max_unavailable allows {window}, but {floor} of {group} must serve",
        "limited_by_zone_floor": (
            "window.max_unavailable allows {window}, but {floor} of {group} must serve in each zone"
        ),
    }
)


def _pair(value: ReasonValue, _: Translator) -> str:
    identifier, name = value if isinstance(value, tuple) else (value, "")
    return f"{identifier} ({name})" if name else str(identifier)


def _registration(value: ReasonValue, tr: Translator) -> str:
    identifier, port, group = value if isinstance(value, tuple) else (value, "", "")
    return tr("{id}:{port} in {group}", id=identifier, port=port, group=group)


def _each(value: ReasonValue, form: Callable[[ReasonValue, Translator], str], tr: Translator) -> str:
    return tr.listed(form(each, tr) for each in value) if isinstance(value, tuple) else form(value, tr)


def _result(value: ReasonValue, tr: Translator) -> str:
    """How a rollout ended, with its release."""
    ended, *release = map(str, value) if isinstance(value, tuple) else [str(value)]
    return " ".join(filter(None, (tr.word("Result", ended), *release)))


def _balancer(value: ReasonValue, tr: Translator) -> str:
    return tr("a load balancer of type {type}", type=value) if value else tr("no load balancer")


ROUTE_TROUBLES: Mapping[str, str] = MappingProxyType(
    {
        "other groups": "it forwards to a third target group",
        "already new": "it sends requests to the new group already",
        "no requests": "it sends no request to the old group",
        "unknown action": "Katakei does not know one of its actions, and could not put it back exactly",
    }
)

FORMS: Mapping[str, Callable[[ReasonValue, Translator], str]] = MappingProxyType(
    {
        "with name": _pair,
        "id": lambda value, _: str(value[0] if isinstance(value, tuple) else value),
        "result": _result,
        "may run": lambda value, tr: tr(", and its work may still run there") if value else "",
        "since": lambda value, tr: tr(", since {rollout}", rollout=value) if value else "",
        "with names": lambda value, tr: _each(value, _pair, tr),
        "with groups": lambda value, tr: _each(value, _registration, tr),
        "load balancer": _balancer,
        "instance": lambda value, tr: tr.of(WHY_NOT_STOPPED[str(value)]),
        "route trouble": lambda value, tr: tr.of(ROUTE_TROUBLES[str(value)]),
        "option": lambda value, _: RISK_OPTIONS[str(value)],
    }
)
"""How a fact of these templates is written; `katakei.render.reasons` has the other forms."""
