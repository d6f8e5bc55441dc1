"""The files of a CI job: the id and the report of its rollout, and nothing of an earlier one."""

from pathlib import Path

import pytest
from tests.properties.simulated_drivers import SimulatedDrivers
from tests.unit.app.fakes import Stage, started

from katakei import cli
from katakei.cli.job_files import JobFiles
from katakei.domain.errors import ExitCode, UsageError
from katakei.domain.model import RolloutId


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The simulated balancer also answers what is only asked for reports."""
    monkeypatch.setattr(SimulatedDrivers, "lister", property(lambda drivers: drivers.balancer))
    return Stage()


def begun(stage: Stage) -> RolloutId:
    with started(stage) as session:
        return session.plan.rollout


@pytest.mark.parametrize(("name", "head"), [("r.md", "## NOT FINISHED: shop"), ("r.html", "<!DOCTYPE html>")])
def test_files_hold_the_id_at_once_and_the_report_at_the_end(
    stage: Stage, tmp_path: Path, name: str, head: str
) -> None:
    rollout = begun(stage)
    id_file, report = tmp_path / "id", tmp_path / name
    with JobFiles(id_file, report).begun(stage.drivers, rollout):  # type: ignore[arg-type]  # simulated
        assert id_file.read_text() == f"{rollout}\n"
        assert report.read_text() == ""
    assert report.read_text().startswith(head)
    assert rollout in report.read_text()


def test_report_is_written_although_the_rollout_is_interrupted(stage: Stage, tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    with (
        pytest.raises(KeyboardInterrupt),
        JobFiles(None, report).begun(stage.drivers, begun(stage)),  # type: ignore[arg-type]  # simulated
    ):
        raise KeyboardInterrupt
    assert report.read_text().startswith("## NOT FINISHED")


def test_files_of_an_earlier_rollout_are_emptied(tmp_path: Path) -> None:
    files = tmp_path / "id", tmp_path / "report.md"
    for file in files:
        file.write_text("r-earlier")
    JobFiles(*files)
    assert [file.read_text() for file in files] == ["", ""]


@pytest.mark.parametrize("given", [("--id-file", 0), ("--report", 1)])
def test_file_that_cannot_be_written_is_refused_before_anything_begins(tmp_path: Path, given: tuple[str, int]) -> None:
    name, place = given
    files: list[Path | None] = [None, None]
    files[place] = tmp_path / "nothere" / "file"
    with pytest.raises(UsageError, match=f"give another file with {name}"):
        JobFiles(*files)


def test_file_that_fails_later_only_warns(stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    files = JobFiles(folder / "id", folder / "report.md")
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    with files.begun(stage.drivers, begun(stage)):  # type: ignore[arg-type]  # simulated
        pass
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"katakei: {folder / 'id'} was not written: ")
    assert second.startswith(f"katakei: {folder / 'report.md'} was not written: ")


def test_error_is_an_annotation_in_a_job_of_github_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert cli.run(["roll", "-f", "a%0A::error::b.yml"]) == ExitCode.USAGE
    assert "::error" not in capsys.readouterr().err.replace(r"\x3a:error", "").replace("a%0A::error::b", "")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for words in (["roll", "-f", "a%0A::error::b.yml"], ["roll", "--nonsense"]):
        assert cli.run(words) == ExitCode.USAGE
        captured = capsys.readouterr()
        *_, last = captured.err.splitlines()
        assert last.startswith("::error title=katakei::")
        assert "%0A" not in last.replace("%250A", "")
        assert captured.out == ""
