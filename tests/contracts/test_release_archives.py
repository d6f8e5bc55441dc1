"""Archives that would write outside of their folder, and targets that cannot take a release, each with its sentence."""

import os
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contracts.machine import Machine
from tests.contracts.release_site import Member, Site, archive, link
from tests.contracts.rows import Case, Rows, Shown

from katakei.domain.releases import ArtifactSource, Release, SourceKind

rows = Rows()
LINE = "-rw-r--r-- 0/0 0 2024-01-01 00:00"
HOSTILE = {
    "absolute": (Member("/var/katakei-hostile"),),
    "absolute below the folder itself": (Member("./ok"), Member("//var/katakei-hostile")),
    "parent": (Member("../katakei-hostile"),),
    "parent in the middle": (Member("a/../../katakei-hostile"),),
    "parent at the end": (Member("a/.."),),
    "parent after a line end": (Member("a\n/../../katakei-hostile"),),
    "absolute link": (link("a", "/var"),),
    "link out": (link("a/b", "../../tmp"),),
    "link out by way of a folder": (link("a", "b/../.."),),
    "member through a link": (link("a", "b"), Member("a/c")),
    "member through a link that comes later": (Member("a/c"), link("a", "b")),
    "member through a link with another name": (link("./a", "b"), Member("a//c/d")),
    "link through a link": (link("s", "."), link("s/s/x", "../..")),
    "link whose target hides in its name": (link("a -> b", "/var"),),
    "link with two arrows": (link("a", "b -> /tmp"),),
    "link with a line end": (link(f"a -> b\n{LINE} c", "/var"),),
    "target with a line end": (link("a", f"b\n{LINE} c/../../../tmp"),),
    "hard link to an absolute path": (Member("a", kind=tarfile.LNKTYPE, target="/etc/passwd"),),
    "hard link out": (Member("a", kind=tarfile.LNKTYPE, target="../passwd"),),
    "member through a hard link": (
        link("s", "."),
        Member("h", kind=tarfile.LNKTYPE, target="s"),
        Member("h/x"),
    ),
    "device": (Member("null", kind=tarfile.CHRTYPE),),
    "block device": (Member("disk", kind=tarfile.BLKTYPE),),
    "pipe": (Member("pipe", kind=tarfile.FIFOTYPE),),
    "terminal codes": (Member("a\033[2J"),),
    "backslash": (Member("a\\b"),),
}


@rows.of_targets
def members_that_leave_the_folder_are_refused(machine: Machine) -> None:
    site = Site(machine)
    site.deploy("v0")
    for number, (what, members) in enumerate(HOSTILE.items()):
        site.build(f"h{number}", Member("app.txt", "x"), *members)
        said = site.fails(f"h{number}")
        assert ".tar.gz was not unpacked: " in said, (what, said)
        assert (site.releases, site.current) == (["v0"], "releases/v0"), what
        assert sorted(each.name for each in site.path.iterdir()) == [".katakei", "current", "releases", "shared"], what
    assert not Path("/var/katakei-hostile").exists()


@rows.of_targets
def usual_members_are_unpacked(machine: Machine) -> None:
    site = Site(machine)
    members = (
        Member("./", kind=tarfile.DIRTYPE),
        Member("./app.txt", "v1"),
        Member("node_modules/p/cli.js", "js"),
        link("node_modules/.bin/p", "../p/cli.js"),
        link("public/storage", "../storage/app"),
        Member("storage/app/a b.txt", "spaces"),
        Member("日本語.txt", "text"),
        Member("a..b/...", "dots"),
        Member("hard", kind=tarfile.LNKTYPE, target="app.txt"),
        Member(".katakei", "not ours"),
    )
    checksum = site.build("v1", *members)
    code, lines = site.run("v1")
    assert code == 0, lines
    here = site.path / "current"
    assert (here / "node_modules" / ".bin" / "p").read_text() == "js"
    assert (here / "public" / "storage" / "a b.txt").read_text() == "spaces"
    assert ((here / "日本語.txt").read_text(), (here / "a..b" / "...").read_text()) == ("text", "dots")
    assert ((here / "hard").read_text(), (here / ".katakei").read_text()) == ("v1", f"sha256 {checksum}\n")


@rows.of_targets
def rights_and_owners_of_an_archive_do_not_count(machine: Machine) -> None:
    site = Site(machine)
    file = machine.folder / "builds" / "v1.tar.gz"
    file.parent.mkdir()
    with tarfile.open(file, "w:gz") as tar:
        info = tarfile.TarInfo("run")
        info.mode, info.uid, info.gid = 0o6777, 4321, 4321
        tar.addfile(info)
    assert site.run("v1")[0] == 0
    found = (site.path / "current" / "run").stat()
    assert (found.st_mode & 0o7777, found.st_uid) == (0o755, os.geteuid())


