"""What count.sh is asked and what it answers. No verdict is made here; an answer that is not whole is none."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from katakei.domain.model import TargetType
from katakei.domain.ports import ProbedTarget
from katakei.domain.spec import DrainUntil

SPARE = timedelta(seconds=5)
"""On top of the load balancer's own idle timeout, before a silent connection is proved."""

_END = "katakei-end"


class Mode(Enum):
    """What one run of the program is for."""

    QUIET = "quiet"
    BASELINE = "baseline"
    ARRIVALS = "arrivals"
    ONCE = "once"


class Source(Enum):
    """What was read: sockets with their ages, the kernel's plain tables, or nothing."""

    SS = "ss"
    PROC = "proc"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Alike:
    """Connections alike in all that a verdict asks; `youngest` and `oldest` are how long they were silent.

    `answered_last` is true when data was sent strictly later than any was received; `sent` when any was ever known
    to be sent; `unread` and `unsent` when the kernel still holds bytes.
    """

    state: str
    unread: bool
    unsent: bool
    sent: bool
    answered_last: bool
    number: int
    youngest: timedelta
    oldest: timedelta


@dataclass(frozen=True, slots=True)
class Count:
    """One run's answer. Moments are uptimes of the target, which nobody can set; `at` is when the last look began."""

    mode: Mode
    source: Source
    began: timedelta
    at: timedelta
    alike: tuple[Alike, ...] = ()
    seen: frozenset[int] = frozenset()
    proxied: str = ""
    arrivals: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What satisfies a drain: `until` and `quiet` are the user's, `idle` the groups' longest idle timeout and SPARE.

    `http1` is true when every group speaks plain HTTP/1.1, which alone makes *answered* mean anything.
    """

    until: DrainUntil
    quiet: timedelta
    idle: timedelta
    http1: bool

    @property
    def answers(self) -> bool:
        """Answered connections satisfy too."""
        return self.until is DrainUntil.ANSWERED and self.http1


def terms(watched: ProbedTarget, until: DrainUntil, quiet: timedelta) -> Terms:
    """The strictest of what its groups ask."""
    idle = max(group.idle_timeout for group in watched.groups) + SPARE
    plain = all(group.protocol == "HTTP" and group.protocol_version == "HTTP1" for group in watched.groups)
    return Terms(until, quiet, idle, plain)


def ports(watched: ProbedTarget) -> tuple[int, ...]:
    """Where its requests come in."""
    return tuple(sorted({place.port for place in watched.target.registrations}))


def arguments(
    mode: Mode, watched: ProbedTarget, asked: Terms, run: timedelta, since: timedelta | None = None
) -> list[str]:
    """One target's words for the program. `since` is an uptime of that target, from which arrivals are counted."""
    words = {
        "mode": mode.value,
        "until": "answered" if asked.answers else "proof",
        "idle": str(_milliseconds(asked.idle)),
        "quiet": str(_milliseconds(asked.quiet)),
        "seconds": str(int(run.total_seconds())),
        "ports": ",".join(map(str, ports(watched))),
        "addresses": ",".join(_addresses(watched)),
        "since": "" if since is None else str(_milliseconds(since) // 10),
    }
    return [f"{name}={value}" for name, value in words.items() if value]


def read(output: str) -> Count | None:
    """What was printed; None when it is not whole or not ours."""
    lines = [line.split(" ") for line in output.splitlines()]
    if not lines or lines[-1] != [_END]:
        return None
    try:
        reading = _Reading()
        for line in lines[:-1]:
            reading.take(line)
        return reading.count()
    except (ValueError, IndexError, KeyError):
        return None


@dataclass
class _Reading:
    """The lines of one answer, as they come."""

    words: dict[str, list[str]] = field(default_factory=dict)
    alike: list[Alike] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)

    def take(self, line: Sequence[str]) -> None:
        word, *rest = line
        if word == "group":
            state, unread, unsent, sent, order, _, number, youngest, oldest = rest
            ages = (timedelta(milliseconds=int(age)) for age in (youngest, oldest))
            bits = (_BIT[unread], _BIT[unsent], _BIT[sent], _ORDER[order])
            self.alike.append(Alike(state, *bits, int(number), *ages))
        elif word == "seen":
            self.seen.add(int(rest[0]))
        else:
            self.words[word] = rest

    def count(self) -> Count:
        mode, source, _, began = self.words["katakei-count"]
        if int(self.words["sample"][1]) != sum(each.number for each in self.alike):
            raise ValueError("groups are missing")
        return Count(
            Mode(mode),
            Source(source),
            _moment(began),
            _moment(self.words["at"][0]),
            tuple(self.alike),
            frozenset(self.seen),
            self.words.get("proxied", [""])[0],
            int(self.words["arrivals"][0]),
        )


_BIT = {"0": False, "1": True}
_ORDER = {"sent": True, "received": False, "tie": False}


def _moment(hundredths: str) -> timedelta:
    return timedelta(milliseconds=10 * int(hundredths))


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _addresses(watched: ProbedTarget) -> list[str]:
    """As the program compares them. An ip group knows the target by its address; an unknown address means any."""
    by_ip = {group.arn for group in watched.groups if group.target_type is TargetType.IP}
    own = watched.target.address
    here = {place.id if place.group in by_ip else own for place in watched.target.registrations}
    return [] if "" in here else sorted(map(_plain, here))


def _plain(address: str) -> str:
    read_as = ipaddress.ip_address(address)
    if isinstance(read_as, ipaddress.IPv6Address):
        if read_as.ipv4_mapped is None:
            return read_as.exploded.replace(":", "")
        read_as = read_as.ipv4_mapped
    return str(read_as)
