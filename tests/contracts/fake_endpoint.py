"""An AWS endpoint on loopback that gives prepared answers, for tests of how each answer is handled."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs

XML = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
NOTHING = (
    f'<DescribeTargetHealthResponse xmlns="{XML}"><DescribeTargetHealthResult><TargetHealthDescriptions/>'
    "</DescribeTargetHealthResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
    "</DescribeTargetHealthResponse>"
)


def refusal(code: str, text: str) -> str:
    """Returns an error as ELBv2 writes it."""
    return (
        f'<ErrorResponse xmlns="{XML}"><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>'
        "<RequestId>r</RequestId></ErrorResponse>"
    )


def identity(account: str) -> str:
    """Returns the answer of STS to GetCallerIdentity."""
    return (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    )


def role(lasts: timedelta) -> str:
    """Returns the answer of STS to AssumeRole, with credentials for this long."""
    ends = (datetime.now(UTC) + lasts).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
        "<AccessKeyId>assumed</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>"
        f"<Expiration>{ends}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )


@dataclass
class Endpoint:
    """What the endpoint answers, and what it heard.

    Attributes:
        status: the HTTP status of the answers.
        body: the body of the answers.
        hangs: calls get no answer until the endpoint ends.
        throttles: how many calls are throttled first.
        account: the answer to GetCallerIdentity.
        roles: whether AssumeRole succeeds; otherwise it gets `status` and `body`.
        role_lasts: how long the credentials of an assumed role last.
        ahead: how far its clock is ahead; None: its answers have no date.
        heard: the calls as they came.
        agents: the user agent of each call.
        keys: the Authorization header of each call.

    """

    status: int = 200
    body: str = NOTHING
    hangs: bool = False
    throttles: int = 0
    account: str = "123456789012"
    roles: bool = True
    role_lasts: timedelta = timedelta(hours=1)
    ahead: timedelta | None = timedelta()
    heard: list[dict[str, str]] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    url: str = ""
    ended: Event = field(default_factory=Event)


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Serves until the context ends."""
    said = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            said.heard.append({name: values[0] for name, values in asked.items()})
            said.agents.append(self.headers["User-Agent"])
            said.keys.append(self.headers["Authorization"])
            if said.hangs:
                said.ended.wait(10)
                return
            if asked.get("Action") == ["GetCallerIdentity"]:
                self._answer(200, identity(said.account))
            elif asked.get("Action") == ["AssumeRole"] and said.roles:
                self._answer(200, role(said.role_lasts))
            elif said.throttles:
                said.throttles -= 1
                self._answer(400, refusal("Throttling", "Rate exceeded"))
            else:
                self._answer(said.status, said.body)

        def do_GET(self) -> None:
            self._answer(said.status, said.body)

        def _answer(self, status: int, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def date_time_string(self, timestamp: float | None = None) -> str:
            """What http.server sends as `Date`."""
            del timestamp
            return "no date" if said.ahead is None else format_datetime(datetime.now(UTC) + said.ahead, usegmt=True)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        said.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield said
        finally:
            said.ended.set()
            server.shutdown()
            thread.join()
