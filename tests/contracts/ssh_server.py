"""A machine behind a real OpenSSH server on loopback, with keys, host keys and a state folder of its own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.contracts.machine import Machine

from katakei.adapters.executors.ssh import SshClient
from katakei.adapters.executors.ssh.hosts import Hosts
from katakei.adapters.system.clock import SystemClock
from katakei.domain.spec import SshAccess

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin") or ""
USER = pwd.getpwuid(os.getuid()).pw_name
BOUND = 20.0


def keygen(file: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True, timeout=BOUND)


@dataclass
class SshServer:
    """One sshd. It runs as this user, who is the only one that can log in.

    Attributes:
        machine: What a session finds: its state folder, its boot id, its name.
        settings: Lines that come before the others in sshd_config.
        home: Where a session begins; by default the folder of the machine.
    """

    machine: Machine
    port: int = 0
    settings: list[str] = field(default_factory=list)
    process: "subprocess.Popen[bytes] | None" = None
    home: Path | None = None

    @property
    def folder(self) -> Path:
        return self.machine.folder

    @property
    def log(self) -> str:
        return (self.folder / "sshd.log").read_text()

    def begin(self) -> None:
        """Starts the server, and waits until it listens."""
        for name in ("host_key", "user_key"):
            if not (self.folder / name).exists():
                keygen(self.folder / name)
        shutil.copy(self.folder / "user_key.pub", self.folder / "authorized_keys")
        self.port = self.port or _free_port()
        config = self.folder / "sshd_config"
        config.write_text("\n".join([*self.settings, *self._lines(), ""]))
        log = (self.folder / "sshd.log").open("ab")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        deadline = time.monotonic() + BOUND
        while not _listens(self.port):
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.01)

    def _lines(self) -> list[str]:
        machine = self.machine
        values = {
            "KATAKEI_STATE": machine.state,
            "KATAKEI_BOOT_ID": machine.boot,
            "KATAKEI_MACHINE_ID": machine.name,
            **machine.env,
        }
        return [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.folder}/host_key",
            f"AuthorizedKeysFile {self.folder}/authorized_keys",
            f"PidFile {self.folder}/sshd.pid",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin yes",
            "MaxStartups 100",
            "SetEnv " + " ".join(f"{name}={value}" for name, value in values.items()),
            f'ForceCommand cd {self.home or self.folder} && exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"',
        ]

    def end(self) -> None:
        """Ends the server, then the connections that it served."""
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait(BOUND)
        self.process = None

    def children(self) -> list[int]:
        """The processes of the server that serve a connection."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if self.process and int(fields[1]) == self.process.pid:
                    found.append(int(entry.name))
        return found

    def cut(self) -> None:
        """Cuts every connection, as a broken network does for the server."""
        for pid in self.children():
            for each in [*_offspring(pid), pid]:
                if "sshd" in _name(each):
                    os.kill(each, signal.SIGKILL)

    def restart(self) -> None:
        """The machine was started anew: nothing runs on it any more, and it has another boot id."""
        self.cut()
        self.end()
        self.machine.end()
        self.machine.boot += "-again"
        self.begin()

    def known_hosts(self, file: Path, key: Path | None = None) -> Path:
        """Adds the host key to a file of known hosts."""
        kind, text = (key or self.folder / "host_key.pub").read_text().split()[:2]
        with file.open("a") as known:
            known.write(f"[127.0.0.1]:{self.port} {kind} {text}\n")
        return file


def config_file(folder: Path, servers: dict[str, SshServer], known: Path) -> Path:
    """A file of ssh_config that names each server by its target's id, as a user's file does."""
    file = folder / "ssh_config"
    hosts = (
        f"Host {name}\n  HostName 127.0.0.1\n  Port {server.port}\n"
        f"  User {USER}\n  IdentityFile {server.folder}/user_key\n"
        for name, server in servers.items()
    )
    file.write_text(
        "".join(hosts) + f"Host *\n  IdentitiesOnly yes\n  UserKnownHostsFile {known}\n  IdentityAgent none\n"
    )
    return file


def client(access: SshAccess) -> SshClient:
    return SshClient(access, Hosts(access), SystemClock(), os.environ)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""


def _offspring(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found += [int(entry.name), *_offspring(int(entry.name))]
    return found
