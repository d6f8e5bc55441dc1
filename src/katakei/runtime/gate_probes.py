"""The probe of a gate: one GET request to a URL, sent from this machine as a health check is.

Only the status counts. Redirects are not followed, and certificates are not validated.
"""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from katakei.domain.gate_conditions import GateProbe
from katakei.domain.gates import GateReading, GateVerdict
from katakei.domain.observation import CheckResult
from katakei.domain.ports import CheckRequest
from katakei.domain.reasons import ReasonCode, reason

TIMEOUT = timedelta(seconds=5)
PORTS = {"http": 80, "https": 443}


def gate_question(probe: GateProbe) -> CheckRequest:
    """The request of a probe."""
    url = urlsplit(probe.url)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return CheckRequest(url.scheme, url.hostname or "", url.port or PORTS[url.scheme], path, probe.expect, TIMEOUT)


def gate_reading(begun: datetime, answer: CheckResult | None) -> GateReading:
    """What an answer says; None is no answer, which is neither success nor failure."""
    if answer is None:
        return GateReading(begun, GateVerdict.UNKNOWN)
    if answer.passed:
        return GateReading(answer.begun, GateVerdict.PASSES)
    return GateReading(answer.begun, GateVerdict.FAILS, reason(ReasonCode.GATE_REPORT, text=answer.why))
