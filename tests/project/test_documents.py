"""The documents: links lead somewhere, every page is in the index, and every environment variable is described."""

import re
import tomllib
from pathlib import Path

import pytest

from katakei.cli import COMMANDS
from katakei.cli.lab_commands import LAB_PACKAGE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#([^)\s]+))?\)")
VARIABLE = re.compile(r"\bKATAKEI_[A-Z_]*[A-Z]\b")
READ = re.compile(r"environ(?:\.get\(|\[)\"(KATAKEI_[A-Z_]*[A-Z])\"")
NAMED = re.compile(r"`([\w./-]+(?:\.(?:py|sh)|/))`")
NOT_VARIABLES = {"KATAKEI_LINES", "KATAKEI_KEEPER"}  # delimiters of here-documents
SOURCES = [path for path in (ROOT / "src").rglob("*") if path.suffix in {".py", ".sh"}]


def outside(target: str) -> bool:
    return target.startswith(("http:", "https:", "mailto:"))


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


def test_index_lists_every_page() -> None:
    linked = {(DOCS / target).resolve() for target, _ in LINK.findall((DOCS / "index.md").read_text(encoding="utf-8"))}
    pages = {page for page in DOCS.rglob("*.md") if page.name != "index.md" and page.parent.name != "adr"}
    assert not sorted(str(page) for page in pages - linked)


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
