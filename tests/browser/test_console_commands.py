"""Commands on the pages of rollouts: approvals, retry, a restart of the server, and the whole procedure by keyboard."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.browser.console import GROUP, LATER, SOON, Served, confirm, cookies, opened, served, signed_in, start
from tests.second_group import add_group

from katakei.lab.process import Lab

pytestmark = pytest.mark.lab

SOLO = "solo"
MANUAL = f"""service: by-hand
balancer: {{alb: {{target_groups: [{SOLO}]}}}}
work: {{manual: }}
window: {{floor: 0}}
drain: {{settle: 3s}}
check: none
warm: {{soak: 1s}}
gates: [{{approval: {{name: go}}}}]
"""
FAILING = f"""service: fragile
balancer: {{alb: {{target_groups: [{SOLO}]}}}}
work: {{ssm: {{run: "echo trying; test -e {{fixed}}"}}}}
window: {{floor: 0}}
drain: {{settle: 3s}}
check: none
warm: {{soak: 1s}}
"""
PRESSES = 80
"""Tab is pressed at most so often to reach something on a page."""


@pytest.fixture(scope="module")
def solo(lab: Lab) -> Iterator[str]:
    """A group with one server, so that a whole rollout is short."""
    before = lab.switches()["propagation"]
    lab.switches(propagation=1)
    yield add_group(lab, SOLO, 1, listener_port=8101, delay=8)
    lab.switches(propagation=before)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_page_goes_on_after_a_restart_and_work_is_approved_by_clicks(
    browser: Browser, lab: Lab, solo: str, tmp_path: Path
) -> None:
    """One page, never loaded again: an approval gate, a restart of the server, manual work, the end."""
    assert solo
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "by-hand.yml").write_text(MANUAL, encoding="utf-8")
    port = free_port()
    with opened(browser, f"http://127.0.0.1:{port}") as page:
        feed = page.locator("[data-feed]")
        with served(lab, tmp_path, port=port) as first:
            signed_in(page, first.link)
            start(page, "v2", "by-hand")
            page.evaluate("window.untouched = true")
            expect(feed).to_have_text("Live", timeout=SOON)
            expect(page.get_by_role("heading", name="Approval gate: go")).to_be_visible(timeout=SOON)
        expect(feed).to_have_text("Connection lost; trying again", timeout=SOON)
        with served(lab, tmp_path, port=port):
            expect(feed).to_have_text("Live", timeout=LATER)
            page.get_by_role("button", name="Approve gate", exact=True).click()
            expect(page.locator("#message")).to_contain_text("approval in rollout", timeout=SOON)
            expect(page.locator(".gantt")).to_contain_text("is out and drained: safe to work", timeout=LATER)
            page.get_by_role("button", name="Approve solo-1", exact=True).click()
            expect(page.locator("#message")).to_contain_text("(solo-1)", timeout=SOON)
            expect(page.locator(".says")).to_contain_text("done", timeout=LATER)
            assert page.evaluate("window.untouched") is True


def test_failed_target_is_retried_by_click(page: Page, server: Served, solo: str, tmp_path: Path) -> None:
    assert solo
    fixed = tmp_path / "fixed"
    (server.services / "fragile.yml").write_text(FAILING.replace("{fixed}", str(fixed)), encoding="utf-8")
    expect_service(page, "fragile")
    start(page, "v3", "fragile")
    says = page.locator(".says")
    expect(says).to_contain_text("FAILED", timeout=LATER)
    expect(page.locator(".gantt")).to_contain_text("left out")
    expect(page.locator("pre.out").first).to_contain_text("trying")
    fixed.touch()
    confirm(page, "Retry")
    expect(page.locator("#message")).to_contain_text("etr", timeout=SOON)
    expect(says).to_contain_text("done", timeout=LATER)


def expect_service(page: Page, name: str) -> None:
    """Waits until the server has read the file of a service."""
    for _ in range(20):
        page.goto("/services")
        if page.get_by_role("heading", name=name).count():
            return
        page.wait_for_timeout(500)
    pytest.fail(f"the server has not read the file of {name}")


def reach(page: Page, wanted: Locator) -> None:
    """Presses Tab until this has the focus."""
    expect(wanted).to_be_visible(timeout=SOON)
    for _ in range(PRESSES):
        page.keyboard.press("Tab")
        if wanted.evaluate("each => each === document.activeElement"):
            return
    pytest.fail(f"{wanted} cannot be reached with Tab")


def test_whole_procedure_by_keyboard_alone(page: Page, solo: str) -> None:
    """Only Tab, Enter and Space: out, drained, back in, healthy."""
    assert solo
    page.goto("/")
    reach(page, page.get_by_role("link", name=GROUP))
    page.keyboard.press("Enter")
    row = page.locator("tbody tr", has_text="web-2")
    expect(row).to_contain_text("healthy", timeout=LATER)
    target = row.locator("th .mono").inner_text()
    reach(page, row.get_by_role("checkbox"))
    page.keyboard.press("Space")
    expect(row.get_by_role("checkbox")).to_be_checked()
    reach(page, page.get_by_role("button", name="Deregister", exact=True))
    page.keyboard.press("Enter")
    expect(page.locator(".floors")).to_contain_text("3 → 2")
    reach(page, page.get_by_role("button", name="Deregister", exact=True))
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_contain_text("Deregistration has begun", timeout=SOON)
    gone = page.locator(f"tr[id^='t-{target}-']")
    expect(gone).to_contain_text("drained: safe to work", timeout=LATER)
    reach(page, page.get_by_role("link", name="Register targets"))
    page.keyboard.press("Enter")
    reach(page, page.get_by_role("checkbox", name="Tick web-2"))
    page.keyboard.press("Space")
    reach(page, page.get_by_role("button", name="Include as pending below"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Review targets (1)")).to_be_focused()
    reach(page, page.get_by_role("button", name="Register pending targets"))
    page.keyboard.press("Space")
    expect(page.locator("#message")).to_contain_text("Registration has begun", timeout=SOON)
    expect(gone).to_contain_text("healthy", timeout=LATER)
    expect(page.locator(".says")).to_have_count(0, timeout=LATER)


def test_everything_is_confirmed_without_javascript(browser: Browser, page: Page, server: Served, solo: str) -> None:
    """A rollout is started and aborted, and a token revoked, by pages alone: a page asks, not a dialog."""
    assert solo
    (server.services / "by-hand.yml").write_text(MANUAL, encoding="utf-8")
    expect_service(page, "by-hand")
    with opened(browser, server.url, scripts=False) as other:
        other.context.add_cookies(cookies(page, server))
        other.goto("/")
        other.get_by_role("link", name="Show the groups").click()
        expect(other.get_by_role("link", name=SOLO)).to_be_visible()
        start(other, "v4", "by-hand")
        expect(other.get_by_text("Connecting…")).to_be_hidden()
        other.get_by_role("button", name="Abort", exact=True).click()
        expect(other.get_by_role("heading", name="Abort?")).to_be_visible()
        other.get_by_role("link", name="Cancel").click()
        expect(other.get_by_role("heading", name="Abort?")).to_have_count(0)
        other.get_by_role("button", name="Abort", exact=True).click()
        other.locator(".confirm").get_by_role("button", name="Abort", exact=True).click()
        expect(other.locator("#message")).to_contain_text("abort of rollout")
        reload_until(other, "ABORTED")

        other.goto("/settings")
        section = other.locator("details", has_text="Issue a token")
        if section.get_attribute("open") is None:  # it is open only where no token was issued before
            section.locator("summary").click()
        form = other.locator("form", has=other.get_by_role("button", name="Issue"))
        form.get_by_label("Name").fill("quentin")
        form.get_by_role("button", name="Issue").click()
        row = other.get_by_role("row").filter(has_text="quentin")
        row.get_by_role("button", name="Revoke").click()
        expect(other.locator(".confirm")).to_contain_text("quentin")
        other.locator(".confirm").get_by_role("button", name="Revoke").click()
        expect(row).to_contain_text("revoked")


def reload_until(page: Page, text: str) -> None:
    """Loads a page again until it shows this."""
    says = page.locator(".says")
    for _ in range(30):
        if text in says.inner_text():
            return
        page.wait_for_timeout(500)
        with page.expect_navigation():  # or it could replace the page that the test opens next
            page.get_by_role("link", name="Reload").click()
    pytest.fail(f"the page does not say {text}: {says.inner_text()}")
