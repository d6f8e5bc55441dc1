"""Languages of the console: which one a request gets, and the texts and sentences in it (gettext catalogs).

A text that a catalog does not have is shown in English. The templates use `_` and `ngettext`.
"""

from collections.abc import Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Final

LOCALES: Final = Path(__file__).parent / "locales"
DOMAIN: Final = "console"
LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "ja": "日本語"}
"""Every language by its code, with its own name."""
DEFAULT: Final = "en"


@cache
def translations(language: str) -> NullTranslations:
    """The catalog of a language; one that leaves every text as it is for English and for an unknown language."""
    path = LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.mo"
    if language not in LANGUAGES or not path.is_file():
        return NullTranslations()
    with path.open("rb") as file:
        return GNUTranslations(file)


def chosen_language(cookie: str, accept_language: str) -> str:
    """The language of a page.

    Args:
        cookie: What the reader chose before; '' or anything else where nothing valid was chosen.
        accept_language: The header of the same name (RFC 9110, 12.5.4).
    """
    if cookie in LANGUAGES:
        return cookie
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept_language[:500].split(",")):
        name, _, weight = part.strip().partition(";")
        code = name.strip().partition("-")[0].lower()
        if code in LANGUAGES:
            wanted.append((-_weight(weight), place, code))
    return min(wanted)[2] if wanted else DEFAULT


def _weight(text: str) -> float:
    try:
        return float(text.strip().removeprefix("q=")) if text.strip() else 1.0
    except ValueError:
        return 0.0
