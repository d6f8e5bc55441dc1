"""The Envoy data plane with real servers: draining, cuts, errors, stickiness, rules and configuration changes."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.lab.envoy_harness import CUT, DRAINING, GROUP, IN, TO_GROUP, EnvoyHarness, envoy_harness
from tests.lab.http_client import Client

from katakei.lab import clock, reaper
from katakei.lab.address import BoundAddress
from katakei.lab.desired_config import (
    Conditions,
    DesiredConfig,
    FixedResponse,
    Forward,
    Group,
    GroupTarget,
    Listener,
    QueryPair,
    Redirect,
    Rule,
    Stickiness,
    Weighted,
)
from katakei.lab.envoy import resources
from katakei.lab.envoy.connection_cutter import connections
from katakei.lab.errors import LabError
from katakei.lab.servers.http1 import TEXT, frame, read_frame, read_head
from katakei.lab.traffic import Traffic

pytestmark = pytest.mark.lab
SOON = 0.15
"""Seconds after which a request that was just sent has surely reached its target."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnvoyHarness]:
    with envoy_harness(tmp_path_factory.mktemp("envoy_harness")) as shared:
        yield shared


@pytest.fixture
def lab(shared: EnvoyHarness) -> Iterator[EnvoyHarness]:
    yield shared
    shared.envoy.apply(DesiredConfig())


def servers_of(client: Client, count: int, **headers: str) -> Counter[str]:
    return Counter(client.get(**headers).server for _ in range(count))


def test_requests_of_one_connection_are_routed_separately(lab: EnvoyHarness) -> None:
    lab.targets(IN, IN, IN)
    with lab.client() as client:
        assert servers_of(client, 9) == {"0": 3, "1": 3, "2": 3}


def test_draining_target_finishes_without_new_requests(lab: EnvoyHarness) -> None:
    lab.targets(IN)
    with lab.client() as client:
        client.get()
        slow = lab.later("/slow?s=0.6")
        lab.wait_in_flight()
        lab.targets(DRAINING, IN)
        loads = lab.envoy.loads()
        assert servers_of(client, 5) == {"1": 5}
    assert loads[GROUP, lab.bound_addresses[0]].active == 1
    assert (slow.answer().status, slow.answer().server) == (200, "0")
    assert lab.envoy.loads()[GROUP, lab.bound_addresses[0]].active == 0


@pytest.mark.parametrize("close_idle", [True, False])
def test_cut_ends_requests_in_flight_with_502(lab: EnvoyHarness, *, close_idle: bool) -> None:
    lab.targets(IN)
    slow = lab.later("/slow?s=5")
    lab.wait_in_flight()
    lab.show(lab.group(DRAINING, IN), close_idle=close_idle)
    active = lab.envoy.loads()[GROUP, lab.bound_addresses[0]].active
    before = clock.monotonic()
    lab.show(lab.group(CUT, IN), close_idle=close_idle)
    assert (active, slow.answer().status) == (1, 502)
    assert clock.monotonic() - before < 1


def test_cut_within_a_body_breaks_the_connection(lab: EnvoyHarness) -> None:
    lab.targets(IN)
    stream = lab.later("/stream?s=3")
    lab.wait_in_flight()
    clock.sleep(0.4)
    lab.targets(CUT)
    assert stream.answer().status == 0


def test_cut_touches_one_group_only(lab: EnvoyHarness) -> None:
    listener = lab.listener(TO_GROUP, Rule(Conditions(paths=("/slow",)), Forward((Weighted("other"),))))
    lab.show(lab.group(IN), lab.group(IN, arn="other"), listener=listener)
    slow, stream = lab.later("/slow?s=0.8"), lab.later("/stream?s=0.8")
    lab.wait_in_flight(2)
    clock.sleep(SOON)
    lab.show(lab.group(CUT), lab.group(IN, arn="other"), listener=listener)
    assert (slow.answer().status, stream.answer().status) == (200, 0)


def test_no_target_is_503_with_the_alb_page(lab: EnvoyHarness) -> None:
    answers = []
    for traffic in ((), (DRAINING, DRAINING), (CUT,)):
        lab.targets(*traffic)
        answers.append(lab.ask())
    lab.show()
    answers.append(lab.ask())
    assert [answer.status for answer in answers] == [503] * 4
    assert answers[0].headers["server"] == "awselb/2.0"
    assert "<center><h1>503 Service Unavailable</h1></center>" in answers[0].body


def test_refused_connection_is_502_without_retry(lab: EnvoyHarness) -> None:
    dead = GroupTarget(lab.bound_addresses[0]._replace(port=9), IN)
    lab.show(Group(GROUP, (dead, GroupTarget(lab.bound_addresses[1], IN))))
    assert sorted(lab.ask().status for _ in range(4)) == [200, 200, 502, 502]


