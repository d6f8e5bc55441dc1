"""The reference pages that come from the code: configuration keys, commands, exit codes and events.

`tests.project.draw` writes them, and a test compares them with the code. The commands and exit codes are drawn in each
language of the site, with the texts of the help.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from inspect import getdoc
from pathlib import Path
from typing import Any

import click

from katakei.cli import COMMANDS, katakei
from katakei.cli.help_text import HelpContext, TranslatedFormatter, one_text
from katakei.config import service_schema
from katakei.domain.errors import ExitCode
from katakei.domain.events import VERSION
from katakei.domain.notifications import Language
from katakei.domain.wire import EVENTS, WireRecord
from katakei.render.translation import Translator, translator

DOCS = Path(__file__).parents[2] / "docs"
DURATIONS = r"\^(\(delay\|)?\(?.*\{1,6\}h.*"
"""The pattern of a key that takes a duration."""
Schema = Mapping[str, Any]

EXIT_CODES: Mapping[ExitCode, tuple[str, str]] = {
    ExitCode.DONE: ("Done.", "完了しました。"),
    ExitCode.FAILED: (
        "Failed or aborted, and everything serves. For `doctor`: there is a finding.",
        "失敗または中止。すべてのターゲットは稼働しています。`doctor` では、指摘があります。",
    ),
    ExitCode.USAGE: (
        "The command line or the configuration is wrong, or names something unknown.",
        "コマンドラインか設定が誤っているか、存在しないものを指しています。",
    ),
    ExitCode.LEFT_OUT: (
        "Targets are left out of service; the output names them.",
        "切り離されたままのターゲットがあります。出力に名前が出ます。",
    ),
    ExitCode.REFUSED: (
        "Refused: a floor, a lease, a gate, a freeze, a differing plan, or something that is not supported.",
        "拒否しました。下限、リース、ゲート、凍結、計画との相違、または未対応の構成が理由です。",
    ),
    ExitCode.UNREACHABLE: (
        "AWS, the executor, the journal, a server or the credentials cannot be reached or deny access.",
        "AWS、実行手段、ジャーナル、サーバー、認証情報のいずれかに到達できないか、権限がありません。",
    ),
    ExitCode.INTERRUPTED: (
        "Interrupted. The journal is safe: the same command carries on.",
        "中断されました。ジャーナルは無事で、同じコマンドで続きから再開できます。",
    ),
}


def documents() -> Mapping[Path, str]:
    """Every page of the reference that is drawn, with its text."""
    return {
        DOCS / "configuration.md": configuration(),
        DOCS / "commands.md": commands(Language.ENGLISH),
        DOCS / "ja" / "commands.md": commands(Language.JAPANESE),
        DOCS / "exit-codes.md": exit_codes(Language.ENGLISH),
        DOCS / "ja" / "exit-codes.md": exit_codes(Language.JAPANESE),
        DOCS / "events.md": events(),
    }


def configuration() -> str:
    """Every key of katakei.yml and of service files, section by section."""
    whole = service_schema.schema()
    sections: dict[str, list[str]] = {}
    _collect(whole, whole, "", sections)
    parts = [
        """# Configuration keys

`make docs` draws this page from the model in `config/schema.py`. An unknown key is a fault, and
[`katakei config validate`](preparing.md) names every fault with its line. The same keys with comments are in
[katakei.yml.example](katakei.yml.example) and [service.yml.example](service.yml.example); editors read
[katakei.schema.json](katakei.schema.json) and [service.schema.json](service.schema.json). A duration is written `30s`,
`1m30s` or `2h`.

