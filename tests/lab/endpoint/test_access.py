"""Who is answered at all: no web page, no foreign host name, and `/_lab` only with the lab's key."""

import http.client
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.lab.credentials import signed_headers
from tests.lab.elb_harness import RunningElb, running_elb

GROUPS = "Action=DescribeTargetGroups&Version=2015-12-01"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PATHS = ("faults", "switches", "calls", "history", "targets", "listeners", "nothing", "")


@pytest.fixture(scope="module")
def aws() -> Iterator[RunningElb]:
    with running_elb(timedelta(0)) as aws:
        yield aws


def send(
    aws: RunningElb,
    method: str,
    path: str,
    body: str = "",
    headers: Mapping[str, str] | None = None,
    *,
    host: str = "",
) -> "tuple[int, http.client.HTTPMessage, str]":
    connection = http.client.HTTPConnection(urlsplit(aws.endpoint.url).netloc, timeout=5)
    try:
        connection.putrequest(method, path, skip_host=bool(host))
        for name, value in (({"Host": host} if host else {}) | {"Content-Length": str(len(body))}).items():
            connection.putheader(name, value)
        for name, value in dict(headers or {}).items():
            if name.lower() not in {"host", "content-length"}:
                connection.putheader(name, value)
        connection.endheaders(body.encode())
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def lab_key(aws: RunningElb) -> dict[str, str]:
    return {"X-Katakei-Lab-Key": aws.env["KATAKEI_LAB_KEY"]}


@pytest.mark.parametrize(
    "origin", ["null", "", "https://evil.example", "http://127.0.0.1", "http://localhost:1", "own", "file://"]
)
def test_request_of_a_web_page_is_refused_first(aws: RunningElb, origin: str) -> None:
    origin = aws.endpoint.url if origin == "own" else origin
    before = len(aws.lab("calls"))
    page = {"Origin": origin}
    signed = signed_headers(aws.env, "elasticloadbalancing", GROUPS, FORM)
    for path, body, headers in (("/", GROUPS, signed), ("/_lab/faults", '{"throttle": 1}', lab_key(aws))):
        for method in ("POST", "GET", "OPTIONS", "PUT", "HEAD"):
            status, shown, _ = send(aws, method, path, body, headers | page)
            assert status == 403
            assert not [name for name in shown if name.lower().startswith("access-control-")]
    assert len(aws.lab("calls")) == before
    assert aws.lab("faults")["throttle"] == 0


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "127.0.0.1@evil",
        "10.0.0.1",
    ],
)
def test_foreign_host_is_refused(aws: RunningElb, host: str) -> None:
    assert send(aws, "GET", "/_lab/targets", "", lab_key(aws), host=host)[0] == 403
    assert send(aws, "POST", "/_lab/faults", '{"throttle": 1}', lab_key(aws), host=host)[0] == 403
    env = aws.env | {"AWS_ENDPOINT_URL": f"http://{host}"}
    signed = signed_headers(env, "elasticloadbalancing", GROUPS, FORM)
    assert send(aws, "POST", "/", GROUPS, signed, host=host)[0] == 403
    assert send(aws, "GET", f"http://{host}/_lab/targets", "", lab_key(aws))[0] == 403
    assert aws.lab("faults")["throttle"] == 0


@pytest.mark.parametrize("host", ["localhost", "localhost:4566", "127.0.0.1:4566", "127.9.9.9", "[::1]:4566"])
def test_names_of_loopback_are_answered(aws: RunningElb, host: str) -> None:
    assert send(aws, "GET", "/_lab/targets", "", lab_key(aws), host=host)[0] == 200
    env = aws.env | {"AWS_ENDPOINT_URL": f"http://{host}"}
    signed = signed_headers(env, "elasticloadbalancing", GROUPS, FORM)
    assert send(aws, "POST", "/", GROUPS, signed, host=host)[0] == 200


@pytest.mark.parametrize("path", PATHS)
def test_lab_api_needs_its_key(aws: RunningElb, path: str) -> None:
    for key in (None, "", "lab", aws.endpoint.key.id, aws.endpoint.key.secret[:-1], f"{aws.endpoint.key.secret}x"):
        for method in ("GET", "POST", "PUT", "DELETE"):
            wrong = {} if key is None else {"X-Katakei-Lab-Key": key}
            status, _, told = send(aws, method, f"/_lab/{path}", '{"throttle": 1}', wrong)
            assert (status, "X-Katakei-Lab-Key".lower() in told) == (403, True)
    assert aws.lab("faults")["throttle"] == 0


def test_lab_api_accepts_its_key_once(aws: RunningElb) -> None:
    assert send(aws, "GET", "/_lab/faults", "", lab_key(aws))[0] == 200
    status, _, told = send(aws, "POST", "/_lab/faults", "[]", lab_key(aws))
    assert (status, "JSON object" in json.loads(told)["error"]) == (400, True)


def test_options_is_never_answered(aws: RunningElb) -> None:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    for path in ("/", "/_lab/faults", "/bucket/key"):
        status, headers, _ = send(aws, "OPTIONS", path, "", asks)
        assert (status, headers["Allow"]) == (403, None)


def test_no_answer_opens_itself_to_web_pages(aws: RunningElb) -> None:
    answers: list[Any] = [
        send(aws, "GET", "/_lab/targets", "", lab_key(aws)),
        send(aws, "GET", "/_lab/targets"),
        send(aws, "POST", "/", GROUPS, FORM),
        send(aws, "POST", "/", GROUPS, signed_headers(aws.env, "elasticloadbalancing", GROUPS, FORM)),
        send(aws, "GET", "/", "", signed_headers(aws.env, "s3", method="GET")),
    ]
    identity = "Action=GetCallerIdentity&Version=2011-06-15"
    answers.append(send(aws, "POST", "/", identity, signed_headers(aws.env, "sts", identity, FORM)))
    assert [status for status, _, _ in answers] == [200, 403, 403, 200, 200, 200]
    for _, headers, _ in answers:
        assert not [name for name in headers if name.lower().startswith("access-control-")]