def test_target_death_within_a_request_is_502(lab: EnvoyHarness) -> None:
    lab.targets(IN)
    slow = lab.later("/slow?s=5")
    lab.wait_in_flight()
    lab.servers.crash("i-0")
    status = slow.answer().status
    lab.servers.revive("i-0")
    assert (status, lab.servers.listening("i-0")) == (502, True)


def test_idle_timeout_is_504_but_streams_continue(lab: EnvoyHarness) -> None:
    lab.show(lab.group(IN), listener=lab.idle(0.5))
    before = clock.monotonic()
    slow, stream = lab.later("/slow?s=5"), lab.later("/stream?s=1.2")
    assert slow.answer().status == 504
    assert 0.4 < clock.monotonic() - before < 1.5
    assert (stream.answer().status, stream.answer().body.count("\n")) == (200, 6)


def test_connect_timeout_is_504(lab: EnvoyHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "CONNECT_TIMEOUT", timedelta(seconds=0.3))
    bound_address = lab.bound_addresses[0]._replace(port=9999)
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(bound_address)
        full.listen(0)
        for each in (first, second):
            each.setblocking(False)
            each.connect_ex(bound_address)
        lab.show(Group(GROUP, (GroupTarget(bound_address, IN),)))
        assert lab.ask().status == 504


def test_silent_client_is_408(lab: EnvoyHarness) -> None:
    lab.show(lab.group(IN), listener=lab.idle(0.3))
    with socket.create_connection(lab.front, timeout=5) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: lab\r\nContent-Length: 10\r\n\r\nab")
        assert client.recv(100).startswith(b"HTTP/1.1 408 ")


def test_websocket_survives_draining_until_the_cut(lab: EnvoyHarness) -> None:
    async def talk() -> tuple[int, list[tuple[int, bytes]], bytes]:
        reader, writer = await asyncio.open_connection(*lab.front)
        hello = "GET /ws HTTP/1.1\r\nHost: lab\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        writer.write(
            f"{hello}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        head = await read_head(reader)
        said = []
        for traffic in (IN, DRAINING):
            await asyncio.to_thread(lab.targets, traffic, IN)
            writer.write(frame(TEXT, b"hello", b"mask"))
            said.append(await read_frame(reader))
        await asyncio.to_thread(lab.targets, CUT, IN)
        rest = await asyncio.wait_for(reader.read(), 2)
        writer.close()
        return head.status, said, rest

    lab.targets(IN)
    assert asyncio.run(talk()) == (101, [(TEXT, b"hello")] * 2, b"")


def test_sticky_client_leaves_a_draining_target(lab: EnvoyHarness) -> None:
    sticky = replace(lab.group(IN, IN, IN), stickiness=Stickiness(duration=timedelta(hours=1)))
    lab.show(sticky)
    with lab.client() as client:
        first = client.get()
        cookie = first.headers["set-cookie"].split(";")[0]
        stays = servers_of(client, 6, Cookie=cookie)
        traffic = [DRAINING if str(number) == first.server else IN for number in range(3)]
        lab.show(replace(sticky, targets=lab.group(*traffic).targets))
        moved = client.get(Cookie=cookie)
    assert (cookie.split("=")[0], stays) == ("AWSALB", {first.server: 6})
    assert moved.server != first.server
    assert moved.headers["set-cookie"].split(";")[0] not in {cookie, ""}


def test_weights_divide_the_requests(lab: EnvoyHarness) -> None:
    blue, green = lab.group(IN, arn="blue"), replace(lab.group(IN, IN), arn="green")
    green = replace(green, targets=green.targets[1:])
    shares = []
    for weights in ((3, 1), (0, 1), (0, 0)):
        action = Forward((Weighted("blue", weights[0]), Weighted("green", weights[1])))
        lab.show(blue, green, listener=lab.listener(action))
        with lab.client() as client:
            shares.append(servers_of(client, 80))
    assert 40 < shares[0]["0"] < 76
    assert shares[0]["0"] + shares[0]["1"] == 80
    assert shares[1:] == [{"1": 80}, {"none": 80}]


def test_group_that_leaves_the_routes_keeps_its_targets_until_then(lab: EnvoyHarness) -> None:
    blue, green = lab.group(IN, arn="blue"), Group("green", (GroupTarget(lab.bound_addresses[1], IN),))
    both, one = Forward((Weighted("blue"), Weighted("green", 9))), Forward((Weighted("blue"),))
    traffic = Traffic(f"http://{lab.front.address}:{lab.front.port}", rate=400, slow_fraction=0)
    lab.show(blue, green, listener=lab.listener(both))
    traffic.start()
    for _ in range(20):
        lab.show(blue, green, listener=lab.listener(both))
        clock.sleep(0.05)
        lab.show(blue, replace(green, targets=()), listener=lab.listener(one))
    figures = traffic.stop()
    assert (figures.failed, figures.requests > 100) == (0, True), figures


