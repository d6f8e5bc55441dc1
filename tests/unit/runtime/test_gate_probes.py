"""Tests of the probe of a gate: its request, and what an answer says."""

from datetime import UTC, datetime

import pytest

from katakei.domain.gate_conditions import GateProbe
from katakei.domain.gates import GateReading, GateVerdict
from katakei.domain.observation import CheckResult
from katakei.domain.reasons import ReasonCode, reason
from katakei.runtime.gate_probes import TIMEOUT, gate_question, gate_reading

NOON, ASKED = datetime(2026, 11, 22, 12, tzinfo=UTC), datetime(2026, 11, 22, 12, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://127.0.0.1/quiet", ("http", "127.0.0.1", 80, "/quiet")),
        ("https://status.example/api?of=web", ("https", "status.example", 443, "/api?of=web")),
        ("http://[::1]:8080", ("http", "::1", 8080, "/")),
    ],
)
def test_probe_becomes_one_request(url: str, asked: tuple[object, ...]) -> None:
    question = gate_question(GateProbe(url, "204"))
    assert (question.scheme, question.address, question.port, question.path) == asked
    assert (question.expect, question.timeout) == ("204", TIMEOUT)


def test_missing_answer_is_neither_success_nor_failure() -> None:
    assert gate_reading(NOON, None) == GateReading(NOON, GateVerdict.UNKNOWN)


def test_answer_passes_or_fails_with_its_reason() -> None:
    assert gate_reading(NOON, CheckResult(passed=True, begun=ASKED)) == GateReading(ASKED, GateVerdict.PASSES)
    failed = gate_reading(NOON, CheckResult(passed=False, begun=ASKED, why="answered 503"))
    assert failed == GateReading(ASKED, GateVerdict.FAILS, reason(ReasonCode.GATE_REPORT, text="answered 503"))
