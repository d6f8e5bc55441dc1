"""A controller of its own that starts work through ssh, so that a test can kill it at any moment.

`python -P ssh_controller.py CONFIG TARGET RUN`: it begins the work until it is accepted, prints `started`, and waits.
"""

import os
import sys
import time

from tests.contracts.workshops import BY, job, key, target

from katakei.adapters.executors.ssh import SshClient, SshExecutor
from katakei.adapters.executors.ssh.hosts import Hosts
from katakei.adapters.system.clock import SystemClock
from katakei.domain.spec import HostSource, SshAccess


def main() -> None:
    access = SshAccess(host=HostSource.ID, config=sys.argv[1])
    whom = target(int(sys.argv[2]))
    executor = SshExecutor(SshClient(access, Hosts(access), SystemClock(), os.environ), SystemClock(), os.environ)
    while not executor.start({key(whom): (whom, job(sys.argv[3]))}, BY):
        time.sleep(0.1)
    sys.stdout.write("started\n")
    sys.stdout.flush()
    time.sleep(60)


if __name__ == "__main__":
    main()
