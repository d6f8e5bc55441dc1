"""Another user of the machine: what the lab runs and knows is closed to it."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from katakei.lab import reaper
from katakei.lab.process import Lab

pytestmark = pytest.mark.lab

ATTACK = """
import encodings.idna, http.client, json, os, socket, sys, urllib.request, urllib.error  # nothing can be imported later

asked = json.load(sys.stdin)
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
done = []

def attempt(name, act):
    try:
        act()
    except (OSError, http.client.HTTPException):
        return
    done.append(name)

def send(path, body=None, headers={}):
    with urllib.request.urlopen(urllib.request.Request(asked["endpoint"] + path, body, headers), timeout=5) as answer:
        return answer.read()

def admin(path):
    with socket.socket(socket.AF_UNIX) as one:
        os.chdir("/")
        one.connect(path)

def is_envoy(port, address):
    connection = http.client.HTTPConnection(address, port, timeout=5)
    connection.request("GET", "/server_info")
    if b"hot_restart_version" not in connection.getresponse().read():
        raise OSError("something else")

for folder in asked["folders"]:
    attempt(f"listed {folder}", lambda: os.listdir(folder))
for file in asked["files"]:
    attempt(f"read {file}", lambda: open(file, "rb").read())
    attempt(f"wrote {file}", lambda: open(file, "ab").close())
attempt("opened Envoy's admin socket", lambda: admin(asked["socket"]))
for address, port in asked["ports"]:
    attempt(f"found Envoy's admin API on {address}:{port}", lambda: is_envoy(port, address))
for pid in asked["pids"]:
    attempt(f"read the environment of {pid}", lambda: open(f"/proc/{pid}/environ", "rb").read())
    attempt(f"read the memory of {pid}", lambda: open(f"/proc/{pid}/mem", "rb").read(1))
    line = open(f"/proc/{pid}/cmdline", "rb").read().decode()
    if any(secret in line for secret in asked["secrets"]):
        done.append(f"read a secret on the command line of {pid}")
attempt("read the targets", lambda: send("/_lab/targets"))
signature = "Credential=lab/20261128/ap-northeast-1/ssm/aws4_request, SignedHeaders=host, Signature=" + "0" * 64
command = {
    "InstanceIds": [asked["target"]],
    "DocumentName": "AWS-RunShellScript",
    "Parameters": {"commands": ["touch pwned"]},
}
attempt("sent a command", lambda: send("/", json.dumps(command).encode(), {
    "Authorization": "AWS4-HMAC-SHA256 " + signature,
    "X-Amz-Target": "AmazonSSM.SendCommand",
    "Content-Type": "application/x-amz-json-1.1",
}))
attempt("set faults", lambda: send("/_lab/faults", b'{"throttle": 1}', {"X-Katakei-Lab-Key": "lab"}))
print(json.dumps({"user": os.getuid(), "done": done}))
"""


def listening(pids: set[int]) -> Iterator[tuple[str, int]]:
    """Yields the TCP ports on which these processes listen."""
    held = set()
    for pid in pids:
        held |= {str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir() if one.is_symlink()}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in held:
            address, port = fields[1].split(":")
            yield socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_reads_and_commands_nothing(lab: Lab) -> None:
    target = lab.targets[0]
    root = Path(target.folder).parents[1]
    pids = {lab.pid, *reaper.marked(frozenset({f"{reaper.ROOT}={root / 'envoy'}"}))}
    pids |= reaper.marked(frozenset({f"{reaper.ROOT}={root / 'servers'}"}))
    asked: dict[str, Any] = {
        "endpoint": lab.endpoint,
        "target": target.id,
        "folders": [str(root), str(root / "envoy"), target.folder],
        "files": [f"{target.folder}/{name}" for name in ("release", "requests.log", "state")] + [str(root / "alive")],
        "socket": str(root / "envoy" / "admin.sock"),
        "ports": sorted(listening(pids)),
        "pids": sorted(pids),
        "secrets": [lab.env["AWS_SECRET_ACCESS_KEY"], lab.env["AWS_ACCESS_KEY_ID"]],
    }
    assert len(asked["ports"]) >= 4  # the endpoint, Envoy's listener and two servers
    done = subprocess.run(
        [sys.executable, "-c", ATTACK], input=json.dumps(asked), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"user": 65534, "done": []}
    assert lab.faults()["throttle"] == 0
    assert not (Path(target.folder) / "pwned").exists()