## The file
The key `server` is for [service files of a server](server.md) only.
""",
        _keys(whole, ""),
    ]
    for name, paths in sections.items():
        section = whole["$defs"][name]
        if section.get("properties"):
            heading = ", ".join(f"`{path}`" for path in paths)
            parts.append(f"\n## {heading}\n{section.get('description', '')}\n\n{_keys(section, paths[0])}")
    return "\n".join(parts) + "\n"


def _collect(whole: Schema, section: Schema, path: str, sections: dict[str, list[str]]) -> None:
    for key, value in section.get("properties", {}).items():
        place = f"{path}.{key}".lstrip(".")
        for name in _references(value):
            first = name not in sections
            sections.setdefault(name, []).append(place)
            if first:
                _collect(whole, whole["$defs"][name], place, sections)


def _references(value: Any) -> Iterator[str]:
    """The sections that a key may hold."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield str(value["$ref"]).rpartition("/")[2]
        for key in ("anyOf", "items"):
            yield from _references(value.get(key))
    for each in value if isinstance(value, list) else ():
        yield from _references(each)


def _keys(section: Schema, path: str) -> str:
    required = section.get("required", ())
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for key, value in section["properties"].items():
        default = "**required**" if key in required else _default(value)
        rows.append(_row(f"`{f'{path}.{key}'.lstrip('.')}`", _kind(value), default, value.get("description", "")))
    return "\n".join(rows)


def _default(value: Schema) -> str:
    default = value.get("default")
    if "default" not in value and "section" in _kind(value) and "list" not in _kind(value):
        return "the defaults below"
    if default in (None, {}, []):
        return "none"
    return f"`{json.dumps(default, ensure_ascii=False) if not isinstance(default, str) else default}`"


def _kind(value: Schema) -> str:
    """What may be written, in words."""
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(kind for each in value["anyOf"] if (kind := _kind(each)) != "null"))
    if "enum" in value or "const" in value:
        return ", ".join(f"`{each}`" for each in value.get("enum", [value.get("const")]))
    match value.get("type"):
        case "array":
            inner = value.get("items") or {"anyOf": value.get("prefixItems", [])}
            return f"list of {_kind(inner)}"
        case "object":
            return "mapping"
        case "boolean":
            return "`true`, `false`"
        case "integer":
            return _numbers(value)
        case "string" if re.fullmatch(DURATIONS, value.get("pattern", "")):
            return "duration"
        case "string":
            return "text"
        case "null":
            return "null"
    return "section" if "$ref" in value else "text"


def _numbers(value: Schema) -> str:
    low, high = value.get("minimum"), value.get("maximum")
    if low is None:
        return "number"
    return f"number, {low} to {high}" if high is not None else f"number, at least {low}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


COMMANDS_HEAD = {
    Language.ENGLISH: """# Commands and options

`make docs` draws this page from the command line itself. `katakei help COMMAND` shows the same. Which rollout a command
means is on the page about [the command line](command-line.md). The [exit codes](exit-codes.md) are the same for all
commands. Every command also takes `-h` and `--help`.
""",
    Language.JAPANESE: """# コマンドとオプション

このページは `make docs` がコマンドラインから生成します。`KATAKEI_LANG=ja katakei help コマンド名` でも
同じ内容を表示できます。[終了コード](exit-codes.md)はすべてのコマンドで共通です。どのコマンドも `-h` と `--help` を
受け付けます。
""",
}


OPTIONS_HEAD = {Language.ENGLISH: "| option | meaning |", Language.JAPANESE: "| オプション | 意味 |"}
COMMAND_HEAD = {Language.ENGLISH: "| command | what it does |", Language.JAPANESE: "| コマンド | 内容 |"}


def commands(language: Language) -> str:
    """Every command with its usage, options and examples."""
    tr = translator(language)
    parts = [COMMANDS_HEAD[language], _summary(tr)]
    for path, command in every_command():
        parts.append(_command(path, command, tr))
    return "\n".join(parts) + "\n"


