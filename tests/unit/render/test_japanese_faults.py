"""Tests of the faults of configuration files in Japanese: every message has a template, and each template is found."""

import re
from pathlib import Path
from string import Formatter

import pytest
from tests.unit.render.translatable import config_texts, shape

from katakei.config.access_file import load_login
from katakei.config.file_checks import check_files
from katakei.config.services import read_services
from katakei.domain.errors import UsageError
from katakei.domain.notifications import Language
from katakei.render.config_faults import faults_text
from katakei.render.japanese import CATALOG, config_faults
from katakei.render.translation import ENGLISH, translator

JAPANESE = translator(Language.JAPANESE)
SENTENCE = re.compile("[a-z]{3}.* |.* .*[a-z]{3}")
PLACE = re.compile(r"^\{\}:\{\}: \w+: ")
NO_MESSAGES = {
    "{ssm_parameter: /path}",  # examples of references, which stay as they are
    "{secret: NAME}",
    "mon-fri 09:00-17:00",  # an example of the JSON Schema
    "Input ",  # removed from messages of pydantic
    "pydantic found an error, but no fault was added",  # an error of the program
}
GOOD = "service: shop\nbalancer: {alb: {target_groups: [web]}}\nwork: {ssm: {run: ./deploy}}\n"
LOGIN = "login: {issuer: https://idp, client_id: k, roles: [{role: admin, group: ops}]}\n"