def test_sticky_client_keeps_its_group(lab: EnvoyHarness) -> None:
    blue, green = lab.group(IN, arn="blue"), Group("green", (GroupTarget(lab.bound_addresses[1], IN),))
    before = Forward((Weighted("blue", 1), Weighted("green", 0)), sticky_for=timedelta(minutes=1))
    after = Forward((Weighted("blue", 0), Weighted("green", 1)), sticky_for=timedelta(minutes=1))
    lab.show(blue, green, listener=lab.listener(before))
    cookie = lab.ask().headers["set-cookie"].split(";")[0]
    lab.show(blue, green, listener=lab.listener(after))
    with lab.client() as client:
        assert servers_of(client, 5, Cookie=f"other=1; {cookie}") == {"0": 5}
        assert servers_of(client, 5) == {"1": 5}


def rule(status: int, **conditions: object) -> Rule:
    return Rule(Conditions(**conditions), FixedResponse(status))  # type: ignore[arg-type]  # rows of a table


def test_first_matching_rule_wins(lab: EnvoyHarness) -> None:
    rules = (
        rule(201, paths=("/img/*", "/?.txt"), methods=("GET",)),
        rule(202, paths=("/img/*",)),
        rule(203, hosts=("*.example.com",)),
        rule(204, headers=(("User-Agent", ("*Chrome*", "*Safari*")), ("X-Plan", ("gold",)))),
        rule(205, queries=((QueryPair("v1", "version"), QueryPair("*example*")),)),
        rule(206, sources=("10.0.0.0/8", "100.64.0.0/10"), paths=("/inside",)),
        rule(207, sources=("0.0.0.0/0",), paths=("/inside",)),
    )
    lab.show(listener=lab.listener(FixedResponse(404, "nothing here", "text/x-own"), *rules))
    ask = lab.ask
    assert [
        ask("/img/a/b?x=1").status,
        ask("/a.txt").status,
        ask("/ab.txt").status,
        ask("/IMG/a").status,
        ask("/img/a", "POST").status,
        ask("/", Host="WWW.Example.com:8080").status,
        ask("/", Host="example.com").status,
        ask("/", User_Agent="Mozilla chrome/1", X_Plan="Gold").status,
        ask("/", User_Agent="Mozilla chrome/1").status,
        ask("/?a=1&Version=V1").status,
        ask("/?q=an-example-too&b").status,
        ask("/?version=v12").status,
        ask("/inside").status,
    ] == [201, 201, 404, 404, 202, 203, 404, 204, 404, 205, 205, 404, 207]
    last = ask("/none")
    assert (last.body, last.headers["content-type"], last.headers["server"]) == (
        "nothing here",
        "text/x-own",
        "awselb/2.0",
    )


def test_redirect_fills_in_request_parts(lab: EnvoyHarness) -> None:
    rules = (
        Rule(Conditions(paths=("/old/*",)), Redirect(302, host="example.com", path="/new/#{path}", query="from=old")),
        Rule(Conditions(paths=("/q",)), Redirect(301, path="/r")),
        Rule(Conditions(paths=("/both",)), Redirect(302, host="www.#{host}", query="was=#{path}&#{query}")),
    )
    lab.show(listener=lab.listener(Redirect(301, protocol="HTTPS", port="443"), *rules))
    found = [lab.ask(path, Host="lab.test:8080") for path in ("/a?b=c", "/old/x", "/q?z=1", "/both")]
    assert [(answer.status, answer.headers["location"]) for answer in found] == [
        (301, "https://lab.test:443/a?b=c"),
        (302, "http://example.com:8080/new/old/x?from=old"),
        (301, "http://lab.test:8080/r?z=1"),
        (302, "http://www.lab.test:8080/both?was=both&"),
    ]


def test_headers_pass_as_through_an_alb(lab: EnvoyHarness) -> None:
    lab.show(lab.group(IN), listener=replace(lab.listener(), port=80))
    answer = lab.ask(X_Forwarded_For="203.0.113.7", X_Forwarded_Port="9")
    assert '"x-forwarded-port": "80"' in answer.body
    assert '"x-forwarded-proto": "http"' in answer.body
    assert '"x-forwarded-for": "203.0.113.7,' in answer.body
    assert "X-Release" in answer.headers
    assert "server" not in answer.headers


def test_https_listener_with_http2_targets(lab: EnvoyHarness) -> None:
    secure = Listener("secure", lab.front._replace(port=8443), TO_GROUP, protocol="HTTPS", port=443)
    behind = Group("behind", (GroupTarget(secure.bound_address, IN),), protocol="HTTPS", protocol_version="HTTP2")
    plain = lab.listener(Forward((Weighted("behind"),)))
    lab.envoy.apply(DesiredConfig((plain, secure), (lab.group(IN), behind)))
    with Client(secure.bound_address, tls=True) as client:
        answers = [client.get(), lab.ask()]
    assert [answer.status for answer in answers] == [200, 200]
    assert '"x-forwarded-proto": "https"' in answers[0].body


