"""Tests of the language of the person at the terminal, and of help and usage errors in it."""

from collections.abc import Mapping

import click
import pytest

from katakei.cli import COMMANDS, katakei, run
from katakei.cli.help_text import HelpContext
from katakei.cli.language import language_of, reader
from katakei.domain.notifications import Language
from katakei.render.widths import width


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, Language.ENGLISH),
        ({"LANG": "ja_JP.UTF-8"}, Language.JAPANESE),
        ({"LANG": "ja"}, Language.JAPANESE),
        ({"LANG": "C.UTF-8"}, Language.ENGLISH),
        ({"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, Language.ENGLISH),
        ({"LC_MESSAGES": "ja_JP.UTF-8", "LC_ALL": "C"}, Language.ENGLISH),
        ({"LC_ALL": "ja_JP.UTF-8", "LANG": "en_US.UTF-8"}, Language.JAPANESE),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": ""}, Language.JAPANESE),
        ({"KATAKEI_LANG": "ja", "LC_ALL": "C"}, Language.JAPANESE),
        ({"KATAKEI_LANG": "ja-JP"}, Language.JAPANESE),
        ({"KATAKEI_LANG": "en", "LANG": "ja_JP.UTF-8"}, Language.ENGLISH),
        ({"KATAKEI_LANG": "fr", "LANG": "ja_JP.UTF-8"}, Language.ENGLISH),
        ({"LANG": "jam_JM.UTF-8"}, Language.ENGLISH),
    ],
)
def test_language_follows_the_environment(env: Mapping[str, str], expected: Language) -> None:
    assert language_of(env) is expected


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-1", "no such encoding"])
def test_terminal_without_japanese_characters_gets_english(encoding: str) -> None:
    assert language_of({"LANG": "ja_JP"}, encoding) is Language.ENGLISH


@pytest.mark.parametrize("encoding", ["utf-8", "euc_jp", "shift_jis"])
def test_japanese_encodings_get_japanese(encoding: str) -> None:
    assert language_of({"LANG": "ja_JP"}, encoding) is Language.JAPANESE


@pytest.fixture
def japanese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KATAKEI_LANG", "ja")


@pytest.mark.usefixtures("japanese")
def test_reader_follows_a_change_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reader().language is Language.JAPANESE
    monkeypatch.setenv("KATAKEI_LANG", "en")
    assert reader().language is Language.ENGLISH


@pytest.mark.usefixtures("japanese")
@pytest.mark.parametrize("name", COMMANDS)
def test_help_in_japanese_fits_eighty_columns(name: str) -> None:
    root = HelpContext(katakei, info_name="katakei", terminal_width=80)
    command = katakei.get_command(root, name)
    assert isinstance(command, click.Command)
    text = command.get_help(HelpContext(command, info_name=name, parent=root, terminal_width=80))
    long = [line for line in text.splitlines() if width(line) > 80 and not line.startswith(" " * 4)]
    assert text.startswith(f"使い方: katakei {name}")
    assert long == []


@pytest.mark.usefixtures("japanese")
def test_usage_error_is_japanese(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["abort", "--no-such-option"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("使い方: katakei abort [OPTIONS] [ROLLOUT]\nヘルプ: katakei abort -h\n\nエラー: ")
