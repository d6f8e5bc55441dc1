"""The reader of requests in front of real servers: nginx with kept connections, a proxy, and PHP-FPM."""

import http.client
import itertools
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.unit.adapters.probes.test_proxies import Slow
from tests.unit.adapters.probes.world import HERE, needed

from katakei.adapters.probes.wire.reader import Reader
from katakei.adapters.probes.wire.tracker import Verdict

NEVER_SILENT = 3_600_000
BOUND = 30.0
LARGE = 6_000_000
ROUNDS = 50
NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; {user}
events {{ }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_timeout 600s; keepalive_requests 100000; client_max_body_size 50m;
  upstream slow {{ server 127.0.0.1:{slow}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port}; root {folder}/files;
    location /slow {{ proxy_pass http://slow; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    location /closes {{ keepalive_timeout 0; try_files /small =404; }}
    location /nothing {{ return 204; }}
    location ~ [.]php$ {{
      fastcgi_pass unix:{folder}/php.sock; fastcgi_buffering off; fastcgi_keep_conn on;
      fastcgi_param SCRIPT_FILENAME {folder}/files$fastcgi_script_name; fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param QUERY_STRING $query_string; fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param CONTENT_TYPE $content_type;
    }}
  }}
}}
"""
FPM = """
[global]
error_log = {folder}/php.log
[www]
listen = {folder}/php.sock
pm = static
pm.max_children = 4
"""
SCRIPT = """<?php
function hold($name) {
  for ($i = 0; $i < 3000 && !file_exists(__DIR__ . "/$name"); $i++) { usleep(10000); clearstatcache(); }
}
if (($_GET['early'] ?? '') === '1') { echo str_repeat('early ', 200); flush(); }
if (($_GET['finish'] ?? '') === '1') { echo 'finished'; fastcgi_finish_request(); }
touch(__DIR__ . '/reached-' . $_GET['go']);
hold($_GET['go']);
echo 'done ', strlen(file_get_contents('php://input'));
touch(__DIR__ . '/over-' . $_GET['go']);
"""


class Target:
    """nginx with its upstreams, connections to it, and a reader of its port."""

    def __init__(self, folder: Path, slow: Slow, port: int) -> None:
        self.folder, self.slow, self.port = folder, slow, port
        self.reader = Reader([port], [HERE])

    def connect(self) -> http.client.HTTPConnection:
        client = http.client.HTTPConnection(HERE, self.port, timeout=BOUND)
        client.connect()
        return client

    def verdict(self) -> Verdict:
        return self.reader.verdict(NEVER_SILENT)

    def becomes_quiet(self) -> Verdict:
        """The client acknowledges the last bytes a little later, and a connection that ended is missed twice."""
        return self.until(lambda found: found.quiet)

    def until(self, what: Callable[[Verdict], bool]) -> Verdict:
        deadline = time.monotonic() + BOUND
        while not what(found := self.verdict()):
            assert time.monotonic() < deadline, vars(found)
            time.sleep(0.01)
        return found

    def reached(self, file: str) -> None:
        """Waits for a file of the script."""
        deadline = time.monotonic() + BOUND
        while not (self.folder / "files" / file).exists():
            assert time.monotonic() < deadline, (self.folder / "error.log").read_text()
            time.sleep(0.01)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    files = tmp_path / "files"
    files.mkdir()
    (files / "small").write_text("hello")
    (files / "large").write_bytes(b"x" * LARGE)
    (files / "hold.php").write_text(SCRIPT)
    slow = Slow()
    port = _free()
    user = "user root;" if os.geteuid() == 0 else ""
    (tmp_path / "nginx.conf").write_text(NGINX.format(folder=tmp_path, slow=slow.port, port=port, user=user))
    (tmp_path / "fpm.conf").write_text(FPM.format(folder=tmp_path) + ("user = root\n" if os.geteuid() == 0 else ""))
    nginx = [
        needed("nginx"),
        "-c",
        str(tmp_path / "nginx.conf"),
        "-p",
        str(tmp_path),
        "-e",
        str(tmp_path / "error.log"),
    ]
    php = [_php_fpm(), "-F", "-y", str(tmp_path / "fpm.conf"), *(["-R"] if os.geteuid() == 0 else [])]
    log = (tmp_path / "error.log").open("ab")
    try:
        with closing(log), _running(nginx, log), _running(php, log):
            _listens(lambda: socket.create_connection((HERE, port), timeout=1).close(), tmp_path)
            _listens(lambda: _unix(tmp_path / "php.sock"), tmp_path)
            made = Target(tmp_path, slow, port)
            yield made
            made.reader.close()
    finally:
        slow.close()


def _free() -> int:
    with socket.create_server((HERE, 0)) as listener:
        return int(listener.getsockname()[1])


def _php_fpm() -> str:
    """Debian names it by its version."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    named = (each for folder in path.split(":") for each in sorted(Path(folder).glob("php-fpm*")))
    found = shutil.which("php-fpm", path=path) or next(map(str, named), "")
    assert found, "these tests need php-fpm: apt-get install php-fpm"
    return found


def _unix(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(path))


def _listens(connect: Callable[[], None], folder: Path) -> None:
    deadline = time.monotonic() + BOUND
    while True:
        try:
            connect()
        except OSError:
            assert time.monotonic() < deadline, (folder / "error.log").read_text()
            time.sleep(0.02)
        else:
            return


