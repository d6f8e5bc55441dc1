"""Tests of the console's files: the vendored libraries by their hashes, the texts of every language, the templates."""

import json
import re
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from starlette.requests import Request
from tests.unit.given import NOON, a_plan, brought, given, later

from katakei.domain import events as e
from katakei.domain.errors import UsageError
from katakei.domain.notifications import Language
from katakei.domain.phases import Phase
from katakei.domain.reasons import ReasonCode, reason
from katakei.render.translation import translator
from katakei.web.console.assets import STATIC, asset_url
from katakei.web.console.environment import TEMPLATES, environment, told
from katakei.web.console.page import NAVIGATION, api_translator
from katakei.web.console.rollout_views import Choice, rollout_view
from katakei.web.console.translation import LANGUAGES, LOCALES, chosen_language, translations
from katakei.web.errors import problem_for

VENDOR = STATIC / "vendor"
FIRST_PAGE = ("console.css", "console.js", "vendor/htmx.min.js", "vendor/hx-sse.min.js", "icon.svg")
METHODS = [("**/*.html", "jinja2.ext.babel_extract")]


def test_vendored_files_are_those_of_the_manifest() -> None:
    manifest = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))
    found = {path.name for path in VENDOR.iterdir()} - {"manifest.json"}
    assert found == set(manifest["files"])
    for name, entry in manifest["files"].items():
        assert sha256((VENDOR / name).read_bytes()).hexdigest() == entry["sha256"], name
        package = manifest["packages"][entry["package"]]
        assert (package["license"], (VENDOR / package["license_file"]).is_file()) in {("0BSD", True), ("MIT", True)}


def test_files_of_the_first_page_are_small() -> None:
    assert sum((STATIC / name).stat().st_size for name in FIRST_PAGE) < 100_000


def test_url_of_a_file_names_its_content() -> None:
    assert re.fullmatch(r"/static/console\.js\?v=[0-9a-f]{12}", asset_url("console.js"))


def test_templates_have_no_inline_style_or_script() -> None:
    for path in TEMPLATES.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|\|\s*safe\b|javascript:", text), path.name


def test_every_form_that_changes_something_carries_the_csrf_token() -> None:
    for path in TEMPLATES.glob("*.html"):
        for form in re.findall(r'<form method="post".*?</form>', path.read_text(encoding="utf-8"), re.DOTALL):
            open_to_all = 'action="/sign-in"' in form
            assert open_to_all or "csrf" in form, f"{path.name}: {form[:80]}"


