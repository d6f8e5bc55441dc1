"""Bad input at the door: refused with a sentence, recorded, nothing changed, no stack trace."""

import resource
import socket
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from tests.web.stage import API, REGION, SHOP, WAIT, WebStage, serving

from katakei.app.access import Session
from katakei.web.gate import COOKIE
from katakei.web.settings import WebSettings

J = {"Content-Type": "application/json"}


def signed_in(web: WebStage) -> tuple[Session, dict[str, str]]:
    """A browser's session, and its cookie."""
    session = web.people.access.sign_in(token=web.token())
    return session, {"Cookie": f"{COOKIE}={session.id}"}


@pytest.mark.parametrize(
    "header", ["", "Bearer kat_xxxxxxxxxx_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "Bearer", "Basic YTpi", "Bearer \xff"]
)
def test_wrong_token_reads_nothing(web: WebStage, header: str) -> None:
    sent = {"Authorization": header} if header else {}
    for path in ("groups", "rollouts", "audit", "services", "openapi.json", "journal/rollouts", "freezes", "me"):
        answer = web.ask("GET", f"{API}/{path}", headers=sent)
        assert (answer.status, answer.code) in {(401, "unauthorized"), (429, "too_many_attempts")}
        assert "Traceback" not in answer.text


def test_revoked_and_expired_tokens_are_refused(web: WebStage) -> None:
    token = web.token()
    assert web.ask("GET", f"{API}/rollouts", token=token).status == 200
    web.people.later(timedelta(days=400))
    expired = web.ask("GET", f"{API}/rollouts", token=token)
    assert (expired.status, "expired" in expired.json["error"]["message"]) == (401, True)
    other = web.token()
    assert web.ask("DELETE", f"{API}/tokens/{other.split('_')[1]}", token=other).status == 200
    revoked = web.ask("GET", f"{API}/rollouts", token=other)
    assert (revoked.status, "revoked" in revoked.json["error"]["message"]) == (401, True)


@pytest.mark.parametrize("csrf", [None, "", "forged", "0" * 40])
def test_forged_csrf_changes_nothing(web: WebStage, csrf: str | None) -> None:
    rollout = web.start(web.token())
    _, cookie = signed_in(web)
    headers = cookie if csrf is None else {**cookie, "X-CSRF-Token": csrf}
    answer = web.ask("POST", f"{API}/rollouts/{rollout}/abort", {}, headers=headers)
    assert (answer.status, answer.code) == (403, "forbidden")
    assert web.outcomes()[-1] == ("ada", "abort", "refused")
    assert web.dispatch.woken == []


def test_session_with_its_csrf_token_acts(web: WebStage) -> None:
    rollout = web.start(web.token())
    session, cookie = signed_in(web)
    answer = web.ask("POST", f"{API}/rollouts/{rollout}/pause", {}, headers={**cookie, "X-CSRF-Token": session.csrf})
    assert answer.status == 200, answer.text
    assert "is paused" in answer.json["accepted"]
    assert web.outcomes()[-1] == ("ada", "pause", "done")
    assert web.dispatch.woken == [rollout]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=["foreign", "null", "cross-site", "same-site"],
)
@pytest.mark.parametrize("dev", [False, True], ids=["normal", "dev"])
def test_foreign_origin_changes_nothing(tmp_path: Path, headers: dict[str, str], dev: bool) -> None:  # noqa: FBT001
    with serving(tmp_path, dev=dev) as web:
        token = "" if dev else web.token()
        answer = web.ask("POST", f"{API}/services/shop/rollouts", {}, token=token, headers=headers)
        assert (answer.status, answer.code) == (403, "foreign_origin")
        assert not web.dispatch.sessions


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1:1", ""])
def test_foreign_host_is_refused_with_dev_too(tmp_path: Path, host: str) -> None:
    with serving(tmp_path, dev=True) as web:
        answer = web.ask("GET", f"{API}/groups", headers={"Host": host})
        assert (answer.status, answer.code) == (421, "unknown_host")
        assert web.ask("GET", "/healthz", headers={"Host": host}).status == 200


