"""PHP under nginx and php-fpm on the servers of the lab, rolled under load with php-fpm's status page as counter."""

import os
import shlex
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage

from katakei.lab.traffic import Traffic

pytestmark = pytest.mark.lab
plays = Plays()
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr; {user} worker_processes 1;
events {{ }}
http {{
  access_log off; keepalive_timeout 4100s; keepalive_requests 1000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen {address}:{port};
    set $script /index.php;
    if ($uri = /fpm-status) {{ set $script /fpm-status; }}
    location / {{
      fastcgi_param REQUEST_METHOD $request_method; fastcgi_param QUERY_STRING $query_string;
      fastcgi_param SCRIPT_NAME $script; fastcgi_param SCRIPT_FILENAME {folder}$script;
      fastcgi_pass unix:{folder}/php.sock;
    }}
  }}
}}
"""
FPM = """
[global]
error_log = {folder}/php.log
daemonize = no
[www]
listen = {folder}/php.sock
listen.mode = 0666
pm = static
pm.max_children = 16
pm.status_path = /fpm-status
{user}
"""
PAGE = """<?php
usleep((int) (1000000 * (float) ($_GET['s'] ?? 0)));
header('X-Release: ' . trim(file_get_contents(__DIR__ . '/release')));
echo 'hello';
"""
# A server of this kind: both programs end together, and nginx is the one that is waited for.
START = """
cd "{folder}"
{php} {root} -F -y "{folder}/fpm.conf" &
exec {nginx} -c "{folder}/nginx.conf" -p "{folder}" -e "{folder}/error.log"
"""
FILE = """\
service: shop
balancer: {alb: {target_groups: [LaravelTargetGroup]}}
drain:
  settle: 2s
  until: counter
  quiet: 1s
  counter: {command: 'curl -fsS "http://$ADDRESS:$PORT/fpm-status?json"'}
work: {ssm: {run: 'echo "$KATAKEI_RELEASE" > release && ./bin/restart'}}
check: {http: {path: /index.php, expect: 200}}
warm: {soak: 1s}
"""


def _program(name: str) -> str:
    """Returns a program of Debian, which names php-fpm by its version and keeps both off the PATH of users."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    named = (str(each) for folder in path.split(":") for each in sorted(Path(folder).glob(f"{name}*")))
    found = shutil.which(name, path=path) or next(named, "")
    assert found, f"this test needs {name}: make packages"
    return found


def _install(folder: Path, address: str, port: int) -> None:
    """Replace the sample application of a server by PHP; the next restart starts it."""
    root = os.geteuid() == 0
    user = ("user root;", "user = root\ngroup = root") if root else ("", "")
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, address=address, port=port, user=user[0]))
    (folder / "fpm.conf").write_text(FPM.format(folder=folder, user=user[1]))
    (folder / "index.php").write_text(PAGE)
    php, nginx = shlex.quote(_program("php-fpm")), shlex.quote(_program("nginx"))
    (folder / "command").write_text(START.format(folder=folder, php=php, nginx=nginx, root="-R" if root else ""))


@plays
def php_is_rolled_under_load_by_its_status_page(katakei: Katakei, ground: Ground) -> None:
    ground.set_delay(timedelta(minutes=2))
    for target in ground.lab.targets:
        _install(Path(target.folder), target.address, target.port)
        subprocess.run(["./bin/restart"], cwd=target.folder, check=True, timeout=60)
    for target in ground.lab.targets:
        ground.becomes(target.id, "healthy")
    katakei.file(FILE)
    traffic = Traffic(ground.lab.url, 20, slow_seconds=2, longest=timedelta(minutes=5))
    traffic.start()
    try:
        done = katakei("roll", "--release", "v2", "--yes", within=180)
    finally:
        figures = traffic.stop()
    assert done.code == 0, done.all()
    # Both drains ended by the counter: the load balancer's timers alone would take longer than the command may.
    assert "told no number" not in done.out
    assert (figures.failed, figures.first_failures) == (0, ())
    assert {"v1", "v2"} <= set(figures.releases)
    assert ground.releases() == ["v2", "v2"]


@plays.each()
def test_it(stage: Stage, play: Play) -> None:
    stage.show(play)