@pytest.mark.parametrize(("close_idle", "left"), [(True, 0), (False, 1)])
def test_idle_connections_close_or_stay_as_configured(lab: EnvoyHarness, *, close_idle: bool, left: int) -> None:
    lab.targets(IN)
    lab.ask()
    lab.show(lab.group(DRAINING, IN), close_idle=close_idle)
    assert clock.wait_for(lambda: lab.envoy.loads()[GROUP, lab.bound_addresses[0]].connections == left, within=1)
    assert lab.envoy.loads()[GROUP, lab.bound_addresses[0]].active == 0


def test_configuration_changes_lose_no_request(lab: EnvoyHarness) -> None:
    lab.targets(IN, IN, IN)
    traffic = Traffic(f"http://{lab.front.address}:{lab.front.port}/", rate=200, slow_fraction=0.1, slow_seconds=0.5)
    traffic.start()
    more = BoundAddress(lab.front.address, 8081)
    for turn in range(40):
        arn = f"group of turn {turn}"
        action = Forward((Weighted(arn),))
        to_slow = Rule(Conditions(paths=("/slow",)), action)
        side = Listener("side", more, action, idle_timeout=timedelta(seconds=30 + turn))
        front = replace(lab.listener(action, *(to_slow,) * (turn % 3)), idle_timeout=timedelta(seconds=60 + turn % 2))
        targets = [DRAINING if number == turn % 3 else IN for number in range(3)]
        pictured = (front, side) if turn % 2 else (front,)
        lab.envoy.apply(DesiredConfig(pictured, (lab.group(*targets, arn=arn),), close_idle=turn % 4 < 2))
        clock.sleep(0.05)
    lab.targets(IN, IN, IN)
    figures = traffic.stop()
    assert figures.requests > 300
    assert (figures.failed, figures.first_failures) == (0, ())


def test_removed_listener_finishes_requests_in_flight(lab: EnvoyHarness) -> None:
    lab.targets(IN)
    slow = lab.later("/slow?s=0.6")
    lab.wait_in_flight()
    lab.envoy.apply(DesiredConfig(groups=(lab.group(IN),)))
    refused = lab.ask()
    lab.targets(IN)
    assert (refused.status, lab.ask().status, slow.answer().status) == (0, 200, 200)


def test_invalid_listener_fails_and_next_configuration_works(lab: EnvoyHarness) -> None:
    with socket.create_server((lab.front.address, 8082), reuse_port=True), pytest.raises(LabError, match="lds"):
        lab.envoy.apply(DesiredConfig((Listener("taken", BoundAddress(lab.front.address, 8082), TO_GROUP),), ()))
    lab.targets(IN)
    assert lab.ask().status == 200


def test_reset_touches_one_target_address_only(lab: EnvoyHarness) -> None:
    lab.targets(IN, IN)
    with lab.client() as client:
        servers_of(client, 2)
    assert lab.envoy._process
    pid, source = lab.envoy._process.pid, lab.block.node(100)
    lab.targets(CUT, IN)
    assert [len(connections(pid, source, bound_address)) for bound_address in lab.bound_addresses[:2]] == [0, 1]


def test_admin_api_is_a_socket_for_this_user_only(lab: EnvoyHarness) -> None:
    assert lab.envoy._admin is not None
    folder = lab.envoy._folder
    mode = (folder / resources.ADMIN_SOCKET).stat().st_mode
    assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode) & 0o077) == (True, 0)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "port_value" not in json.dumps(resources.bootstrap(folder))


def test_stopped_envoy_leaves_no_process_and_refuses_apply(tmp_path: Path) -> None:
    with envoy_harness(tmp_path, count=0) as lab:
        lab.envoy.stop()
        with pytest.raises(LabError, match="does not run"):
            lab.envoy.apply(DesiredConfig())
    assert reaper.marked(frozenset({f"{reaper.ROOT}={tmp_path / 'envoy'}"})) == set()


def test_envoy_ends_when_its_lab_is_killed(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from katakei.lab.envoy.process import Envoy
Envoy(Path({str(tmp_path)!r}), str).start()
print("up", flush=True)
input()
"""
    marks = frozenset({f"{reaper.ROOT}={tmp_path}"})
    lab = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with lab:
        assert lab.stdout
        assert lab.stdout.readline() == b"up\n"
        before = reaper.marked(marks)
        os.kill(lab.pid, signal.SIGKILL)
    assert len(before) == 1
    assert clock.wait_for(lambda: not reaper.marked(marks), within=5)
