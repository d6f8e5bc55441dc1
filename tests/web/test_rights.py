"""Rights at the door: every route against every role, and that no route is open by mistake."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount
from tests.web.stage import API, WebStage, make

from katakei.domain.access import RIGHTS, decide_access
from katakei.domain.principals import Act, Principal, PrincipalKind, Role
from katakei.web.application import create_app
from katakei.web.gate import ActRoute, act_of
from katakei.web.settings import WebSettings

OPEN = {"/healthz", "/readyz", "/sign-in", "/sign-out", "/sign-in/login", "/sign-in/done", f"{API}/ci/token"}
OPEN |= {"/preferences"}  # language and theme in cookies of the browser, for the sign-in page too; tells nothing
VALUES = {"region": "ap-northeast-1", "name": "web", "service": "shop", "token": "none", "gate": "go"}
SELF_DECIDED = {Act.MANAGE_TOKENS}
"""`Access` decides: people see and revoke their own tokens."""


def routes(stage: WebStage) -> Iterator[tuple[str, APIRoute]]:
    """Every route with its whole path."""
    for each in iter_route_contexts(create_app(stage.context).routes):
        if isinstance(each.original_route, APIRoute):
            yield each.path or "", each.original_route
        else:
            assert isinstance(each.original_route, Mount)
            assert each.original_route.path == "/static"


def test_every_route_names_its_act(tmp_path: Path) -> None:
    stage = make(tmp_path, WebSettings(), 1)
    unguarded = {path for path, each in routes(stage) if not isinstance(each, ActRoute)}
    assert unguarded <= OPEN
    guarded = [each for _, each in routes(stage) if isinstance(each, ActRoute)]
    assert all(act_of(each) is not None for each in guarded)
    assert len(guarded) > 30
    assert {act_of(each) for each in guarded} >= set(RIGHTS)


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role.value if role else "no-token")
def test_every_route_asks_for_its_right(web: WebStage, role: Role | None) -> None:
    rollout = web.start(web.token())
    token = web.token(role, "shop") if role else ""
    principal = Principal("ada", PrincipalKind.PERSON, {"shop": role} if role else {})
    wrong = []
    for pattern, route in routes(web):
        act = act_of(route) if isinstance(route, ActRoute) else None
        if act is None or pattern.endswith("/events"):
            continue
        service = "shop" if "{" in pattern else None
        allowed = bool(role) and (decide_access(principal, act, service).allowed or act in SELF_DECIDED)
        if service is None and act in {Act.READ, Act.LOGS, Act.PLAN}:
            allowed = bool(role)  # a list shows what its reader may see
        path = pattern.format(**VALUES, rollout=rollout)
        allowed = allowed and route.methods != {"DELETE"}  # only an admin of everything learns that there is no token
        for method in sorted(route.methods or ()):
            status = web.ask(method, path, b"[]" if method != "GET" else None, token=token).status
            refused = status in {401, 403}
            if refused == allowed:
                wrong.append((method, path, act.value, status, allowed))
    assert wrong == []


def test_viewer_presses_abort(web: WebStage) -> None:
    rollout = web.start(web.token())
    answer = web.ask("POST", f"{API}/rollouts/{rollout}/abort", {}, token=web.token(Role.VIEWER))
    assert (answer.status, answer.code) == (403, "forbidden")
    assert "role" in answer.json["error"]["message"]
    assert web.outcomes()[-1] == ("ada", "abort", "refused")
    assert not web.dispatch.woken


def test_service_scope_hides_other_services(web: WebStage) -> None:
    rollout = web.start(web.token())
    other = web.token(Role.OPERATOR, "other")
    assert web.ask("GET", f"{API}/rollouts", token=other).json == {"rollouts": []}
    assert web.ask("GET", f"{API}/services", token=other).json == {"services": []}
    assert web.ask("GET", f"{API}/groups", token=other).json["places"][0]["groups"] == []
    for path in (f"rollouts/{rollout}", f"rollouts/{rollout}/events", "groups/ap-northeast-1/web", "services/shop"):
        assert web.ask("GET", f"{API}/{path}", token=other).status == 403


def test_token_of_acts_does_only_those(web: WebStage) -> None:
    token = web.token(Role.OPERATOR, "shop", acts=(Act.READ, Act.PLAN))
    assert web.ask("POST", f"{API}/services/shop/plan", {}, token=token).status == 200
    assert web.ask("POST", f"{API}/services/shop/rollouts", {}, token=token).status == 403
