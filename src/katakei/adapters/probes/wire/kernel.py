"""What the reader asks of Linux: the packets of one interface, the table of sockets, its own clock and addresses."""

import ctypes
import socket
import struct

from katakei.adapters.probes.wire.tracker import Socket

BUFFER = 32 * 1024 * 1024
LONGEST = 65536 + 128

_AF_NETLINK, _AF_PACKET, _ETH_P_ALL = 16, 17, 3
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE = 26, 33
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_ANCILLARY = 0xFFFFF000
_PROTOCOL, _PACKET_TYPE, _OUTGOING = _ANCILLARY + 0, _ANCILLARY + 4, 4
_LDH_ABS, _LDB_ABS, _LDX_MSH, _LDH_IND = 0x28, 0x30, 0xB1, 0x48
_LDW_ABS, _JEQ, _JSET, _RET = 0x20, 0x15, 0x45, 0x06
_DUMP, _MULTI_DONE, _ERROR = 0x301, 3, 2
_DUMP_INTERRUPTED = 0x10
_ALL_STATES_BUT_LISTEN = 0x1FFF & ~(1 << 10) & ~1
_MAPPED = b"\0" * 10 + b"\xff\xff"


class UnableError(Exception):
    """The reader cannot work on this machine; the text says why."""


def plain(address: bytes) -> bytes:
    """An IPv4 address that is written as IPv6 is one of IPv4."""
    return address[12:] if address[:12] == _MAPPED else address


def packed(address: str) -> bytes:
    """The bytes of a written address. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return plain(socket.inet_pton(family, address))


def packet_filter(ports: "list[int]", loopback: bool) -> "list[tuple[int, int, int, int]]":  # noqa: FBT001 - as below
    """The BPF program that lets TCP of these ports pass, and every piece of a packet of which no port can be read.

    On the loopback interface each packet passes twice; only the incoming copy is taken.
    """
    accept, reject = "accept", "reject"
    lines: list[tuple[int, int, str | int, str | int]] = []
    if loopback:
        lines += [(_LDW_ABS, _PACKET_TYPE, 0, 0), (_JEQ, _OUTGOING, reject, 0)]
    lines += [(_LDH_ABS, _PROTOCOL, 0, 0), (_JEQ, 0x0800, 0, "six")]
    lines += [(_LDB_ABS, 9, 0, 0), (_JEQ, 6, 0, reject), (_LDH_ABS, 6, 0, 0), (_JSET, 0x3FFF, accept, 0)]
    lines += [(_LDX_MSH, 0, 0, 0)]
    for at in (0, 2):
        lines += [(_LDH_IND, at, 0, 0), *((_JEQ, port, accept, 0) for port in ports)]
    lines += [(_RET, 0, 0, 0)]
    six = len(lines)
    lines += [(_JEQ, 0x86DD, 0, reject), (_LDB_ABS, 6, 0, 0), (_JEQ, 6, "ports", 0)]
    lines += [(_JEQ, kind, accept, 0) for kind in (0, 43, 44, 51, 60, 135)] + [(_RET, 0, 0, 0)]
    named = len(lines)
    for at in (40, 42):
        lines += [(_LDH_ABS, at, 0, 0), *((_JEQ, port, accept, 0) for port in ports)]
    lines += [(_RET, 0, 0, 0), (_RET, 0xFFFFFFFF, 0, 0)]
    places = {"six": six, "ports": named, reject: len(lines) - 2, accept: len(lines) - 1}
    program = []
    for at, (code, value, yes, no) in enumerate(lines):
        jumps = [places[to] - at - 1 if isinstance(to, str) else to for to in (yes, no)]
        program.append((code, jumps[0], jumps[1], value))
    return program


def open_packets(interface: str, ports: "list[int]") -> socket.socket:
    """A socket with the packets of one interface. The filter is there before the first packet. Raises UnableError."""
    try:
        packets = socket.socket(_AF_PACKET, socket.SOCK_DGRAM, 0)
    except PermissionError:
        raise UnableError("it needs root (CAP_NET_RAW) to read the packets of the port") from None
    lines = packet_filter(ports, interface == "lo")
    code = b"".join(struct.pack("HBBI", *line) for line in lines)
    try:
        held = ctypes.create_string_buffer(code)
        packets.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(lines), ctypes.addressof(held)))
        try:
            packets.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER)
        except PermissionError:
            packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        packets.bind((interface, _ETH_P_ALL))
        packets.setblocking(False)
    except OSError as error:
        packets.close()
        raise UnableError(f"the packets of {interface} cannot be read: {error}") from None
    return packets


def dropped(packets: socket.socket) -> int:
    """How many packets did not fit into the buffer since the last call."""
    _, drops = struct.unpack("II", packets.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
    return int(drops)


def interface_of(addresses: "list[bytes]") -> str:
    """The one interface that owns all these addresses. Raises UnableError."""
    names = set()
    for address in addresses:
        if address[:1] == b"\x7f" and len(address) == 4:
            names.add("lo")
            continue
        owners = [name for name, own in _own_addresses() if own == address]
        if not owners:
            written = socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)
            raise UnableError(f"no interface here has the address {written}")
        names.update(owners)
    if len(names) != 1:
        raise UnableError(f"its addresses belong to several interfaces ({', '.join(sorted(names))})")
    return names.pop()


def _own_addresses() -> "list[tuple[str, bytes]]":
    """Each address of this machine with its interface (rtnetlink, RTM_GETADDR)."""
    names = dict(socket.if_nameindex())
    found = []
    for kind, body in _netlink(0, 22, struct.pack("=BBBBI", 0, 0, 0, 0, 0)):
        if kind != 20:
            continue
        index = struct.unpack_from("=BBBBI", body)[4]
        values = dict(_attributes(body[8:]))
        own = values.get(2) or values.get(1)  # IFA_LOCAL; on IPv6 there is IFA_ADDRESS alone
        if own and index in names:
            found.append((names[index], own))
    return found


def _attributes(data: bytes) -> "list[tuple[int, bytes]]":
    found = []
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        found.append((kind, data[4:length]))
        data = data[(length + 3) & ~3 :]
    return found


def sockets(ports: "frozenset[int]", addresses: "frozenset[bytes]") -> "list[Socket]":
    """The kernel's TCP sockets of these ports, in every state but LISTEN (sock_diag). Raises OSError."""
    found = []
    for family in (socket.AF_INET, socket.AF_INET6):
        request = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 1 << 1, 0, _ALL_STATES_BUT_LISTEN) + b"\0" * 48
        for kind, body in _netlink(4, 20, request):
            if kind == 20 and len(body) >= 72:
                row = _row(body)
                if row.key[3] in ports and row.key[2] in addresses:
                    found.append(row)
    return found


