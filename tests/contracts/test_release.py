"""The program of releases on each shell: the layout, the switch, the way back, and what is never switched to."""

import os
import time
from dataclasses import replace
from pathlib import Path

from tests.contracts.machine import Machine
from tests.contracts.release_site import Member, Site, archive, ended, git, repository
from tests.contracts.rows import Case, Rows, Shown

from katakei.domain.releases import ArtifactSource, Release, SourceKind

BOUND = 60.0
rows = Rows()


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + BOUND
    while not file.exists():
        assert time.monotonic() < deadline, file
        time.sleep(0.02)


@rows.of_targets
def release_has_the_layout_of_capistrano(machine: Machine) -> None:
    site = Site(machine)
    (site.path / "shared").mkdir(parents=True)
    (site.path / "shared" / ".env").write_text("secret")
    site.build("v1", Member("app.txt", "v1"), Member("storage/logs/.keep"), Member("public/index.php", "<?php"))
    wanted = replace(site.release, shared=("storage/", ".env", "public/uploads/"))
    code, lines = site.run("v1", wanted)
    assert (code, lines[-1]) == (0, "current is v1"), lines
    assert (site.current, site.releases) == ("releases/v1", ["v1"])
    here = site.path / "current"
    assert ((here / "app.txt").read_text(), (here / ".env").read_text()) == ("v1", "secret")
    assert (here / "storage").readlink() == site.path / "shared" / "storage"
    assert (site.path / "shared" / "storage" / "logs" / ".keep").exists()
    assert (here / "public" / "uploads").readlink() == site.path / "shared" / "public" / "uploads"
    assert (here / "public" / "index.php").read_text() == "<?php"


@rows.of_targets
def commands_run_in_order_and_in_their_folders(machine: Machine) -> None:
    site = Site(machine)
    site.build("v1")
    say = 'echo "$PWD $(readlink ../../current || echo none)" >> "$HOME/said"'
    wanted = replace(site.release, before_switch=f"{say}\ntrue", restart=say, after_switch="pwd -P")
    code, lines = site.run("v1", wanted)
    assert code == 0, lines
    assert (machine.folder / "said").read_text().splitlines()[0] == f"{site.path}/releases/v1 none"
    assert lines[-2:] == ["after_switch", str(site.path / "releases" / "v1")]
    assert lines[1:4] == ["before_switch", "current is v1", "restart"]


@rows.of_targets
def failed_command_before_the_switch_switches_nothing(machine: Machine) -> None:
    site = Site(machine)
    site.deploy("v1")
    site.build("v2")
    said = site.fails("v2", replace(site.release, before_switch="false\ntouch late"))
    assert (said, site.current) == ("before_switch failed with exit code 1: current was not switched", "releases/v1")
    assert not (site.path / "releases" / "v2" / "late").exists()
    assert site.run("v2")[0] == 0
    assert site.current == "releases/v2"


@rows.of_targets
def failed_restart_is_told_and_taken_back(machine: Machine) -> None:
    site = Site(machine)
    site.deploy("v1")
    site.build("v2")
    wanted = replace(site.release, restart='[ "$(cat app.txt)" = v1 ]')
    assert site.fails("v2", wanted) == "restart failed with exit code 1: current is v2"
    assert site.fails("v2", wanted) == "restart failed with exit code 1: current is v2"  # a retry
    assert site.run("v2", wanted.back) == (0, ["current is v1", "restart"])
    assert site.run("v2", wanted.back) == (0, ["current is v1", "restart"])
    assert site.current == "releases/v1"


@rows.of_targets
def way_back_of_a_rollout_that_switched_nothing_changes_nothing(machine: Machine) -> None:
    site = Site(machine)
    back = replace(site.release.back, restart="touch restarted")
    assert site.run("v2", back) == (0, [f"this rollout switched nothing in {site.path}"])
    site.deploy("v1")
    code, lines = site.run("v2", back)
    assert (code, lines) == (0, [f"this rollout switched nothing in {site.path}: current is v1"])
    assert not list(site.path.rglob("restarted"))


@rows.of_targets
def way_back_is_refused_where_another_rollout_switched(machine: Machine) -> None:
    site = Site(machine)
    site.deploy("v1")
    assert site.fails("v1", site.release.back) == "there was no release before v1: current is v1"
    site.deploy("v2", "v3")
    said = site.fails("v2", site.release.back)
    assert said == "current is v3, which this rollout did not switch to: switch it by hand"
    (site.path / "releases" / "v2").rename(site.path / "gone")
    said = site.fails("v3", site.release.back)
    assert said == "the release before, v2, is not in releases any more: current is v3".replace(
        "in releases", f"in {site.path}/releases"
    )
    assert site.current == "releases/v3"