def texts() -> set[str]:
    options = {"**/*.html": {"trimmed": "true", "silent": "false"}}
    found = extract_from_dir(str(TEMPLATES), method_map=METHODS, options_map=options)
    plain = {text if isinstance(text, str) else text[0] for _, _, text, _, _ in found}
    return plain | {name for _, name in NAVIGATION}


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_no_text_is_missing_in_any_language(language: str) -> None:
    folder = LOCALES / language / "LC_MESSAGES"
    with (folder / "console.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    missing = {text for text in texts() if not (catalog.get(text) and catalog[text].string)}
    unused = {_key(message.id) for message in catalog if message.id} - texts()
    assert (missing, unused) == (set(), set())
    with (folder / "console.mo").open("rb") as file:
        compiled = read_mo(file)
    assert {_key(each.id): _key(each.string) for each in compiled if each.id} == {
        _key(each.id): _key(each.string) for each in catalog if each.id
    }
    for message in catalog:
        if message.id:
            _same_fields(message.id, message.string)


def _key(text: str | tuple[str, ...] | list[str] | None) -> str:
    return text if isinstance(text, str) else (text or [""])[0]


def _same_fields(text: str | tuple[str, ...] | list[str], translated: str | tuple[str, ...] | list[str] | None) -> None:
    fields = re.compile(r"%\(\w+\)[sd]")
    whole = translated if isinstance(translated, str) else "".join(translated or ())
    assert set(fields.findall(_key(text))) == set(fields.findall(whole)), text


@pytest.mark.parametrize(
    ("cookie", "header", "expected"),
    [
        ("", "", "en"),
        ("", "ja", "ja"),
        ("", "ja-JP,en;q=0.5", "ja"),
        ("", "fr, en;q=0.9, ja;q=0.95", "ja"),
        ("", "ja;q=0.1,en-US;q=0.8", "en"),
        ("", "ja;q=x, de", "ja"),
        ("en", "ja", "en"),
        ("xx", "ja", "ja"),
        ("../../etc", "", "en"),
    ],
)
def test_language_follows_the_cookie_then_the_browser(cookie: str, header: str, expected: str) -> None:
    assert chosen_language(cookie, header) == expected


def test_unknown_language_leaves_texts_in_english() -> None:
    assert translations("xx").gettext("Target groups") == "Target groups"
    assert translations("ja").gettext("Target groups") == "ターゲットグループ"
    assert Path(LOCALES / "xx").exists() is False


def asked(path: str, **headers: str) -> Request:
    """A request to this path with these headers."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": raw})


def test_sentences_and_durations_follow_the_language_of_the_page() -> None:
    why = reason(ReasonCode.SOAKING, health="healthy", left=72.0)
    said = {code: environment(code).from_string("{{ why | says }} {{ left | span }}") for code in ("en", "ja")}
    shown = {code: template.render(why=why, left=timedelta(seconds=72)) for code, template in said.items()}
    assert shown == {
        "en": "Healthy, soaking ends in 1m 12s 1m 12s",
        "ja": "healthy。様子見は残り 1分12秒です 1分12秒",
    }


def test_rollout_page_has_its_log_and_lanes_in_japanese() -> None:
    plan = a_plan(2)
    events = [e.Planned(NOON, plan), *brought(plan, Phase.DRAINING)]
    choice = Choice(tr=translator(Language.JAPANESE))
    view = rollout_view(given(plan, events[1:]), events, later(72), choice, lambda _: True)
    assert [line.text.rpartition("  ")[2] for line in view.log] == ["ドレイニング中"]
    assert view.lanes[0].spoken == "ドレイニング中 1分12秒経過"


def test_only_targets_with_the_release_count_as_done() -> None:
    plan = a_plan(3)
    ends = [*brought(plan, Phase.DONE), *brought(plan, Phase.LEFT_OUT, 1), *brought(plan, Phase.SKIPPED, 2)]
    events = [e.Planned(NOON, plan), *ends]
    view = rollout_view(given(plan, ends), events, later(72), Choice(), lambda _: True)
    assert (view.done, view.total) == (1, 3)
    shown = {name: view.counts[name] for name in ("all", "pending", "progress", "failed", "done", "rest")}
    assert shown == {"all": 3, "pending": 0, "progress": 0, "failed": 1, "done": 1, "rest": 1}


@pytest.mark.parametrize(
    ("headers", "message", "language"),
    [
        ({}, "rollout r-1 is not paused", "en"),
        ({"accept_language": "ja,en;q=0.5"}, "ロールアウト r-1 は一時停止していません", "ja"),
        ({"accept_language": "fr"}, "rollout r-1 is not paused", "en"),
    ],
)
def test_message_of_the_api_follows_accept_language(headers: dict[str, str], message: str, language: str) -> None:
    request = asked("/api/v1/rollouts/r-1/resume", **headers)
    problem = problem_for(request, UsageError("rollout r-1 is not paused"), api_translator(request))
    assert (problem.message, problem.code, problem.headers()["Content-Language"]) == (message, "usage", language)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no <b> moment", "no &lt;b&gt; moment"),
        ("since 2026-11-28 12:18 UTC: <x>", "since {2026-11-28T12:18:00Z}: &lt;x&gt;"),
        ("2026-11-28 12:18:05 UTC, 2026-11-29 00:00 UTC", "{2026-11-28T12:18:05Z}, {2026-11-29T00:00:00Z}"),
        ("until 2026-13-99 99:99 UTC", "until 2026-13-99 99:99 UTC"),
        ("at 2026-11-28 21:18 JST", "at 2026-11-28 21:18 JST"),
    ],
)
def test_moments_in_a_sentence_are_shown_in_local_time(text: str, expected: str) -> None:
    assert re.sub(r'<time datetime="([^"]+)"[^>]*>[^<]*</time>', r"{\1}", str(told(text))) == expected
