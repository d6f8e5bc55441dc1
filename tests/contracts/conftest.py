"""Fixtures of several files: the lab of all executor tests, and the rows of one file.

Each server of the lab has its own folder, and each test removes the faults that it sets.
"""

from collections.abc import Iterator

import pytest
from tests.contracts.rows import Rows, Shown

from katakei.lab.options import LabOptions
from katakei.lab.process import Lab


@pytest.fixture(scope="session")
def executors_lab() -> Iterator[Lab]:
    with Lab(LabOptions()) as running:
        yield running


@pytest.fixture(scope="module")
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Every row of the file's `rows` that this run asks for, begun at once."""
    rows: Rows = request.module.rows
    shown = rows.begin(request.session.items, tmp_path_factory.mktemp("rows"))
    yield shown
    shown.close()
