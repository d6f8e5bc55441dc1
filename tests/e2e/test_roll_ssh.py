"""`katakei roll` through a real OpenSSH server on each server of the lab: work and probe, under load, without SSM."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contracts.machine import Machine
from tests.contracts.ssh_server import SshServer, config_file
from tests.e2e.command import Katakei
from tests.e2e.ground import Ground
from tests.e2e.stage import Play, Plays, Stage

from katakei.lab.options import Target
from katakei.lab.traffic import Traffic

pytestmark = pytest.mark.lab
plays = Plays()

SHOP = """\
service: shop
balancer: {{alb: {{target_groups: [LaravelTargetGroup]}}}}
drain: {{settle: 6s, until: proof}}
work:
  ssh:
    run: |
      echo begun >> begun
      echo "$KATAKEI_RELEASE" > release
      ./bin/restart
    host: id
    config: {config}
revert: {{ssh: {{run: "echo v1 > release; ./bin/restart", host: id, config: {config}}}}}
check: {{http: {{path: /health}}, within: 20s}}
warm: {{soak: 1s}}
"""


@plays
def servers_are_rolled_by_ssh_without_ssm_or_a_lost_request(katakei: Katakei, ground: Ground) -> None:
    ground.set_delay(timedelta(seconds=300))
    ground.lab.faults(deny=["SendCommand", "DescribeInstanceInformation"])
    places = ground.places()
    with _reachable(ground, katakei.folder) as servers:
        katakei.file(SHOP.format(config=katakei.folder / "ssh_config"))
        clients = Traffic(ground.lab.url, 30, slow_seconds=2, longest=timedelta(minutes=5))
        clients.start()
        try:
            done = katakei("roll", "--release", "v2", within=240)
        finally:
            seen = clients.stop()
        assert done.code == 0, done.all()
        assert (seen.failed, seen.first_failures) == (0, ())
        assert seen.requests > 100
        assert (ground.releases(), ground.starts(), ground.places()) == (["v2", "v2"], [1, 1], places)
        folders = [Path(each.folder) for each in ground.lab.targets]
        assert [(each / "begun").read_text() for each in folders] == ["begun\n"] * 2
        servers[1].cut()
        servers[1].end()
        refused = katakei("roll", "--release", "v3")
        assert (refused.code, set(ground.states().values())) == (5, {"healthy"}), refused.all()
        assert f"{ground.ids[1]} refuses connections: check that sshd runs on this port" in refused.err


@plays
def requests_without_root_are_refused_before_a_target_is_taken_out(katakei: Katakei, ground: Ground) -> None:
    places = ground.places()
    with _reachable(ground, katakei.folder, "setpriv --bounding-set=-net_raw --inh-caps=-net_raw --") as servers:
        file = SHOP.format(config=katakei.folder / "ssh_config").replace("until: proof", "until: requests")
        katakei.file(file)
        refused = katakei("roll", "--release", "v2")
        assert refused.code == 5, refused.all()
        assert "it needs root (CAP_NET_RAW) to read the packets of the port on " in refused.err
        assert "; correct that, or write until: [requests, proof]. Nothing was changed" in refused.err
        assert (set(ground.states().values()), ground.releases()) == ({"healthy"}, ["v1", "v1"])
        assert (ground.places(), katakei("list", "--json").data["rollouts"]) == (places, [])
        assert all(not list(server.folder.glob("state/*/requests")) for server in servers)


@contextmanager
def _reachable(ground: Ground, folder: Path, limits: str = "") -> Iterator[list[SshServer]]:
    """Servers of ssh. `limits` is a command that runs each session with fewer rights."""
    servers = {each.id: _server(each, folder / each.id, limits) for each in ground.lab.targets}
    try:
        for server in servers.values():
            server.begin()
            server.known_hosts(folder / "known_hosts")
        config_file(folder, servers, folder / "known_hosts")
        yield list(servers.values())
    finally:
        for server in servers.values():
            server.cut()
            server.end()


def _server(target: Target, folder: Path, limits: str) -> SshServer:
    """A session finds what every process of this server of the lab finds."""
    state = f"{target.folder}/state"
    machine = Machine(folder, name=target.id, env={"KATAKEI_STATE": state, "HOME": target.folder})
    settings = (
        [f'ForceCommand cd {target.folder} && exec {limits} /bin/sh -c "$SSH_ORIGINAL_COMMAND"'] if limits else []
    )
    return SshServer(machine, settings=settings, home=Path(target.folder))


@plays.each()
def test_play(play: Play, stage: Stage) -> None:
    stage.show(play)
