"""The program itself: on every shell, with and without ss, IPv4 and IPv6, its bounds and its one-shot."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.adapters.probes.world import (
    HERE,
    QUIET,
    SHELLS,
    Wire,
    count,
    group,
    judged,
    needed,
    run,
    shell_argv,
    terms,
    tools,
    watched,
)

from katakei.adapters.probes import connection_counts, program_rounds
from katakei.adapters.probes.connection_counts import Mode, Source, arguments, read_count
from katakei.domain.model import TargetType
from katakei.domain.observation import ProbeVerdict
from katakei.domain.spec import DrainUntil

PROOF, ANSWERED = terms(DrainUntil.PROOF), terms(DrainUntil.ANSWERED)
ONE = timedelta(seconds=1)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_counts_the_same(wire: Wire, shell: str) -> None:
    wire.ask()
    time.sleep(0.02)
    wire.answer()
    busy = judged(wire.port, DrainUntil.ANSWERED, shell=shell)
    time.sleep(QUIET.total_seconds())
    assert (busy.verdict, busy.open) == (ProbeVerdict.BUSY, 1)
    assert judged(wire.port, DrainUntil.ANSWERED, shell=shell).verdict is ProbeVerdict.QUIET


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("listens", "comes_to"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "::1"), ("::", "127.0.0.1")]
)
def test_ipv4_and_ipv6_are_counted_by_address(shell: str, listens: str, comes_to: str, tmp_path: Path) -> None:
    family = socket.AF_INET6 if ":" in listens else socket.AF_INET
    with ExitStack() as open_now:
        dual = listens == "::"
        listener = open_now.enter_context(socket.create_server((listens, 0), family=family, dualstack_ipv6=dual))
        port = listener.getsockname()[1]
        open_now.enter_context(socket.create_connection((comes_to, port), timeout=5))
        for path in (os.environ["PATH"], tools(tmp_path, "ss")):
            here = count(watched(port, address=comes_to), PROOF, shell=shell, path=path)
            mapped = count(watched(port, address=f"::ffff:{HERE}"), PROOF, shell=shell, path=path)
            elsewhere = count(watched(port, address="127.9.9.9"), PROOF, shell=shell, path=path)
            everywhere = count(watched(port, 1), PROOF, shell=shell, path=path)
            assert [sum(each.number for each in it.alike) for it in (here, elsewhere, everywhere)] == [1, 0, 1]
            assert len(mapped.alike) == (comes_to == HERE)


def test_ip_target_is_counted_at_registered_address(wire: Wire) -> None:
    by_ip = group(kind=TargetType.IP)
    assert count(watched(wire.port, name="127.0.0.1", address="10.0.0.9", of=by_ip), PROOF).alike
    assert not count(watched(wire.port, name="127.0.0.2", address="127.0.0.1", of=by_ip), PROOF).alike


def test_without_ss_only_no_connection_is_quiet(wire: Wire, tmp_path: Path) -> None:
    path = tools(tmp_path, "ss")
    wire.ask()
    time.sleep(0.02)
    wire.answer()
    time.sleep(QUIET.total_seconds())
    asked = terms(DrainUntil.ANSWERED, idle=timedelta(milliseconds=1))
    connected = count(watched(wire.port), asked, path=path)
    for end in (wire.client, wire.server):
        end.close()
    gone = count(watched(wire.port), asked, path=path)
    assert (connected.source, gone.source) == (Source.PROC, Source.PROC)
    said = connection_counts.judge_count(connected, asked)
    assert (said.verdict, said.why) == (
        ProbeVerdict.BUSY,
        "1 connection, whose silence cannot be seen there without ss",
    )
    assert connection_counts.judge_count(gone, asked).verdict is ProbeVerdict.QUIET


@pytest.mark.parametrize("state", ["close-wait", "fin-wait-1"])
def test_without_ss_half_closed_is_a_connection(state: str, tmp_path: Path) -> None:
    wire = Wire.open()
    wire.client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.ask()
    if state == "close-wait":
        wire.client.shutdown(socket.SHUT_WR)
    else:
        wire.server.setblocking(False)
        wire.server.send(b"x" * 1_500_000)
        wire.server.close()
    found = count(watched(wire.port), PROOF, path=tools(tmp_path, "ss"))
    wire.close()
    assert [each.state for each in found.alike] == [state.upper()]


def test_failing_ss_counts_as_missing(wire: Wire, tmp_path: Path) -> None:
    path = tools(tmp_path, "ss")
    broken = Path(path) / "ss"
    broken.write_text("#!/bin/sh\nexit 255\n")
    broken.chmod(0o755)
    found = count(watched(wire.port), PROOF, path=path)
    assert (found.source, len(found.alike)) == (Source.PROC, 1)


@pytest.mark.parametrize(
    "lines", ["ESTAB 0 0 {here} {there}\n\t cubic\n", "0 0 {here} {there}\n", "SYN-RECV 0 0 {here} {there}\n"]
)
def test_absent_ages_are_no_silence(wire: Wire, tmp_path: Path, lines: str) -> None:
    """ss omits an age of 0; without the kernel's help it shows no ages at all; of one state it names no state."""
    path = tools(tmp_path, "ss")
    said = lines.format(here=f"{HERE}:{wire.port}", there=f"{HERE}:9")
    (Path(path) / "said").write_text(said)
    told = Path(path) / "ss"
    told.write_text(f'#!/bin/sh\ncat "{path}/said"\n')
    told.chmod(0o755)
    found = count(watched(wire.port), ANSWERED, path=path)
    assert [each.youngest for each in found.alike] == [timedelta()]
    assert connection_counts.judge_count(found, ANSWERED).verdict is ProbeVerdict.BUSY


