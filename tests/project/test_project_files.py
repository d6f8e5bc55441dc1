"""The files around the source agree with each other: project metadata, CI workflow, hooks and issue forms."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
HOOKS = ROOT / ".pre-commit-config.yaml"
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
CHECKED = re.findall(r"^CHECKED := (.*)$", MAKEFILE, re.MULTILINE)[0].split()
SLOW = re.compile(r"mark\.(slow|lab|play)\b")
WITH_LINKS = [ROOT / "SECURITY.md", ROOT / "CODE_OF_CONDUCT.md", ROOT / "CHANGELOG.md", *FORMS]


def document(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def versions() -> list[str]:
    found = (re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line) for line in PROJECT["classifiers"])
    return [match[1] for match in found if match]


def test_ci_runs_every_supported_python() -> None:
    job = document(WORKFLOW)["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == versions()
    assert PROJECT["requires-python"] == f">={versions()[0]}"


def test_ci_runs_the_same_command_as_a_contributor() -> None:
    steps = document(WORKFLOW)["jobs"]["test"]["steps"]
    assert steps[-1]["run"] == "make test"
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").rstrip().endswith("exec make test")


def test_actions_are_pinned_to_commits() -> None:
    used = [step["uses"] for step in document(WORKFLOW)["jobs"]["test"]["steps"] if "uses" in step]
    assert used
    assert not [each for each in used if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", each)]


def test_hooks_call_make_and_download_nothing() -> None:
    repositories = document(HOOKS)["repos"]
    assert [each["repo"] for each in repositories] == ["local"]
    hooks = repositories[0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {hook["entry"].removeprefix("make ") for hook in hooks} <= TARGETS


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_issue_forms_have_their_parts(form: Path) -> None:
    parts = document(form)
    if form.name == "config.yml":
        assert parts["contact_links"]
        return
    assert {"name", "description", "body"} <= parts.keys()
    names = [part["id"] for part in parts["body"] if part["type"] != "markdown"]
    assert len(names) == len(set(names)) > 0


def test_every_page_names_the_same_repository() -> None:
    home = PROJECT["urls"]["Homepage"]
    assert {url[: len(home)] for url in PROJECT["urls"].values()} == {home}
    owners = {
        "/".join(link.split("/")[:5])
        for path in WITH_LINKS
        for link in re.findall(r"https://github\.com/[\w./-]+", path.read_text(encoding="utf-8"))
    }
    assert owners == {home}


def test_every_test_runs_once() -> None:
    """`make test` = check, plays and rest. What rest leaves out is in check, or in another process of rest."""
    said = subprocess.run(["make", "-n", "plays", "rest"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    runs = [line.split() for line in said.splitlines() if "pytest" in line]
    named = [word for run in runs for word in run if word.startswith("tests/")]
    (others,) = [run for run in runs if any(word.startswith("--ignore=") for word in run)]
    assert [" ".join(run).endswith("-m 'play and not acceptance'") for run in runs] == [True] + [False] * (
        len(runs) - 1
    )
    assert len(set(named)) == len(named)
    files = {word for word in named if word.endswith(".py")}
    assert files == {str(path.relative_to(ROOT)) for path in ROOT.glob("tests/contracts/test_*.py")}
    folders = [word for word in named if word not in files]
    assert all((ROOT / folder).is_dir() for folder in folders)
    left_out = [word.removeprefix("--ignore=") for word in others if word.startswith("--ignore=")]
    assert sorted(left_out) == sorted([*CHECKED, *folders, "tests/contracts"])


@pytest.mark.parametrize("folder", CHECKED)
def test_folders_of_check_hold_no_slow_test(folder: str) -> None:
    tests = (ROOT / folder).rglob("test_*.py")
    marked = [path.name for path in tests if path != Path(__file__) and SLOW.search(path.read_text(encoding="utf-8"))]

    assert not marked, "`make rest` leaves these folders out, so their slow tests would never run"
