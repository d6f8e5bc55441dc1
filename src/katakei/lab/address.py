"""Loopback addresses: each lab holds a block of its own (127.N.0.0/16), each server an address in it, each port a door.

Nothing listens here for traffic; the one socket kept open is the claim on the block.
"""

import errno
import os
import socket
from dataclasses import dataclass
from typing import NamedTuple

from katakei.lab.errors import LabError

CLAIM = 47474  # the UDP port whose possession on 127.N.0.1 is the claim; the kernel gives it back when the lab dies


class BoundAddress(NamedTuple):
    """An address and the TCP port really bound there."""

    address: str
    port: int


@dataclass(slots=True)
class Block:
    """A /16 of loopback that is one lab's while it lives: /20 subnets for zones, the last /24 for load balancers."""

    number: int
    claim: socket.socket

    @property
    def cidr(self) -> str:
        """The whole block, for a VPC."""
        return f"127.{self.number}.0.0/16"

    def zone_cidr(self, zone: int) -> str:
        """The subnet of the zone-th zone, 0 to 14."""
        return f"127.{self.number}.{16 * zone}.0/20"

    def address(self, zone: int, server: int) -> str:
        """The address of the server-th server (0 to 3999) of a zone."""
        high, low = divmod(server + 10, 256)
        return f"127.{self.number}.{16 * zone + high}.{low}"

    def node(self, number: int = 0) -> str:
        """The number-th address of the load balancers' own, 0 to 199."""
        return f"127.{self.number}.255.{number + 10}"

    def close(self) -> None:
        """Give the block back."""
        self.claim.close()


def claim_block() -> Block:
    """A block no other living lab holds, whoever runs it. Raises LabError when all are taken."""
    for turn in range(230):
        # Begin elsewhere each time: the servers of a lab that was just killed may need a moment to end.
        number = 20 + (os.getpid() + turn) % 230
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind((f"127.{number}.0.1", CLAIM))
        except OSError:
            claim.close()
            continue
        return Block(number, claim)
    raise LabError("every loopback block is taken by another lab; end one of them")


def bound_address(address: str, port: int) -> BoundAddress:
    """The door for an API port: the port itself, or a free one where the system does not let us bind it (under 1024).

    Raises LabError when something else already listens there.
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
