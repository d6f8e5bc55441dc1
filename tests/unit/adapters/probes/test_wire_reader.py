"""The reader as it travels, on real sockets: begun, asked, found again, stalled, killed and ended."""

import ast
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.adapters.probes.world import Wire, needed

from katakei.adapters.probes.reader_program import CLIENT, READER, ask_program, joined, start_program
from katakei.adapters.probes.requests import Answer, read_answer


def older_pythons() -> list[str]:
    """The oldest Pythons that are here. The names that pyenv puts on the PATH need not run anything."""
    root = os.environ.get("PYENV_ROOT")
    found = []
    for name in ("python3.6", "python3.7", "python3.8"):
        installed = sorted(Path(root).glob(f"versions/*/bin/{name}")) if root else [shutil.which(name)]
        found += [str(path) for path in installed if path][:1]
    return found


PYTHONS = older_pythons()


class Readers:
    """The reader of one key on this machine."""

    def __init__(self, state: Path, port: int, address: str = "127.0.0.1") -> None:
        self.state, self.port, self.address = state, port, address
        self.prefix: list[str] = []
        self.path = os.environ["PATH"]

    @property
    def folder(self) -> Path:
        return self.state / "r-1" / "requests"

    def run(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": self.path, "KATAKEI_STATE": str(self.state)}
        argv = [*self.prefix, needed("dash"), "-c", program, "reader", "key=r-1", *words]
        return subprocess.run(argv, capture_output=True, text=True, env=env, timeout=60, check=False)

    def start(self, *words: str) -> Answer:
        done = self.run(start_program(), "mode=start", f"ports={self.port}", f"addresses={self.address}", *words)
        assert (done.returncode, done.stderr) == (0, "")
        answer = read_answer(done.stdout)
        assert answer is not None, done.stdout
        return answer

    def look(self, seconds: float = 0, times: int = 1, idle: int = 65_000) -> Answer:
        words = ("mode=look", f"seconds={seconds}", f"times={times}", f"idle={idle}")
        answer = read_answer(self.run(ask_program(), *words).stdout)
        assert answer is not None
        return answer

    def verdict(self, **more: int) -> str:
        return str(self.look(**more).words.get("verdict", "none"))

    def last(self) -> int:
        return self.run(ask_program(), "mode=last", "seconds=0").returncode

    def end(self, *words: str) -> None:
        self.run(ask_program(), "mode=end", *words)

    @property
    def pid(self) -> int:
        return int((self.folder / "pid").read_text().split()[0])


@pytest.fixture
def readers(wire: Wire, tmp_path: Path) -> Iterator[Readers]:
    made = Readers(tmp_path, wire.port)
    yield made
    made.end("forbid=1")


def another(wire: Wire) -> Wire:
    """A new connection, whose beginning the reader sees."""
    client = socket.create_connection(wire.listener.getsockname(), timeout=10)
    server, _ = wire.listener.accept()
    wire.more += [client.close, server.close]
    return Wire(wire.listener, client, server, wire.port)


def test_a_reader_knows_what_it_saw_and_nothing_else(wire: Wire, readers: Readers) -> None:
    readers.start()
    assert readers.verdict() == "busy"  # the connection of the fixture is older than the reader
    assert readers.look().words["unknown"] == "1"
    assert readers.verdict(idle=0) == "quiet"
    wire.ask()
    assert (readers.verdict(), readers.last()) == ("busy", 75)
    wire.answer()
    assert (readers.verdict(), readers.last()) == ("quiet", 0)
    young = another(wire)
    assert readers.verdict() == "quiet"
    young.ask()
    assert readers.look().words["requests"] == "1"
    young.answer()
    assert readers.look(seconds=5, times=3).words["verdict"] == "quiet"


def test_a_request_during_the_question_begins_the_count_anew(wire: Wire, readers: Readers) -> None:
    readers.start()
    wire.ask()
    wire.answer()
    began = time.monotonic()
    assert readers.verdict(seconds=10, times=3) == "quiet"
    assert 2 <= time.monotonic() - began < 9
    wire.ask()
    assert readers.verdict(seconds=1, times=3) == "busy"


def test_another_start_finds_the_reader_by_its_key(readers: Readers) -> None:
    first, second = readers.start(), readers.start()
    assert first.words["pid"] == second.words["pid"] == str(readers.pid)


def test_two_starts_at_once_begin_one_reader(readers: Readers) -> None:
    words = ["mode=start", "key=r-1", f"ports={readers.port}", "addresses=127.0.0.1"]
    env = {"PATH": readers.path, "KATAKEI_STATE": str(readers.state)}
    both = [
        subprocess.Popen([needed("dash"), "-c", start_program(), "reader", *words], stdout=subprocess.PIPE, env=env)
        for _ in range(3)
    ]
    said = {read_answer(each.communicate(timeout=60)[0].decode()).words["pid"] for each in both}  # type: ignore[union-attr]  # both answer
    assert said == {str(readers.pid)}


def test_a_killed_reader_gives_no_verdict(wire: Wire, readers: Readers) -> None:
    readers.start()
    wire.ask()
    wire.answer()
    os.kill(readers.pid, signal.SIGKILL)
    assert readers.look().why == "it has died"
    assert readers.last() == 76
    readers.start()
    assert readers.look().words["unknown"] == "1"  # a new one knows no boundary


def test_a_stalled_reader_gives_no_verdict_and_is_ended(wire: Wire, readers: Readers) -> None:
    readers.start()
    wire.ask()
    wire.answer()
    pid = readers.pid
    os.kill(pid, signal.SIGSTOP)
    assert readers.look().why == "it does not answer"
    assert readers.last() == 76
    readers.end()
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return
        time.sleep(0.1)
    raise AssertionError("it still runs")


def test_a_reader_that_was_stalled_reads_what_it_missed(wire: Wire, readers: Readers) -> None:
    readers.start()
    wire.ask()
    wire.answer()
    os.kill(readers.pid, signal.SIGSTOP)
    wire.ask()
    os.kill(readers.pid, signal.SIGCONT)
    assert readers.verdict() == "busy"
    wire.answer()
    assert readers.verdict() == "quiet"


def test_nobody_asks_and_the_reader_ends(readers: Readers) -> None:
    readers.start("lifetime=0.5")
    for _ in range(100):
        if readers.look().why == "none runs there":
            break
        time.sleep(0.7)
    assert list(readers.folder.iterdir()) == [readers.folder / "lock"]


def test_end_leaves_no_process_and_may_forbid_another(readers: Readers) -> None:
    readers.start()
    readers.end()
    assert readers.look().why == "none runs there"
    readers.start()
    readers.end("forbid=1")
    assert readers.start().why == "its rollout has ended"
    assert sorted(path.name for path in readers.folder.iterdir()) == ["forbidden", "lock"]


def test_only_root_may_open_the_socket(readers: Readers) -> None:
    readers.start()
    assert (readers.folder / "socket").stat().st_mode & 0o777 == 0o600
    assert readers.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", ["start", "check"])
def test_a_machine_that_cannot_says_why(wire: Wire, tmp_path: Path, mode: str) -> None:
    def why(readers: Readers) -> str:
        words = (f"mode={mode}", f"ports={readers.port}", f"addresses={readers.address}")
        answer = read_answer(readers.run(start_program(), *words).stdout)
        assert answer is not None
        return answer.why

    assert why(Readers(tmp_path, wire.port, "203.0.113.9")) == "no interface here has the address 203.0.113.9"
    weak = Readers(tmp_path, wire.port)
    weak.prefix = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"]
    assert why(weak) == "it needs root (CAP_NET_RAW) to read the packets of the port"
    bare = Readers(tmp_path, wire.port)
    bare.path = str(tmp_path)
    shell = start_program().replace("/usr/bin/python3", "").replace("/usr/libexec/platform-python", "")
    bare_answer = read_answer(bare.run(shell, f"mode={mode}").stdout)
    assert bare_answer is not None
    assert bare_answer.why == "it has no python3 of version 3.6 or later"


def test_check_leaves_nothing_behind(wire: Wire, tmp_path: Path) -> None:
    readers = Readers(tmp_path, wire.port)
    done = readers.run(start_program(), "mode=check", f"ports={wire.port}", "addresses=127.0.0.1")
    assert "\nable\n" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_reader_of_another_network_gives_no_verdict(readers: Readers) -> None:
    readers.start()
    readers.prefix = ["unshare", "--net"]
    assert readers.look().why == "it does not answer as a reader of this network does"
    assert readers.last() == 76


def test_ipv6_on_loopback_is_followed(tmp_path: Path) -> None:
    wire = Wire.open(socket.AF_INET6, "::1")
    readers = Readers(tmp_path, wire.port, "::1")
    try:
        readers.start()
        wire.ask()
        assert readers.look().words["unknown"] == "1"
        wire.answer()
        assert readers.verdict() == "quiet"
    finally:
        readers.end("forbid=1")
        wire.close()


@pytest.mark.parametrize("modules", [READER, CLIENT])
def test_program_is_written_for_python_3_6(modules: tuple[str, ...]) -> None:
    tree = ast.parse(joined(modules), feature_version=(3, 6))
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    names += [
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for each in node.targets
        for target in ast.walk(each)
        if isinstance(target, ast.Name)
    ]
    assert len(names) == len(set(names)), "two modules of one program use the same name"


@pytest.mark.parametrize("python", PYTHONS)
def test_older_pythons_run_the_reader(wire: Wire, tmp_path: Path, python: str) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(python)
    readers = Readers(tmp_path / "state", wire.port)
    readers.path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    try:
        readers.start()
        assert Path(f"/proc/{readers.pid}/exe").resolve() == Path(python).resolve()
        wire.ask()
        wire.answer()
        assert readers.verdict() == "quiet"
    finally:
        readers.end("forbid=1")