def test_own_origin_passes(web: WebStage) -> None:
    headers = {"Origin": f"http://127.0.0.1:{web.port}", "Sec-Fetch-Site": "same-origin"}
    assert web.ask("POST", f"{API}/services/shop/plan", {}, token=web.token(), headers=headers).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/../pages.py",
        "/static/..%2f..%2fpages.py",
        "/static/%2e%2e/%2e%2e/application.py",
        "/static//etc/passwd",
        "/static/%00",
        f"{API}/rollouts/..%2f..%2fetc%2fpasswd",
        f"{API}/services/..%2f..%2fetc",
        f"{API}/groups/..%2f/passwd",
    ],
)
def test_path_traversal_finds_nothing(web: WebStage, path: str) -> None:
    answer = web.ask("GET", path, token=web.token())
    assert 400 <= answer.status < 500
    assert "root:" not in answer.text
    assert "def " not in answer.text


def test_unknown_things_are_not_found(web: WebStage) -> None:
    token, rollout = web.token(), web.start(web.token())
    posts = ("abort", "pause", "resume", "retry", "revert", "work-done")
    paths = [("GET", f"rollouts/r-none{part}") for part in ("", "/events", "/logs")]
    paths += [("POST", f"rollouts/r-none/{each}") for each in posts]
    paths += [("GET", f"groups/{REGION}/none"), ("GET", "groups/eu-west-1/web"), ("GET", "services/none")]
    paths += [("POST", "services/none/plan"), ("POST", "services/none/rollouts"), ("POST", "services/none/freeze")]
    for method, path in paths:
        answer = web.ask(method, f"{API}/{path}", {} if method == "POST" else None, token=token)
        if path.endswith("none/freeze"):
            answer = web.ask(method, f"{API}/{path}", {"why": ""}, token=token)
        assert (answer.status, answer.json["error"]["exit_code"]) == (404, 2), (path, answer.text)
    assert web.ask("GET", "/nothing", token=token).status == 404
    retry = web.ask("POST", f"{API}/rollouts/{rollout}/retry", {"targets": ["none"]}, token=token)
    assert (retry.status, retry.code) == (400, "usage")


def test_large_bodies_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as web:
        answer = web.ask("POST", f"{API}/services/shop/plan", b"x" * 10_000_000, token=web.token(), headers=J)
        assert (answer.status, answer.code) == (413, "too_large")
        chunked = [f"POST {API}/ci/token HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\nTransfer-Encoding: chunked\r\n\r\n"]
        chunked += [f"{0x10000:x}\r\n{'x' * 0x10000}\r\n"] * 6
        assert b" 413 " in _raw(web, "".join(chunked).encode())
        assert web.ask("GET", "/healthz").status == 200


def _raw(web: WebStage, sent: bytes) -> bytes:
    """The whole answer to these bytes, until the server ends the connection. Raises TimeoutError: it does not."""
    found = b""
    with socket.create_connection(("127.0.0.1", web.port), timeout=WAIT) as connection, suppress(ConnectionError):
        connection.sendall(sent)
        while part := connection.recv(65536):
            found += part
    return found


def test_slow_bodies_and_heads_are_cut(tmp_path: Path) -> None:
    fast = WebSettings(body_within=timedelta(seconds=0.3), header_within=timedelta(seconds=0.3))
    with serving(tmp_path, fast) as web:
        head = f"POST {API}/ci/token HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\n"
        assert b" 408 " in _raw(web, f"{head}Content-Length: 100\r\n\r\nabc".encode())
        assert _raw(web, head.encode()) == b""
        assert _raw(web, b"") == b""


