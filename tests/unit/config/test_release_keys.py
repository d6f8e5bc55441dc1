"""The keys of work: release."""

from pathlib import Path

import pytest
from tests.unit.config.one_file import BASE, faults, loaded

from katakei.config.services import read_services
from katakei.domain.releases import ArtifactSource, Release, SourceKind
from katakei.domain.spec import Command, Drain, DrainUntil, SshAccess, Variable

GIT = "source: {git: git@host:shop.git}"
DIGITS = "0123456789abcdef" * 4


def test_release_has_safe_defaults(tmp_path: Path) -> None:
    spec = loaded(tmp_path, f"work: {{release: {{path: /var/www/shop, {GIT}}}}}\non_failure: {{then: revert}}")
    source = ArtifactSource(SourceKind.GIT, "git@host:shop.git", "{release}")
    assert spec.work == Command("ssm", release=Release("/var/www/shop", source, keep=5))
    assert spec.revert == Command("ssm", release=Release("/var/www/shop"))
    assert spec.drain == Drain(until=DrainUntil.PROOF, probe="ssm")


def test_release_reads_every_key(tmp_path: Path) -> None:
    spec = loaded(
        tmp_path,
        "work: {release: {path: /srv/app, source: {s3: 's3://builds/a/{release}.tgz', region: eu-west-1, sha256: beside"
        ', strip: true}, shared: [storage/, .env], keep: 3, before_switch: "a\\r\\nb", restart: c, after_switch: d,'
        " by: ssh, ssh: {user: deploy}, env: {A: b, TOKEN: {secret: MY_TOKEN}}}}",
    )
    source = ArtifactSource(SourceKind.S3, "s3://builds/a/{release}.tgz", "", "beside", "eu-west-1", strip=True)
    release = Release("/srv/app", source, ("storage/", ".env"), 3, "a\nb", "c", "d")
    env = (Variable("A", "b"), Variable("TOKEN", None, "MY_TOKEN"))
    assert spec.work == Command("ssh", env=env, ssh=SshAccess("deploy"), release=release)
    assert spec.revert == Command("ssh", env=env, ssh=SshAccess("deploy"), release=Release("/srv/app", restart="c"))
    assert (spec.carrier, spec.carrier_access) == ("ssh", SshAccess("deploy"))


