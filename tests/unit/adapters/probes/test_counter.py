"""The user's own counter: what it prints in each known shape, and for how long it must have said 0."""

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.unit.adapters.probes.world import HERE, SHELLS, LocalCarrier, shell_argv, watched

from katakei.adapters.probes import program_rounds
from katakei.adapters.probes.counter import Counter, Numbers, asked, judge, read
from katakei.adapters.system.clock import SystemClock
from katakei.domain.observation import ProbeVerdict
from katakei.domain.spec import CounterSource

NGINX = "Active connections: 291 \nserver accepts handled requests\n 1 1 3 \nReading: 6 Writing: 179 Waiting: 106 \n"
FPM = (
    "pool:                 www\naccepted conn:        12073\nlisten queue:         2\nmax listen queue:     9\n"
    "active processes:     4\ntotal processes:      5\n"
)
FPM_JSON = '{"pool":"www","listen queue":1,"max listen queue":7,"active processes":1,"total processes":2}'
SECOND = timedelta(seconds=1)
FIRST = ("seconds=0", "quiet=0")  # only what it says first


def _ran(tally: CounterSource, *words: str, shell: str = "dash") -> subprocess.CompletedProcess[str]:
    argv = [*shell_argv(shell), "-c", program_rounds.program("counter.sh"), "counter", *(words or FIRST), *asked(tally)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr == ""
    return done


def _number(tally: CounterSource, shell: str = "dash") -> int | None:
    found = read(_ran(tally, shell=shell).stdout)
    assert found
    return found.said[-1][1]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("printed", "field", "number"),
    [
        ("7\n", "", 7),
        (" 0 \n\n", "", 0),
        ("-1", "", None),
        ("0.5", "", None),
        ("", "", None),
        ("7 of 9", "", None),
        (NGINX, "", 184),
        (
            "Active connections: 1 \nserver accepts handled requests\n 1 1 3 \nReading: 0 Writing: 1 Waiting: 0 \n",
            "",
            0,
        ),
        (FPM, "", 5),
        (FPM_JSON, "", 1),
        (FPM_JSON, "active processes", 1),
        ('{"a":{"in_flight" : 12},"b":0}', "in_flight", None),
        ('{"a":{"in_flight" : 12},"b":0}', "a.in_flight", 12),
        ('{"not_in_flight":0,"in_flight":3}', "in_flight", 3),
        ('{"in_flight":0.5}', "in_flight", None),
        ('{"in_flight":null,"other":0}', "in_flight", None),
        ("requests_in_flight: 4\n", "requests_in_flight", 4),
    ],
)
def test_counter_reads_each_known_format(shell: str, printed: str, field: str, number: int | None) -> None:
    quoted = printed.replace("'", "'\\''")
    assert _number(CounterSource(command=f"printf '%s' '{quoted}'", field=field), shell) == number


def test_failing_command_tells_no_number() -> None:
    assert _number(CounterSource(command="echo 0; exit 1")) is None
    found = read(_ran(CounterSource(command="echo the pool is down >&2; exit 1")).stdout)
    assert found
    assert judge(found, SECOND).verdict is ProbeVerdict.BLIND
    assert judge(found, SECOND).why == "its counter told no number: the pool is down"


def test_command_reaches_the_shell_unchanged() -> None:
    assert _number(CounterSource(command="""x='a"b `id` $(id)'; printf %s "${#x}" """)) == 14


def test_last_look_refuses_requests_in_flight() -> None:
    once = ("mode=once", *FIRST)
    busy, quiet, odd = (_ran(CounterSource(command=f"echo {said}"), *once) for said in ("2", "0", "x"))
    assert (busy.returncode, busy.stdout) == (75, "the counter says 2 in flight\n")
    assert (quiet.returncode, quiet.stdout) == (0, "")
    assert (odd.returncode, odd.stdout) == (75, "the counter told no number\n")


@pytest.mark.parametrize("shell", SHELLS)
def test_begun_quiet_is_read_to_its_end(shell: str, tmp_path: Path) -> None:
    busy_twice = f"echo x >>{tmp_path}/asked; [ $(wc -l <{tmp_path}/asked) -gt 2 ]; echo $?"
    found = read(_ran(CounterSource(command=busy_twice), "seconds=3", "quiet=2000", shell=shell).stdout)
    assert found
    assert [number for _, number in found.said] == [1, 1, 0, 0]
    assert judge(found, 2 * SECOND).verdict is ProbeVerdict.QUIET


def test_broken_quiet_begins_again(tmp_path: Path) -> None:
    busy_third = f"echo x >>{tmp_path}/asked; [ $(wc -l <{tmp_path}/asked) -ne 3 ]; echo $?"
    found = read(_ran(CounterSource(command=busy_third), "seconds=4", "quiet=2000").stdout)
    assert found
    assert [number for _, number in found.said] == [0, 0, 1, 0, 0]


def _said(*numbers: int | None) -> Numbers:
    return Numbers(timedelta(), tuple((n * SECOND, number) for n, number in enumerate(numbers)))


@pytest.mark.parametrize(
    ("numbers", "pending"),
    [
        ([0, 0, 0, 0], ProbeVerdict.QUIET),
        ([5, 0, 0, 0, 0], ProbeVerdict.QUIET),
        ([0, 0, 0], ProbeVerdict.BUSY),
        ([0, 0, 1, 0, 0], ProbeVerdict.BUSY),
        ([0, 0, None, 0, 0], ProbeVerdict.BUSY),
        ([0, 0, 0, 0, 1], ProbeVerdict.BUSY),
        ([0, 0, 0, 0, None], ProbeVerdict.BLIND),
    ],
)
def test_quiet_needs_zeros_for_the_whole_time(numbers: Sequence[int | None], pending: ProbeVerdict) -> None:
    assert judge(_said(*numbers), 3 * SECOND).verdict is pending


class _Status(BaseHTTPRequestHandler):
    said = b"2\n"

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.said)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer((HERE, 0), _Status)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://{HERE}:{server.server_port}/status"
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_status_page_is_quiet_after_long_zero(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    carrier = LocalCarrier()
    probe = Counter(carrier, SystemClock(), CounterSource(url=url), SECOND)
    target = watched(80)
    deadline = time.monotonic() + 25
    try:
        while probe.baseline([target]) != {target.target.id: ""}:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        monkeypatch.setattr(_Status, "said", b"0\n")
        while not (found := probe.look([target])):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert (found[target.target.id].verdict, found[target.target.id].why[:21]) == (
            ProbeVerdict.QUIET,
            "its counter said 0 fo",
        )
    finally:
        carrier.close()
