"""What is said of each command: plain words, 80 columns; and everything the README tells to type exists."""

import re
import shlex
from pathlib import Path

import click
import pytest

from katakei.cli import COMMANDS, katakei
from katakei.cli.examples import EXAMPLES

README = Path(__file__).parents[2] / "README.md"
TWIN = README.with_name("README.ja.md")
TOKENS = [("token", "create"), ("token", "list"), ("token", "revoke")]
INNER = [("config", "validate"), ("lab", "up"), ("db", "check"), ("db", "upgrade"), *TOKENS]
PATHS = [(), *((name,) for name in COMMANDS), *INNER]
JSON = [
    path for path in PATHS if path not in {(), ("config",), ("lab",), ("db",), ("token",), ("help",), ("completion",)}
]


def command(path: tuple[str, ...]) -> tuple[click.Command, click.Context]:
    found: click.Command = katakei
    context = click.Context(katakei, info_name="katakei", terminal_width=80, max_content_width=80)
    for name in path:
        assert isinstance(found, click.Group)
        inner = found.get_command(context, name)
        assert inner is not None, path
        found, context = inner, click.Context(inner, info_name=name, parent=context)
    return found, context


def help_of(path: tuple[str, ...]) -> str:
    found, context = command(path)
    return found.get_help(context)


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_is_plain_and_fits_80_columns(path: tuple[str, ...]) -> None:
    text = help_of(path)
    usage, _, said = text.partition("\n\n")
    assert usage.startswith("Usage: katakei")
    assert re.match(r"\s+[A-Z][^.:]+[a-z]", said), said
    assert max(len(line) for line in text.splitlines()) <= 80
    assert not re.search(r"\b(TEXT|PATH)\b", text), text


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_explains_every_option_and_argument(path: tuple[str, ...]) -> None:
    found, _ = command(path)
    for option in found.params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.help, f"{path} {option.opts}"
        elif isinstance(option, click.Argument):
            words = re.findall(r"[A-Z]{2,}", option.make_metavar(command(path)[1]))
            assert any(word in (found.help or "") for word in words), f"{path} {option.name}"


@pytest.mark.parametrize("path", JSON, ids=" ".join)
def test_commands_that_print_take_json(path: tuple[str, ...]) -> None:
    assert "--json" in [name for option in command(path)[0].params for name in option.opts]


def test_every_command_has_an_example() -> None:
    assert set(EXAMPLES) == set(COMMANDS)
    for name in COMMANDS:
        text = help_of((name,))
        assert "Examples:\n  " in text, name
        for line in EXAMPLES[name]:
            assert f"  {line}\n" in f"{text}\n", line


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_examples_exist(line: str) -> None:
    words = line.removeprefix('eval "$(').partition(" #")[0].partition(")")[0].partition(" | ")[0]
    assert_exists(words.strip())


def test_mistyped_options_and_commands_get_a_suggestion() -> None:
    with pytest.raises(click.UsageError, match=r"there is no command 'rol'; did you mean roll"):
        katakei.main(["rol", "--release", "v9"], standalone_mode=False)
    with pytest.raises(click.UsageError, match=r"there is no command 'stats'; did you mean status"):
        katakei.main(["help", "stats"], standalone_mode=False)
    with pytest.raises(click.UsageError, match="there is no command 'xyzzy'; katakei help lists those there are"):
        katakei.main(["xyzzy"], standalone_mode=False)
    with pytest.raises(click.UsageError) as option:
        katakei.main(["roll", "--relase", "v9"], standalone_mode=False)
    assert "--release" in option.value.format_message()


@pytest.mark.parametrize("words", [["help"], ["help", "roll"], ["help", "lab", "up"], ["-V"]])
def test_help_and_version_have_short_forms(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    katakei.main(words, prog_name="katakei", standalone_mode=False)
    said = capsys.readouterr().out
    assert said.startswith("katakei " if words == ["-V"] else f"Usage: {' '.join(['katakei', *words[1:]])} ")


@pytest.mark.parametrize("name", ["roll", "deregister", "register", "unlock"])
def test_every_question_has_the_short_yes(name: str) -> None:
    (yes,) = [option for option in command((name,))[0].params if "--yes" in option.opts]
    assert "-y" in yes.opts


def typed(readme: Path = README) -> list[str]:
    """Every katakei command that the README tells to type: in its blocks and in its sentences."""
    text = readme.read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    lines = [line.removeprefix("$ ").partition(" #")[0].strip() for block in blocks for line in block.splitlines()]
    inline = [" ".join(each.split()) for each in re.findall(r"`(katakei [^`]+)`", text)]
    return [line for line in [*lines, *inline] if line.startswith("katakei")]


def test_readme_shows_commands() -> None:
    assert len(typed()) >= 9


def test_japanese_readme_shows_the_same_commands_and_links() -> None:
    link = re.compile(r"\]\(([^)]+)\)")
    here, there = (set(link.findall(each.read_text(encoding="utf-8"))) for each in (README, TWIN))
    assert typed(TWIN) == typed()
    there = {each.replace("docs/ja/", "docs/") for each in there}  # a page that exists in Japanese
    assert here - {TWIN.name} == there - {README.name, "docs/glossary.md"}


@pytest.mark.parametrize("line", typed())
def test_readme_commands_exist(line: str) -> None:
    assert_exists(line)


def assert_exists(line: str) -> None:
    words = shlex.split(line)[1:]
    path: tuple[str, ...] = ()
    while words and words[0] in (COMMANDS if not path else ("up",) if path == ("lab",) else ()):
        path = (*path, words.pop(0))
    assert path, line
    found, context = command(path)
    found.make_context(path[-1], words, parent=context.parent)


def test_readme_make_targets_exist() -> None:
    makefile = (README.parent / "Makefile").read_text()
    for name in re.findall(r"make ([a-z]+)\b", README.read_text().replace("`make`", "")):
        assert re.search(rf"^{name}:", makefile, re.MULTILINE), name
