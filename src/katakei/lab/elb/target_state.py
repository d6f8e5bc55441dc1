"""State of ELBv2 in one region: load balancers, listeners, rules, groups and tags, behind one lock.

It stores frozen values and logs changes. The modules of `api` decide what a call does.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from katakei.lab import clock
from katakei.lab.elb import states
from katakei.lab.elb.history import ChangeLog, Timeline
from katakei.lab.elb.model import Group, InstancePower, Listener, LoadBalancer, Rule, TargetKey, forwarded
from katakei.lab.elb.rate_limits import RateLimiter
from katakei.lab.elb.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from katakei.lab.elb.environment import Environment
    from katakei.lab.elb.health_codes import Health

# `pending` is absent on purpose: a load balancer treats an instance as started only when it runs.
POWERS = {"running": InstancePower.RUNNING, "terminated": InstancePower.TERMINATED}
POWERS |= {
    "shutting-down": InstancePower.TERMINATED,
    "stopping": InstancePower.STOPPED,
    "stopped": InstancePower.STOPPED,
}


class TargetState:
    """Everything that ELBv2 knows in this lab.

    Public methods take the lock themselves. A caller that needs several of them in one step uses `locked()`.

    Args:
        environment: where instances and subnets are read.
        take_node: returns a loopback address for a new load balancer, or None if all are taken.
        switches: the answers to open questions about AWS.
    """

    def __init__(
        self,
        region: str,
        account: str,
        environment: Environment,
        take_node: Callable[[], str | None],
        switches: Switches | None = None,
    ) -> None:
        self.region = region
        self.account = account
        self.environment = environment
        self.take_node = take_node
        self.switches = switches or Switches()
        self.stale = timedelta(0)
        self.balancers: dict[str, LoadBalancer] = {}
        self.listeners: dict[str, Listener] = {}
        self.rules: dict[str, Rule] = {}
        self.timelines: dict[str, Timeline] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.history = ChangeLog()
        self.limits = RateLimiter(clock.monotonic())
        self.changed = threading.Event()
        self._view = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.RLock()

    @contextmanager
    def locked(self) -> Iterator[datetime]:
        """Hold the lock for several steps. Yields the time at which they happen."""
        with self._lock:
            yield clock.now()

    def arn(self, resource: str) -> str:
        """Returns the ARN of a resource of this region."""
        return f"arn:aws:elasticloadbalancing:{self.region}:{self.account}:{resource}"

    def group(self, arn: str) -> Group | None:
        """Returns the group as it is now."""
        timeline = self.timelines.get(arn)
        return timeline.now if timeline else None

    def groups(self) -> list[Group]:
        """Returns all groups as they are now."""
        with self._lock:
            return [timeline.now for timeline in self.timelines.values()]

    def put(self, group: Group, at: datetime) -> None:
        """Store a new or changed group."""
        with self._lock:
            timeline = self.timelines.get(group.arn)
            if timeline is None:
                self.timelines[group.arn] = Timeline(group, at)
            elif timeline.now is not group:
                timeline.put(group, at)
            self.history.record_health(group, at, self.switches)
            self.changed.set()

    def actions(self, listener: Listener) -> list[tuple[str, frozenset[str]]]:
        """Returns the groups that each rule of this listener forwards to, by rule ARN, the default rule included."""
        own = [(rule.arn, forwarded(rule.actions)) for rule in self.rules.values() if rule.listener == listener.arn]
        return [(listener.default_rule, forwarded(listener.actions)), *own]

    def balancers_of(self, group: str) -> tuple[str, ...]:
        """Returns the load balancers that forward to a group."""
        found = {
            listener.balancer
            for listener in self.listeners.values()
            if any(group in arns for _, arns in self.actions(listener))
        }
        return tuple(sorted(found))

    def reroute(self, at: datetime) -> None:
        """Update every group after a change of listeners, rules or zones: whether it is in use, and in which zones."""
        with self._lock:
            for group in self.groups():
                users = self.balancers_of(group.arn)
                zones = frozenset(z.name for arn in users for z in self.balancers[arn].zones)
                if (bool(users), zones) != (group.in_use, group.zones):
                    self.put(states.set_in_use(group, in_use=bool(users), zones=zones, now=at), at)
            self.changed.set()

    def data_plane_time(self, now: datetime) -> datetime:
        """Returns the time whose state the data plane has now: one lag ago, but never earlier than at the last call."""
        with self._lock:
            self._view = max(self._view, now - self.switches.lag)
            return self._view

    def record_check(self, arn: str, key: TargetKey, result: Health, begun: datetime) -> None:
        """Note the result of a finished health check."""
        with self.locked() as at:
            group = self.group(arn)
            if group is None:
                return
            after = states.record_check(group, key, result, begun, self.switches)
            if after is group:
                return
            if after.registrations[key].health == group.registrations[key].health:
                self.timelines[arn].amend(after)
            else:
                self.put(after, at)

    def instance_changed(self, instance: str, state: str) -> None:
        """Note a new state of an instance, in EC2's terms."""
        if state not in POWERS:
            return
        with self.locked() as at:
            for group in self.groups():
                if any(key.id == instance for key in group.registrations):
                    self.put(states.change_power(group, instance, POWERS[state], at), at)

    def tick(self) -> None:
        """Let time pass: remove expired registrations and log what changed by time alone."""
        with self.locked() as at:
            for group in self.groups():
                after = states.remove_expired(group, at)
                if after is not group:
                    self.put(after, at)
                self.history.record_health(after, at, self.switches)

    def set_switches(self, **changes: object) -> None:
        """Change some switches by name."""
        with self._lock:
            # replace() checks the names
            self.switches = replace(self.switches, **changes)  # type: ignore[arg-type]  # as typed in Switches
            self.changed.set()
