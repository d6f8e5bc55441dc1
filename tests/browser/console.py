"""The console in a real browser, for tests: a lab, a server with services, and pages of the system's Chromium."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, ViewportSize, expect

from katakei.lab.process import Lab

GROUP = "LaravelTargetGroup"
REGION = "ap-northeast-1"
GROUP_PATH = f"/groups/{REGION}/{GROUP}"
START_LIMIT = 60
END_LIMIT = 20
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server")
PHONE: ViewportSize = {"width": 375, "height": 812}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}

PICTURES = os.environ.get("KATAKEI_SCREENSHOTS", "")
"""The folder into which the pictures of docs/console.md are written; '' writes none."""
SOON, LATER = 30_000, 90_000
"""Milliseconds: bounds of waits, generous for a busy machine."""
ALLOWED = {"JSHeapUsedSize": 2_000_000, "Nodes": 300, "JSEventListeners": 50}
"""How much more than a new page of the same rollout an old page may hold: bytes of the heap, nodes, listeners."""

SERVICE = """service: {name}
balancer: {{alb: {{target_groups: [{group}]}}}}
work: {{ssm: {{run: "{run}"}}}}
revert: {{ssm: {{run: "echo back"}}}}
drain: {{settle: 3s}}
check: none
warm: {{soak: {soak}s}}
"""
SERVING = re.compile(r"serving on (http://\S+)")
LINK = re.compile(r"(http://\S+/sign-in\?link=\S+)")


@dataclass
class Served:
    """A running server.

    Attributes:
        url: Its address.
        link: The one-time link of its first start; '' with --dev.
        pid: Its process.
        services: The folder of its services.
        lines: What it printed.
    """

    url: str
    link: str
    pid: int
    services: Path
    lines: list[str] = field(default_factory=list)


def service(folder: Path, name: str, *, run: str = "echo deployed", soak: int = 1) -> Path:
    """A stored service of the lab's group. Returns its file."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.yml"
    file.write_text(SERVICE.format(name=name, group=GROUP, run=run, soak=soak), encoding="utf-8")
    return file


@contextmanager
def served(lab: Lab, folder: Path, *words: str, port: int = 0) -> Iterator[Served]:
    """`katakei serve` in a process of its own, with the services of this folder, until the end of the block."""
    command = [
        sys.executable,
        "-m",
        "katakei.cli",
        "serve",
        "--port",
        str(port),
        "--services",
        str(folder / "services"),
    ]
    command += ["--journal", str(folder / "journal.db"), *words]
    env = {**os.environ, **lab.env, "XDG_STATE_HOME": str(folder / "state")}
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        lines: list[str] = []
        ready = threading.Event()
        reader = threading.Thread(
            target=_read,
            args=(process, lines, ready),
            kwargs={"linked": not {"--dev", "--access"} & set(words)},
            daemon=True,
        )
        reader.start()
        try:
            assert ready.wait(START_LIMIT), f"the server did not start: {lines}"
            text = "\n".join(lines)
            link, url = LINK.search(text), SERVING.search(text)
            assert url, text
            yield Served(url[1], link[1] if link else "", process.pid, folder / "services", lines)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(END_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()


def _read(process: "subprocess.Popen[str]", lines: list[str], ready: threading.Event, *, linked: bool) -> None:
    assert process.stderr
    for line in process.stderr:
        lines.append(line)
        if LINK.search(line) or (SERVING.search(line) and not linked):
            ready.set()


def chromium() -> str:
    """The system's Chromium."""
    browser = shutil.which("chromium")
    assert browser, "the tests need chromium: make packages installs it"
    return browser


@contextmanager
def opened(
    browser: Browser,
    base: str,
    *,
    theme: str = "light",
    language: str = "en-US",
    phone: bool = False,
    scripts: bool = True,
) -> Iterator[Page]:
    """A page of a browser that nobody used before. Errors of its scripts and of its policy fail the test."""
    context: BrowserContext = browser.new_context(
        base_url=base,
        color_scheme="dark" if theme == "dark" else "light",
        locale=language,
        timezone_id="Asia/Tokyo",
        viewport=PHONE if phone else DESKTOP,
        java_script_enabled=scripts,
    )
    context.set_default_timeout(30_000)
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console",
        lambda message: troubles.append(message.text) if "Content Security Policy" in message.text else None,
    )
    try:
        yield page
        assert troubles == []
    finally:
        context.close()


def signed_in(page: Page, link: str) -> None:
    """Signs in by the one-time link."""
    page.goto(link)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Target groups")).to_be_visible()


def picture(page: Page, name: str) -> None:
    """Writes a picture of the whole page, where somebody wants pictures."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def start(page: Page, release: str, name: str = "shop") -> None:
    """Starts a rollout of a service on its page."""
    page.goto(f"/new?service={name}")
    page.get_by_label("Release").fill(release)
    page.get_by_role("button", name="Show the plan").click()
    expect(page.get_by_role("heading", name="2. Plan")).to_be_visible()
    picture(page, "new")
    page.get_by_role("button", name="Start the rollout").click()
    expect(page.get_by_role("heading", name=f"{name} → {release}")).to_be_visible(timeout=SOON)


def confirm(page: Page, verb: str) -> None:
    """Chooses a verb that asks first, and confirms it."""
    page.get_by_role("button", name=verb, exact=True).click(timeout=SOON)
    page.locator("dialog[open]").get_by_role("button", name=verb, exact=True).click()


def cookies(page: Page, server: Served) -> list[SetCookieParam]:
    """The session of this page, for another browser."""
    found = (each for each in page.context.cookies() if "session" in each["name"])
    return [{"name": each["name"], "value": each["value"], "url": server.url} for each in found]


def measured(page: Page, tools: CDPSession) -> Mapping[str, float]:
    """What the page holds after a garbage collection."""
    for _ in range(2):
        tools.send("HeapProfiler.collectGarbage")
    found = tools.send("Performance.getMetrics")["metrics"]
    assert page.url
    return {each["name"]: each["value"] for each in found if each["name"] in ALLOWED}


def grown(old: Mapping[str, float], new: Mapping[str, float]) -> list[str]:
    """Returns what an old page holds too much of, compared with a new page of the same rollout."""
    return [name for name, most in ALLOWED.items() if old[name] - new[name] >= most]