def test_count_without_sources_says_so(wire: Wire, tmp_path: Path) -> None:
    path = tools(tmp_path, "ss", "cat")
    found = count(watched(wire.port), PROOF, path=path)
    once = run(arguments(Mode.ONCE, watched(wire.port), PROOF, timedelta()), path=path)
    said = connection_counts.judge_count(found, PROOF)
    assert (found.source, said.verdict) == (Source.NONE, ProbeVerdict.BLIND)
    assert (once.returncode, once.stdout) == (75, "connections cannot be seen on this machine\n")


@pytest.mark.parametrize("shell", SHELLS)
def test_no_root_is_needed(wire: Wire, shell: str) -> None:
    wire.ask()
    words = arguments(Mode.QUIET, watched(wire.port), PROOF, timedelta())
    argv = [*shell_argv(shell), "-c", program_rounds.program("count.sh"), "count", *words]
    user = 65_534 if os.geteuid() == 0 else None
    done = subprocess.run(argv, capture_output=True, text=True, check=True, user=user, timeout=20, cwd="/")
    found = read_count(done.stdout)
    assert found
    assert (found.source, len(found.alike)) == (Source.SS, 1)


def test_answer_is_short_for_many_connections(wire: Wire) -> None:
    wire.listener.listen(500)
    with ExitStack() as open_now:
        for number in range(400):
            client = open_now.enter_context(socket.create_connection(wire.listener.getsockname(), timeout=5))
            client.sendall(b"x" * (number % 7))
        done = run(arguments(Mode.QUIET, watched(wire.port), PROOF, timedelta()))
    found = read_count(done.stdout)
    assert found
    assert sum(each.number for each in found.alike) == 401
    assert len(done.stdout) < 2_000


def test_too_many_kinds_count_as_unanswered(wire: Wire, tmp_path: Path) -> None:
    path = tools(tmp_path, "ss")
    lines = [
        f"STATE-{n} 0 0 {HERE}:{wire.port} {HERE}:9\n\t bytes_sent:9 lastsnd:1000 lastrcv:2000\n" for n in range(500)
    ]
    (Path(path) / "said").write_text("".join(lines))
    told = Path(path) / "ss"
    told.write_text(f'#!/bin/sh\ncat "{path}/said"\n')
    told.chmod(0o755)
    done = run(arguments(Mode.QUIET, watched(wire.port), ANSWERED, timedelta()), path=path)
    found = read_count(done.stdout)
    assert found
    assert len(done.stdout) < 20_000
    assert (sum(each.number for each in found.alike), connection_counts.judge_count(found, ANSWERED).verdict) == (
        500,
        ProbeVerdict.BUSY,
    )


def test_count_ends_once_everything_is_quiet(wire: Wire) -> None:
    wire.ask()
    it = watched(wire.port)
    asked = terms(DrainUntil.ANSWERED, quiet=timedelta(seconds=1))
    begun = time.monotonic()
    late = count(it, asked, seconds=2)
    busy_for = time.monotonic() - begun
    wire.answer()
    begun = time.monotonic()
    soon = count(it, asked, seconds=20)
    quiet_for = time.monotonic() - begun
    assert connection_counts.judge_count(late, asked).verdict is ProbeVerdict.BUSY
    assert 0.9 < busy_for < 3
    assert connection_counts.judge_count(soon, asked).verdict is ProbeVerdict.QUIET
    assert 0.9 < quiet_for < 4
    assert soon.at - soon.began >= ONE


