"""The hour of the console: one page of a real browser shows one rollout that lasts as long as the soak.

The page may not grow: at the end it is compared with a new page of the same rollout.
"""

import sys
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from tests.browser.console import FLAGS, chromium, grown, measured, opened, served, service, start

from katakei.lab import clock
from katakei.lab.options import LabOptions
from katakei.lab.process import Lab

TARGETS = 12
BESIDE_SOAK = 20
"""About how many seconds a target takes beside its soak."""
LATE = 600
"""Seconds by which the rollout may end later than asked for, on a slow machine."""
EVERY = 60
"""Seconds between two figures, and between two questions whether the rollout is over."""


@dataclass(slots=True)
class ConsoleResult:
    """What the page held at the end, in words, and what was wrong."""

    figures: str = ""
    faults: list[str] = field(default_factory=list)


def watch(minutes: float) -> ConsoleResult:
    """Shows one rollout of about `minutes` in one page. Browser, server and lab have ended when this returns."""
    options = LabOptions(TARGETS, delay=timedelta(seconds=20), interval=timedelta(seconds=2))
    with tempfile.TemporaryDirectory(prefix="katakei-console-") as name, Lab(options) as lab:
        folder = Path(name)
        soak = max(1, round(60 * minutes / TARGETS) - BESIDE_SOAK)
        service(folder / "services", "shop", soak=soak)
        with (
            served(lab, folder, "--dev") as server,
            sync_playwright() as playwright,
            playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS)) as browser,
            opened(browser, server.url) as page,
        ):
            return _watched(page, clock.monotonic() + 60 * minutes + LATE)


def _watched(page: Page, until: float) -> ConsoleResult:
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable")
    swaps = _count_refreshes(page)
    start(page, "v2")
    result = ConsoleResult()
    while not page.locator("[data-finished]").count():
        if clock.monotonic() > until:
            result.faults.append("the page never showed the end of the rollout")
            return result
        page.wait_for_timeout(1000 * EVERY)
        held = measured(page, tools)
        sys.stdout.write(f"console: {held['JSHeapUsedSize'] / 1e6:.1f} MB of heap, {held['Nodes']:.0f} nodes\n")
        sys.stdout.flush()
    refreshes = page.evaluate(swaps)
    old = measured(page, tools)
    page.reload()
    page.locator("[data-finished]").wait_for()
    new = measured(page, tools)
    result.figures = (
        f"{refreshes} refreshes: {old['JSHeapUsedSize'] / 1e6:.1f} MB of heap, {old['Nodes']:.0f} nodes,"
        f" {old['JSEventListeners']:.0f} listeners; a new page: {new['JSHeapUsedSize'] / 1e6:.1f} MB,"
        f" {new['Nodes']:.0f}, {new['JSEventListeners']:.0f}"
    )
    result.faults += [f"the page of the console grew in {name}: {result.figures}" for name in grown(old, new)]
    outcome = page.locator("[data-finished]")
    if not refreshes or "good" not in str(outcome.get_attribute("class")):
        result.faults.append(
            f"the rollout in the page of the console, after {refreshes} refreshes: {outcome.inner_text()}"
        )
    return result


def _count_refreshes(page: Page) -> str:
    """Makes every further page count how often htmx puts something new into it. Returns the expression to read it."""
    page.add_init_script("""
        window.katakeiRefreshes = 0;
        document.addEventListener("htmx:after:swap", () => { window.katakeiRefreshes += 1; });
    """)
    return "window.katakeiRefreshes"
