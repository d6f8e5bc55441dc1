"""The documents: links lead somewhere, every page is in the index, and every environment variable is described."""

import re
import tomllib
from pathlib import Path

import pytest
from tests.project import site

from katakei.cli import COMMANDS
from katakei.cli.lab_commands import LAB_PACKAGE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#([^)\s]+))?\)")
ANCHORED = re.compile(r"\]\(([^)#\s]*)#([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
VARIABLE = re.compile(r"\bKATAKEI_[A-Z_]*[A-Z]\b")
READ = re.compile(r"environ(?:\.get\(|\[)\"(KATAKEI_[A-Z_]*[A-Z])\"")
NAMED = re.compile(r"`([\w./-]+(?:\.(?:py|sh)|/))`")
NOT_VARIABLES = {"KATAKEI_LINES", "KATAKEI_KEEPER"}  # delimiters of here-documents
SOURCES = [path for path in (ROOT / "src").rglob("*") if path.suffix in {".py", ".sh"}]


def outside(target: str) -> bool:
    return target.startswith(("http:", "https:", "mailto:"))


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub names them."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def exists(name: str) -> bool:
    """A path below the repository or the source; a bare file name may be anywhere in source or tests."""
    if "/" in name.rstrip("/"):
        return any((folder / name).exists() for folder in (ROOT, ROOT / "src" / "katakei", ROOT / "tests"))
    return any(
        found.is_dir() == name.endswith("/")
        for top in ("src", "tests", "docs")
        for found in (ROOT / top).rglob(name.rstrip("/"))
    )


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda page: page.name)
def test_every_source_file_that_a_page_names_exists(page: Path) -> None:
    assert not [name for name in NAMED.findall(page.read_text(encoding="utf-8")) if not exists(name)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = [target for target, _ in LINK.findall(page.read_text(encoding="utf-8")) if not outside(target)]
    assert not [target for target in links if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_heading(page: Path) -> None:
    """By the rule of GitHub; the test of the built site follows the rule of its generator."""
    links = [(target, anchor) for target, anchor in ANCHORED.findall(page.read_text(encoding="utf-8")) if anchor]
    inside = [(page.parent / target if target else page, anchor) for target, anchor in links if not outside(target)]
    assert not [anchor for file, anchor in inside if file.suffix == ".md" and anchor not in anchors(file)]


@pytest.mark.parametrize("language", site.LANGUAGES, ids=lambda language: str(language.name))
def test_index_lists_every_page(language: site.Language) -> None:
    """The navigation of the site comes from the index, so every page has its place there too."""
    index = language.folder / "index.md"
    linked = {(index.parent / target).resolve() for target, _ in LINK.findall(index.read_text(encoding="utf-8"))}
    pages = {page for page in site.pages(language) if page.parent.name != "adr"}
    assert pages
    assert not sorted(str(page) for page in pages - linked)
    placed = {path for entries in site.navigation(language).values() for _, path in entries}
    assert placed == {str(page.relative_to(language.folder)) for page in site.pages(language)}


def test_headings_of_the_index_are_the_kinds_of_pages() -> None:
    kinds = {
        site.ENGLISH: ["Tutorial", "How-to", "For a team", "Reference", "Explanation", "Contribute"],
        site.JAPANESE: ["チュートリアル", "ハウツー", "リファレンス", "説明"],
    }
    assert {language: list(site.navigation(language)) for language in site.LANGUAGES} == kinds


def test_links_that_leave_a_language_are_absolute_on_the_site() -> None:
    index, home = site.DOCS / "index.md", site.address(site.ENGLISH)
    assert f"]({site.REPOSITORY}/blob/main/README.md)" in site.rewritten(site.ENGLISH, index)
    assert f"]({home}ja/)" in site.rewritten(site.ENGLISH, index)
    assert "](server.md#figures-logs-and-traces)" in site.rewritten(site.ENGLISH, DOCS / "environment.md")
    assert [site.shown_at(path) for path in ("index.md", "adr/a.md", "x/index.md", "a.json")] == [
        *("", "adr/a/", "x/", "a.json")
    ]


@pytest.mark.parametrize("page", sorted((DOCS / "adr").glob("*.md")), ids=lambda page: page.name)
def test_decision_records_have_their_form(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.match(rf"# {int(page.name[:4])}\. [A-Z]", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


def test_environment_page_lists_every_variable() -> None:
    used = {name for path in SOURCES for name in VARIABLE.findall(path.read_text(encoding="utf-8"))} - NOT_VARIABLES
    described = set(VARIABLE.findall((DOCS / "environment.md").read_text(encoding="utf-8")))
    assert not used - described
    tests = {name for path in (ROOT / "tests").rglob("*.py") for name in READ.findall(path.read_text(encoding="utf-8"))}
    assert not tests - described
    assert not described - used - tests


@pytest.mark.parametrize(("name", "lines"), [("README.md", 70), ("README.ja.md", 80)])
def test_readme_fits_a_screen_and_installs_from_the_repository(name: str, lines: int) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= lines
    home = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Homepage"]
    commands = re.findall(r"^(uv tool|pip) install '([^']+)'", text, re.MULTILINE)
    assert commands == [("uv tool", LAB_PACKAGE), ("pip", LAB_PACKAGE)]
    assert f"katakei[lab] @ git+{home}" == LAB_PACKAGE


def test_json_page_names_every_command() -> None:
    page = (DOCS / "json-output.md").read_text(encoding="utf-8")
    assert not [name for name in COMMANDS if f"`{name}" not in page]