def test_large_heads_and_nonsense_are_refused(web: WebStage) -> None:
    head = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\nX-Large: {'x' * 100_000}\r\n\r\n"
    assert b" 431 " in _raw(web, head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").encode())
    assert b" 400 " in _raw(web, b"\x16\x03\x01\x02\x00nonsense\r\n\r\n")
    assert web.ask("GET", "/healthz").status == 200


def test_thousands_of_connections_get_503(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8_000)), hard))  # both ends are in this process
    with serving(tmp_path, WebSettings(max_connections=500)) as web:
        held = [socket.create_connection(("127.0.0.1", web.port), timeout=WAIT) for _ in range(2_500)]
        answers = [each.recv(1000) for each in held[500:]]
        assert all(b" 503 " in each and b"Retry-After" in each for each in answers)
        for each in held:
            each.close()
        assert _until_200(web)


def _until_200(web: WebStage) -> bool:
    """Whether the server answers again, once it has seen that the connections are closed."""
    for _ in range(200):
        try:
            if web.ask("GET", "/healthz").status == 200:
                return True
        except OSError:
            continue
    return False


def test_rate_of_one_address_is_limited(tmp_path: Path) -> None:
    with serving(tmp_path, WebSettings(address_rate=0.01, address_burst=5)) as web:
        answers = [web.ask("GET", "/healthz") for _ in range(7)]
        assert [each.status for each in answers] == [200] * 5 + [429] * 2
        assert int(answers[-1].headers["retry-after"]) > 1


def test_rate_of_one_principal_is_limited(tmp_path: Path) -> None:
    with serving(tmp_path, WebSettings(act_rate=0.01, act_burst=2)) as web:
        token = web.token()
        said = [web.ask("POST", f"{API}/services/shop/plan", {}, token=token).status for _ in range(3)]
        assert said == [200, 200, 429]
        assert web.ask("GET", f"{API}/services", token=token).status == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b'"x"', b'{"release": 1}', b'{"unknown": 1}', b'{"only": "web"}', b"\xff\xfe"]
)
def test_body_of_another_form_is_named(web: WebStage, body: bytes) -> None:
    answer = web.ask("POST", f"{API}/services/shop/plan", body, token=web.token(), headers=J)
    assert (answer.status, answer.code) == (422, "invalid")
    assert answer.json["error"]["message"].startswith("the request is not valid: body")


def test_release_with_shell_characters_is_refused(web: WebStage) -> None:
    answer = web.ask("POST", f"{API}/services/shop/rollouts", {"release": "v1; rm -rf /"}, token=web.token())
    assert (answer.status, answer.code) == (400, "usage")
    assert not web.dispatch.sessions


def test_two_people_press_start_at_once(web: WebStage) -> None:
    token = web.token()
    answers = []
    ready = threading.Barrier(2)

    def press() -> None:
        ready.wait(WAIT)
        answers.append(web.ask("POST", f"{API}/services/shop/rollouts", {"release": "v2"}, token=token))

    pressing = [threading.Thread(target=press) for _ in range(2)]
    for each in pressing:
        each.start()
    for each in pressing:
        each.join(WAIT)
    started, refused = sorted(answers, key=lambda each: each.status)
    assert (started.status, refused.status, refused.json["error"]["exit_code"]) == (201, 409, 4)
    assert started.json["rollout"] in refused.json["error"]["message"]
    assert list(web.dispatch.sessions) == [started.json["rollout"]]
    assert sorted(web.outcomes()[-2:]) == [("ada", "start", "done"), ("ada", "start", "refused")]


def test_start_of_another_plan_is_refused(web: WebStage) -> None:
    token = web.token()
    plan = web.ask("POST", f"{API}/services/shop/plan", {"release": "v2"}, token=token).json
    other = web.ask("POST", f"{API}/services/shop/rollouts", {"release": "v3", "digest": plan["digest"]}, token=token)
    assert (other.status, other.code) == (409, "refused")
    same = web.ask("POST", f"{API}/services/shop/rollouts", {"release": "v2", "digest": plan["digest"]}, token=token)
    assert same.status == 201


