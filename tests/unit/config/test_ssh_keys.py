"""The keys of work: ssh, and of a probe that goes by ssh."""

from pathlib import Path

import pytest
from tests.unit.config.one_file import faults, loaded

from katakei.domain.spec import Drain, DrainUntil, HostKeys, HostSource, SshAccess, Variable


def test_ssh_has_safe_defaults(tmp_path: Path) -> None:
    spec = loaded(tmp_path, "work: {ssh: {run: ./deploy}}")
    assert spec.work.ssh == SshAccess(host=HostSource.PRIVATE_IP, host_keys=HostKeys.VERIFY)
    assert (spec.work.executor, spec.carrier, spec.carrier_access) == ("ssh", "ssh", spec.work.ssh)
    assert spec.drain == Drain(until=DrainUntil.PROOF, probe="ssh")


def test_ssh_reads_every_key(tmp_path: Path) -> None:
    spec = loaded(
        tmp_path,
        "work: {ssh: {run: x, user: deploy, port: 2222, host: {tag: Host}, config: ~/.ssh/fleet, host_keys: accept-new,"
        " options: {ProxyJump: gate, IdentityFile: ~/.ssh/id}, env: {A: b, TOKEN: {secret: MY_TOKEN}}}}",
    )
    options = (("IdentityFile", "~/.ssh/id"), ("ProxyJump", "gate"))
    way = SshAccess("deploy", 2222, HostSource.TAG, "Host", "~/.ssh/fleet", options, HostKeys.ACCEPT_NEW)
    assert (spec.work.ssh, spec.work.env) == (way, (Variable("A", "b"), Variable("TOKEN", None, "MY_TOKEN")))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("user: -l", "user: must be the name of a user"),
        ("port: 0", "port: should be greater than or equal to 1"),
        ("host: 10.0.0.1", "host: '10.0.0.1' names no host; write private_ip, name, id or {tag: Host}"),
        ("host: {tag: }", "host.tag: has no value"),
        ("host_keys: no", "host_keys: no is not a known value; write verify or accept-new"),
        ("config: -v", "config: must be the path of a file"),
        ("options: {ProxyCommand: nc}", "options: ProxyCommand is not an option that may be set here"),
        ("options: {StrictHostKeyChecking: no}", "options: StrictHostKeyChecking is not an option"),
        ("options: {UserKnownHostsFile: /dev/null}", "options: UserKnownHostsFile must name a file"),
        ("env: {A: {ssm_parameter: /a}}", "env.A: works only with work: ssm; write {secret: NAME}"),
    ],
)
def test_ssh_refuses_unsafe_values(tmp_path: Path, keys: str, said: str) -> None:
    assert faults(tmp_path, f"work: {{ssh: {{run: x, {keys}}}}}").startswith(f"3: work.ssh.{said}")


def test_work_and_revert_share_one_way(tmp_path: Path) -> None:
    said = "4: revert: must reach the targets as work does, with the same settings: both keep marks on the target"
    assert faults(tmp_path, "work: {ssh: {run: x}}\nrevert: {ssm: {run: y}}") == said
    assert faults(tmp_path, "work: {ssh: {run: x}}\nrevert: {ssh: {run: y, user: a}}") == said
    assert loaded(tmp_path, "work: {ssh: {run: x, user: a}}\nrevert: {ssh: {user: a, run: y}}").revert
    assert loaded(tmp_path, "work: {ssh: {run: x}}\nrevert: {local: {run: y}}").revert


def test_probe_goes_by_ssh_where_the_work_does_not(tmp_path: Path) -> None:
    spec = loaded(tmp_path, "work: {local: {run: cap deploy}}\ndrain: {witness: ssh, ssh: {user: deploy}}")
    assert (spec.carrier, spec.carrier_access) == ("ssh", SshAccess("deploy"))
    assert spec.drain.until is DrainUntil.PROOF
    assert loaded(tmp_path, "work: {manual: }\ndrain: {witness: ssh}").carrier_access == SshAccess()


@pytest.mark.parametrize(
    "rest",
    [
        "work: {ssh: {run: x}}\ndrain: {ssh: {user: a}}",
        "work: {ssh: {run: x}}\ndrain: {witness: ssh, ssh: {user: a}}",
        "work: {local: {run: x}}\ndrain: {ssh: {user: a}}",
        "work: {local: {run: x}}\ndrain: {witness: ssh, until: delay, ssh: {user: a}}",
    ],
)
def test_drain_keys_without_effect_are_refused(tmp_path: Path, rest: str) -> None:
    assert "drain.ssh: has an effect only with witness: ssh, where the work is not ssh" in faults(tmp_path, rest)
