"""What the reader of requests costs a server: CPU and memory at 100, 1,000 and 2,000 requests a second.

nginx serves a thousand kept connections on loopback. A question is always open, as it is during a drain.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.unit.adapters.probes.test_wire_reader import Readers
from tests.unit.adapters.probes.world import HERE, needed

from katakei.lab import clock

CONNECTIONS, RUN = 1000, 10
RATES, SIZES = (100, 1000, 2000), (8_192, 20_480)
MOST_CPU, MOST_MEMORY = 25.0, 64
"""Percent of one core, and MB."""

NGINX = """\
worker_processes 1; worker_rlimit_nofile 4096; pid nginx.pid; daemon off; %s
events { worker_connections 4000; }
http {
  access_log off; keepalive_timeout 4100s; keepalive_requests 1000000000;
  client_body_temp_path body; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server { listen %s:%d backlog=2048; root files; }
}
"""
LOAD = """\
import socket, sys, time
host, port, rate, size, connections, seconds = sys.argv[1], *map(int, sys.argv[2:])
links = [socket.create_connection((host, port), timeout=30) for _ in range(connections)]
ask = b"GET /%d HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" % size
def answer(link, want):
    got = b""
    while len(got) < want or b"\\r\\n\\r\\n" not in got:
        got += link.recv(65536)
    return got
links[0].sendall(ask)
head = answer(links[0], 4).index(b"\\r\\n\\r\\n") + 4
links[0].close()
links[0] = socket.create_connection((host, port), timeout=30)
print("ready", flush=True)
sys.stdin.readline()
begun, done = time.monotonic(), 0
while (now := time.monotonic() - begun) < seconds:
    if done >= now * rate:
        time.sleep(0.001)
        continue
    link = links[done % connections]
    link.sendall(ask)
    answer(link, head + size)
    done += 1
print(done / (time.monotonic() - begun), flush=True)
sys.stdin.readline()
"""
PORT = 47_612
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    rate: float
    cpu: float
    memory: float

    def __str__(self) -> str:
        return f"{self.rate:.0f} requests/s: {self.cpu:.1f} % of one core, {self.memory:.0f} MB"


@contextmanager
def _nginx(folder: Path) -> Iterator[None]:
    (folder / "files").mkdir()
    for size in SIZES:
        (folder / "files" / str(size)).write_bytes(b"x" * size)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX % (user, HERE, PORT))
    argv = [needed("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as process:
        try:
            clock.sleep(2)
            yield
        finally:
            process.terminate()
            process.wait(30)


def _used(pid: int) -> float:
    """Seconds of CPU."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory(pid: int) -> float:
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def _cost(readers: Readers, rate: int, size: int) -> Cost:
    """Returns what the reader used while a load ran."""
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            readers.look(seconds=3, times=3)

    words = [HERE, *map(str, (PORT, rate, size, CONNECTIONS, RUN))]
    with subprocess.Popen(
        [sys.executable, "-c", LOAD, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as load:
        assert load.stdin
        assert load.stdout
        assert load.stdout.readline() == "ready\n"
        asking = threading.Thread(target=ask)
        asking.start()
        before, begun = _used(readers.pid), clock.monotonic()
        load.stdin.write("go\n")
        load.stdin.flush()
        reached = float(load.stdout.readline())
        used, lasted = _used(readers.pid) - before, clock.monotonic() - begun
        over.set()
        asking.join(60)
        found = readers.look(seconds=10, times=3)
        assert (found.words["verdict"], found.words["idle"]) == ("quiet", str(CONNECTIONS)), found
    return Cost(reached, 100 * used / lasted, _memory(readers.pid))


@pytest.mark.acceptance
def test_the_reader_costs_little(tmp_path: Path) -> None:
    readers = Readers(tmp_path / "state", PORT, HERE)
    with _nginx(tmp_path):
        readers.start()
        try:
            costs = [(size, _cost(readers, rate, size)) for size in SIZES for rate in RATES]
        finally:
            readers.end("forbid=1")
    for size, cost in costs:
        sys.stdout.write(f"\n{size // 1024} KB, {cost}")
    sys.stdout.write("\n")
    assert max(cost.cpu for _, cost in costs) < MOST_CPU
    assert max(cost.memory for _, cost in costs) < MOST_MEMORY