class _Three(str):
    """A value that fits every placeholder: in English also one that counts."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        return f"3 {form}s" if form in {"item", "character"} else "3"


def filled(template: str) -> str:
    """A template with 3 for everything that differs."""
    names = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    return template.format(**dict.fromkeys(names, _Three("3")))


def test_every_message_of_configuration_has_a_japanese_template() -> None:
    known = {shape(template) for template in (*CATALOG.known, *CATALOG.faults)}
    messages = {PLACE.sub("", text) for text in config_texts() if SENTENCE.search(text.replace("{}", ""))}
    assert messages - known - NO_MESSAGES == set()


def test_no_template_of_a_fault_is_unused() -> None:
    ours = {*config_faults.FAULTS, *config_faults.FILES}
    assert {each for each in ours if shape(each) not in config_texts()} == set()


@pytest.mark.parametrize("template", sorted(CATALOG.faults))
def test_template_of_a_fault_is_found_again(template: str) -> None:
    japanese = CATALOG.faults[template]
    assert JAPANESE.fault(filled(template)) == filled(japanese)
    assert {form for _, name, form, _ in Formatter().parse(japanese) if name} <= {"", "text", "choice"}
    assert ENGLISH.fault(filled(template)) == filled(template)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "drain: {settle: 'a: b'}",
            "4:9: drain.settle: 'a: b' は時間の長さではありません。30s、1m30s、2h のように書いてください",
        ),
        (
            "limits: {draining: 0s}",
            "4:10: limits.draining: 制限時間は 0s より長くしてください (例: 1m) (delay+60s も使えます)",
        ),
        ("warm: {overlap: nie}", "4:8: warm.overlap: nie は使えません。auto, never のいずれかを書いてください"),
        (
            "drain: {until: nie}",
            (
                "4:9: drain.until: nie は使えません。proof、requests、answered、counter、delay か、"
                "[requests, proof] のようなリストを書いてください"
            ),
        ),
        ("window: {floor_per_zone: -1}", "4:10: window.floor_per_zone: 0 以上にしてください (現在の値: -1)"),
        ("check: {http: {path: /, port: 70000}}", "4:25: check.http.port: 65535 以下にしてください (現在の値: 70000)"),
        ("check: {http: {}}", "4:9: check.http.path: ありません。path: /health のように書いてください"),
        ("gate s: 1", "4:1: gate s: このようなキーはありません。もしかして: gates"),
        (
            "revert: {release: {path: /srv, source: {git: /r}, env: {A: {secret: B}}}}",
            "4:10: revert.release: 不要です (work: release は自動で前のリリースに戻します)。削除してください",
        ),
        (
            "a: b: c",
            "4:5: YAML ではありません: ここにキーと値は書けません (インデント、コロン、引用符を確認してください)",
        ),
        (
            "warm: *nie",
            (
                "4:7: YAML ではありません: エイリアス 'nie' は定義されていません"
                " (インデント、コロン、引用符を確認してください)"
            ),
        ),
        (
            "server: {release: {file: nix}}",
            (
                "4:20: server.release.file: nix: 読み取れません (No such file or directory)。"
                "ファイルと権限を確認してください"
            ),
        ),
    ],
)
def test_fault_of_a_file_is_japanese(tmp_path: Path, text: str, line: str) -> None:
    file = tmp_path / "shop.yml"
    file.write_text(GOOD + text + "\n", encoding="utf-8")
    found = check_files([file])
    said = [each.removeprefix(f"{file}:") for each in faults_text(found, JAPANESE).splitlines()]
    assert line in said
    assert all(not each.isascii() for each in said)
    assert faults_text(found, ENGLISH).isascii()


def test_faults_that_services_keep_as_text_are_japanese(tmp_path: Path) -> None:
    for name in ("a.yml", "b.yml"):
        (tmp_path / name).write_text(GOOD + "warm: {soak: 1}\nserver: {frozen: [1]}\n")
    (tmp_path / "c.yml").mkdir()
    found = {service.file: service for service in read_services(tmp_path, ["a.yml", "b.yml", "c.yml"], ())}
    first, folder = found["a.yml"], found["c.yml"]
    assert [JAPANESE.known(fault) for fault in first.faults] == [
        "a.yml:4: warm.soak: 1 は時間の長さではありません。1s のように書いてください",
        "a.yml:5: server.frozen: 文字列で書いてください (引用符で囲みます)",
        "a.yml:1: service: 名前 shop は b.yml と重複しています。どちらか一方だけ残してください",
    ]
    assert JAPANESE.known(first.frozen) == "ファイルの server.frozen にエラーがあります"
    assert not JAPANESE.known(folder.faults[0]).isascii()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("login: {}\n", "access.yml:1: login.issuer: ありません"),
        (LOGIN.replace("[{role: admin, group: ops}]", "[]"), "access.yml:1: login.roles: 1 件以上必要です"),
        (LOGIN.replace("[{role: admin, group: ops}]", "ops"), "access.yml:1: login.roles: リストで書いてください"),
        (LOGIN.replace("{role: admin, group: ops}", "ops"), "access.yml:1: login.roles[0]: キーと値で書いてください"),
        (LOGIN.replace("client_id: k", "client_id: ''"), "access.yml:1: login.client_id: 空です。値を書いてください"),
        (LOGIN.replace("client_id: k", "client_id: ' '"), "access.yml:1: login.client_id: 空です。値を書いてください"),
        (LOGIN.replace("role: admin", "role: chef"), "access.yml:1: login.roles[0].role: ロールではありません"),
    ],
)
def test_fault_of_an_access_file_is_japanese(tmp_path: Path, text: str, line: str) -> None:
    file = tmp_path / "access.yml"
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        load_login(file)
    said = JAPANESE.known(str(refused.value)).splitlines()
    assert any(each.startswith(line) for each in said), said
    assert all(not each.isascii() for each in said)


@pytest.mark.parametrize(
    "text", ["a.yml:3: nobody wrote this", "12:30: lunch", "a.yml:3: key: nobody: wrote this", "a:1: "]
)
def test_line_without_a_known_fault_stays_as_it_is(text: str) -> None:
    assert JAPANESE.known(text) == text


def test_refusal_with_the_faults_of_a_file_is_japanese() -> None:
    refusal = (
        "no rollout of shop can be started before its file is corrected:\n"
        "shop.yml:4: drain.quiet: has an effect only with until: answered or counter; remove it\n"
        "not confirmed; nothing was changed"
    )
    assert JAPANESE.known(refusal) == (
        "ファイルを修正するまで shop のロールアウトは開始できません:\n"
        "shop.yml:4: drain.quiet: until が answered か counter のときだけ有効です。削除してください\n"
        "確認されませんでした。何も変更していません"
    )
