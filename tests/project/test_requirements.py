"""Everything that the Makefile installs is pinned to one version and has a hash."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
INSTALLS = [line.strip() for line in MAKEFILE.splitlines() if re.search(r"\bpip (install|sync) ", line)]
FILES = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PINNED = re.compile(r"([a-z0-9._-]+(?:\[[a-z0-9,_-]+\])?)==(\S+)(?: ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
SAFE_CRYPTOGRAPHY = 50
"""The first major version of cryptography without CVE-2026-69247."""


def pins(path: Path) -> dict[str, str]:
    """The version of each package in a requirements file."""
    found = (PINNED.fullmatch(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {match[1]: match[2] for match in found if match}


@pytest.mark.parametrize("line", INSTALLS)
def test_every_installation_requires_hashes(line: str) -> None:
    if "--editable ." in line:
        assert {"--no-deps", "--no-build-isolation"} <= set(line.split()), "this would download the build backend"
        return
    assert "--require-hashes" in line.split()
    named = re.search(r"requirements/[a-z-]+\.txt$", line)
    assert named, "a package named in the Makefile has no hash"
    assert ROOT / named[0] in FILES


def test_setup_installs_uv_and_dependencies() -> None:
    assert len(INSTALLS) >= 6


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_requirement_is_pinned_with_hash(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    strange = [line for line in lines if not (PINNED.fullmatch(line) or HASH.fullmatch(line))]
    assert not strange
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        assert not line.endswith("\\") or HASH.fullmatch(below), f"no hash after {line}"
    assert pins(path)


def test_pins_covers_every_requirements_file() -> None:
    written = re.findall(r"--generate-hashes .* -o requirements/([a-z-]+\.txt)$", MAKEFILE, re.MULTILINE)
    assert sorted(written) == [path.name for path in FILES]


def test_build_backend_is_the_pinned_one() -> None:
    (backend,) = PROJECT["build-system"]["requires"]
    assert backend == f"hatchling=={pins(ROOT / 'requirements' / 'dev.txt')['hatchling']}"
    assert backend in PROJECT["dependency-groups"]["dev"]


def test_uv_is_pinned_alone() -> None:
    assert set(pins(ROOT / "requirements" / "uv.txt")) == {"uv"}


def test_cryptography_has_no_known_fault() -> None:
    declared = [each for each in PROJECT["project"]["optional-dependencies"]["lab"] if each.startswith("cryptography")]
    assert declared == [f"cryptography>={SAFE_CRYPTOGRAPHY}"]
    versions = {path.name: pins(path).get("cryptography", "") for path in FILES}
    assert {
        name: version
        for name, version in versions.items()
        if version and int(version.split(".")[0]) < SAFE_CRYPTOGRAPHY
    } == {}
    assert versions["dev.txt"]
