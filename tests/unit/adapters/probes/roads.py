"""Roads between a load balancer and a target: loopback, two network namespaces, and a cable that loses packets.

The namespaces are joined by a pair of interfaces with the MTU of the road. The cable is a pair of TUN devices whose
packets go through this process: it drops some, sends some twice, and some late.
"""

import ctypes
import fcntl
import os
import random
import select
import socket
import struct
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import pytest
from tests.unit.adapters.probes.world import Wire, needed

CLIENT, TARGET = "198.18.78.1", "198.18.78.2"
CLIENT_SIX, TARGET_SIX = "fd78::1", "fd78::2"
NAME = "road"
_NEW_NET = 0x40000000
Made = TypeVar("Made")
_TUN, _NO_INFORMATION, _SET_INTERFACE = 1, 0x1000, 0x400454CA


class Road(Protocol):
    """A way between a load balancer and a target."""

    @property
    def interface(self) -> str:
        """The interface of the target."""

    def enter(self) -> None:
        """Moves this thread to the target."""

    def listen(self, family: socket.AddressFamily, number: int) -> socket.socket:
        """A listening port of the target."""

    def connect(self, listener: socket.socket) -> socket.socket:
        """A new connection of the load balancer."""

    def close(self) -> None:
        """Removes it."""


def joined(road: Road, family: socket.AddressFamily = socket.AF_INET, number: int = 0) -> Wire:
    """Both ends of a new connection."""
    listener = road.listen(family, number)
    client = road.connect(listener)
    wire = Wire(listener, client, listener.accept()[0], int(listener.getsockname()[1]))
    _prepare(wire)
    return wire


def connect_again(road: Road, wire: Wire) -> None:
    """Replaces the connection by a younger one."""
    wire.client.close()
    wire.server.close()
    wire.client = road.connect(wire.listener)
    wire.server, _ = wire.listener.accept()
    _prepare(wire)


def _prepare(wire: Wire) -> None:
    for end in (wire.client, wire.server):
        end.settimeout(30)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Loopback:
    """This machine's own loopback interface, where each packet passes twice."""

    interface = "lo"

    def enter(self) -> None:
        """Every thread is there."""

    def listen(self, family: socket.AddressFamily, number: int) -> socket.socket:
        address = "::1" if family == socket.AF_INET6 else f"127.0.{number % 200}.7"
        return socket.create_server((address, 0), family=family)

    def connect(self, listener: socket.socket) -> socket.socket:
        return socket.create_connection(listener.getsockname()[:2], timeout=30)

    def close(self) -> None:
        """Nothing was made."""


class Namespace:
    """A network namespace of this test."""

    def __init__(self, name: str) -> None:
        self.name = f"kk{os.getpid()}{name}"
        self._ip("netns", "add", self.name)
        self.run("link", "set", "lo", "up")

    @staticmethod
    def _ip(*words: str) -> None:
        subprocess.run([needed("ip"), *words], check=True, capture_output=True, timeout=30)

    def run(self, *words: str) -> None:
        """`ip` in it."""
        self._ip("-n", self.name, *words)

    def enter(self) -> None:
        """Moves this thread into it."""
        fd = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(fd, _NEW_NET):
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(fd)

    def do(self, make: Callable[[], Made]) -> Made:
        """What a thread in it makes; a socket stays where it was made."""
        with ThreadPoolExecutor(1, initializer=self.enter) as pool:
            return pool.submit(make).result()

    def close(self) -> None:
        self._ip("netns", "del", self.name)


class Namespaces:
    """Two network namespaces with an interface each. What joins the interfaces is made by a subclass."""

    interface = NAME

    def __init__(self, mtu: int) -> None:
        """Makes the namespaces and their interfaces; skips the test where that is not allowed."""
        self.client = self._made("c")
        self.target = self._made("t")
        try:
            self.join()
            for place, four, six in ((self.client, CLIENT, CLIENT_SIX), (self.target, TARGET, TARGET_SIX)):
                place.run("link", "set", NAME, "mtu", str(mtu), "up")
                place.run("addr", "add", f"{four}/30", "dev", NAME)
                place.run("-6", "addr", "add", f"{six}/64", "dev", NAME, "nodad")
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _made(name: str) -> Namespace:
        try:
            return Namespace(name)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces are not allowed here: {error.stderr.decode().strip()}")

    def join(self) -> None:
        """Joins the interfaces."""
        raise NotImplementedError

    def enter(self) -> None:
        self.target.enter()

    def listen(self, family: socket.AddressFamily, number: int) -> socket.socket:
        del number
        address = TARGET_SIX if family == socket.AF_INET6 else TARGET
        return self.target.do(lambda: socket.create_server((address, 0), family=family))

    def connect(self, listener: socket.socket) -> socket.socket:
        return self.client.do(lambda: socket.create_connection(listener.getsockname()[:2], timeout=30))

    def close(self) -> None:
        self.client.close()
        self.target.close()


class Pair(Namespaces):
    """A pair of interfaces. With `whole` segments travel in one piece, as GSO does it; else they are sent singly."""

    def __init__(self, mtu: int, *, whole: bool) -> None:
        self._whole = whole
        super().__init__(mtu)

    def join(self) -> None:
        self.client.run("link", "add", NAME, "type", "veth", "peer", "name", NAME, "netns", self.target.name)
        for place in (self.client, self.target) if not self._whole else ():
            place.run("link", "set", NAME, "gso_max_segs", "1")


class LossyCable(Namespaces):
    """Two TUN devices, and a thread that carries packets between them as badly as a network may."""

    LOST, TWICE, LATE = 0.03, 0.02, 0.03

    def join(self) -> None:
        self._ends: list[int] = [place.do(_tun) for place in (self.client, self.target)]
        self._over, self._stop = os.pipe()
        self.lost = 0
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def _carry(self) -> None:
        dice = random.Random(1)  # noqa: S311 - it chooses packets
        late: list[tuple[int, bytes]] = []
        one, other = self._ends
        while True:
            ready, _, _ = select.select([one, other, self._over], [], [], 0.01 if late else None)
            if self._over in ready:
                return
            out = late if not ready or dice.random() < 0.5 else []
            late = [] if out else late
            for end in ready:
                packet, to = os.read(end, 65536), other if end == one else one
                fate = dice.random()
                if fate < self.LOST:
                    self.lost += 1
                elif fate < self.LOST + self.LATE:
                    late.append((to, packet))
                else:
                    out = [(to, packet), *([(to, packet)] if fate > 1 - self.TWICE else []), *out]
            for to, packet in out:
                _write(to, packet)

    def close(self) -> None:
        if hasattr(self, "_thread"):
            os.write(self._stop, b"x")
            self._thread.join(30)
            for fd in (*self._ends, self._over, self._stop):
                os.close(fd)
        super().close()


def _tun() -> int:
    """A TUN device in this thread's namespace."""
    try:
        fd = os.open("/dev/net/tun", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"a cable needs /dev/net/tun: {error}")
    fcntl.ioctl(fd, _SET_INTERFACE, struct.pack("16sH22x", NAME.encode(), _TUN | _NO_INFORMATION))
    return fd


def _write(end: int, packet: bytes) -> None:
    try:
        os.write(end, packet)
    except OSError:
        return  # the interface is not up yet: one more lost packet
