"""Sign-in by OpenID Connect in a real browser, with a provider of another site."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.console import SOON, opened, served, service
from tests.browser.oidc_provider import CLIENT, running_provider

from katakei.lab.process import Lab

pytestmark = pytest.mark.lab

ACCESS = """login:
  issuer: {issuer}
  client_id: {client}
  scopes: [email]
  roles:
    - {{group: sre, role: operator}}
"""


def test_people_sign_in_at_their_provider(browser: Browser, lab: Lab, tmp_path: Path) -> None:
    """A person of the group signs in and out. A stranger is refused, and so is an address that was used before."""
    service(tmp_path / "services", "shop")
    with running_provider() as provider:
        provider.groups["ada@example.com"] = ["sre"]
        access = tmp_path / "access.yml"
        access.write_text(ACCESS.format(issuer=provider.url, client=CLIENT), encoding="utf-8")
        with served(lab, tmp_path, "--access", str(access)) as server, opened(browser, server.url) as page:
            page.goto("/sign-in")
            answers: list[str] = []
            page.on("request", lambda request: answers.append(request.url) if "/sign-in/done" in request.url else None)
            signs_in(page, "ada@example.com", provider.url)
            expect(page.get_by_role("heading", name="Target groups")).to_be_visible(timeout=SOON)
            expect(page.locator(".tools")).to_contain_text("ada@example.com")
            page.goto("/settings")
            expect(page.locator(".facts").first).to_contain_text("operator")
            page.get_by_role("button", name="Sign out").click()
            expect(page.get_by_role("link", name="Sign in with your organization")).to_be_visible()

            page.goto(answers[0])
            expect(page.get_by_role("alert")).to_be_visible()
            page.goto("/sign-in")
            signs_in(page, "eve@example.com", provider.url)
            expect(page.get_by_role("alert")).to_be_visible(timeout=SOON)
            page.goto("/history")
            expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert provider.faults == []


def signs_in(page: Page, email: str, provider: str) -> None:
    """The way to the provider and back."""
    page.get_by_role("link", name="Sign in with your organization").click()
    expect(page.get_by_role("heading", name="Sign in at the provider")).to_be_visible(timeout=SOON)
    assert page.url.startswith(provider)
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Sign in").click()
