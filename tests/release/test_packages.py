"""What `make release` publishes: contents, the check of the index, an installation from nothing, manual pages, SBOM."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.project.reference import every_command
from tests.release import local_index

from katakei import __version__

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-release" / "bin"
UV = shutil.which("uv") or str(ROOT / ".venv-uv" / "bin" / "uv")
DATA = {"katakei.yml.example", "katakei.schema.json", "service.yml.example", "service.schema.json"}


def ran(*words: str | Path, **env: str) -> str:
    """The output of a program that ends with 0."""
    full = {**os.environ, "KATAKEI_LANG": "en", **env}
    done = subprocess.run(
        [str(word) for word in words], cwd=ROOT, env=full, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the release workflow publishes."""
    assert (TOOLS / "twine").exists(), "twine is missing; make it with: make .venv-release/.ready"
    folder = tmp_path_factory.mktemp("release") / "dist"
    said = ran("make", "release", f"DIST={folder}")
    assert said.count("PASSED") == 2
    return folder


@pytest.fixture(scope="module")
def index(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local index with the new wheel and what it needs."""
    folder = tmp_path_factory.mktemp("index")
    shutil.copy(next(dist.glob("*.whl")), folder)
    local_index.fill(folder, "katakei")
    return folder


def test_release_holds_exactly_its_files(dist: Path) -> None:
    stem = f"katakei-{__version__}"
    names = {f"{stem}.tar.gz", f"{stem}-py3-none-any.whl", f"{stem}-man.tar.gz", f"{stem}.cdx.json"}
    assert {path.name for path in dist.iterdir()} == names | {"SHA256SUMS"}
    sums = dict(line.split("  ")[::-1] for line in (dist / "SHA256SUMS").read_text().splitlines())
    assert sums == {name: hashlib.sha256((dist / name).read_bytes()).hexdigest() for name in names}


def test_sdist_holds_what_git_does_and_no_environment(dist: Path) -> None:
    with tarfile.open(dist / f"katakei-{__version__}.tar.gz") as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    known = set(ran("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines())
    assert not packed - known - {"PKG-INFO"}
    assert {f"docs/{name}" for name in DATA} | {"LICENSE", "README.md", "src/katakei/cli/__main__.py"} <= packed
    pictures = re.compile(r"docs/(console/.*\.png|screens/.*\.svg)")
    # A link to a folder is one that an archive of Python does not keep.
    assert not {name for name in known - packed if not pictures.fullmatch(name) and (ROOT / name).is_file()}


def test_wheel_holds_data_license_and_types(dist: Path) -> None:
    with zipfile.ZipFile(dist / f"katakei-{__version__}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
        metadata = wheel.read(f"katakei-{__version__}.dist-info/METADATA").decode()
    assert {f"katakei/config/{name}" for name in DATA} | {"katakei/py.typed"} <= names
    assert f"katakei-{__version__}.dist-info/licenses/LICENSE" in names
    assert {name.partition("/")[0] for name in names} == {"katakei", f"katakei-{__version__}.dist-info"}
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata


def test_command_runs_from_an_empty_environment(index: Path, tmp_path: Path) -> None:
    ran(UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    local = ("--offline", "--no-index", "--find-links", index, "--no-cache")
    ran(UV, "pip", "install", "--quiet", "--python", python, *local, f"katakei=={__version__}")
    command = tmp_path / "venv" / "bin" / "katakei"
    home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    assert ran(command, "--version", **home) == f"katakei {__version__}\n"
    assert "roll" in ran(command, "--help", **home)
    example = tmp_path / "katakei.yml"
    example.write_bytes((ROOT / "docs" / "katakei.yml.example").read_bytes())
    ran(command, "config", "validate", example, **home)
    assert "_katakei_completion" in ran(command, "completion", "bash", **home)


def test_command_runs_without_an_installation(index: Path, tmp_path: Path) -> None:
    """As `uvx katakei` does."""
    words = ("tool", "run", "--quiet", "--python", sys.executable, "--offline", "--no-index", "--find-links", index)
    env = {"UV_CACHE_DIR": str(tmp_path / "cache"), "UV_TOOL_DIR": str(tmp_path / "tools"), "HOME": str(tmp_path)}
    assert ran(UV, *words, "katakei", "--version", **env) == f"katakei {__version__}\n"


def test_every_command_has_a_manual_page(dist: Path, tmp_path: Path) -> None:
    with tarfile.open(dist / f"katakei-{__version__}-man.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    pages = {path.name: path.read_text() for path in (tmp_path / "man1").iterdir()}
    named = {f"{'-'.join(('katakei', *path))}.1" for path, _ in every_command()}
    assert set(pages) == named | {"katakei.1"}
    assert all(f'"{__version__}"' in page.partition("\n")[0] for page in pages.values())
    assert r"\-\-lock\-wait" in pages["katakei-roll.1"]


def test_bill_of_materials_names_every_pinned_package(dist: Path) -> None:
    bill = json.loads((dist / f"katakei-{__version__}.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    component = bill["metadata"]["component"]
    assert (component["name"], component["version"]) == ("katakei", __version__)
    pinned = re.findall(
        r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==", (ROOT / "requirements" / "server.txt").read_text(), re.MULTILINE
    )
    assert sorted(each["name"] for each in bill["components"]) == sorted(pinned)