@contextmanager
def _running(argv: list[str], log: object) -> Iterator[None]:
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process:  # type: ignore[call-overload]  # a file
        try:
            yield
        finally:
            process.terminate()
            process.wait(BOUND)


def _get(client: http.client.HTTPConnection, path: str, method: str = "GET", **headers: str) -> bytes:
    client.request(method, path, headers=headers)
    return client.getresponse().read()


def _held(target: Target, client: http.client.HTTPConnection, body: bytes | None = None) -> None:
    """A request that the proxy has handed on, and that is not answered."""
    client.request("POST" if body else "GET", "/slow", body)
    assert target.slow.holding.acquire(timeout=BOUND)


def test_nginx_is_right_fifty_times(target: Target) -> None:
    """Each round: quiet, then as many requests as are in progress, then quiet, always on the same connections."""
    dice = random.Random(3)  # noqa: S311 - rounds that can be played again
    clients = [target.connect() for _ in range(6)]
    own = [client.sock.getsockname() for client in clients]
    short: list[Callable[[http.client.HTTPConnection], bytes]] = [
        lambda client: _get(client, "/small"),
        lambda client: _get(client, "/large"),
        lambda client: _get(client, "/small", "HEAD"),
        lambda client: _get(client, "/missing"),
        lambda client: _get(client, "/nothing"),
        lambda client: _get(client, "/small", **{"If-Modified-Since": "Fri, 01 Jan 2038 00:00:00 GMT"}),
        lambda client: _get(client, "/large", Range="bytes=5-70000"),
    ]
    for _ in range(ROUNDS):
        target.slow.go_on.clear()
        dice.choice(short)(dice.choice(clients))
        assert target.becomes_quiet().idle == len(clients)
        busy = dice.sample(clients, dice.randint(1, 3))
        for client in busy:
            _held(target, client, dice.choice((None, b"body" * 9)))
        dice.choice(short)(dice.choice([each for each in clients if each not in busy]))
        found = target.until(lambda found: found.requests == len(busy))  # noqa: B023 - asked at once
        assert (found.quiet, found.unknown) == (False, 0)
        target.slow.go_on.set()
        for client in busy:
            assert client.getresponse().read() == b"ok"
    assert target.becomes_quiet().idle == len(clients)
    assert [client.sock.getsockname() for client in clients] == own
    for client in clients:
        client.close()


def test_an_upload_that_pauses_and_an_answer_that_is_not_read_are_busy(target: Target) -> None:
    with closing(target.connect()) as client:
        client.putrequest("POST", "/slow")
        client.putheader("Content-Length", "100")
        client.endheaders(b"x" * 50)
        assert target.until(lambda found: found.requests == 1).idle == 0
        target.slow.go_on.set()
        client.send(b"x" * 50)
        assert client.getresponse().read() == b"ok"
        assert target.becomes_quiet().idle == 1
        client.request("GET", "/large")
        response = client.getresponse()
        response.read(10)
        for _ in range(3):
            assert target.verdict().requests == 1
        assert len(response.read()) == LARGE - 10
        assert target.becomes_quiet().idle == 1


def test_a_connection_that_nginx_closes_is_gone(target: Target) -> None:
    with closing(target.connect()) as client:
        assert _get(client, "/closes") == b"hello"
        found = target.becomes_quiet()
        assert (found.idle, found.silent) == (0, 0)


def test_a_reader_that_begins_in_the_middle_knows_after_one_exchange(target: Target) -> None:
    with closing(target.connect()) as client, closing(Reader([target.port], [HERE])) as early:
        _held(target, client)
        target.reader.close()
        target.reader = Reader([target.port], [HERE])
        assert target.verdict().unknown == 1
        target.slow.go_on.set()
        client.getresponse().read()
        assert not target.verdict().quiet
        assert _get(client, "/small") == b"hello"
        assert target.becomes_quiet().idle == 1
        assert early.verdict(NEVER_SILENT).quiet


@pytest.mark.parametrize(
    ("early", "method", "body"), [("0", "GET", None), ("1", "GET", None), ("1", "POST", b"b" * 70_000)]
)
def test_php_holds_a_request_until_its_script_ends(target: Target, early: str, method: str, body: bytes | None) -> None:
    """`early` sends the head and a first piece long before the end."""
    with closing(target.connect()) as client:
        for number in itertools.count():
            client.request(method, f"/hold.php?go=go{number}&early={early}", body)
            target.reached(f"reached-go{number}")
            for _ in range(3):
                found = target.verdict()
                assert (found.requests, found.idle, found.quiet) == (1, 0, False)
            (target.folder / "files" / f"go{number}").touch()
            text = client.getresponse().read()
            assert text.endswith(b"done %d" % len(body or b""))
            assert target.becomes_quiet().idle == 1
            if number == 2:
                return


def test_work_after_the_answer_is_no_request(target: Target) -> None:
    """PHP may answer and go on (`fastcgi_finish_request`). The load balancer has its answer then."""
    with closing(target.connect()) as client:
        assert _get(client, "/hold.php?go=go&finish=1") == b"finished"
        target.reached("reached-go")
        assert target.becomes_quiet().idle == 1
        assert not (target.folder / "files" / "over-go").exists()
        (target.folder / "files" / "go").touch()
        target.reached("over-go")
