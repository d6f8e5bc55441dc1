"""Servers as real processes: starts, restarts, power, ports and cleanup."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from katakei.lab import clock, reaper
from katakei.lab.address import Block, BoundAddress, bound_address, reserve_block
from katakei.lab.servers.fleet import Power, Servers

pytestmark = pytest.mark.lab
ID = "i-0000000000000000a"
OTHER = "i-0000000000000000b"


@pytest.fixture
def block() -> Iterator[Block]:
    block = reserve_block()
    yield block
    block.close()


@pytest.fixture
def servers(tmp_path: Path, block: Block) -> Iterator[Servers]:
    servers = Servers(tmp_path, 80)
    servers.launch(ID, block.address(0, 0), "web-1", "ap-northeast-1a")
    assert servers.listening(ID)
    yield servers
    servers.close()


def release(servers: Servers, port: int = 80) -> str | None:
    return get(servers.bound_address(ID, port))[1]


def get(where: BoundAddress, path: str = "/") -> tuple[int, str | None]:
    connection = HTTPConnection(*where, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers["X-Release"]
    finally:
        connection.close()


def run(servers: Servers, script: str, *, env: dict[str, str] | None = None) -> tuple[int, str]:
    with servers.spawn(ID, ["/bin/sh", "-c", script], env or {}) as process:
        out, err = process.communicate(timeout=20)
        return process.returncode, (out + err).decode()


def open_ports(servers: Servers) -> str:
    return subprocess.run(
        ["ss", "-tlnH", "src", servers.get(ID).address], capture_output=True, text=True, check=True
    ).stdout


def starts(servers: Servers) -> list[str]:
    return (servers.get(ID).folder / "starts.log").read_text().splitlines()


def lives(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def alive(servers: Servers) -> set[int]:
    return reaper.marked(frozenset({f"{reaper.ROOT}={servers.get(ID).folder.parent}"}))


def test_launched_server_serves_on_its_own_address(servers: Servers) -> None:
    server = servers.get(ID)
    assert (server.power, release(servers), server.ports[80]) == (Power.ON, "v1", servers.bound_address(ID, 80).port)
    assert server.address == servers.bound_address(ID, 80).address != "127.0.0.1"


def test_new_release_needs_a_restart(servers: Servers) -> None:
    run(servers, "echo v2 > release")
    before = release(servers)
    assert run(servers, "./bin/restart") == (0, "")
    assert (before, release(servers)) == ("v1", "v2")
    assert [line.split()[2] for line in starts(servers)] == ["v1", "v2"]


def test_restart_works_from_any_shell(servers: Servers) -> None:
    servers.get(ID).folder.joinpath("release").write_text("v2\n")
    assert subprocess.run(["bin/restart"], cwd=servers.get(ID).folder, timeout=20, check=False).returncode == 0
    assert release(servers) == "v2"


def test_simultaneous_restarts_are_both_answered(servers: Servers) -> None:
    code, _ = run(servers, "./bin/restart & ./bin/restart && wait $!")
    assert (code, len(starts(servers))) == (0, 3)


def test_failed_restart_reports_the_reason(servers: Servers) -> None:
    (servers.get(ID).folder / "command").write_text("echo no such database\nexit 1\n")
    code, words = run(servers, "./bin/restart")
    assert code == 1
    assert "app.log" in words
    assert "no such database" in (servers.get(ID).folder / "app.log").read_text()


def test_user_command_replaces_the_sample_application(servers: Servers) -> None:
    own = f'exec {sys.executable} -m http.server --bind "$ADDRESS" "$PORT"\n'
    (servers.get(ID).folder / "command").write_text(own)
    assert run(servers, "./bin/restart") == (0, "")
    assert get(servers.bound_address(ID, 80), "/release") == (200, None)


def test_graceful_restart_finishes_requests_in_flight(servers: Servers) -> None:
    outcomes = []
    for how in ("graceful", "now"):
        connection = HTTPConnection(*servers.bound_address(ID, 80), timeout=5)
        connection.request("GET", "/slow?s=0.7")
        clock.sleep(0.2)
        assert run(servers, f"./bin/restart {how}") == (0, "")
        try:
            outcomes.append(connection.getresponse().status)
        except ConnectionError:
            outcomes.append(0)
        connection.close()
    assert outcomes == [200, 0]


def test_server_environment_excludes_the_labs_secrets(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for servers")
    _, words = run(servers, "env; pwd", env={"KATAKEI_RELEASE": "v2"})
    server = servers.get(ID)
    assert f"KATAKEI_STATE={server.folder}/state\n" in words
    assert f"KATAKEI_BOOT_ID={server.boot_id}\n" in words
    assert f"KATAKEI_LAB_INSTANCE={ID}\n" in words
    assert f"ADDRESS={server.address}\n" in words
    assert "KATAKEI_RELEASE=v2\n" in words
    assert words.endswith(f"{server.folder}\n")
    assert "AWS_" not in words


def test_stop_ends_only_its_own_detached_processes(servers: Servers, block: Block) -> None:
    servers.launch(OTHER, block.address(1, 0), "web-2", "ap-northeast-1c")
    stubborn = "env -i sh -c 'trap \"\" TERM; echo $$ > state/unmarked; while :; do sleep 1; done' & wait"
    servers.get(ID).folder.joinpath("stubborn").write_text(stubborn)
    run(servers, "setsid sleep 300 </dev/null >/dev/null 2>&1 & setsid sh stubborn </dev/null >/dev/null 2>&1 &")
    unmarked = servers.get(ID).folder / "state/unmarked"
    assert clock.wait_for(lambda: unmarked.exists() and unmarked.read_text(), within=2)
    held = servers.spawn(ID, ["sleep", "303"], {})
    servers.stop(ID)
    with held:
        assert held.wait(5) == -signal.SIGTERM
    marks = frozenset({f"KATAKEI_LAB_INSTANCE={ID}", f"{reaper.ROOT}={servers.get(ID).folder.parent}"})
    assert reaper.marked(marks) == set()
    assert not lives(int(unmarked.read_text()))
    assert servers.get(ID).power is Power.OFF
    assert servers.listening(OTHER)


def test_stopped_server_returns_with_files_and_new_boot_id(servers: Servers) -> None:
    run(servers, "echo v7 > release; touch state/kept")
    before = servers.stop(ID)
    with pytest.raises(ConnectionError):
        run(servers, "true")
    after = servers.start(ID)
    assert servers.listening(ID)
    assert (before.boot_id != after.boot_id, release(servers), (after.folder / "state/kept").exists()) == (
        True,
        "v7",
        True,
    )


def test_reboot_during_restart_leaves_one_application(servers: Servers) -> None:
    process = servers.spawn(ID, ["./bin/restart", "graceful"], {})
    servers.reboot(ID)
    with process:
        process.communicate(timeout=20)
    assert servers.listening(ID)
    assert run(servers, "./bin/restart") == (0, "")


def test_crashed_application_stays_dead_until_revived(servers: Servers) -> None:
    servers.crash(ID)
    dead = servers.listening(ID, within=0.5)
    servers.revive(ID)
    assert (dead, servers.listening(ID)) == (False, True)


def test_terminated_server_keeps_its_folder_only(servers: Servers) -> None:
    server = servers.terminate(ID)
    assert (server.power, (server.folder / "starts.log").exists()) == (Power.CLIENT_LEFT, True)
    with pytest.raises(Exception, match="terminated"):
        servers.start(ID)


def test_server_listens_on_added_ports(servers: Servers) -> None:
    (servers.get(ID).folder / "ports").write_text("nonsense 99999\n8081\n")
    assert servers.bound_address(ID, 8081).port == 8081
    assert clock.wait_for(lambda: "8081" in open_ports(servers), within=2)
    assert (release(servers, 8081), len(starts(servers)), servers.get(ID).ports[8081]) == ("v1", 1, 8081)


def test_privileged_port_maps_to_a_free_one(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    bind = socket.socket.bind

    def only_high(self: socket.socket, address: tuple[str, int]) -> None:
        if 0 < address[1] < 1024:
            raise PermissionError
        bind(self, address)

    monkeypatch.setattr(socket.socket, "bind", only_high)
    assert bound_address(block.address(0, 0), 80).port >= 1024


def test_labs_reserve_different_blocks(block: Block) -> None:
    other = reserve_block()
    other.close()
    assert other.number != block.number


def test_close_leaves_no_process(tmp_path: Path, block: Block) -> None:
    servers = Servers(tmp_path, 80)
    servers.launch(ID, block.address(0, 0), "web-1", "ap-northeast-1a")
    run(servers, "setsid sleep 300 </dev/null >/dev/null 2>&1 &")
    assert len(alive(servers)) >= 2
    servers.close()
    assert alive(servers) == set()


def test_killed_lab_leaves_no_process(tmp_path: Path, block: Block) -> None:
    program = f"""
from pathlib import Path
from katakei.lab.servers.fleet import Servers
servers = Servers(Path({str(tmp_path)!r}), 80)
servers.launch({ID!r}, {block.address(0, 0)!r}, "web-1", "a")
servers.listening({ID!r})
servers.spawn({ID!r}, ["setsid", "sleep", "300"], {{}})
print("up", flush=True)
input()
"""
    marks = frozenset({f"{reaper.ROOT}={tmp_path}"})
    lab = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with lab:
        assert lab.stdout
        assert lab.stdout.readline() == b"up\n"
        assert clock.wait_for(lambda: len(reaper.marked(marks)) == 2, within=2)
        os.kill(lab.pid, signal.SIGKILL)
    assert clock.wait_for(lambda: not reaper.marked(marks), within=5)
