"""Tests of `iam`: a policy document on standard output, and what it cannot say beside it."""

import json
from pathlib import Path

import pytest
from tests.project.schemas import schemas
from tests.unit.json_schema import faults

from katakei.cli import run

PLACE = ("--account", "123456789012", "--region", "ap-northeast-1")
ARN = "arn:aws:elasticloadbalancing:eu-west-1:210987654321:targetgroup/web/0123456789abcdef"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a configuration, and an AWS that nobody may ask."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name in (
        "KATAKEI_LANG",
        "LC_ALL",
        "LC_MESSAGES",
        "LANG",
        "KATAKEI_SERVER",
        "KATAKEI_JOURNAL",
        "TARGET_GROUP_ARN",
    ):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_policy_is_printed_as_aws_takes_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["iam", "web", "--run", "./deploy", *PLACE, "--journal", "s3://my-bucket/katakei"]) == 0
    said = capsys.readouterr()
    policy = json.loads(said.out)
    assert policy["Version"] == "2012-10-17"
    sids = [statement["Sid"] for statement in policy["Statement"]]
    assert sids == ["Read", "ChangeTheseGroups", "RunTheDocument", "RunOnInstances", "KeepTheJournal", "ListTheJournal"]
    assert all(statement["Effect"] == "Allow" for statement in policy["Statement"])
    assert policy["Statement"][1]["Resource"].startswith("arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:")
    assert said.err.startswith("katakei: commands may be sent to every instance of the account and region")


def test_json_holds_the_document_and_the_notes(nowhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parameter = "{ssm: {run: x, env: {A: {ssm_parameter: /app/db}}}}"
    text = f"service: shop\nbalancer: {{alb: {{target_groups: [{ARN}]}}}}\nwork: {parameter}\n"
    (nowhere / "katakei.yml").write_text(text)
    assert run(["iam", "--for", "targets", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert list(faults(data, schemas()["output-iam.schema.json"])) == []
    assert data["role"] == "targets"
    assert len(data["notes"]) == 2
    assert json.loads(data["policy"])["Statement"][1]["Resource"].endswith("eu-west-1:210987654321:parameter/app/db")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--for", "ci", *PLACE], "a CI job needs a journal that outlives it: give --journal s3://bucket/prefix"),
        (["--account", "12"], "--account takes the 12 digits of an AWS account, together with --region"),
        (["--account", "123456789012"], "--account takes the 12 digits of an AWS account, together with --region"),
        (["--for", "targets", *PLACE], "the targets need no right of AWS for this configuration"),
        (["--journal", "s3://x", *PLACE], "the journal 's3://x' is not a valid location in S3"),
    ],
)
def test_what_has_no_policy_is_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["iam", "web", "--manual", *words]) == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.startswith(f"katakei: {said}")


def test_notes_are_in_the_language_of_the_reader(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KATAKEI_LANG", "ja")
    assert run(["iam", "web", "--run", "./deploy", *PLACE]) == 0
    assert "コマンドを送信できます" in capsys.readouterr().err
