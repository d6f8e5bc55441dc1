"""State machine of registrations: each event is a function from a group and a time to the next group.

No clock, no I/O, no lock. What is visible (`health`, `list_health`, `lookup_health`) is computed and never stored, so
that the past can be read with an older group and an older time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from katakei.lab.desired_config import TrafficState
from katakei.lab.elb import health_codes
from katakei.lab.elb.health_codes import Health, State
from katakei.lab.elb.model import Group, InstancePower, Registration, TargetKey, TargetType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from katakei.lab.elb.switches import Switches

TERMINATED_SHOWN_FOR = timedelta(minutes=10)
CUT_PERIOD = timedelta(seconds=5)  # long enough for the data plane to see that connections must be cut


@dataclass(frozen=True, slots=True)
class NewRegistration:
    """A target that RegisterTargets was asked to register, with what the environment knows of it."""

    key: TargetKey
    zone: str | None = None
    shown_zone: str | None = None
    unusable: Health | None = None


def register(group: Group, who: Iterable[NewRegistration], now: datetime, switches: Switches) -> Group:
    """Register targets. A second registration changes nothing, unless the target is draining: then it starts anew."""
    registrations = dict(group.registrations)
    for new in who:
        old = registrations.get(new.key)
        if old is not None and _registered(old, now) and not switches.register_resets_health:
            continue
        registrations.pop(new.key, None)
        registrations[new.key] = Registration(
            new.key, now, zone=new.zone, shown_zone=new.shown_zone, unusable=new.unusable
        )
    return replace(group, registrations=registrations)


def deregister(group: Group, keys: Iterable[TargetKey], now: datetime, switches: Switches) -> Group:
    """Deregister targets. Each drains for the whole delay, or leaves at once if nothing forwards to the group. Unknown
    targets are ignored.
    """
    registrations = dict(group.registrations)
    for key in keys:
        old = registrations.get(key)
        if old is None or (old.drain_until is not None and not switches.deregister_restarts_timer):
            continue
        until = now + group.delay if group.in_use or switches.unused_group_drains else now
        registrations[key] = replace(old, drain_until=until)
    return replace(group, registrations=registrations)


def record_check(group: Group, key: TargetKey, result: Health, begun: datetime, switches: Switches) -> Group:
    """Count one finished check.

    Args:
        result: `health_codes.HEALTHY`, or the health that this failure stands for.
        begun: when the check started. A check that started before `since` of the registration is ignored.
    """
    old = group.registrations.get(key)
    if old is None or not checkable(group, old, begun):
        return group
    passed = result == health_codes.HEALTHY
    new = replace(old, passes=old.passes + 1 if passed else 0, failures=0 if passed else old.failures + 1)
    if passed and (old.health is None or new.passes >= group.check.healthy):
        new = replace(new, health=health_codes.HEALTHY)
    elif not passed and new.failures >= _failure_threshold(group, old, switches):
        new = replace(new, health=result)
    return _with(group, new)


def change_power(group: Group, instance: str, state: InstancePower, now: datetime) -> Group:
    """Apply a stop (still registered), a start (health is reset) or a termination (no longer listed) of an instance."""

    def change(old: Registration) -> Registration:
        if old.key.id != instance or old.power is state or old.power is InstancePower.TERMINATED:
            return old
        if state is InstancePower.TERMINATED:
            return replace(old, power=state, terminated_at=now)
        if state is InstancePower.STOPPED:
            return replace(old, power=state)
        return replace(old, power=state, since=now, health=None, passes=0, failures=0)

    return _each(group, change)


def set_in_use(group: Group, *, in_use: bool, zones: frozenset[str], now: datetime) -> Group:
    """Apply a change of listeners, rules or zones. Registrations that only now become reachable start anew."""
    changed = replace(group, in_use=in_use, zones=zones)

    def begin(old: Registration) -> Registration:
        fresh = checkable(changed, old, now) and not checkable(group, old, now)
        return replace(old, since=now, health=None, passes=0, failures=0) if fresh else old

    return _each(changed, begin)


def change_attributes(group: Group, attributes: dict[str, str], switches: Switches) -> Group:
    """Apply new attributes. A switch decides whether a new delay moves running timers."""
    changed = replace(group, attributes=attributes)
    if not switches.delay_change_moves_timers:
        return changed
    shift = changed.delay - group.delay
    return _each(changed, lambda r: replace(r, drain_until=r.drain_until + shift) if r.drain_until else r)


def remove_expired(group: Group, now: datetime) -> Group:
    """Remove registrations whose time is over. Returns the same object if there are none."""
    over = {key for key, r in group.registrations.items() if _is_expired(r, now)}
    if not over:
        return group
    return replace(group, registrations={k: r for k, r in group.registrations.items() if k not in over})


def health(group: Group, r: Registration, now: datetime, switches: Switches) -> Health:
    """Returns the health that DescribeTargetHealth shows for this registration at this time."""
    if r.power is InstancePower.TERMINATED:
        return health_codes.DRAINING
    if r.drain_until is not None:
        return health_codes.DRAINING if now < r.drain_until else health_codes.NOT_REGISTERED
    if group.target_type is TargetType.LAMBDA and not group.check.enabled:
        return health_codes.CHECK_DISABLED
    if r.power is InstancePower.STOPPED:
        return health_codes.STOPPED
    if r.unusable is not None:
        return r.unusable
    if not group.in_use:
        return health_codes.GROUP_NOT_IN_USE
    if not _zone_enabled(group, r):
        return health_codes.ZONE_NOT_ENABLED
    if r.health is not None:
        return r.health
    return health_codes.REGISTERING if now < r.since + switches.propagation else health_codes.CHECKING


def list_health(group: Group, now: datetime, switches: Switches) -> Sequence[tuple[Registration, Health]]:
    """Returns the answer without a filter: all registered and draining targets, but no terminated ones."""
    shown = ((r, health(group, r, now, switches)) for r in group.registrations.values() if not r.terminated_at)
    return tuple((r, h) for r, h in shown if h.reason != health_codes.NOT_REGISTERED.reason)


def lookup_health(
    group: Group, key: TargetKey, zone: str | None, now: datetime, switches: Switches
) -> tuple[Registration, Health]:
    """Returns the answer for one named target. Never an error: an unknown target or another zone is NotRegistered."""
    r = group.registrations.get(key)
    if r is None or (zone is not None and zone != r.shown_zone) or _is_expired(r, now):
        return Registration(key, now, shown_zone=zone), health_codes.NOT_REGISTERED
    return r, health(group, r, now, switches)


def checkable(group: Group, r: Registration, now: datetime) -> bool:
    """Whether AWS checks this registration: registered, running, group in use, zone enabled."""
    return (
        _registered(r, now)
        and r.power is InstancePower.RUNNING
        and r.unusable is None
        and group.in_use
        and group.check.enabled
        and _zone_enabled(group, r)
    )


def traffic(group: Group, now: datetime, switches: Switches) -> dict[TargetKey, TrafficState]:
    """Returns the traffic of each registration. With fail-open, all get traffic if too few are healthy."""
    seen = {key: health(group, r, now, switches) for key, r in group.registrations.items()}
    registered = [h for key, h in seen.items() if _registered(group.registrations[key], now)]
    open_states = {State.HEALTHY}
    if _too_few(group, registered):
        open_states.add(State.UNHEALTHY)
        if switches.fail_open_includes_initial:
            open_states.add(State.INITIAL)
    return {key: _traffic(h, open_states) for key, h in seen.items()}


def _traffic(h: Health, open_states: set[State]) -> TrafficState:
    if h.reason == health_codes.NOT_REGISTERED.reason:
        return TrafficState.CUT
    return TrafficState.IN_SERVICE if h.state in open_states else TrafficState.DRAINING


def _too_few(group: Group, registered: list[Health]) -> bool:
    healthy = sum(h.state is State.HEALTHY for h in registered)
    prefix = "target_group_health.unhealthy_state_routing.minimum_healthy_targets"
    count = int(group.attributes.get(f"{prefix}.count", "1"))
    percentage = group.attributes.get(f"{prefix}.percentage", "off")
    return healthy < count or (percentage != "off" and healthy * 100 < int(percentage) * len(registered))


def _failure_threshold(group: Group, old: Registration, switches: Switches) -> int:
    if old.health is None and switches.initial_failures is not None:
        return switches.initial_failures
    return group.check.unhealthy


def _registered(r: Registration, now: datetime) -> bool:
    return r.terminated_at is None and r.drain_until is None and r.since <= now


def _zone_enabled(group: Group, r: Registration) -> bool:
    return r.zone is None or r.zone == "all" or not group.zones or r.zone in group.zones


def _is_expired(r: Registration, now: datetime) -> bool:
    if r.terminated_at is not None:
        return now >= r.terminated_at + TERMINATED_SHOWN_FOR
    return r.drain_until is not None and now >= r.drain_until + CUT_PERIOD


def _with(group: Group, r: Registration) -> Group:
    return replace(group, registrations={**group.registrations, r.key: r})


def _each(group: Group, change: Callable[[Registration], Registration]) -> Group:
    return replace(group, registrations={key: change(r) for key, r in group.registrations.items()})
