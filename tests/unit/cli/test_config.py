"""Tests of `config validate`: its lines, its JSON, its exit codes, and the annotations of a CI job."""

import json
from pathlib import Path

import pytest
from tests.project.schemas import schemas
from tests.unit.json_schema import faults

from katakei.cli import run

GOOD = "service: shop\nbalancer: {alb: {target_groups: [web]}}\nwork: {ssm: {run: ./deploy}}\n"
BAD = GOOD.replace("[web]}}", "[web], zones: 1}}") + "window: {max_unavailable: 0}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a good and a bad file, and no CI system."""
    (tmp_path / "katakei.yml").write_text(GOOD)
    (tmp_path / "bad.yml").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "KATAKEI_LANG", "LC_ALL", "LC_MESSAGES", "LANG", "KATAKEI_SERVER"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_file_without_fault_is_named_with_its_service(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "validate"]) == 0
    assert capsys.readouterr().out == "katakei.yml: no fault (service shop)\n"


def test_each_fault_is_one_line_that_editors_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "validate", "katakei.yml", "bad.yml", "nix.yml"]) == 2
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "katakei.yml: no fault (service shop)"
    assert out[1] == "bad.yml:2:40: balancer.alb.zones: is not a known key; known keys: target_groups"
    assert out[2].startswith("bad.yml:4:10: window.max_unavailable: ")
    assert out[3:] == ["nix.yml: cannot be read (No such file or directory); check the path"]


def test_json_has_the_same_faults(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert run(["config", "validate", "--json", "bad.yml", "nix.yml"]) == 2
    data = json.loads(capsys.readouterr().out)
    assert list(faults(data, schemas()["output-config-validate.schema.json"])) == []
    assert data["valid"] is False
    assert data["files"][0]["faults"][0] == {
        "line": 2,
        "column": 40,
        "key": "balancer.alb.zones",
        "message": "is not a known key; known keys: target_groups",
    }
    assert data["files"][1] == {
        "file": "nix.yml",
        "service": None,
        "faults": [
            {
                "line": None,
                "column": None,
                "key": None,
                "message": "cannot be read (No such file or directory); check the path",
            }
        ],
    }
    assert run(["config", "validate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["valid"] is True


def test_github_shows_each_fault_at_its_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert run(["config", "validate", "bad.yml", "nix.yml"]) == 2
    marks = [line for line in capsys.readouterr().out.splitlines() if line.startswith("::")]
    assert marks[0] == (
        "::error file=bad.yml,line=2,col=40::balancer.alb.zones: is not a known key; known keys: target_groups"
    )
    assert marks[-1].startswith("::error file=nix.yml::cannot be read")
    assert len(marks) == 3


def test_japanese_reader_gets_what_is_translated(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KATAKEI_LANG", "ja")
    assert run(["config", "validate", "katakei.yml", "nix.yml"]) == 2
    assert capsys.readouterr().out.splitlines() == [
        "katakei.yml: 問題ありません (サービス shop)",
        "nix.yml: 読み取れません (No such file or directory)。パスを確認してください",
    ]


def test_faults_are_japanese_for_readers_and_english_in_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KATAKEI_LANG", "ja")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert run(["config", "validate", "bad.yml"]) == 2
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "bad.yml:2:40: balancer.alb.zones: このようなキーはありません。使えるキー: target_groups"
    assert out[2].endswith("::balancer.alb.zones: このようなキーはありません。使えるキー: target_groups")
    assert run(["config", "validate", "--json", "bad.yml"]) == 2
    message = json.loads(capsys.readouterr().out)["files"][0]["faults"][0]["message"]
    assert message == "is not a known key; known keys: target_groups"


@pytest.mark.parametrize("command", ["roll", "plan"])
def test_rollout_by_a_file_with_faults_is_refused_in_japanese(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KATAKEI_LANG", "ja")
    assert run([command, "-f", "bad.yml"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "katakei: bad.yml:2: balancer.alb.zones: このようなキーはありません。使えるキー: target_groups",
        "katakei: bad.yml:4: window.max_unavailable: 少なくとも 1 台は外せるようにしてください。1 以上を書いてください",
    ]
