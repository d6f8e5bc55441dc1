"""A user without HOME and without an entry in the user database, as in many containers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

KATAKEI = Path(sys.executable).with_name("katakei")
NOBODY = "54321"
NO_ENTRY = ("setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups")
READS_ALL = ("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")
"""The tests may run from a folder that only root can enter."""

LOCAL = """\
import os
from katakei.bootstrap import open_drivers
from katakei.domain.spec import Command
with open_drivers(region="eu-west-1") as drivers:
    print(drivers.executor(Command("local", "true")).marks.count(" "))
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user that does not exist")


def homeless(*argv: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": "/usr/bin:/bin", "AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true", **env}
    return subprocess.run(
        [*NO_ENTRY, *READS_ALL, *argv], env=given, cwd="/", capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder that the user may write."""
    os.chown(tmp_path, int(NOBODY), int(NOBODY))
    return tmp_path


def test_missing_home_is_one_sentence() -> None:
    done = homeless(KATAKEI, "list")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "katakei: there is no place for the journal: this user has no home folder (HOME is not set, and the user"
        " database has no entry); give --journal, or set KATAKEI_JOURNAL or XDG_STATE_HOME\n"
    )


def test_missing_home_stops_local_work_with_a_sentence() -> None:
    done = homeless(sys.executable, "-P", "-c", LOCAL)
    assert "UsageError: there is no place for the marks of local work: this user has no home" in done.stderr
    assert done.stderr.rstrip().endswith("; set XDG_STATE_HOME")


def test_tilde_without_home_is_one_sentence() -> None:
    done = homeless(KATAKEI, "list", "--journal", "~/journal.db")
    assert done.returncode == 2
    assert done.stderr == (
        "katakei: '~/journal.db' begins with a home folder that is not known; give an absolute path\n"
    )


@pytest.mark.parametrize("name", ["XDG_STATE_HOME", "HOME", "KATAKEI_JOURNAL"])
def test_given_place_is_used(place: Path, name: str) -> None:
    value = place / "journal.db" if name == "KATAKEI_JOURNAL" else place
    done = homeless(KATAKEI, "list", **{name: str(value)})
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "no rollouts in this journal\n")


def test_given_place_keeps_marks_of_local_work(place: Path) -> None:
    done = homeless(sys.executable, "-P", "-c", LOCAL, XDG_STATE_HOME=str(place))
    assert done.returncode == 0, done.stderr
    assert (place / "katakei" / "marks" / ".name").exists()


def test_missing_home_leaves_aws_reachable(place: Path) -> None:
    """botocore looks for its files below the home folder."""
    done = homeless(KATAKEI, "groups", AWS_ENDPOINT_URL="http://127.0.0.1:9", XDG_STATE_HOME=str(place))
    assert done.returncode == 5
    assert "Unable to locate credentials" in done.stderr
