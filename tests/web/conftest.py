"""A running server for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.stage import WebStage, serving


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebStage]:
    with serving(tmp_path) as stage:
        yield stage