def every_command() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and subcommand, with its words."""
    root = click.Context(katakei)
    for name in COMMANDS:
        command = katakei.get_command(root, name)
        assert command is not None
        yield (name,), command
        if isinstance(command, click.Group):
            for inner in command.list_commands(root):
                yield (name, inner), command.commands[inner]


def _summary(tr: Translator) -> str:
    rows = [f"| [`{name}`](#katakei-{name}) | {tr.of(line)} |" for name, (_, line) in COMMANDS.items()]
    return "\n".join([COMMAND_HEAD[tr.language], "|---|---|", *rows])


def _command(path: Sequence[str], command: click.Command, tr: Translator) -> str:
    context = HelpContext(command, info_name=" ".join(("katakei", *path)))
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    said = _help(command.help or command.short_help or "", tr)
    lines = [f"\n## katakei {' '.join(path)}", f"    {usage}\n", *([said, ""] if said else [])]
    formatter = TranslatedFormatter(tr, None, None)
    records = [each.get_help_record(context) for each in command.get_params(context)]
    rows = [
        _row(f"`{names}`", formatter._said(text) if tr.language is not Language.ENGLISH else text)
        for names, text in filter(None, records)
        if text and "--help" not in names
    ]
    if rows:
        lines += [OPTIONS_HEAD[tr.language], "|---|---|", *rows]
    if (examples := _examples(command.epilog or "")) and len(path) == 1:
        lines += ["", "```sh", *examples, "```"]
    return "\n".join(lines)


def _help(text: str, tr: Translator) -> str:
    text = tr.of(one_text(re.sub(r"\n +", "\n", text)))
    return "\n\n".join(
        "\n".join(["```text", *part.split("\n")[1:], "```"]) if part.startswith("\b") else part
        for part in text.split("\n\n")
    )


def _examples(epilog: str) -> list[str]:
    return [line.strip() for line in epilog.splitlines() if line.strip().startswith("katakei ")]


EXIT_HEAD = {
    Language.ENGLISH: (
        "# Exit codes",
        """All commands end with one of these codes. A change is listed under *Breaking*
([compatibility](compatibility.md)). [When it stops or waits](when-it-stops.md) lists the messages of each code.""",
        "| code | meaning |",
    ),
    Language.JAPANESE: (
        "# 終了コード",
        """すべてのコマンドは次のいずれかで終わります。意味を変えるときは、変更履歴の *Breaking* に書きます。
コードごとのメッセージは[止まったとき、待っているとき (英語)](../when-it-stops.md) にあります。""",
        "| コード | 意味 |",
    ),
}


def exit_codes(language: Language) -> str:
    """Every exit code with its meaning."""
    title, text, heads = EXIT_HEAD[language]
    rows = [f"| `{code.value}` | {EXIT_CODES[code][language is Language.JAPANESE]} |" for code in sorted(ExitCode)]
    return "\n".join([title, "", text, "", heads, "|---|---|", *rows]) + "\n"


def events() -> str:
    """Every event of a journal, with its fields."""
    parts = [
        f"""# Events

A rollout is a list of numbered events in the [journal](journal.md). `make docs` draws this page from the tables in
`domain/wire.py`; the schema is [journal-events.schema.json](schemas/journal-events.schema.json). The newest version of
events is {VERSION}. A name that was written once is never changed or removed, and every version of Katakei reads the
events of all versions before it. A number after a field is the version of events that added it.
"""
    ]
    parts += [_event(cls, record) for cls, record in sorted(EVENTS.items(), key=lambda each: each[1].kind)]
    return "\n".join(parts)


def _event(cls: type, record: WireRecord) -> str:
    since = f" (since version {record.since})" if record.since > 1 else ""
    names = ", ".join(f"`{each.name}`" + (f" ({each.since})" if each.since > 1 else "") for each in record.fields)
    said = (getdoc(cls) or "").partition("\n\n")[0]
    return f"## {record.kind}\n{' '.join(said.split())}\n\nFields{since}: {names}\n"


def keys(schema: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Every key of a schema: its section, its name, and what the schema says about it."""
    for section in (schema, *schema.get("$defs", {}).values()):
        for name, value in section.get("properties", {}).items():
            yield str(section.get("title", "")), name, value
