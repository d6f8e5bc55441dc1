"""The console by mouse and keyboard in a real browser, on the lab under load: no request fails."""

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Browser, Page, Route, expect
from tests.browser.console import (
    GROUP,
    GROUP_PATH,
    LATER,
    PHONE,
    SOON,
    Served,
    confirm,
    cookies,
    opened,
    picture,
    start,
)

from katakei.lab import clock
from katakei.lab.process import Lab
from katakei.lab.traffic import Traffic

pytestmark = pytest.mark.lab

REFRESH = """() => new Promise((done) => {
  document.addEventListener("htmx:after:swap", () => done(), { once: true });
  document.body.dispatchEvent(new CustomEvent("katakei:changed"));
})"""

FIRST_PAGE_BYTES = 120_000
SERIOUS = frozenset({"serious", "critical"})


def test_one_target_leaves_and_returns_by_mouse_without_a_lost_request(page: Page, lab: Lab) -> None:
    traffic = Traffic(lab.url, 30, slow_seconds=2, longest=timedelta(minutes=5))
    traffic.start()
    try:
        page.goto("/")
        page.get_by_role("link", name=GROUP).click()
        row = page.locator("tbody tr", has_text="web-1")
        expect(row).to_contain_text("healthy")
        target = row.locator("th .mono").inner_text()
        expect(page.get_by_role("button", name="Deregister", exact=True)).to_be_disabled()
        row.get_by_role("checkbox").check()
        page.get_by_role("button", name="Deregister", exact=True).click()
        expect(page.locator(".floors")).to_contain_text("3 → 2")
        expect(page.locator(".floors")).to_contain_text("the floor is 2")
        picture(page, "deregister")
        page.get_by_role("button", name="Deregister", exact=True).click()
        expect(page.locator("#message")).to_contain_text("Deregistration has begun", timeout=SOON)
        gone = page.locator(f"tr[id^='t-{target}-']")
        expect(gone).to_contain_text(re.compile("draining|not registered"), timeout=SOON)
        picture(page, "group")
        expect(gone).to_contain_text("drained: safe to work", timeout=LATER)

        page.get_by_role("checkbox", name="Tick all").check()
        page.get_by_role("button", name="Deregister", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("floor")
        expect(page.get_by_role("button", name="Deregister", exact=True)).to_have_count(0)

        page.goto(GROUP_PATH)
        page.get_by_role("link", name="Register targets").click()
        page.get_by_role("checkbox", name="Tick web-1").check()
        page.get_by_role("button", name="Include as pending below").click()
        expect(page.get_by_role("heading", name="Review targets (1)")).to_be_focused()
        picture(page, "register")
        page.get_by_role("button", name="Register pending targets").click()
        expect(page.locator("#message")).to_contain_text("Registration has begun", timeout=SOON)
        back = page.locator(f"tr[id^='t-{target}-']")
        expect(back).to_contain_text("initial", timeout=SOON)
        expect(back).to_contain_text("healthy", timeout=LATER)
        expect(page.locator(".says")).to_have_count(0, timeout=LATER)
    finally:
        figures = traffic.stop()
    assert (figures.failed, figures.first_failures) == (0, ())
    assert figures.requests > 100


def test_rollout_is_commanded_by_clicks_without_a_lost_request(page: Page, lab: Lab) -> None:
    traffic = Traffic(lab.url, 30, slow_seconds=2, longest=timedelta(minutes=6))
    traffic.start()
    try:
        start(page, "v2")
        says = page.locator(".says")
        page.get_by_role("button", name="Pause", exact=True).click()
        expect(page.locator("#message")).to_contain_text("is paused", timeout=SOON)
        expect(says).to_contain_text("paused", timeout=SOON)
        page.get_by_role("button", name="Resume", exact=True).click()
        expect(page.locator("#message")).to_contain_text("goes on", timeout=SOON)
        expect(page.locator(".gantt rect.working_bar").first).to_be_attached(timeout=LATER)
        page.get_by_role("button", name="Promote", exact=True).click(timeout=LATER)
        expect(page.locator("#message")).to_contain_text(re.compile("[Pp]romoted"), timeout=SOON)
        picture(page, "rollout")
        confirm(page, "Abort")
        expect(says).to_contain_text("ABORTED", timeout=LATER)
        confirm(page, "Revert")
        expect(says).to_contain_text("REVERTED", timeout=LATER)
    finally:
        figures = traffic.stop()
    assert (figures.failed, figures.first_failures) == (0, ())


PAGES = ("/", "/new", "/services", "/history", "/audit", "/settings", GROUP_PATH, f"{GROUP_PATH}/register")
NAMES = dict(
    zip(PAGES, ("groups", "new", "services", "history", "audit", "settings", "group", "register"), strict=True)
)


@pytest.mark.parametrize("language", ["en-US", "ja-JP"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_accessible_and_fits_a_phone(
    browser: Browser, server: Served, page: Page, language: str, theme: str
) -> None:
    rollouts = page.locator("a[href^='/rollouts/']")
    page.goto("/history")
    addresses = [*PAGES, rollouts.first.get_attribute("href") or ""]
    assert addresses[-1].startswith("/rollouts/r-")
    with opened(browser, server.url, theme=theme, language=language) as other:
        other.context.add_cookies(cookies(page, server))
        for address in addresses:
            other.goto(address)
            expect(other.locator("h1").first).to_be_visible()
            found = Axe().run(other).response["violations"]
            serious = [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in SERIOUS]
            assert serious == [], address
            if theme == "light" or address == addresses[-1]:
                picture(other, f"{NAMES.get(address, 'rollout')}-{language[:2]}-{theme}")
    with opened(browser, server.url, theme=theme, language=language, phone=True) as phone:
        phone.context.add_cookies(cookies(page, server))
        for address in addresses:
            phone.goto(address)
            expect(phone.locator("h1").first).to_be_visible()
            assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address


def test_viewer_is_refused_where_the_button_stands(browser: Browser, server: Served, page: Page) -> None:
    """The page of a viewer has no button to abort. A request that is sent all the same is refused, and shown."""
    page.goto("/history")
    rollout = page.locator("a[href^='/rollouts/']").first.get_attribute("href") or ""
    page.goto("/settings")
    form = page.locator("form", has=page.get_by_role("button", name="Issue"))
    form.get_by_label("Name").fill("vera")
    form.get_by_label("Role").select_option("viewer")
    form.get_by_role("button", name="Issue").click()
    secret = page.locator("#secret").inner_text()
    with opened(browser, server.url) as viewer:
        viewer.goto("/sign-in")
        viewer.get_by_label("Token").fill(secret)
        viewer.get_by_role("button", name="Sign in").click()
        viewer.goto(rollout)
        expect(viewer.get_by_role("heading", name=re.compile("shop"))).to_be_visible()
        expect(viewer.get_by_role("button", name="Retry", exact=True)).to_have_count(0)
        viewer.goto("/new?service=shop")
        viewer.get_by_role("button", name="Show the plan").click()
        expect(viewer.get_by_role("button", name="Start the rollout")).to_be_disabled()
        viewer.evaluate("document.querySelectorAll('button[disabled]').forEach(each => each.disabled = false)")
        viewer.get_by_role("button", name="Start the rollout").click()
        expect(viewer.get_by_role("alert").first).to_be_visible(timeout=SOON)


def late(route: Route) -> None:
    clock.wait_for(lambda: False, 1, 0.1)
    route.continue_()


def test_page_is_live_when_the_script_of_its_streams_is_late(page: Page) -> None:
    page.route("**/hx-sse*", late)
    try:
        page.goto(GROUP_PATH)
        expect(page.locator("[data-feed]")).to_have_text("Live", timeout=SOON)
    finally:
        page.unroute("**/hx-sse*")


def test_live_update_leaves_open_what_the_reader_opened(page: Page) -> None:
    page.goto(GROUP_PATH)
    expect(page.locator("[data-feed]")).to_have_text("Live", timeout=SOON)
    form = page.locator("details", has_text="Freeze this group")
    form.locator("summary").click()
    form.get_by_label("Reason").fill("half of a sen")
    page.evaluate(REFRESH)
    expect(form.get_by_label("Reason")).to_be_visible()
    expect(form.get_by_label("Reason")).to_have_value("half of a sen")


def test_freezes_are_shown_with_the_group_in_the_language_of_the_reader(
    browser: Browser, server: Served, page: Page
) -> None:
    with opened(browser, server.url, language="ja-JP", phone=True) as reader:
        reader.context.add_cookies(cookies(page, server))
        reader.goto(GROUP_PATH)
        reader.locator("details", has_text="このグループを凍結").locator("summary").click()
        reader.get_by_label("理由").fill("年末セール")
        reader.get_by_role("button", name="凍結", exact=True).click()
        expect(reader.locator("#message")).to_contain_text("凍結しました。解除するまで")
        reader.goto("/")
        row = reader.locator("tbody tr", has_text=GROUP)
        expect(row).to_contain_text("年末セール", timeout=SOON)
        expect(row).to_contain_text("JST")
        reader.goto("/audit")
        expect(reader.locator("tbody tr").first).to_contain_text(f"group {GROUP}: 年末セール")
        reader.goto(GROUP_PATH)
        reader.get_by_role("button", name="凍結を解除").click()
        expect(reader.locator("#message")).to_contain_text("凍結を解除しました", timeout=SOON)
        reader.goto("/settings")
        expect(reader.get_by_text("グループ、サービス、ロールアウト、計画を閲覧する")).to_be_visible()
        assert reader.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_page_of_an_unknown_rollout_keeps_the_navigation(page: Page) -> None:
    page.goto("/rollouts/r-00000000")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    expect(page.get_by_role("link", name="History")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_forms_without_the_token_are_refused_and_shown(page: Page) -> None:
    page.goto("/services")
    page.locator("details", has_text="Freeze this service").first.locator("summary").click()
    page.get_by_label("Reason").first.fill("maintenance")
    page.evaluate("document.querySelectorAll('input[name=csrf_token]').forEach(each => each.value = 'forged')")
    page.get_by_role("button", name="Freeze", exact=True).first.click()
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_visible()
    page.goto("/services")
    expect(page.get_by_text("Frozen by")).to_have_count(0)


def test_first_page_is_small(browser: Browser, server: Served, page: Page) -> None:
    sizes: list[int] = []
    with opened(browser, server.url) as other:
        other.context.add_cookies(cookies(page, server))
        hosts: set[str] = set()
        other.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
        other.on("request", lambda request: hosts.add(request.url.split("/")[2]))
        other.goto("/")
        expect(other.get_by_role("link", name=GROUP)).to_be_visible(timeout=SOON)
        ready = other.evaluate("performance.getEntriesByName('katakei:ready')[0].startTime")
    assert hosts == {server.url.split("/")[2]}
    assert 30_000 < sum(sizes) < FIRST_PAGE_BYTES
    print(f"first page: {sum(sizes)} bytes in {len(sizes)} files, interactive after {ready:.0f} ms")  # noqa: T201 - the figures
