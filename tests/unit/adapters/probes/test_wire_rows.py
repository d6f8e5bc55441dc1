"""The socket table once more, by the reader of requests: it has no blind spot, and needs no silence."""

import socket
from collections.abc import Iterator

import pytest
from tests.unit.adapters.probes.test_rows import ROWS, Row
from tests.unit.adapters.probes.world import Wire

from katakei.adapters.probes.wire.reader import Reader
from katakei.domain.observation import ProbeVerdict

NEVER_SILENT = 3_600_000


@pytest.fixture
def read() -> Iterator[tuple[Wire, Reader]]:
    """A connection that is younger than its reader."""
    wire = Wire.open()
    reader = Reader([wire.port], [wire.listener.getsockname()[0]])
    wire.client.close()
    wire.server.close()
    wire.client = socket.create_connection(wire.listener.getsockname(), timeout=10)
    wire.server, _ = wire.listener.accept()
    for end in (wire.client, wire.server):
        end.settimeout(10)
    yield wire, reader
    wire.close()
    reader.close()


@pytest.mark.parametrize("row", [row for row in ROWS if row.requests], ids=lambda row: row.name)
def test_each_row_is_right_by_requests(read: tuple[Wire, Reader], row: Row) -> None:
    wire, reader = read
    row.act(wire)
    reader.verdict(NEVER_SILENT)  # the connection that is gone has to be missed twice
    quiet = reader.verdict(NEVER_SILENT).quiet
    assert (ProbeVerdict.QUIET if quiet else ProbeVerdict.BUSY) is row.requests
