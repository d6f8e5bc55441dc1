"""One lab with a console over it, and one browser, for all tests of the console."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.browser.console import FLAGS, Served, chromium, opened, served, service, signed_in

from katakei.lab.options import LabOptions
from katakei.lab.process import Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    options = LabOptions(targets=3, delay=timedelta(seconds=8), interval=timedelta(seconds=5))
    with Lab(options) as running:
        running.switches(propagation=12)  # `initial` outlasts some polls of the page, of 2 s each, on a busy machine
        yield running


@pytest.fixture(scope="session")
def server(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("server")
    # The soak gives a slow machine time to promote a target.
    service(folder / "services", "shop", run="sleep 1; test ! -e /tmp/katakei-none", soak=15)
    service(folder / "services", "zz-the-checkout-of-the-shop-in-tokyo-and-osaka")  # a name that fits no phone
    (folder / "services" / "broken.yml").write_text("service: broken\nbalancer: 7\n", encoding="utf-8")
    with served(lab, folder) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture(scope="session")
def page(browser: Browser, server: Served) -> Iterator[Page]:
    """A page that is signed in by the link of the first start; the tests of this folder go on with it."""
    with opened(browser, server.url) as first:
        signed_in(first, server.link)
        yield first
