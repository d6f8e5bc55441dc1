"""What the OpenSSH client says when it fails, and the hosts and programs that it gets."""

import pytest

from katakei.adapters.executors.ssh import preflight, programs
from katakei.adapters.executors.ssh.client import Answer
from katakei.adapters.executors.ssh.failures import Peer, failure
from katakei.adapters.executors.ssh.hosts import Hosts
from katakei.domain.errors import RejectedError
from katakei.domain.model import Target, TargetId
from katakei.domain.spec import HostSource, SshAccess

PEER = Peer("web1", "deploy")
WEB = Target(TargetId("i-0abc"), "web 1", "10.0.0.1", "a", ())


@pytest.mark.parametrize(
    ("stderr", "said", "sent"),
    [
        (
            "@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            "has changed",
            False,
        ),
        ("No ED25519 host key is known for web1 and you have requested strict", "is not known: add it", False),
        ("deploy@web1: Permission denied (publickey).", "does not accept the user deploy", False),
        ("Received disconnect from 10.0.0.1: Too many authentication failures", "does not accept", False),
        ("ssh: Could not resolve hostname web1: Name or service not known", "has no address", False),
        ("ssh: connect to host web1 port 22: Connection timed out", "does not answer", False),
        ("Connection timed out during banner exchange", "does not answer", False),
        ("ssh: connect to host web1 port 22: Connection refused", "refuses connections", False),
        ("ssh: connect to host web1 port 22: No route to host", "there is no route to web1", False),
        ("kex_exchange_identification: Connection closed by remote host", "closed the connection", False),
        ("Unable to negotiate with web1: no matching host key type found.", "no algorithm in common", False),
        ("command-line line 0: Bad configuration option: foo", "does not accept its configuration", False),
        ("Timeout, server web1 not responding.", "the connection to web1 was lost", True),
        ("", "the connection to web1 was lost: ssh gave no reason", True),
    ],
)
def test_failure_names_the_cause_and_what_was_sent(stderr: str, said: str, sent: bool) -> None:  # noqa: FBT001 - a row
    found = failure(stderr, 255, "", PEER)
    assert said in found.why
    assert found.sent is sent
    assert "\n" not in found.why


def test_failure_of_the_target_quotes_its_words() -> None:
    found = failure("bash: line 1: timeout: command not found", 127, "", PEER)
    assert found.why == "web1 did not run the program with timeout and sh: bash: line 1: timeout: command not found"
    assert failure("", 1, "No\x1b[2J login", PEER).why.endswith(r"sh: No\x1b[2J login")
    assert failure("", 3, "", PEER).why.endswith("sh: exit code 3")


@pytest.mark.parametrize(
    ("source", "host"), [(HostSource.PRIVATE_IP, "10.0.0.1"), (HostSource.ID, "i-0abc"), (HostSource.NAME, None)]
)
def test_hosts_are_names_and_never_options(source: HostSource, host: str | None) -> None:
    hosts = Hosts(SshAccess(host=source))
    if host:
        assert hosts.of(WEB) == host
    else:
        with pytest.raises(RejectedError, match=r"its Name tag 'web 1' is no host name for ssh"):
            hosts.of(WEB)


@pytest.mark.parametrize("name", ["-oProxyCommand=x", "a b", "a;b", "$(id)", "", "ä", "a/b", "a\nb"])
def test_hosts_refuse_words_with_a_meaning(name: str) -> None:
    with pytest.raises(RejectedError):
        Hosts(SshAccess(host=HostSource.NAME)).of(Target(TargetId("i-1"), name, "", "a", ()))
    with pytest.raises(RejectedError):
        programs.whole("true", TargetId(name))


def test_target_without_the_tag_is_named() -> None:
    with pytest.raises(RejectedError, match="it has no tag Host, which names its host for ssh"):
        Hosts(SshAccess(host=HostSource.TAG, tag="Host")).of(WEB)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("i-0abc Linux - yes 5000 no L3Zhcg==", ""),
        ("- Linux - yes - no L3Zhcg==", ""),
        ("i-0def Linux - yes 5000 no L3Zhcg==", "ssh reaches i-0def and not i-0abc: correct what names its host"),
        ("- Darwin - yes 5000 no L3Zhcg==", "it runs Darwin; work by ssh needs Linux"),
        ("- Linux setsid,dd yes 5000 no L3Zhcg==", "setsid, dd is missing on this machine"),
        ("- Linux - no 5000 no L3Zhcg==", "its user may not write /var, where the marks of the work are kept"),
        ("- Linux - yes 12 no L3Zhcg==", "its disk is full: 12 KiB are free for /var"),
        ("- Linux - yes 5000 yes L3Zhcg==", "its login manager ends the work with the connection"),
        ("- Linux", "its answer by ssh was incomplete"),
    ],
)
def test_unready_names_what_is_missing(words: str, said: str) -> None:
    found = preflight.unready(WEB, Answer(f"katakei-hello {words}\nkatakei-end\n"))
    assert found.startswith(said)
    assert bool(found) == bool(said)


def test_target_whose_turn_did_not_come_is_named() -> None:
    assert preflight.unready(WEB, None) == "its turn to be reached by ssh did not come in time: try again"