def test_baseline_sees_data_of_other_addresses_only() -> None:
    """The load balancer stands at 127.0.0.1, the target at 127.0.0.1 too or at 127.0.0.2."""
    near, far = Wire.open(), Wire.open(address="127.0.0.2")
    for wire in (near, far):
        wire.ask()
    own = count(watched(near.port), PROOF, Mode.BASELINE)
    other = count(watched(far.port), PROOF, Mode.BASELINE)
    both = count(watched(near.port, far.port), PROOF, Mode.BASELINE)
    for wire in (near, far):
        wire.close()
    assert connection_counts.blind_reason(own, [near.port]).startswith(
        f"while it served, no data from another address was seen on port {near.port}"
    )
    assert connection_counts.blind_reason(other, [far.port]) == ""
    assert both.seen == {far.port}


def test_baseline_needs_data_or_an_ended_connection(tmp_path: Path) -> None:
    """Health checks come and go between two looks; a connection that this machine ended stays visible for a minute."""
    wire = Wire.open(address="127.0.0.2")
    silent = count(watched(wire.port), PROOF, Mode.BASELINE)
    wire.server.close()
    assert wire.client.recv(1) == b""
    wire.client.close()
    time.sleep(0.05)
    ended = count(watched(wire.port), PROOF, Mode.BASELINE)
    without_ss = count(watched(wire.port), PROOF, Mode.BASELINE, path=tools(tmp_path, "ss"))
    wire.close()
    assert [silent.seen, ended.seen, without_ss.seen] == [frozenset(), {wire.port}, {wire.port}]
    assert not ended.alike


@pytest.mark.parametrize(
    ("listens", "proxied"),
    [
        ("*:80", True),
        ("0.0.0.0:80", True),
        ("[::]:80", True),
        ("127.0.0.2:80", True),
        ("[::ffff:127.0.0.2]:80", True),
        ("127.0.0.9:80", False),
        ("127.0.0.22:80", False),
    ],
)
def test_baseline_recognizes_port_of_docker_at_its_address(tmp_path: Path, listens: str, *, proxied: bool) -> None:
    wire = Wire.open(address="127.0.0.2")
    wire.ask()
    path = tools(tmp_path, "ss")
    told = Path(path) / "ss"
    told.write_text(
        f"#!/bin/sh\ncase $1 in -tlnpH) echo 'LISTEN 0 9 {listens} *:* users:((\"docker-proxy\",pid=1,fd=4))' ;;\n"
        f'*) exec {needed("ss")} "$@" ;; esac\n'
    )
    told.chmod(0o755)
    found = count(watched(wire.port, address="127.0.0.2"), PROOF, Mode.BASELINE, path=path)
    anywhere = count(watched(wire.port), PROOF, Mode.BASELINE, path=path)
    wire.close()
    assert ("docker-proxy forwards its port" in connection_counts.blind_reason(found, [wire.port])) is proxied
    assert "docker-proxy forwards its port" in connection_counts.blind_reason(anywhere, [wire.port])


def test_arrivals_count_from_the_given_moment() -> None:
    wire = Wire.open(address="127.0.0.2")
    wire.ask()
    it = watched(wire.port)
    time.sleep(0.1)
    quiet = count(it, PROOF)
    time.sleep(0.1)
    wire.ask()
    time.sleep(0.1)  # what came in the very hundredth of a second of a look may be seen by two of them
    words = arguments(Mode.ARRIVALS, it, PROOF, timedelta(), since=quiet.at)
    after = read_count(run(words).stdout)
    later = arguments(Mode.ARRIVALS, it, PROOF, timedelta(), since=after.at if after else None)
    none = read_count(run(later).stdout)
    rebooted = read_count(run(arguments(Mode.ARRIVALS, it, PROOF, timedelta(), since=timedelta(days=9_000))).stdout)
    wire.close()
    assert [each and each.arrivals for each in (after, none, rebooted)] == [1, 0, 0]


@pytest.mark.parametrize("shell", SHELLS)
def test_arrivals_count_short_connections_once(shell: str) -> None:
    """The target ends each, so for a minute the kernel remembers it."""
    with socket.create_server(("127.0.0.2", 0)) as listener:
        port = int(listener.getsockname()[1])
        words = arguments(Mode.ARRIVALS, watched(port), PROOF, timedelta(seconds=3))
        argv = [*shell_argv(shell), "-c", program_rounds.program("count.sh"), "count", *words]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            time.sleep(0.3)
            for _ in range(5):
                with socket.create_connection(("127.0.0.2", port), timeout=5) as client:
                    server, _ = listener.accept()
                    client.sendall(b"hi")
                    server.recv(9)
                    server.close()
                    assert client.recv(1) == b""
            out, _ = process.communicate(timeout=20)
    found = read_count(out)
    assert found
    assert (found.arrivals, found.alike) == (5, ())


