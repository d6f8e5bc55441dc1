"""The figures of one server or worker, in the format of Prometheus.

They come from the turns and calls of this process, and from the journal when somebody asks. The number of time series
is bounded: labels are the names of configured services and words of the code, never ids of rollouts or targets.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from katakei.app.fleet import Fleet
from katakei.domain import events as e
from katakei.domain.errors import KatakeiError
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.phases import Phase
from katakei.domain.ports import Clock, Journal
from katakei.domain.ports.telemetry import AwsCall
from katakei.domain.replay import Rollout
from katakei.domain.results import result
from katakei.runtime.runner import Turn

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import GaugeMetricFamily

OTHER = "other"
"""The label of services that this server does not have: a journal may hold rollouts of any name."""
READ_AGAIN = timedelta(seconds=5)
"""How old the figures of the journal may be, so that many readers cost one."""
SILENT_AFTER = timedelta(minutes=3)
"""A rollout without a turn for so long is no longer driven by this process: its lease is lost after 30 s."""

TURN_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
CALL_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
PHASE_BUCKETS = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600)


class Metrics:
    """Counts, and renders what it has counted. `turn` is a `TurnListener`, `call` a `CallObserver`. Thread-safe."""

    def __init__(self, fleet: Fleet, journal: Journal, clock: Clock) -> None:
        """Imports the library of Prometheus.

        Args:
            fleet: Knows the services.
            journal: Knows the unfinished rollouts, also those of other processes.
            clock: The time.
        """
        import prometheus_client as library  # noqa: PLC0415 - an optional dependency

        library.disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types
        self._fleet, self._journal, self._clock = fleet, journal, clock
        self._registry = registry = library.CollectorRegistry()
        self._lock = threading.Lock()
        self._driven: dict[RolloutId, tuple[datetime, Rollout]] = {}
        self._unfinished: tuple[datetime, Mapping[str, int]] | None = None
        self._gauges: list[tuple[str, str, Callable[[], float]]] = []
        self._make_turn_figures(registry)
        self._make_call_figures(registry)
        registry.register(self)

    def _make_turn_figures(self, registry: "CollectorRegistry") -> None:
        import prometheus_client as library  # noqa: PLC0415 - an optional dependency

        self._turns = library.Histogram(
            "katakei_turn_seconds", "How long a turn took.", ("service",), registry=registry, buckets=TURN_BUCKETS
        )
        self._phases = library.Histogram(
            "katakei_phase_seconds",
            "How long targets were in a phase that has ended.",
            ("service", "phase"),
            registry=registry,
            buckets=PHASE_BUCKETS,
        )
        self._ended = library.Counter(
            "katakei_rollouts_finished",
            "Rollouts that ended in this process.",
            ("service", "result"),
            registry=registry,
        )

    def _make_call_figures(self, registry: "CollectorRegistry") -> None:
        import prometheus_client as library  # noqa: PLC0415 - an optional dependency

        self._calls = library.Counter(
            "katakei_aws_calls", "Calls to AWS.", ("aws_service", "action", "outcome"), registry=registry
        )
        self._call_seconds = library.Histogram(
            "katakei_aws_call_seconds",
            "How long calls to AWS took.",
            ("aws_service",),
            registry=registry,
            buckets=CALL_BUCKETS,
        )

    def add_gauge(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Adds a figure that is asked for when somebody reads: the length of a queue, for example."""
        self._gauges.append((name, meaning, value))

    def turn(self, rollout: RolloutId, turn: Turn) -> None:
        """Counts a turn of this process."""
        service = self._label(turn.rollout.plan.spec.service)
        with self._lock:
            _, before = self._driven.pop(rollout, (None, None))
            if not turn.over:
                self._driven[rollout] = (self._clock.now(), turn.rollout)
        self._turns.labels(service).observe(turn.took.total_seconds())
        for phase, span in phases_ended(before, turn):
            self._phases.labels(service, phase.value).observe(span.total_seconds())
        ended = result(turn.rollout) if turn.over else None
        if ended is not None:
            self._ended.labels(service, ended.value).inc()

    def call(self, call: AwsCall) -> None:
        """Counts a call to AWS."""
        self._calls.labels(call.service, call.action, call.outcome.value).inc()
        self._call_seconds.labels(call.service).observe(call.took.total_seconds())

    def render(self) -> bytes:
        """All figures as text (version 0.0.4 of the format)."""
        from prometheus_client import generate_latest  # noqa: PLC0415 - an optional dependency

        return generate_latest(self._registry)

    def collect(self) -> "Iterable[GaugeMetricFamily]":
        """The figures of this moment. The library calls this for each reading."""
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - an optional dependency

        states = GaugeMetricFamily(
            "katakei_rollouts", "Rollouts that this process drives, by state.", labels=("service", "state")
        )
        out = GaugeMetricFamily(
            "katakei_targets_out", "Targets that these rollouts hold out of service.", labels=("service",)
        )
        oldest = self._clock.now() - SILENT_AFTER
        with self._lock:
            self._driven = {rollout: each for rollout, each in self._driven.items() if each[0] > oldest}
            driven = [rollout for _, rollout in self._driven.values()]
        named = [(self._label(rollout.plan.spec.service), rollout) for rollout in driven]
        for (service, state), count in Counter((service, state_of(rollout)) for service, rollout in named).items():
            states.add_metric((service, state), count)
        for service in {service for service, _ in named}:
            out.add_metric((service,), sum(len(rollout.out_of_service) for name, rollout in named if name == service))
        yield from (states, out, self._unfinished_family(), self._faults_family())
        for name, meaning, value in self._gauges:
            yield GaugeMetricFamily(name, meaning, value=value())

    def _unfinished_family(self) -> "GaugeMetricFamily":
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - an optional dependency

        family = GaugeMetricFamily(
            "katakei_rollouts_unfinished", "Unfinished rollouts in the journal, of all processes.", labels=("service",)
        )
        for service, count in self._read_unfinished().items():
            family.add_metric((service,), count)
        return family

    def _faults_family(self) -> "GaugeMetricFamily":
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - an optional dependency

        faulty = sum(1 for service in self._fleet.services() if service.faults)
        return GaugeMetricFamily("katakei_service_files_faulty", "Service files that have faults.", value=faulty)

    def _read_unfinished(self) -> Mapping[str, int]:
        """An unreachable journal gives no figures: `/readyz` and the log tell about it."""
        now = self._clock.now()
        if self._unfinished is None or now - self._unfinished[0] > READ_AGAIN:
            try:
                headers = self._journal.find(unfinished=True)
            except KatakeiError:
                return {}
            self._unfinished = (now, Counter(self._label(header.service) for header in headers))
        return self._unfinished[1]

    def _label(self, service: str) -> str:
        return service if self._fleet.policy_of(service) is not None else OTHER


def state_of(rollout: Rollout) -> str:
    """The state of an unfinished rollout in one word."""
    if rollout.aborting:
        return "aborting"
    if rollout.reverting:
        return "reverting"
    return "paused" if rollout.paused else "running"


def phases_ended(before: Rollout | None, turn: Turn) -> Iterable[tuple[Phase, timedelta]]:
    """The phases that ended in a turn, and how long each had lasted.

    Args:
        before: The rollout as it was after the turn before; None: not known, then only phases that began in this turn
            are counted.
        turn: The turn.
    """
    since: dict[TargetId, tuple[Phase, datetime]] = {}
    if before is not None:
        since = {target: (status.phase, status.since) for target, status in before.statuses.items()}
    for event in turn.written:
        if isinstance(event, e.PhaseChanged):
            if event.target in since:
                phase, at = since[event.target]
                yield phase, max(timedelta(), event.at - at)
            since[event.target] = (event.to, event.at)
