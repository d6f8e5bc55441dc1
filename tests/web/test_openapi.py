"""The OpenAPI document: as published, and against generated requests."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core import NOT_SET
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks
from tests.web.stage import API, REGION, serving

from katakei.web import openapi
from katakei.web.application import api_document
from katakei.web.settings import WebSettings

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
QUIET = WebSettings(address_rate=1e6, address_burst=10**6, act_rate=1e6, act_burst=10**6)
STREAMS = ("/events", "/logs")
"""Streams do not end while a rollout runs; the stream tests read them."""


def test_document_is_the_published_one() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == openapi.text(), "run `make docs`"


CONFORMS = (
    checks.response_schema_conformance,
    checks.status_code_conformance,
    checks.content_type_conformance,
)


def strict(part: Any) -> Any:
    """The document with every object closed: an answer may have no field that the document does not name."""
    if isinstance(part, list):
        return [strict(each) for each in part]
    if not isinstance(part, dict):
        return part
    closed = {name: strict(each) for name, each in part.items()}
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def generated(folder: Path, examples: int) -> int:
    """Sends so many generated requests to each operation. Returns how many were sent."""
    sent = 0
    with serving(folder, QUIET) as web:
        token = web.token()
        web.start(token)
        document = schemathesis.openapi.from_dict(strict(api_document()))
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
                case.validate_response(answer, checks=list(CONFORMS))

            send()
    return sent


ASKED: tuple[tuple[str, str, int, dict[str, Any]], ...] = (
    ("GET", "/groups", 200, {}),
    ("GET", "/groups/{region}/{name}", 200, {}),
    ("POST", "/groups/{region}/{name}/freeze", 200, {"why": "holiday"}),
    ("GET", "/freezes", 200, {}),
    ("POST", "/groups/{region}/{name}/unfreeze", 200, {}),
    ("POST", "/groups/{region}/{name}/deregister/plan", 200, {"targets": ["i-00000000000000000"]}),
    ("POST", "/services/{service}/freeze", 200, {}),
    ("POST", "/services/{service}/unfreeze", 200, {}),
    ("GET", "/services", 200, {}),
    ("GET", "/services/{service}", 200, {}),
    ("POST", "/services/{service}/plan", 200, {"release": "v2"}),
    ("POST", "/services/{service}/rollouts", 201, {"release": "v2"}),
    ("GET", "/rollouts", 200, {}),
    ("GET", "/rollouts/{rollout}", 200, {}),
    ("POST", "/rollouts/{rollout}/pause", 200, {}),
    ("POST", "/rollouts/{rollout}/resume", 200, {}),
    ("POST", "/rollouts/{rollout}/promote", 400, {}),
    ("POST", "/rollouts/{rollout}/gates/{gate}/approve", 400, {}),
    ("POST", "/rollouts/{rollout}/abort", 200, {}),
    ("GET", "/journal/rollouts", 200, {}),
    ("GET", "/journal/rollouts/{rollout}", 200, {}),
    ("GET", "/journal/leases", 200, {}),
    ("GET", "/journal/groups", 200, {}),
    ("GET", "/journal/group-names", 200, {}),
    ("GET", "/me", 200, {}),
    ("POST", "/tokens", 201, {"name": "bob", "roles": {"*": "viewer"}}),
    ("GET", "/tokens", 200, {}),
    ("DELETE", "/tokens/{token}", 400, {}),
    ("GET", "/audit", 200, {}),
    ("GET", "/services/{service}/audit", 200, {}),
    ("POST", "/ci/token", 401, {"token": "x.y.z", "service": "shop"}),
)
"""Requests whose answer has content, in an order that makes it."""
NAMED = {"region": REGION, "name": "web", "service": "shop", "rollout": "r-00000001", "gate": "go", "token": "none"}


def test_answers_with_content_are_as_documented(tmp_path: Path) -> None:
    """Names that are generated rarely exist, so that most of those answers are errors."""
    with serving(tmp_path, QUIET) as web:
        headers = {"Authorization": f"Bearer {web.token()}"}
        document = schemathesis.openapi.from_dict(strict(api_document()))
        for method, path, status, body in ASKED:
            names = {name: value for name, value in NAMED.items() if f"{{{name}}}" in path}
            query = {"group": next(iter(web.source.aws.groups))} if path.endswith("leases") else {}
            case = document[API + path][method].Case(
                path_parameters=names, query=query, body=body if method == "POST" else NOT_SET
            )
            answer = case.call(base_url=f"http://127.0.0.1:{web.port}", headers=headers, timeout=20)
            assert answer.status_code == status, (method, path, answer.text)
            case.validate_response(answer, checks=list(CONFORMS))


def test_generated_requests_never_end_in_5xx(tmp_path: Path) -> None:
    assert generated(tmp_path, 6) >= 200


@pytest.mark.acceptance
def test_5000_generated_requests_never_end_in_5xx(tmp_path: Path) -> None:
    assert generated(tmp_path, 170) >= 5000
