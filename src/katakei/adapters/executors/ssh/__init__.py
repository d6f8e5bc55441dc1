"""Work through the OpenSSH client: the mark's programs go through its standard input to a shell on the target."""

from collections.abc import Mapping

from katakei.adapters.aws import AwsSession
from katakei.adapters.executors.ssh.client import SshClient
from katakei.adapters.executors.ssh.executor import SshExecutor
from katakei.adapters.executors.ssh.hosts import Hosts
from katakei.adapters.executors.ssh.program_runner import SshProgramRunner
from katakei.adapters.system.clock import SystemClock
from katakei.domain.spec import SshAccess

__all__ = ["SshClient", "SshExecutor", "SshProgramRunner", "ssh_client"]


def ssh_client(access: SshAccess, aws: AwsSession, env: Mapping[str, str]) -> SshClient:
    """The client for one way to the targets.

    Args:
        access: The way.
        aws: Where the tags of instances are read.
        env: The environment of this process.
    """
    return SshClient(access, Hosts(access, aws), SystemClock(), env)
