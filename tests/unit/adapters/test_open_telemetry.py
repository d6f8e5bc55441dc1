"""Traces: sent only where an endpoint is configured, without anything secret."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.unit.given import NOON, a_plan, given

from katakei.adapters.telemetry.open_telemetry import Traces, wanted
from katakei.domain.ports.telemetry import AwsCall, CallOutcome


@contextmanager
def collector(status: int = 200) -> Iterator[tuple[str, list[bytes]]]:
    """A collector of traces on loopback, and the bodies that it got."""
    heard: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", heard
        finally:
            server.shutdown()
            thread.join()


def test_traces_are_wanted_only_with_an_endpoint() -> None:
    assert not wanted({})
    assert not wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": " "})
    assert wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
    assert wanted({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318"})


@pytest.mark.parametrize(("given_name", "sent"), [(None, "katakei"), ("deploys", "deploys")])
def test_service_name_of_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, given_name: str | None, sent: str
) -> None:
    monkeypatch.delenv("OTEL_RESOURCE_ATTRIBUTES", raising=False)
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    if given_name:
        monkeypatch.setenv("OTEL_SERVICE_NAME", given_name)
    with collector() as (url, heard):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        traces = Traces("1.0")
        traces.call(AwsCall("elbv2", "RegisterTargets", CallOutcome.OK, NOON, timedelta(seconds=1)))
        traces.close()
    [spans] = [each for body in heard for each in ExportTraceServiceRequest.FromString(body).resource_spans]
    names = {each.key: each.value.string_value for each in spans.resource.attributes}
    assert (names["service.name"], names["service.version"]) == (sent, "1.0")


def test_spans_of_turns_and_calls_reach_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as (url, heard):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        traces = Traces("1.0")
        rollout = given(a_plan())
        traces.turn(rollout.plan.rollout, rollout, NOON, timedelta(seconds=2), 3)
        traces.call(AwsCall("elbv2", "RegisterTargets", CallOutcome.THROTTLED, NOON, timedelta(seconds=1)))
        traces.close()
    spans = {
        span.name: span
        for body in heard
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }
    turn, call = spans["turn"], spans["elbv2.RegisterTargets"]
    assert turn.end_time_unix_nano - turn.start_time_unix_nano == 2_000_000_000
    assert {each.key for each in turn.attributes} == {"katakei.rollout", "katakei.service", "katakei.events"}
    assert {each.key for each in call.attributes} == {
        *("rpc.system", "rpc.service", "rpc.method", "katakei.outcome"),
    }
    assert (call.status.code, call.status.message) == (2, "")


def test_collector_that_refuses_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "katakei")
    with collector(status=400) as (url, heard):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        traces = Traces("1.0")
        traces.call(AwsCall("elbv2", "RegisterTargets", CallOutcome.OK, NOON, timedelta(seconds=1)))
        traces.close()
    assert heard
    assert capfd.readouterr().err == ""
