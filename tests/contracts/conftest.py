"""One lab for all executor tests. Each server has its own folder, and each test removes the faults that it sets."""

from collections.abc import Iterator

import pytest

from katakei.lab.options import LabOptions
from katakei.lab.process import Lab


@pytest.fixture(scope="session")
def executors_lab() -> Iterator[Lab]:
    with Lab(LabOptions()) as running:
        yield running
