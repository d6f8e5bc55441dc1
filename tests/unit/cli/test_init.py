"""Tests of `init`: it asks nothing, and never overwrites a file."""

from pathlib import Path

import pytest

from katakei.cli import init, run
from katakei.cli.language import VARIABLES
from katakei.domain.errors import UsageError


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and an AWS that does not answer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name in (*VARIABLES, "KATAKEI_SERVER", "KATAKEI_JOURNAL", "TARGET_GROUP_ARN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_existing_file_is_kept_and_aws_is_not_asked(nowhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (nowhere / "katakei.yml").write_text("mine")
    assert run(["init", "web"]) == 2
    assert capsys.readouterr().err == (
        "katakei: katakei.yml exists already and is not overwritten: give another file with -o, or - to see the draft\n"
    )
    assert (nowhere / "katakei.yml").read_text() == "mine"


def test_file_that_appears_meanwhile_is_kept_too(nowhere: Path) -> None:
    file = nowhere / "web.yml"
    file.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        init._write(file, "draft")
    assert file.read_text() == "mine"


def test_file_that_cannot_be_written_is_said(nowhere: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be written \(No such file or directory\): give another file with -o"):
        init._write(nowhere / "no" / "web.yml", "draft")
