"""The limits of the web server, each a bound on what one client or all of them together can use up."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The limits. Tests lower them; `katakei serve` uses these.

    Attributes:
        max_body: Bytes of one request body.
        max_bodies: Bytes of all bodies that are being received.
        body_within: How long a client may take to send a body.
        header_within: How long a client may take to send the head of a request.
        max_head: Bytes of the head of a request.
        max_connections: Open connections, streams included.
        max_connections_each: Open connections from one address; a proxy that is trusted is not limited.
        threads: Requests that read AWS or the journal at the same time.
        max_waiting: Requests that are answered or wait for a thread; one more gets 503.
        address_rate: Requests a second from one address, on average.
        address_burst: Requests from one address that may come at once.
        act_rate: Changing requests a second of one principal, on average.
        act_burst: Changing requests of one principal that may come at once.
        stalled_after: A stream whose reader takes nothing for so long is cut.
        keep_alive: The pause between two comments on a quiet stream.
        journal_interval: How often the journal is read for a watched rollout.
        group_interval: How often the load balancer is read for a watched group.
        group_interval_limit: The longest pause between two of those, when AWS throttles.
    """

    max_body: int = 256 * 1024
    max_bodies: int = 16 * 1024 * 1024
    body_within: timedelta = timedelta(seconds=10)
    header_within: timedelta = timedelta(seconds=10)
    max_head: int = 32 * 1024
    max_connections: int = 2000
    max_connections_each: int = 1000
    threads: int = 32
    max_waiting: int = 200
    address_rate: float = 50
    address_burst: int = 1000
    act_rate: float = 2
    act_burst: int = 60
    stalled_after: timedelta = timedelta(seconds=30)
    keep_alive: timedelta = timedelta(seconds=15)
    journal_interval: timedelta = timedelta(seconds=1)
    group_interval: timedelta = timedelta(seconds=2)
    group_interval_limit: timedelta = timedelta(seconds=60)
