"""Findings about a configuration and its target groups before a rollout: what is well, costs time, or is in the way.

`katakei.app.doctor` asks and collects them. Settings that a plan refuses are found by the rules of the plan itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum

from katakei.domain.errors import KatakeiError
from katakei.domain.model import Group
from katakei.domain.reasons import Reason
from katakei.domain.spec import DrainUntil, Spec
from katakei.planning.forecast import PROPAGATION

SLOW_DELAY = timedelta(seconds=60)
SHORT_DELAY = timedelta(seconds=10)
SLOW_CHECK = timedelta(seconds=10)
SLOW_DETECTION = timedelta(seconds=60)
SKEW, MOST_SKEW = timedelta(seconds=10), timedelta(minutes=4)
"""AWS refuses a signature whose time is more than 5 minutes off (SigV4)."""


class Level(Enum):
    """How bad a finding is: OK needs nothing, a WARNING costs time or may surprise, a FAULT stops a rollout."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


class Topic(StrEnum):
    """What a finding is about."""

    CREDENTIALS = "credentials"
    CLOCK = "clock"
    GROUPS = "groups"
    PLAN = "plan"
    TIME = "times"
    AGENTS = "agents"
    RIGHTS = "rights"
    PROBE = "probe"
    JOURNAL = "journal"
    LEASES = "leases"


class Sign(StrEnum):
    """What was found. `katakei.render.diagnosis` has a sentence and an advice for each."""

    SITE = "site"
    CLOCK_RIGHT = "clock_right"
    CLOCK_UNKNOWN = "clock_unknown"
    CLOCK_WRONG = "clock_wrong"
    PLAN_POSSIBLE = "plan_possible"
    TIMES_SHORT = "times_short"
    DELAY_WAITED = "delay_waited"
    DELAY_CUTS = "delay_cuts"
    CHECK_SLOW = "check_slow"
    DETECTION_SLOW = "detection_slow"
    TARGETS_READY = "targets_ready"
    TARGET_NOT_READY = "target_not_ready"
    RIGHTS_PROVED = "rights_proved"
    NOT_TRIED = "not_tried"
    PROBE_POSSIBLE = "probe_possible"
    JOURNAL_READ = "journal_read"
    LEASES_FREE = "leases_free"
    LEASE_IN_USE = "lease_in_use"
    LEASE_SILENT = "lease_silent"
    ROLLOUT_LEFT = "rollout_left"


Fact = str | int | timedelta


@dataclass(frozen=True, slots=True)
class Finding:
    """One row.

    Attributes:
        level: How bad it is.
        topic: What it is about.
        cause: What was found: a sign with its facts, a reason of the planner, or an error.
        facts: The facts of a sign.
    """

    level: Level
    topic: Topic
    cause: Sign | Reason | KatakeiError
    facts: tuple[tuple[str, Fact], ...] = ()


def found(level: Level, topic: Topic, sign: Sign, **facts: Fact) -> Finding:
    """A finding by a sign."""
    return Finding(level, topic, sign, tuple(facts.items()))


def of_clock(offset: timedelta | None) -> Finding:
    """The clock of this machine, by how far AWS's clock is ahead; None: AWS said no time."""
    if offset is None:
        return found(Level.OK, Topic.CLOCK, Sign.CLOCK_UNKNOWN)
    if abs(offset) <= SKEW:
        return found(Level.OK, Topic.CLOCK, Sign.CLOCK_RIGHT)
    level = Level.FAULT if abs(offset) > MOST_SKEW else Level.WARNING
    return found(level, Topic.CLOCK, Sign.CLOCK_WRONG, by=abs(offset))


def of_times(groups: Sequence[Group], spec: Spec) -> tuple[Finding, ...]:
    """The settings of the groups that slow a rollout down, or cut requests, each with the seconds that it costs."""
    rows = tuple(row for group in groups for row in _slow(group, spec))
    return rows or (found(Level.OK, Topic.TIME, Sign.TIMES_SHORT),)


def _slow(group: Group, spec: Spec) -> Iterator[Finding]:
    name, check = group.name, group.check
    if spec.drain.until is DrainUntil.DELAY and group.delay > SLOW_DELAY:
        yield found(Level.WARNING, Topic.TIME, Sign.DELAY_WAITED, group=name, delay=group.delay)
    if group.delay < SHORT_DELAY:
        yield found(Level.WARNING, Topic.TIME, Sign.DELAY_CUTS, group=name, delay=group.delay)
    if check.interval > SLOW_CHECK:
        costs = PROPAGATION + check.interval
        yield found(Level.WARNING, Topic.TIME, Sign.CHECK_SLOW, group=name, interval=check.interval, costs=costs)
    detection = check.interval * check.unhealthy_threshold
    if detection > SLOW_DETECTION:
        yield found(Level.WARNING, Topic.TIME, Sign.DETECTION_SLOW, group=name, detection=detection)


def worst(rows: Sequence[Finding]) -> Level:
    """The worst level of them."""
    levels = {row.level for row in rows}
    return next((level for level in (Level.FAULT, Level.WARNING) if level in levels), Level.OK)
