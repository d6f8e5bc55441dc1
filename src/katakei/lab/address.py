"""Loopback addresses of a lab: one /16 block (127.N.0.0/16) for each lab, one address for each server.

The only socket that stays open here is the one that reserves the block.
"""

import errno
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from katakei.lab.errors import LabError

RESERVATION_PORT = (
    47474  # UDP port on 127.N.0.1. The lab that has bound it owns the block; the kernel frees it when the lab ends.
)


class BoundAddress(NamedTuple):
    """An address and the TCP port that is really bound there."""

    address: str
    port: int


@dataclass(slots=True)
class Block:
    """A /16 loopback block of one lab: a /20 subnet for each zone, the last /24 for load balancers."""

    number: int
    reservation: socket.socket
    _free_nodes: Iterator[int] = field(default_factory=lambda: iter(range(200)))

    @property
    def cidr(self) -> str:
        """The CIDR of the whole block, for a VPC."""
        return f"127.{self.number}.0.0/16"

    def zone_cidr(self, zone: int) -> str:
        """Returns the CIDR of the subnet of a zone, numbered from 0 to 14."""
        return f"127.{self.number}.{16 * zone}.0/20"

    def address(self, zone: int, server: int) -> str:
        """Returns the address of a server, numbered from 0 to 3999 within its zone."""
        high, low = divmod(server + 10, 256)
        return f"127.{self.number}.{16 * zone + high}.{low}"

    def node(self, number: int = 0) -> str:
        """Returns the address of a load balancer node, numbered from 0 to 199."""
        return f"127.{self.number}.255.{number + 10}"

    def take_node(self) -> str | None:
        """Returns the address of a load balancer node that nobody has taken yet; None if all are taken."""
        number = next(self._free_nodes, None)
        return None if number is None else self.node(number)

    def close(self) -> None:
        """Release the block."""
        self.reservation.close()


def reserve_block() -> Block:
    """Reserve a block that no other running lab uses.

    Raises:
        LabError: all blocks are taken.
    """
    for attempt in range(230):
        # Start at another number each time: the servers of a lab that was just killed may need a moment to end.
        number = 20 + (os.getpid() + attempt) % 230
        reservation = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            reservation.bind((f"127.{number}.0.1", RESERVATION_PORT))
        except OSError:
            reservation.close()
            continue
        return Block(number, reservation)
    raise LabError("every loopback block is taken by another lab; end one of them")


def bound_address(address: str, port: int) -> BoundAddress:
    """Find the port that can be bound for an API port.

    Returns:
        The address with the port itself, or with a free port if the system does not allow binding it (under 1024).

    Raises:
        LabError: another program already listens there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except PermissionError:
            probe.bind((address, 0))
        except OSError as error:
            what = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be bound ({error.strerror})"
            raise LabError(f"port {port} of {address} {what}; give the lab another one") from error
        return BoundAddress(address, probe.getsockname()[1])