def test_service_file_that_turns_invalid_stops_new_rollouts(web: WebStage, tmp_path: Path) -> None:
    token, rollout = web.token(), web.start(web.token())
    (tmp_path / "services" / "shop.yml").write_text(SHOP + "unknown: 1\n")
    web.context.fleet.reload()
    answer = web.ask("POST", f"{API}/services/shop/rollouts", {}, token=token)
    assert (answer.status, answer.code) == (400, "usage")
    assert "shop.yml:4" in answer.json["error"]["message"]
    assert web.ask("POST", f"{API}/rollouts/{rollout}/pause", {}, token=token).status == 200


def test_service_with_local_work_is_refused(tmp_path: Path) -> None:
    local = SHOP.replace("ssm", "local")
    secret = SHOP + "env: {TOKEN: {secret: HOME}}\n"
    with serving(tmp_path, services={"shop.yml": local, "other.yml": secret.replace("shop", "other")}) as web:
        token = web.token()
        for service in ("shop", "other"):
            answer = web.ask("POST", f"{API}/services/{service}/rollouts", {}, token=token)
            assert (answer.status, answer.json["error"]["exit_code"]) in {(400, 2), (409, 4)}, answer.text
            assert "Traceback" not in answer.text
        assert not web.dispatch.sessions


def test_unexpected_error_tells_no_stack_trace(web: WebStage) -> None:
    web.source.lister.fails = ZeroDivisionError("secret detail")
    answer = web.ask("GET", f"{API}/groups", token=web.token())
    assert (answer.status, answer.code) == (500, "internal")
    assert "secret detail" not in answer.text
    assert answer.headers["x-request-id"] in answer.text


def test_every_answer_has_the_security_headers(web: WebStage) -> None:
    for answer in (web.ask("GET", "/healthz"), web.ask("GET", f"{API}/x"), web.ask("GET", "/", headers={"Host": "x"})):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers


def test_sign_in_sets_a_cookie_scripts_cannot_read(web: WebStage) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = web.ask("POST", "/sign-in", f"token={web.token()}".encode(), headers=form)
    cookie = answer.headers["set-cookie"]
    assert answer.status == 303
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    again = web.ask("GET", f"{API}/me", headers={"Cookie": cookie.split(";")[0]})
    assert (again.status, again.json["name"]) == (200, "ada")
    wrong = web.ask("POST", "/sign-in", b"token=kat_no", headers=form)
    assert (wrong.status, "set-cookie" in wrong.headers) == (401, False)


def test_link_signs_in_once(web: WebStage) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    link = web.people.access.sign_in_link(web.context.base_url)
    secret = link.partition("link=")[2].encode()
    assert [web.ask("POST", "/sign-in", b"link=" + secret, headers=form).status for _ in range(2)] == [303, 401]


def test_faults_of_a_service_file_are_in_the_language_of_the_reader(tmp_path: Path) -> None:
    with serving(tmp_path, services={"shop.yml": SHOP + "warm: {soak: 30}\n"}) as web:
        token, (_, cookie) = web.token(), signed_in(web)
        english = "shop.yml:4: warm.soak: 30 is not a duration; write 30s"
        japanese = "shop.yml:4: warm.soak: 30 は時間の長さではありません。30s のように書いてください"
        ja = {"Accept-Language": "ja"}
        page = web.ask("GET", "/services", headers={**cookie, **ja})
        assert (page.status, japanese in page.text, english in page.text) == (200, True, False)
        assert english in web.ask("GET", "/services", headers=cookie).text
        for headers, line in (({}, english), (ja, japanese)):
            refused = web.ask("POST", f"{API}/services/shop/rollouts", {}, token=token, headers=headers)
            assert refused.json["error"]["message"].splitlines()[1:] == [line]
        data = web.ask("GET", f"{API}/services", token=token, headers=ja)
        assert english in data.text
