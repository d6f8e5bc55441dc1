"""The counts of connections on a target: what `count.sh` is asked, what it answers, and the verdict (docs/evidence.md).

Everything here is pure. An answer that is incomplete is no answer, and what is not known is never quiet. Silence is
judged by the youngest of equal connections, so that no way of grouping them can hide one.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from katakei.adapters.probes.program_rounds import moment, natural
from katakei.domain.model import TargetType
from katakei.domain.observation import ProbeVerdict
from katakei.domain.ports import ProbedTarget
from katakei.domain.spec import DrainUntil
from katakei.domain.words import counted, span

SPARE = timedelta(seconds=5)
"""Added to the idle timeout of the load balancer, before a silent connection is proved idle."""

_END = "katakei-end"


class Mode(Enum):
    """What one run of the program is for."""

    QUIET = "quiet"
    BASELINE = "baseline"
    ARRIVALS = "arrivals"
    ONCE = "once"


class Source(Enum):
    """What the program read: sockets with their ages (ss), the kernel's plain tables (/proc/net), or nothing."""

    SS = "ss"
    PROC = "proc"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Alike:
    """Connections that are equal in everything that a verdict depends on.

    Attributes:
        state: The TCP state.
        unread: The kernel holds received bytes that the application has not read.
        unsent: The kernel holds bytes that are not acknowledged yet.
        sent: Data is known to have been sent.
        answered_last: Data was sent strictly later than any was received.
        number: How many connections these are.
        youngest: The shortest silence among them.
        oldest: The longest silence among them.
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
    """What one run of the program found.

    Moments are uptimes of the target, which no change of a clock moves. `at` is when the last observation began.
    """

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
    """What satisfies a drain.

    Attributes:
        until: The user's choice.
        quiet: How long an answered connection must have been silent.
        idle: The longest idle timeout of the groups, and SPARE.
        http1: Every group speaks plain HTTP/1.1; only then does *answered* mean anything.
    """

    until: DrainUntil
    quiet: timedelta
    idle: timedelta
    http1: bool

    @property
    def answers(self) -> bool:
        """Whether answered connections satisfy the drain too."""
        return self.until is DrainUntil.ANSWERED and self.http1


def terms(watched: ProbedTarget, until: DrainUntil, quiet: timedelta) -> Terms:
    """The strictest terms of the target's groups."""
    idle = max(group.idle_timeout for group in watched.groups) + SPARE
    plain = all(group.protocol == "HTTP" and group.protocol_version == "HTTP1" for group in watched.groups)
    return Terms(until, quiet, idle, plain)


def ports(watched: ProbedTarget) -> tuple[int, ...]:
    """The ports at which the target receives requests."""
    return tuple(sorted({place.port for place in watched.target.registrations}))


def arguments(
    mode: Mode, watched: ProbedTarget, asked: Terms, run: timedelta, since: timedelta | None = None
) -> list[str]:
    """The program's arguments for one target. Arrivals are counted from `since` on, an uptime of that target."""
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


def read_count(output: str) -> Count | None:
    """What the program printed; None when that is incomplete or not its output."""
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
    """The lines of one answer, one after the other."""

    words: dict[str, list[str]] = field(default_factory=dict)
    alike: list[Alike] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)

    def take(self, line: Sequence[str]) -> None:
        word, *rest = line
        if word == "group":
            state, unread, unsent, sent, order, _, number, youngest, oldest = rest
            ages = (timedelta(milliseconds=natural(age)) for age in (youngest, oldest))
            bits = (_BIT[unread], _BIT[unsent], _BIT[sent], _ORDER[order])
            self.alike.append(Alike(state, *bits, natural(number), *ages))
        elif word == "seen":
            self.seen.add(natural(rest[0]))
        else:
            self.words[word] = rest

    def count(self) -> Count:
        mode, source, _, began = self.words["katakei-count"]
        if natural(self.words["sample"][1]) != sum(each.number for each in self.alike):
            raise ValueError("groups are missing")
        return Count(
            Mode(mode),
            Source(source),
            moment(began),
            moment(self.words["at"][0]),
            tuple(self.alike),
            frozenset(self.seen),
            self.words.get("proxied", [""])[0],
            natural(self.words["arrivals"][0]),
        )


