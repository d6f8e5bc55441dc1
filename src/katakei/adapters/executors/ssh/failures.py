"""What the OpenSSH client says when it fails: whether anything can have reached the target, and one clear sentence."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from katakei.domain.outside_text import one_line

CLIENT_FAILED = 255
"""The exit code of the client when it, and not the remote command, failed (ssh(1))."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer.

    Attributes:
        why: One sentence.
        sent: The program may have reached the target.
    """

    why: str
    sent: bool


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom the client was to reach, in words."""

    host: str
    user: str

    @property
    def whom(self) -> str:
        """The user there."""
        return f"the user {self.user}" if self.user else "this user"


# Each of these ends the client before the session begins. The first that matches counts.
_BEFORE_THE_SESSION: tuple[tuple[str, Callable[[Peer], str]], ...] = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|[Hh]ost key for .* has changed",
        lambda peer: f"the host key of {peer.host} has changed: find out why, then correct known_hosts",
    ),
    (
        r"Host key verification failed|No .* host key is known",
        lambda peer: (
            f"the host key of {peer.host} is not known: add it to known_hosts,"
            " or accept the first one with host_keys: accept-new"
        ),
    ),
    (
        r"Permission denied|Too many authentication failures|No more authentication methods|no mutual signature",
        lambda peer: f"{peer.host} does not accept {peer.whom}: check user, key and agent",
    ),
    (r"Could not resolve hostname|Name or service not known", lambda peer: f"the host {peer.host} has no address"),
    (
        r"Connection timed out|Operation timed out|during banner exchange",
        lambda peer: f"{peer.host} does not answer: check the route, the security group and the port",
    ),
    (r"Connection refused", lambda peer: f"{peer.host} refuses connections: check that sshd runs on this port"),
    (r"No route to host|Network is unreachable", lambda peer: f"there is no route to {peer.host}"),
    (r"kex_exchange_identification", lambda peer: f"{peer.host} closed the connection before it began"),
    (
        r"no matching (?:host key type|key exchange method|cipher|mac)",
        lambda peer: f"{peer.host} and this client have no algorithm in common",
    ),
)
_CONFIGURATION = re.compile(
    r"Can't open user config|[Bb]ad configuration option|terminating, \d+ bad|Bad owner or permissions|keyword .* extra"
    r"|[Mm]issing argument|[Uu]nsupported option|Bad port|command-line line|command-line: line"
)


def failure(stderr: str, code: int, out: str, peer: Peer) -> Failure:
    """Why a program gave no complete answer.

    Args:
        stderr: What the client and the remote shell wrote there.
        code: The exit code of the client.
        out: What the program printed.
        peer: Whom the client was to reach.
    """
    said = one_line(stderr).strip()[-300:]
    if code == CLIENT_FAILED:
        for pattern, sentence in _BEFORE_THE_SESSION:
            if re.search(pattern, stderr):
                return Failure(sentence(peer), sent=False)
        if _CONFIGURATION.search(stderr):
            return Failure(f"ssh does not accept its configuration: {said}", sent=False)
        return Failure(f"the connection to {peer.host} was lost: {said or 'ssh gave no reason'}", sent=True)
    words = one_line(out).strip()[:200] if "katakei-" not in out else ""
    reason = said or words or f"exit code {code}"
    return Failure(f"{peer.host} did not run the program with timeout and sh: {reason}", sent=True)
