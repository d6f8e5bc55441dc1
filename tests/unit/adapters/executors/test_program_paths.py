"""The program that a command starts with: found only where it is certain, and free of letters that a shell reads."""

import pytest

from katakei.adapters.executors.program_paths import program_path
from katakei.domain.spec import Command


@pytest.mark.parametrize(
    ("run", "path"),
    [
        ("/opt/app/deploy.sh", "/opt/app/deploy.sh"),
        ("  sudo /opt/app/deploy.sh v1\necho done", "/opt/app/deploy.sh"),
        ("exec /opt/a-b_c+d/deploy;", "/opt/a-b_c+d/deploy"),
        ("deploy", None),
        ("./deploy", None),
        ("sh /opt/app/deploy.sh", None),
        ("sudo -u app /opt/app/deploy.sh", None),
        ("/opt/$APP/deploy", None),
        ("/opt/app/deploy$(reboot)", None),
        ("/opt/app/deploy`reboot`", None),
        ("/opt/app/deploy'x'", None),
        ("/opt/app/deploy&& reboot", None),
        ("/opt/日本/deploy", None),
        ("A=1 /opt/app/deploy", None),
        ("# /opt/app/deploy", None),
        ("", None),
    ],
)
def test_program_path_is_told_only_where_it_is_certain(run: str, path: str | None) -> None:
    assert program_path(Command("ssm", run)) == path


@pytest.mark.parametrize(
    ("word", "path"),
    [("/opt/app/deploy", "/opt/app/deploy"), ("deploy", None), ("/opt/my app/deploy", None), ("/opt/a;reboot", None)],
)
def test_program_path_of_a_list_is_its_first_word(word: str, path: str | None) -> None:
    assert program_path(Command("ssm", argv=(word, "v1"))) == path
