"""Telemetry: traces of turns and calls, sent by OpenTelemetry."""