@rows.of_targets
def old_releases_are_removed_but_never_those_of_others(machine: Machine) -> None:
    site = Site(machine)
    foreign = site.path / "releases" / "20240101000000"
    foreign.mkdir(parents=True)
    (site.path / "current").symlink_to(foreign)  # Capistrano's link is absolute
    wanted = replace(site.release, keep=2)
    site.deploy("v1", "v2", release=wanted)
    assert site.releases == ["20240101000000", "v1", "v2"]
    site.deploy("v3", "v4", release=wanted)
    assert (site.releases, site.current) == (["20240101000000", "v3", "v4"], "releases/v4")
    assert site.run("v4", site.release.back)[0] == 0
    site.deploy("v5", release=wanted)
    assert (site.releases, site.current) == (["20240101000000", "v3", "v4", "v5"], "releases/v5")
    assert site.run("v5", site.release.back) == (0, ["current is v3"])


@rows.of_targets
def first_release_after_another_tool_is_taken_back_to_its_release(machine: Machine) -> None:
    site = Site(machine)
    before = site.path / "releases" / "20240101000000"
    before.mkdir(parents=True)
    (site.path / "current").symlink_to(before)
    site.deploy("v1")
    assert site.run("v1", site.release.back) == (0, ["current is 20240101000000"])
    site.build("20240101000000")
    said = site.fails("20240101000000")
    assert said == f"{before} was not made by this program: give the release another name"


@rows.of_targets
def same_name_with_other_content_is_refused(machine: Machine) -> None:
    site = Site(machine)
    site.deploy("v1", "v2")
    first = site.build("v1")
    assert site.run("v1", rollout="r-again")[0] == 0
    assert site.current == "releases/v1"
    second = site.build("v1", Member("app.txt", "changed"))
    said = site.fails("v1")
    other = f"holds something else (sha256 {first}, not sha256 {second}): give the release another name"
    assert said == f"{site.path}/releases/v1 {other}"


@rows.of_targets
def release_with_wrong_checksum_is_refused(machine: Machine) -> None:
    site = Site(machine)
    place = f"file://{machine.folder}/builds/v1.tar.gz"
    right, wrong = site.build("v1"), "0" * 64
    said = site.fails("v1", site.source(sha256=wrong))
    assert said == f"the checksum of {place} is wrong: it is {right} and should be {wrong}"
    said = site.fails("v1", site.source(sha256="beside"))
    assert said.startswith(f"{place}.sha256 could not be fetched: ")
    beside = machine.folder / "builds" / "v1.tar.gz.sha256"
    beside.write_text(f"{wrong}  v1.tar.gz\n")
    assert site.fails("v1", site.source(sha256="beside")) == (
        f"the checksum of {place} is wrong: it is {right} and should be {wrong}"
    )
    beside.write_text("")
    assert site.fails("v1", site.source(sha256="beside")) == f"{place}.sha256 holds no checksum"
    assert site.releases == []
    beside.write_text(f"{right}  v1.tar.gz\n")
    assert site.run("v1", site.source(sha256="beside"))[0] == 0


@rows.of_targets
def release_that_is_in_place_is_not_fetched_again(machine: Machine) -> None:
    site = Site(machine)
    wanted = site.source(sha256=site.build("v1"))
    assert site.run("v1", wanted)[0] == 0
    (machine.folder / "builds" / "v1.tar.gz").unlink()
    code, lines = site.run("v1", wanted, rollout="r-again")
    assert (code, lines) == (0, [f"the release v1 is already in {site.path}/releases", "current is v1"])


@rows.of_targets
def crash_at_any_command_leaves_a_whole_current(machine: Machine) -> None:
    """A tool that never ends stops the program there, and then everything is killed."""
    site = Site(machine)
    site.deploy("v1")
    site.build("v2", *(Member(f"dir{number}/file", "x" * 2000) for number in range(50)), Member("app.txt", "v2"))
    for tool in ("tar", "mv", "sync", "ln", "rm"):
        for call in (1, 2, 3):
            stuck = machine.folder / f"stuck-{tool}-{call}"
            folder = _stuck_at(machine, tool, call, stuck)
            process = site.begin("v2", rollout=f"r-{tool}{call}", PATH=f"{folder}:{machine.path}")
            with ended(process):
                deadline = time.monotonic() + BOUND
                while not stuck.exists() and process.poll() is None:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
                whole = (site.path / "current" / "app.txt").read_text()
                assert site.current == f"releases/{whole}"
    code, lines = site.run("v2", rollout="r-last")
    assert (code, site.current, site.releases) == (0, "releases/v2", ["v1", "v2"]), lines
    assert len(list((site.path / "current").glob("dir*/file"))) == 50


@rows.of_targets
def two_rollouts_wait_for_each_other(machine: Machine) -> None:
    site = Site(machine)
    site.build("v1")
    site.build("v2")
    go_on = machine.folder / "go_on"
    slow = replace(site.release, before_switch=f"touch begun; until [ -e {go_on} ]; do sleep 0.1; done")
    first = site.begin("v1", slow)
    _wait_for(site.path / "releases" / "v1" / "begun")
    second = site.begin("v2")
    line = second.stdout.readline().strip() if second.stdout else ""
    assert line == f"another release is being put into place in {site.path}; waiting for it"
    assert (site.releases, (site.path / "current").exists()) == (["v1"], False)
    go_on.touch()
    for process in (first, second):
        process.communicate(timeout=BOUND)
        assert process.returncode == 0
    assert (site.releases, site.current) == (["v1", "v2"], "releases/v2")
    assert site.run("v2", site.release.back) == (0, ["current is v1"])


