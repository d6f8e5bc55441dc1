"""Spans of turns and of calls to AWS, sent by OpenTelemetry (OTLP over HTTP) to the endpoint of the environment.

The library is an optional dependency. It batches in a thread of its own with a bounded queue, and reads its settings
(OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME) itself. Spans hold names, counts and ids of
rollouts: no parameters, commands, outputs or messages of errors.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from katakei.domain.errors import UsageError
from katakei.domain.model import RolloutId
from katakei.domain.ports.telemetry import AwsCall, CallOutcome
from katakei.domain.rollout import Rollout

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def wanted(env: Mapping[str, str]) -> bool:
    """Whether the environment names an endpoint for traces."""
    return any(env.get(name, "").strip() for name in ENDPOINTS)


class Traces:
    """Makes spans of what was observed. Thread-safe."""

    def __init__(self, version: str) -> None:
        """Raises UsageError: the library is not installed."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - optional
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above
        except ModuleNotFoundError as error:
            raise UsageError(
                f"{ENDPOINTS[0]} is set, and OpenTelemetry is not installed: install katakei[telemetry], or unset it"
            ) from error
        log = logging.getLogger("opentelemetry")
        log.propagate = False  # it would print a traceback for each batch that is not accepted
        log.addHandler(logging.NullHandler())
        resource = Resource.create({"service.version": version})
        if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):  # the library's own default
            resource = resource.merge(Resource({"service.name": "katakei"}))
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("katakei", version)

    def turn(self, rollout: RolloutId, state: Rollout, ended: datetime, took: timedelta, events: int) -> None:
        """One span for a turn."""
        service = state.plan.spec.service
        facts: dict[str, str | int] = {
            "katakei.rollout": str(rollout),
            "katakei.service": service,
            "katakei.events": events,
        }
        self._span("turn", ended - took, ended, facts, failed=False)

    def call(self, call: AwsCall) -> None:
        """One span for a call to AWS."""
        facts = {"rpc.system": "aws-api", "rpc.service": call.service, "rpc.method": call.action}
        facts["katakei.outcome"] = call.outcome.value
        failed = call.outcome is not CallOutcome.OK
        self._span(f"{call.service}.{call.action}", call.begun, call.begun + call.took, facts, failed=failed)

    def close(self) -> None:
        """Sends what is batched, for a few seconds at most."""
        self._provider.shutdown()

    def _span(
        self, name: str, begun: datetime, ended: datetime, facts: Mapping[str, str | int], *, failed: bool
    ) -> None:
        from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - optional

        span: Any = self._tracer.start_span(name, start_time=_nanoseconds(begun), attributes=dict(facts))
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end_time=_nanoseconds(ended))


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000
