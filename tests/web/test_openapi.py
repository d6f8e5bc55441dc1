"""The OpenAPI document: as published, and against generated requests."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok
from tests.web.stage import serving

from katakei.web import openapi
from katakei.web.application import api_document
from katakei.web.settings import WebSettings

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
QUIET = WebSettings(address_rate=1e6, address_burst=10**6, act_rate=1e6, act_burst=10**6)
STREAMS = ("/events", "/logs")
"""Streams do not end while a rollout runs; the stream tests read them."""


def test_document_is_the_published_one() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == openapi.text(), "run `make docs`"


def generated(folder: Path, examples: int) -> int:
    """Sends so many generated requests to each operation. Returns how many were sent."""
    sent = 0
    with serving(folder, QUIET) as web:
        token = web.token()
        web.start(token)
        document = schemathesis.openapi.from_dict(api_document())
        for found in document.get_all_operations():
            assert isinstance(found, Ok)
            operation = found.ok()
            if operation.path.endswith(STREAMS):
                continue

            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],
                derandomize=True,
            )
            @given(case=operation.as_strategy())
            def send(case: Any) -> None:
                nonlocal sent
                sent += 1
                headers = {"Authorization": f"Bearer {token}"}
                answer = case.call(base_url=f"http://127.0.0.1:{web.port}", headers=headers, timeout=20)
                assert answer.status_code < 500, (case.method, case.path, answer.text)

            send()
    return sent


def test_generated_requests_never_end_in_5xx(tmp_path: Path) -> None:
    assert generated(tmp_path, 6) >= 200


@pytest.mark.acceptance
def test_5000_generated_requests_never_end_in_5xx(tmp_path: Path) -> None:
    assert generated(tmp_path, 170) >= 5000
