"""The release workflow: pinned actions, few rights, and the draft is published last."""

import re
from typing import Any

from ruamel.yaml import YAML
from tests.project.structure import ROOT

PATH = ROOT / ".github" / "workflows" / "release.yml"
TEXT = PATH.read_text(encoding="utf-8")
WORKFLOW: dict[str, Any] = YAML(typ="safe", pure=True).load(TEXT)
JOBS: dict[str, Any] = WORKFLOW["jobs"]
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]


def test_actions_are_pinned_with_their_version_beside() -> None:
    used = re.findall(r"uses: (.+)$", TEXT, re.MULTILINE)
    assert used
    assert not [each for each in used if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)]


def test_each_job_has_only_its_rights() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "build": {"contents": "read"},
        "draft": {"contents": "write", "id-token": "write", "attestations": "write"},
        "packages": {"id-token": "write"},
        "publish": {"contents": "write"},
    }
    # Only the job without rights runs code of the repository.
    checked_out = [name for name, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert checked_out == ["build"]
    assert not [step for _, step in STEPS if "${{" in step.get("run", "")]


def test_jobs_follow_each_other_and_the_release_is_published_last() -> None:
    assert [job.get("needs") for job in JOBS.values()] == [None, "build", "draft", "packages"]
    assert JOBS["packages"]["environment"] == "release"
    runs = [(name, step["run"]) for name, step in STEPS if "gh release" in step.get("run", "")]
    assert [name for name, _ in runs] == ["draft", "publish"]
    assert "--draft --verify-tag" in runs[0][1]
    assert "--draft=false" in runs[1][1]
    assert all(job["timeout-minutes"] <= 20 for job in JOBS.values())


def test_no_password_and_no_reusable_workflow() -> None:
    """Trusted publishing needs neither, and attestations do not work from a reusable workflow."""
    assert "secrets." not in TEXT
    assert not [job for job in JOBS.values() if "uses" in job]
    (published,) = [step for _, step in STEPS if "gh-action-pypi-publish" in step.get("uses", "")]
    assert published["with"] == {"packages-dir": "packages/", "attestations": True}


def test_packages_are_tested_before_they_are_kept() -> None:
    runs = [step.get("run", step.get("uses", "")).partition("@")[0] for step in JOBS["build"]["steps"]]
    assert runs.index("make release") < next(n for n, run in enumerate(runs) if "pytest tests/release" in run)
    assert runs[-1] == "actions/upload-artifact"
