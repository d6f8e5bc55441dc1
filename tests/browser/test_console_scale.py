"""The console with much to show: 1,000 targets in a group, and an hour of events of one rollout in one page."""

import os
from pathlib import Path

from playwright.sync_api import Browser, Page, Request, expect
from tests.browser.console import SOON, grown, measured, opened
from tests.web.stage import API, REGION, serving

from katakei.domain.model import RolloutId
from katakei.web.settings import WebSettings

TARGETS = 1000
SHOP = """service: shop
balancer: {alb: {target_groups: [web]}}
work: {ssm: {run: "./deploy"}}
window: {max_unavailable: 10%}
"""
QUIET = WebSettings(address_rate=1e6, address_burst=10**6)
FIRST_PAGE_BYTES = 120_000
REFRESHES = int(os.environ.get("KATAKEI_REFRESHES", "60"))
"""A page refreshes at most once a second: 3,600 are the hour of a rollout that changes all the time."""
TURNS_EACH = 6
REFRESH = """() => new Promise((done) => {
  document.addEventListener("htmx:after:swap", () => done(), { once: true });
  document.body.dispatchEvent(new CustomEvent("katakei:changed"));
})"""


def test_group_of_1000_targets_is_shown_in_pages(browser: Browser, tmp_path: Path) -> None:
    with (
        serving(tmp_path, QUIET, dev=True, targets=TARGETS) as web,
        opened(browser, f"http://127.0.0.1:{web.port}") as page,
    ):
        sizes: list[int] = []

        def finished(request: Request) -> None:
            if not request.url.endswith("/part") and "/part?" not in request.url:  # the first page, no refresh of it
                sizes.append(request.sizes()["responseBodySize"])

        page.on("requestfinished", finished)
        page.goto(f"/groups/{REGION}/web")
        rows = page.locator("tbody tr")
        expect(rows).to_have_count(50, timeout=SOON)
        first = page.evaluate("performance.getEntriesByType('paint').find(e => e.name === 'first-contentful-paint')")
        ready = page.evaluate("performance.getEntriesByName('katakei:ready')[0].startTime")
        first_page = sum(sizes)
        assert first_page < FIRST_PAGE_BYTES
        page.mouse.move(600, 500)
        page.mouse.wheel(0, 100_000)
        expect(rows.last).to_be_in_viewport(timeout=SOON)
        page.get_by_role("link", name="Next").click()
        expect(page.get_by_text("Page 2 of 20")).to_be_visible()
        page.get_by_role("searchbox").fill(rows.last.locator("th .mono").inner_text())
        page.get_by_role("button", name="Find").click()
        expect(rows).to_have_count(1, timeout=SOON)
        print(  # noqa: T201 - the figures
            f"1,000 targets: {first_page} bytes, first row after {first and first['startTime']:.0f} ms,"
            f" interactive after {ready:.0f} ms"
        )


def test_page_keeps_its_size_through_an_hour_of_events(browser: Browser, tmp_path: Path) -> None:
    """An hour of a large rollout, replayed fast: the page refreshes as fast as it can, and its memory stays bounded."""
    with (
        serving(tmp_path, QUIET, dev=True, targets=30, services={"shop.yml": SHOP}) as web,
        opened(browser, f"http://127.0.0.1:{web.port}") as page,
    ):
        tools = page.context.new_cdp_session(page)
        tools.send("Performance.enable")
        rollout = web.ask("POST", f"{API}/services/shop/rollouts", {"release": "v2"}).json["rollout"]
        turns = web.dispatch.sessions[RolloutId(rollout)].turns()
        page.goto(f"/rollouts/{rollout}")
        for _ in range(REFRESHES):
            for _ in range(TURNS_EACH):
                next(turns, None)
            page.evaluate(REFRESH)
        for _ in turns:
            pass
        expect(page.locator("[data-finished]")).to_be_attached(timeout=SOON)
        finished_page_asks_for_no_stream(page)
        old = measured(page, tools)
        page.reload()
        expect(page.locator("[data-finished]")).to_be_attached(timeout=SOON)
        new = measured(page, tools)
        events = len(web.source.journal.read(RolloutId(rollout), 0))
        print(  # noqa: T201 - the figures
            f"{events} events in {REFRESHES} refreshes: {old['JSHeapUsedSize'] / 1e6:.1f} MB of heap,"
            f" {old['Nodes']:.0f} nodes, {old['JSEventListeners']:.0f} listeners; a new page:"
            f" {new['JSHeapUsedSize'] / 1e6:.1f} MB, {new['Nodes']:.0f}, {new['JSEventListeners']:.0f}"
        )
        assert grown(old, new) == []
        assert page.locator(".log li").count() <= 200
        finished_page_asks_for_no_stream(page)


def finished_page_asks_for_no_stream(page: Page) -> None:
    """A page of a finished rollout does not connect again and again."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/events" in request.url else None)
    for _ in range(5):
        page.evaluate(REFRESH)
    assert asked == []
