"""Fixtures of the tests of probes."""

from collections.abc import Iterator

import pytest
from tests.unit.adapters.probes.world import Wire


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Some connections to a server of this machine."""
    made = Wire.open()
    yield made
    made.close()