@pytest.mark.parametrize("shell", SHELLS)
def test_last_look_refuses_in_words_with_75(wire: Wire, shell: str) -> None:
    wire.ask()
    it = watched(wire.port)
    busy = run(arguments(Mode.ONCE, it, ANSWERED, timedelta()), shell)
    wire.answer()
    time.sleep(QUIET.total_seconds() + 0.05)
    quiet = run(arguments(Mode.ONCE, it, ANSWERED, timedelta()), shell)
    said = f"1 of 1 connections to port {wire.port} may hold a request, the youngest silent for 0 s\n"
    assert (busy.returncode, busy.stdout) == (75, said)
    assert (quiet.returncode, quiet.stdout) == (0, "")


@pytest.mark.parametrize("cut", [1, 13, 14, 15, 40])
def test_cut_answer_is_none(wire: Wire, cut: int) -> None:
    whole = run(arguments(Mode.QUIET, watched(wire.port), PROOF, timedelta())).stdout
    assert read_count(whole)
    assert read_count(whole[:-cut].rstrip("\n") if cut > 1 else whole[: -cut - 1]) is None


def test_answer_without_a_group_is_none(wire: Wire) -> None:
    whole = run(arguments(Mode.QUIET, watched(wire.port), PROOF, timedelta())).stdout
    without = "".join(line for line in whole.splitlines(keepends=True) if not line.startswith("group"))
    assert read_count(without) is None


_NETNS = "katakei-test"


@pytest.fixture
def container() -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Another network namespace with an address of its own, as a container has it."""
    if os.geteuid() != 0:
        pytest.fail("a second network namespace needs root: run this test as root")
    ip = needed("ip")

    def do(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([ip, *words], check=True, capture_output=True, text=True, timeout=10)

    name = f"{_NETNS}-{os.getpid()}"
    do("netns", "add", name)
    try:
        do("link", "add", f"kt{os.getpid()}", "type", "veth", "peer", "name", "inside", "netns", name)
        do("addr", "add", "198.18.77.1/30", "dev", f"kt{os.getpid()}")
        do("link", "set", f"kt{os.getpid()}", "up")
        do("-n", name, "addr", "add", "198.18.77.2/30", "dev", "inside")
        do("-n", name, "link", "set", "inside", "up")
        do("-n", name, "link", "set", "lo", "up")
        yield lambda *words: do("netns", "exec", name, *words)
    finally:
        subprocess.run([ip, "netns", "del", name], check=False, timeout=10)


_SERVER = """
import socket, sys
listener = socket.create_server(("198.18.77.2", 47611))
print("ready", flush=True)
server, _ = listener.accept()
server.recv(100)
sys.stdin.read()
"""


def test_port_of_another_network_namespace_is_blind(
    container: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """There is a pending request, of which this namespace shows no socket that listens or was accepted."""
    inside = ["ip", "netns", "exec", f"{_NETNS}-{os.getpid()}"]
    with subprocess.Popen(
        [*inside, needed("python3"), "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        with socket.create_connection(("198.18.77.2", 47611), timeout=5) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            time.sleep(0.1)
            here = count(watched(47_611), PROOF, Mode.BASELINE)
            tempting = count(watched(47_611), PROOF)
            words = arguments(Mode.BASELINE, watched(47_611), PROOF, timedelta())
            there = read_count(container("dash", "-c", program_rounds.program("count.sh"), "count", *words).stdout)
        process.stdin.close()
        process.wait(10)
    assert connection_counts.judge_count(tempting, PROOF).verdict is ProbeVerdict.QUIET, (
        "this is why a baseline is asked for"
    )
    assert connection_counts.blind_reason(here, [47_611]) != ""
    assert there
    assert connection_counts.blind_reason(there, [47_611]) == ""


def test_text_gives_each_machine_its_line() -> None:
    text = program_rounds.text('echo "$# $1 $2"\n', {"i-1": ["a=1", "b"], "i-2": ["a=2", "c"]}, "ME")
    for shell in SHELLS:
        for name, said in (("i-1", "2 a=1 b\n"), ("i-2", "2 a=2 c\n")):
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(
                    [*shell_argv(shell), "-c", text],
                    env={"ME": name, "PATH": folder},
                    capture_output=True,
                    text=True,
                    check=True,
                )
            assert (done.stdout, done.stderr) == (said, "")
        for name in ("", "i-3"):
            lost = subprocess.run(
                [*shell_argv(shell), "-c", text], env={"ME": name}, capture_output=True, text=True, check=False
            )
            assert (lost.returncode, lost.stdout[:12]) == (75, "no line here")


def test_text_is_small_and_without_double_braces() -> None:
    lines = {
        f"i-{n:017d}": arguments(Mode.ONCE, watched(80, 8080, address="10.250.250.250"), PROOF, ONE) for n in range(50)
    }
    text = program_rounds.text(program_rounds.program("count.sh"), lines, "AWS_SSM_INSTANCE_ID")
    assert "{{" not in text
    assert len(text) < 16_000
