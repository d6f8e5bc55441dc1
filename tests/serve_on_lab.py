"""`make serve`: the lab and a server over it with two services, each with a group, ready to click. Ctrl-C ends both."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from tests.second_group import add_group

from katakei.lab.options import GROUP, LabOptions
from katakei.lab.process import Lab

SECONDS = timedelta(seconds=1)
OPTIONS = LabOptions(targets=4, delay=60 * SECONDS, lag=2 * SECONDS, interval=2 * SECONDS, port=8080)
BY_HAND = "BatchTargetGroup"
"""Both services can be rolled at once, because each has its own target group."""
PLACE = """\
balancer:
  alb: {{target_groups: [{group}]}}
check: {{http: {{path: /health, expect: 200}}, within: 30s}}
warm: {{soak: 5s}}
"""
SERVICES = {
    "shop.yml": f"""\
service: shop
{PLACE.format(group=GROUP)}drain: {{settle: 5s, until: proof}}
work:
  ssm: {{run: 'echo "$KATAKEI_RELEASE" > release && ./bin/restart'}}
server: {{release: v2}}
""",
    "batch-by-hand.yml": f"""\
service: batch-by-hand
{PLACE.format(group=BY_HAND)}drain: {{settle: 5s}}
work:
  manual:
gates: [{{approval: {{name: go}}}}]
""",
}


def main(words: Sequence[str]) -> int:
    """Starts both, and passes further words to `katakei serve`. Returns its exit code."""
    with tempfile.TemporaryDirectory(prefix="katakei-serve-") as folder, Lab(OPTIONS) as lab:
        add_group(lab, BY_HAND, 2, listener_port=8081, delay=60)
        services = Path(folder, "services")
        services.mkdir()
        for name, text in SERVICES.items():
            (services / name).write_text(text)
        journal = f"{folder}/journal.db"
        command = [
            sys.executable,
            "-m",
            "katakei.cli",
            "serve",
            "--services",
            str(services),
            "--journal",
            journal,
            *words,
        ]
        server = subprocess.Popen(command, env=lab.over(os.environ))
        try:
            return server.wait()
        except KeyboardInterrupt:  # the terminal has told the server as well
            return server.wait(30)
        finally:
            if server.poll() is None:
                server.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
