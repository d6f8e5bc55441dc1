"""The documentation site as its generator builds it: no warning, no broken link, nothing loaded from another host."""

import re
import subprocess
from os.path import normpath
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from tests.project import site

GENERATOR = site.ROOT / ".venv-docs" / "bin" / "zensical"
LINKED = re.compile(r'<(?P<tag>\w+)\b[^>]*?\s(?:href|src)="?(?P<target>[^"\s>]+)')
NAMED = re.compile(r'\sid="?([^"\s>]+)')
PATH = urlsplit(site.address(site.ENGLISH)).path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site in both languages, in the order of `make docs`."""
    assert GENERATOR.exists(), "zensical is missing; make it with: make .venv-docs/.ready"
    out = tmp_path_factory.mktemp("docs")
    site.write(out / "docs")
    for language in site.LANGUAGES:
        words = [str(GENERATOR), "build", "--strict", "--config-file", f"{language.name}.toml"]
        done = subprocess.run(
            words, cwd=out / "docs", capture_output=True, text=True, encoding="utf-8", check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "warning" not in (done.stdout + done.stderr).lower()
    return out / "docs" / "site"


def found_at(built: Path, page: Path, target: str) -> Path | None:
    """The file that a link shows; None for another site."""
    parts = urlsplit(target)
    home = urlsplit(site.address(site.ENGLISH))
    if parts.scheme and (parts.scheme, parts.netloc) != (home.scheme, home.netloc):
        return None
    path = unquote(parts.path)
    absolute = bool(parts.scheme) or path.startswith("/")
    place = built / path.removeprefix(PATH) if absolute else page.parent / path
    if not path:
        return page
    return Path(normpath(place / "index.html" if path.endswith("/") or place.is_dir() else place))


def test_every_page_is_built_and_every_link_leads_somewhere(built: Path) -> None:
    pages = [page for page in built.rglob("*.html") if page.name != "404.html"]
    for language in site.LANGUAGES:
        shown = [built / language.path / site.shown_at(str(each.relative_to(language.folder))) / "index.html"
                 for each in site.pages(language)]  # fmt: skip
        assert set(shown) <= set(pages)
    names = {page: set(NAMED.findall(page.read_text(encoding="utf-8"))) for page in pages}
    wrong = []
    for page in pages:
        for match in LINKED.finditer(page.read_text(encoding="utf-8")):
            file, anchor = found_at(built, page, match["target"]), urlsplit(match["target"]).fragment
            if file is None:
                continue
            if not file.exists() or (anchor and unquote(anchor) not in names.get(file, set())):
                wrong.append(f"{page.relative_to(built)}: {match['target']}")
    assert not wrong


def test_pages_load_nothing_from_another_host(built: Path) -> None:
    texts = [page.read_text(encoding="utf-8") for page in built.rglob("*.html")]
    loading = [match[0] for text in texts for match in re.finditer(r"<(?:script|link|img|iframe)\b[^>]*>", text)]
    foreign = [each for each in loading if re.search(r'(?:src|href)="?(?:https?:)?//', each)]
    assert not [each for each in foreign if not re.search(r'\brel="?(?:canonical|alternate|prev|next)\b', each)]


def test_both_languages_can_be_searched(built: Path) -> None:
    for language in site.LANGUAGES:
        found = (built / language.path / "search.json").read_text(encoding="utf-8")
        assert f'"lang":["{language.name}"]' in found.replace(" ", "")