@rows.of_targets
def what_is_no_archive_is_refused(machine: Machine) -> None:
    site = Site(machine)
    file = machine.folder / "builds" / "v1.tar.gz"
    archive(file, Member("app.txt", "v1" * 5000))
    file.write_bytes(file.read_bytes()[:60])
    assert "could not be decompressed: " in site.fails("v1")
    file.write_text("no archive")
    assert "is not an archive that tar can read: " in site.fails("v1")
    archive(file)
    assert site.fails("v1").endswith("was not unpacked: it is empty")
    archive(file, Member("./", kind=tarfile.DIRTYPE))
    assert site.fails("v1").endswith("was not unpacked: it is empty")
    file.unlink()
    file.mkdir()
    assert " could not be fetched: " in site.fails("v1")
    assert site.releases == []


@rows.of_targets
def missing_tools_are_named(machine: Machine) -> None:
    site = Site(machine)
    site.build("v1")
    for number, tool in enumerate(("tar", "flock", "awk", "gzip")):
        fewer = site.without(tool, to=f"fewer{number}")
        assert site.fails("v1", PATH=fewer) == f"{tool} is missing on this machine"
    fewer = site.without("git", "aws", "curl", to="without")
    for kind, tool in ((SourceKind.GIT, "git"), (SourceKind.S3, "aws"), (SourceKind.URL, "curl")):
        wanted = Release(str(site.path), ArtifactSource(kind, "https://127.0.0.1:1/x", "v1"))
        assert site.fails("v1", wanted, PATH=fewer) == f"{tool} is missing on this machine"


@rows.of_targets
def settings_that_lead_elsewhere_are_refused(machine: Machine) -> None:
    """The configuration refuses them too; the program trusts nobody."""
    site = Site(machine)
    words = dict(zip(site.release.words("v1")[::2], site.release.words("v1")[1::2], strict=True))
    for name, value in (
        *(("id", each) for each in ("", "..", "../v1", "a/b", "-v1", ".v1", "a..b", "a b", "a\nb", "a;b")),
        *(("path", each) for each in ("", "/", "app", "/a/../b", "/a/", "/a//b", "/a/./b")),
        ("unknown", "x"),
    ):
        given = words | {name: value}
        code, lines = site.run("v1", words=tuple(word for pair in given.items() for word in pair))
        assert (code, lines[0].startswith("katakei: ")) == (1, True), (name, value, lines)
    assert not site.path.exists()


@rows.of_targets
def values_are_never_read_as_commands(machine: Machine) -> None:
    site = Site(machine)
    place = f"file://{machine.folder}/$(touch hit)`touch hit`';touch hit;\"/x.tar"
    assert "could not be fetched" in site.fails("v1", site.source(place=place))
    git = Release(str(site.path), ArtifactSource(SourceKind.GIT, "ext::sh -c touch% hit", "v1"))
    site.add("git")
    assert "could not be fetched" in site.fails("v1", git)
    git = Release(str(site.path), ArtifactSource(SourceKind.GIT, "--upload-pack=touch hit", "v1"))
    assert "could not be fetched" in site.fails("v1", git)
    assert not list(machine.folder.rglob("hit"))


@rows.of_targets
def what_stands_in_the_way_is_named(machine: Machine) -> None:
    site = Site(machine)
    site.build("v1")
    (site.path / "current").mkdir(parents=True)
    assert site.fails("v1") == f"{site.path}/current is not a link: move it away first"
    (site.path / "current").rmdir()
    (site.path / "current").symlink_to("/usr")
    assert site.fails("v1") == (f"{site.path}/current links to /usr, which is no release in {site.path}/releases")
    (site.path / "current").unlink()
    said = site.fails("v1", replace(site.release, shared=(".env",)))
    assert said == f"{site.path}/shared/.env is missing: put it there first"
    other = machine.folder / "file"
    other.write_text("")
    assert site.fails("v1", replace(site.release, path=str(other))).startswith(f"{other} cannot be written: ")
    assert site.releases == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_folder_without_rights_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for folder in (tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    machine = Machine(tmp_path, user=65534)
    site = Site(machine)
    site.build("v1")
    assert site.fails("v1") == (
        f"{site.path} cannot be written: mkdir: cannot create directory '{site.path}': Permission denied"
    )
    (site.path / "releases").mkdir(parents=True)
    (site.path / "shared").mkdir()
    (site.path / ".katakei").mkdir()
    assert site.fails("v1").startswith(f"{site.path} cannot be written")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_full_disk_is_named(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    site = Site(machine)
    site.path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", site.path], capture_output=True, check=False, timeout=20
    )
    if mounted.returncode:
        pytest.skip("this machine mounts nothing")
    try:
        site.deploy("v1")
        site.build("v2", Member("app.txt", "x" * 3_000_000))
        assert site.fails("v2").endswith("/v2.tar.gz could not be decompressed: its disk is full")
        archive(machine.folder / "builds" / "v2.tar", Member("app.txt", "x" * 600_000))
        wanted = site.source(place=f"file://{machine.folder}/builds/v2.tar")
        assert site.fails("v2", wanted).endswith("/v2.tar could not be unpacked: its disk is full")
        assert (site.current, site.releases) == ("releases/v1", ["v1"])
    finally:
        subprocess.run(["umount", "-l", site.path], check=True, timeout=20)


@rows.each()
def test_it(case: Case, shown: Shown) -> None:
    shown.result(case)
