"""What mostly waits is begun first and asked for last: the plays are under way while every other test is run."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.faces.stage import Stage


def pytest_addoption(parser: pytest.Parser) -> None:
    """For whoever has an account."""
    parser.addoption("--aws", metavar="GROUP", default="", help="try the balancer's contract on this real target group")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Otherwise in the order of their files."""
    items.sort(key=lambda item: "play" in _params(item))


@pytest.fixture(scope="session", autouse=True)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Stage | None]":
    """Every play that this run asks for, begun at once; nothing of a lab is loaded where none is."""
    plays = [params["play"] for item in request.session.items if "play" in (params := _params(item))]
    if not plays:
        yield None
        return
    from tests.faces.stage import Stage  # noqa: PLC0415 - the tests of the core need no lab

    stage = Stage(plays, tmp_path_factory.mktemp("stage"))
    yield stage
    stage.close()


def _params(item: pytest.Item) -> dict[str, Any]:
    spec = getattr(item, "callspec", None)
    return spec.params if spec else {}