@pytest.mark.parametrize(
    "source",
    [
        "git: https://host/shop.git, revision: 'v{release}'",
        "git: ssh://git@host:2222/shop.git",
        "git: /srv/git/shop.git",
        f"url: http://host/shop.tar, sha256: {DIGITS.upper()}",
        "url: 'file:///mnt/builds/{release}.tar.zst'",
        "s3: 's3://my-builds/{release}/shop.tar'",
    ],
)
def test_each_source_is_read(tmp_path: Path, source: str) -> None:
    assert loaded(tmp_path, f"work: {{release: {{path: /a, source: {{{source}}}}}}}").work.release


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (GIT, "3: work.release.path: is missing; write path: /var/www/shop"),
        ("path: /a", "3: work.release.source: is missing; write source: {git: URL}"),
        (f"path: app, {GIT}", "3: work.release.path: 'app' is not the absolute path of a folder; write /var/www/shop"),
        (f"path: /a/../b, {GIT}", "3: work.release.path: '/a/../b' is not the absolute path of a folder"),
        (f"path: /, {GIT}", "3: work.release.path: '/' is not the absolute path of a folder"),
        (f"path: /a, keep: 1, {GIT}", "3: work.release.keep: should be greater than or equal to 2"),
        (f"path: /a, shared: [../x], {GIT}", "3: work.release.shared[0]: '../x' is not a path inside of the release"),
        (f"path: /a, shared: [/x], {GIT}", "3: work.release.shared[0]: '/x' is not a path inside of the release"),
        (f"path: /a, shared: [-x], {GIT}", "3: work.release.shared[0]: '-x' is not a path inside of the release"),
        (f"path: /a, shared: [a, a/b], {GIT}", "3: work.release.shared: a/b is in a, which is shared"),
        (f"path: /a, shared: [a, a/], {GIT}", "3: work.release.shared: a is in a, which is shared"),
        (f"path: /a, by: local, {GIT}", "3: work.release.by: local is not a known value; write ssm or ssh"),
        (f"path: /a, ssh: {{user: a}}, {GIT}", "3: work.release: ssh has an effect only with by: ssh"),
        (f"path: /a, env: {{A: {{secret: B}}}}, {GIT}", "3: work.release: A: Run Command would show the value"),
        (
            f"path: /a, by: ssh, env: {{A: {{ssm_parameter: /b}}}}, {GIT}",
            "3: work.release: A: works only with work: ssm; write {secret: NAME}",
        ),
        (f"path: /a, env: {{A: 1}}, {GIT}", "3: work.release.env.A: 1 is not a value of a variable"),
    ],
)
def test_release_refuses_what_has_no_safe_meaning(tmp_path: Path, keys: str, said: str) -> None:
    assert faults(tmp_path, f"work: {{release: {{{keys}}}}}").startswith(said)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", ": write exactly one of git: URL, s3: s3://BUCKET/KEY and url: https://HOST/PATH"),
        ("git: /a, url: https://h/a", ": write exactly one of git: URL"),
        ("git: http://host/a", ": 'http://host/a' is no git source; write https://host/shop.git or git@host:shop.git"),
        ("git: 'ext::sh -c id'", ".git: 'ext::sh -c id' is not the place of a release"),
        ("git: -u", ".git: '-u' is not the place of a release"),
        ("git: /a, revision: -x", ".revision: '-x' is not the name of a tag or commit"),
        ("git: /a, revision: a..b", ".revision: 'a..b' is not the name of a tag or commit"),
        (f"git: /a, sha256: {DIGITS}", ": sha256 has no effect with git; remove it"),
        ("git: /a, strip: true", ": strip has no effect with git; remove it"),
        ("git: /a, region: eu-west-1", ": region has no effect with git; remove it"),
        ("url: https://h/a, revision: v1", ": revision has no effect with url; remove it"),
        ("url: ftp://host/a", ": 'ftp://host/a' is no url source; write https://host/shop-{release}.tar.gz"),
        ("url: 'https://h/{version}'", ".url: 'https://h/{version}' is not the place of a release; only {release}"),
        ("url: http://host/a", ": http can be changed on its way; write https, or the checksum as sha256: DIGITS"),
        ("url: http://host/a, sha256: beside", ": http can be changed on its way"),
        ("url: https://h/a, sha256: abc", ".sha256: 'abc' is not a checksum; write 64 hexadecimal digits, or beside"),
        ("s3: my-bucket/key", ": 'my-bucket/key' is no s3 source; write s3://bucket/shop-{release}.tar.gz"),
        ("s3: s3://bucket/a, region: '; id'", ".region: is empty; write something or remove it"),
        ("folder: dist", ".folder: is not supported yet in this version; put the archive where the target finds it"),
        ("tarball: a.tar", ".tarball: is not supported yet in this version"),
    ],
)
def test_source_refuses_what_has_no_safe_meaning(tmp_path: Path, source: str, said: str) -> None:
    told = faults(tmp_path, f"work: {{release: {{path: /a, source: {{{source}}}}}}}")
    assert told.startswith(f"3: work.release.source{said}"), told


def test_revert_of_a_release_needs_no_key(tmp_path: Path) -> None:
    work = f"work: {{release: {{path: /a, by: ssh, ssh: {{user: deploy}}, {GIT}}}}}\n"
    said = faults(tmp_path, f"{work}revert: {{release: {{path: /a}}}}")
    assert said == (
        "4: revert.release: is not needed: work: release goes back to the release before by itself; remove it"
    )
    revert = loaded(tmp_path, work + "revert: {ssh: {run: ./back, user: deploy}}").revert
    assert revert
    assert (revert.run, revert.release) == ("./back", None)
    assert faults(tmp_path, work + "revert: {ssh: {run: ./back}}").startswith("4: revert: must reach the targets as")
    assert faults(tmp_path, work + "revert: {ssm: {run: ./back}}").startswith("4: revert: must reach the targets as")


def test_two_kinds_of_work_are_refused(tmp_path: Path) -> None:
    said = faults(tmp_path, f"work: {{release: {{path: /a, {GIT}}}, ssm: {{run: a}}}}")
    assert said == "3: work: has 2 kinds of work; write exactly one of ssm, ssh, release, ec2, local, manual"


def test_way_of_the_probe_is_not_written_twice(tmp_path: Path) -> None:
    work = f"work: {{release: {{path: /a, by: ssh, {GIT}}}}}\n"
    said = faults(tmp_path, work + "drain: {until: proof, witness: ssh, ssh: {user: a}}")
    assert said.startswith("4: drain.ssh: has an effect only with witness: ssh, where the work is not ssh")


def test_server_refuses_releases_by_ssh_unless_allowed(tmp_path: Path) -> None:
    (tmp_path / "s.yml").write_text(f"{BASE}work: {{release: {{path: /a, by: ssh, {GIT}}}}}\n")
    [refused] = read_services(tmp_path, ["s.yml"], ())
    assert refused.spec is None
    assert "s.yml:3: work.release.by: " in refused.faults[0]
    [allowed] = read_services(tmp_path, ["s.yml"], ["s"])
    assert (allowed.faults, bool(allowed.spec)) == ((), True)
