"""The sources of the documentation site: pages, navigation and links, made from docs/ for the site generator.

`python -m tests.project.site` writes `build/docs/en` and `build/docs/ja`, each with its configuration beside it;
`make docs` builds both into `build/docs/site`. The index of a language is the one list of its pages: its headings and
links become the navigation. Links that leave the folder of a language become absolute, because each is built alone.
"""

import json
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath, relpath

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SETTINGS = DOCS / "site"
OUT = ROOT / "build" / "docs"
REPOSITORY: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Homepage"]
LINK = re.compile(r"(?P<before>\]\()(?P<target>[^)#\s]+)?(?P<anchor>#[^)\s]+)?(?P<after>\))")
TITLED = re.compile(r"\[(?P<title>[^\]]+)\]\((?P<target>[^)#\s]+)(?:#[^)\s]+)?\)")
DIAGRAM = re.compile(r"^```mermaid\n.*?^```\n", re.DOTALL | re.MULTILINE)
"""Diagrams that the site leaves out: a browser would load their library from another host. The text says the same."""
NO_NAVIGATION = "nav = []"
NOT_STAGED = {"ja", "site"}


@dataclass(frozen=True)
class Language:
    """One language of the site: its name, the folder of its pages, and the path of its pages below the site's root."""

    name: str
    folder: Path
    path: str


ENGLISH, JAPANESE = Language("en", DOCS, ""), Language("ja", DOCS / "ja", "ja/")
LANGUAGES = (ENGLISH, JAPANESE)
Navigation = Mapping[str, Sequence[tuple[str, str]]]


def settings(language: Language) -> str:
    """The text of the generator's configuration, without its navigation."""
    return (SETTINGS / f"{language.name}.toml").read_text(encoding="utf-8")


def address(language: Language) -> str:
    """The address of the site in this language; it ends with a slash."""
    return str(tomllib.loads(settings(language))["project"]["site_url"])


def pages(language: Language) -> list[Path]:
    """Every page of a language except its index."""
    found = [page for page in language.folder.rglob("*.md") if page != language.folder / "index.md"]
    if language is ENGLISH:
        found = [page for page in found if page.relative_to(DOCS).parts[0] not in NOT_STAGED]
    return sorted(found)


def navigation(language: Language) -> Navigation:
    """Each heading of the index with its pages, as (title, path); a page stands where the index links it first."""
    sections: dict[str, list[tuple[str, str]]] = {}
    seen = set()
    heading = ""
    for line in (language.folder / "index.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line[3:]
        for title, target in TITLED.findall(line) if heading else ():
            for page_title, page in _listed(language, title, target):
                if page not in seen:
                    seen.add(page)
                    sections.setdefault(heading, []).append((page_title, page))
    return sections


def _listed(language: Language, title: str, target: str) -> Iterator[tuple[str, str]]:
    """The pages that a link of the index stands for: one, or all of a folder."""
    path = language.folder / target
    if target.startswith("..") or not path.exists():
        return
    if path.is_dir():
        for page in sorted(path.glob("*.md")):
            yield heading_of(page), str(page.relative_to(language.folder))
    elif path.suffix == ".md":
        yield title, target


def heading_of(page: Path) -> str:
    """The first heading of a page."""
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def configuration(language: Language) -> str:
    """The configuration with its navigation, as TOML."""
    sections = navigation(language)
    index = heading_of(language.folder / "index.md")
    rows = [f'  {{ {json.dumps(index, ensure_ascii=False)} = "index.md" }},']
    for heading, entries in sections.items():
        inner = ", ".join(
            f"{{ {json.dumps(title, ensure_ascii=False)} = {json.dumps(page)} }}" for title, page in entries
        )
        rows.append(f"  {{ {json.dumps(heading, ensure_ascii=False)} = [{inner}] }},")
    text = settings(language)
    if text.count(NO_NAVIGATION) != 1:
        raise ValueError(f"the configuration {language.name} must have one line {NO_NAVIGATION!r}")
    return text.replace(NO_NAVIGATION, "\n".join(["nav = [", *rows, "]"]))


def rewritten(language: Language, page: Path) -> str:
    """A page whose links all work on the site: those that leave the folder of its language are absolute."""

    def link(match: re.Match[str]) -> str:
        target, anchor = match["target"] or "", match["anchor"] or ""
        if not target or ":" in target:
            return match[0]
        return f"{match['before']}{_target(language, page, target)}{anchor}{match['after']}"

    return LINK.sub(link, DIAGRAM.sub("", page.read_text(encoding="utf-8")))


def _target(language: Language, page: Path, target: str) -> str:
    place = Path(normpath(page.parent / target))
    if place.is_dir() and (listed := sorted(place.glob("*.md"))):
        place = listed[0]
    if not place.is_relative_to(DOCS) or place.is_relative_to(SETTINGS) or place.is_dir():
        kind = "tree" if place.is_dir() else "blob"
        return f"{REPOSITORY}/{kind}/main/{place.relative_to(ROOT)}"
    home = JAPANESE if place.is_relative_to(JAPANESE.folder) else ENGLISH
    if home is language:
        return relpath(place, page.parent)
    return address(home) + shown_at(str(place.relative_to(home.folder)))


def shown_at(path: str) -> str:
    """The path on the site of a file of docs/: pages are folders there."""
    if not path.endswith(".md"):
        return path
    return re.sub(r"(^|/)index/$", r"\1", path.removesuffix(".md") + "/")


def stage(language: Language, out: Path) -> None:
    """Writes the pages and files of a language, and its configuration, below a folder."""
    folder = out / language.name
    left_out = shutil.ignore_patterns(*NOT_STAGED) if language is ENGLISH else None
    shutil.copytree(language.folder, folder, ignore=left_out)
    for page in [language.folder / "index.md", *pages(language)]:
        text = rewritten(language, page)
        (folder / page.relative_to(language.folder)).write_text(text, encoding="utf-8")
    (out / f"{language.name}.toml").write_text(configuration(language), encoding="utf-8")


def write(out: Path) -> None:
    """Writes both languages anew below a folder."""
    shutil.rmtree(out, ignore_errors=True)
    for language in LANGUAGES:
        stage(language, out)


if __name__ == "__main__":
    write(OUT)