@rows.of_targets
def process_that_a_command_left_running_holds_no_lock(machine: Machine) -> None:
    site = Site(machine)
    wanted = replace(site.release, restart="sleep 100 </dev/null >/dev/null 2>&1 &")
    site.deploy("v1", "v2", release=wanted)
    assert site.current == "releases/v2"


@rows.of_targets
def tag_and_commit_of_a_repository_are_put_into_place(machine: Machine) -> None:
    site, origin = Site(machine), repository(machine.folder / "origin")
    site.add("git")
    wanted = Release(str(site.path), ArtifactSource(SourceKind.GIT, str(origin), "{release}"))
    short = git(origin, "rev-parse", "--short", "v2")
    for name, text in (("v1", "v1"), (short, "v2"), (git(origin, "rev-parse", "main"), "main")):
        code, lines = site.run(name, wanted)
        assert (code, (site.path / "current" / "app.txt").read_text()) == (0, text), lines
    here = site.path / "current"
    assert (here / ".katakei").read_text() == f"git {git(origin, 'rev-parse', 'main')}\n"
    assert os.access(here / "bin" / "run", os.X_OK)
    assert not (here / ".git").exists()


@rows.of_targets
def branch_and_unknown_revision_are_refused(machine: Machine) -> None:
    site, origin = Site(machine), repository(machine.folder / "origin")
    site.add("git")
    wanted = Release(str(site.path), ArtifactSource(SourceKind.GIT, str(origin), "{release}"))
    said = site.fails("main", wanted)
    assert said == f"main is a branch of {origin}, which may move during a rollout: name a tag or a commit"
    assert site.fails("v9", wanted) == f"{origin} has no tag or commit v9"
    assert site.fails("0" * 40, wanted) == f"{origin} has no commit {'0' * 40}"
    gone = replace(wanted, source=ArtifactSource(SourceKind.GIT, str(machine.folder / "gone"), "v1"))
    assert site.fails("v1", gone).startswith(f"{machine.folder}/gone could not be fetched: fatal: ")
    assert site.releases == []


@rows.of_targets
def link_is_renamed_without_the_option_of_mv(machine: Machine) -> None:
    site = Site(machine)
    site.add("python3", "perl")
    site.deploy("v1")
    site.build("v2")
    old = machine.folder / "old"
    old.mkdir()
    refusal = 'case $1 in *T*) echo "mv: unknown option -T" >&2; exit 1 ;; esac'
    (old / "mv").write_text(f'#!{machine.folder}/bin/sh\n{refusal}\nexec {_real("mv")} "$@"\n')
    (old / "mv").chmod(0o755)
    code, lines = site.run("v2", PATH=f"{old}:{machine.path}")
    assert (code, site.current) == (0, "releases/v2"), lines
    fewer = site.without("python3", "perl", "mv")
    said = site.fails("v1", PATH=f"{old}:{fewer}")
    assert said == "mv on this machine knows no -T, and python3 and perl are missing: install coreutils"
    assert site.current == "releases/v2"


@rows.of_targets
def folder_in_an_archive_is_left_out_with_strip(machine: Machine) -> None:
    site = Site(machine)
    site.build("v1", Member("shop-1/app.txt", "v1"), Member("shop-1/sub/x", "x"))
    assert site.run("v1", site.source(strip=True))[0] == 0
    assert (site.path / "current" / "app.txt").read_text() == "v1"
    site.build("v2", Member("shop-1/app.txt", "v1"), Member("shop-2/x", "x"))
    said = site.fails("v2", site.source(strip=True))
    assert said.endswith("/v2.tar.gz does not hold one folder, which strip needs")


@rows.of_targets
def plain_archive_is_unpacked(machine: Machine) -> None:
    site = Site(machine)
    archive(machine.folder / "builds" / "v1.tar", Member("app.txt", "v1"))
    assert site.run("v1", site.source(place=f"file://{machine.folder}/builds/{{release}}.tar"))[0] == 0


def _stuck_at(machine: Machine, tool: str, call: int, stuck: Path) -> Path:
    """A folder with a tool that never ends when it is called this often."""
    folder, count = machine.folder / f"stub-{tool}-{call}", machine.folder / f"count-{tool}-{call}"
    folder.mkdir()
    (folder / tool).write_text(
        f"#!{machine.folder}/bin/sh\necho x >> {count}\n"
        f'if [ "$(cat {count} | wc -l)" -eq {call} ]; then : > {stuck}; exec sleep 600; fi\nexec {_real(tool)} "$@"\n'
    )
    (folder / tool).chmod(0o755)
    return folder


def _real(tool: str) -> str:
    return next(f"{place}/{tool}" for place in ("/usr/bin", "/bin") if Path(place, tool).exists())


@rows.each()
def test_it(case: Case, shown: Shown) -> None:
    shown.result(case)
