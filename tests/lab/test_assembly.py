"""The folder of a lab, and the folders of labs that were killed."""

from pathlib import Path

from katakei.lab.assembly import LOCK, PREFIX, lab_folder


def test_lab_folder_is_removed_at_the_end(tmp_path: Path) -> None:
    with lab_folder(tmp_path) as folder:
        (folder / "servers").mkdir()
    assert list(tmp_path.iterdir()) == []


def test_lab_removes_folders_of_killed_labs_only(tmp_path: Path) -> None:
    killed, other_project, unlocked = tmp_path / f"{PREFIX}1", tmp_path / "project", tmp_path / f"{PREFIX}notes"
    for each in (killed, other_project, unlocked):
        each.mkdir()
    (killed / LOCK).touch()
    (other_project / LOCK).touch()
    with lab_folder(tmp_path) as living, lab_folder(tmp_path) as folder:
        assert set(tmp_path.iterdir()) == {other_project, unlocked, living, folder}