def _row(body: bytes) -> Socket:
    """One answer of sock_diag (struct inet_diag_msg). Ages that are missing count as no silence."""
    sport, dport = struct.unpack_from(">HH", body, 4)
    size = 4 if body[0] == socket.AF_INET else 16
    key = (plain(body[24 : 24 + size]), dport, plain(body[8 : 8 + size]), sport)
    unread, unsent = struct.unpack_from("=II", body, 56)
    silence = 0
    for kind, value in _attributes(body[72:]):
        if kind == 2 and len(value) >= 60:  # INET_DIAG_INFO: tcpi_last_data_sent and tcpi_last_data_recv, in ms
            silence = min(struct.unpack_from("=I", value, 44)[0], struct.unpack_from("=I", value, 52)[0])
    return Socket(key, body[1], silence, bool(unread or unsent))


def _netlink(protocol: int, kind: int, body: bytes) -> "list[tuple[int, bytes]]":
    """Every answer to one dump. A dump that was interrupted by a change is made again."""
    for _ in range(10):
        answers = _dump(protocol, kind, body)
        if answers is not None:
            return answers
    raise OSError("the kernel's table changed all the time")


def _dump(protocol: int, kind: int, body: bytes) -> "list[tuple[int, bytes]] | None":
    link = socket.socket(_AF_NETLINK, socket.SOCK_RAW, protocol)
    try:
        link.settimeout(5)
        link.send(struct.pack("=IHHII", 16 + len(body), kind, _DUMP, 1, 0) + body)
        found: list[tuple[int, bytes]] = []
        while True:
            data = link.recv(1 << 20)
            while len(data) >= 16:
                length, type_, flags, _, _ = struct.unpack_from("=IHHII", data)
                if type_ == _MULTI_DONE:
                    return found
                if type_ == _ERROR:
                    raise OSError(f"the kernel refused a question ({struct.unpack_from('=i', data, 16)[0]})")
                if flags & _DUMP_INTERRUPTED:
                    return None
                found.append((type_, data[16:length]))
                data = data[(length + 3) & ~3 :]
    finally:
        link.close()
