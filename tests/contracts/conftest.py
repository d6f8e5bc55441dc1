"""One lab for all the executors: its servers are told apart by their folders, and what was set wrong is set right."""

from collections.abc import Iterator

import pytest

from katakei.lab.options import LabOptions
from katakei.lab.process import Lab


@pytest.fixture(scope="session")
def executors_lab() -> Iterator[Lab]:
    with Lab(LabOptions()) as running:
        yield running