_BIT = {"0": False, "1": True}
_ORDER = {"sent": True, "received": False, "tie": False}


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _addresses(watched: ProbedTarget) -> list[str]:
    """The target's own addresses, as the program compares them; none when one is unknown, which means any address.

    A group of type `ip` knows the target by its address.
    """
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


class ConnectionState(Enum):
    """What one connection is: silent for longer than any request can last, answered by the strict rule, or neither."""

    PROVED = "proved"
    ANSWERED = "answered"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict and its reason. `open` is how many connections may hold a request; 0 unless the verdict is BUSY."""

    verdict: ProbeVerdict
    why: str = ""
    open: int = 0


def classify(alike: Alike, terms: Terms) -> ConnectionState:
    """The rule of docs/evidence.md. Equal ages are the same tick of the kernel's clock, which tells no order."""
    if alike.youngest > terms.idle:
        return ConnectionState.PROVED
    empty = not alike.unread and not alike.unsent
    settled = alike.youngest >= terms.quiet
    if terms.http1 and alike.sent and empty and alike.answered_last and settled:
        return ConnectionState.ANSWERED
    return ConnectionState.BUSY


def judge_count(count: Count, terms: Terms) -> Finding:
    """Quiet when every connection satisfies the terms; where ages are not visible, only when there is no connection."""
    if count.source is Source.NONE:
        return Finding(
            ProbeVerdict.BLIND, "connections cannot be seen there: it has neither ss nor a readable /proc/net/tcp"
        )
    enough = {ConnectionState.PROVED, ConnectionState.ANSWERED} if terms.answers else {ConnectionState.PROVED}
    doubtful = [each for each in count.alike if classify(each, terms) not in enough]
    if not doubtful:
        return Finding(ProbeVerdict.QUIET, _quiet(count.alike))
    number = sum(each.number for each in doubtful)
    if count.source is Source.PROC:
        return Finding(
            ProbeVerdict.BUSY, f"{counted(number, 'connection')}, whose silence cannot be seen there without ss", number
        )
    return Finding(ProbeVerdict.BUSY, _busy(doubtful, number, terms), number)


def blind_reason(count: Count, wanted: Iterable[int]) -> str:
    """Why no verdict on this target can be believed, by a baseline taken while it served; '' when it can be."""
    if count.source is Source.NONE:
        return "connections cannot be seen there: it has neither ss nor a readable /proc/net/tcp"
    if count.proxied:
        return f"{count.proxied} forwards its port to a container, whose connections are not visible on the machine"
    missing = sorted(set(wanted) - count.seen)
    if missing:
        said = ", ".join(map(str, missing))
        return f"while it served, no data from another address was seen on port {said}: its traffic may end elsewhere"
    return ""


def _quiet(alike: Iterable[Alike]) -> str:
    number = sum(each.number for each in alike)
    return f"{counted(number, 'connection')}, none holds a request" if number else "no connection"


def _busy(doubtful: Iterable[Alike], number: int, terms: Terms) -> str:
    # Some of the equal connections may be silent for longer than the terms ask; show one that still matters.
    oldest = max(each.oldest if each.oldest <= terms.idle else each.youngest for each in doubtful)
    one = "" if number == 1 else "one "
    return f"{counted(number, 'connection')}, {one}silent for {_seconds(oldest)}, proved at {_seconds(terms.idle)}"


def _seconds(length: timedelta) -> str:
    """'65 s': always in seconds, so that both figures of the sentence can be compared."""
    return f"{int(length.total_seconds())} s" if length < timedelta(minutes=10) else span(length)
