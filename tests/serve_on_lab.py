"""`make serve`: the lab and a server over it with two services, ready to click. Ctrl-C ends both."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from katakei.lab.options import LabOptions
from katakei.lab.process import Lab

SECONDS = timedelta(seconds=1)
OPTIONS = LabOptions(targets=4, delay=60 * SECONDS, lag=2 * SECONDS, interval=2 * SECONDS, port=8080)
PLACE = """\
balancer:
  alb: {target_groups: [LaravelTargetGroup]}
check: {http: {path: /health, expect: 200}, within: 30s}
warm: {soak: 5s}
"""
SERVICES = {
    "shop.yml": f"""\
service: shop
{PLACE}drain: {{settle: 5s, until: proof}}
work:
  ssm: {{run: 'echo "$KATAKEI_RELEASE" > release && ./bin/restart'}}
server: {{release: v2}}
""",
    "shop-by-hand.yml": f"service: shop-by-hand\n{PLACE}drain: {{settle: 5s}}\nwork:\n  manual:\n",
}


def main(words: Sequence[str]) -> int:
    """Starts both, and passes further words to `katakei serve`. Returns its exit code."""
    with tempfile.TemporaryDirectory(prefix="katakei-serve-") as folder, Lab(OPTIONS) as lab:
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
