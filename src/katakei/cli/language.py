"""The language of the person at the terminal, by the environment: KATAKEI_LANG, else the locale.

It is read once at the edge of the program and given to the renderers. Machine output has no language.
"""

import os
import sys
from collections.abc import Mapping
from functools import cache

from katakei.domain.notifications import Language
from katakei.render.translation import Translator, translator

VARIABLES = ("KATAKEI_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
"""The first that is set counts, as for other programs."""


def language_of(env: Mapping[str, str], encoding: str | None = "utf-8") -> Language:
    """The language of the reader.

    Args:
        env: The environment.
        encoding: That of standard output. Where it has no Japanese characters, English is readable.
    """
    wanted = next((env[name] for name in VARIABLES if env.get(name)), "").lower()
    if wanted != "ja" and not wanted.startswith(("ja_", "ja-", "ja.")):
        return Language.ENGLISH
    try:
        "日本語".encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return Language.ENGLISH
    return Language.JAPANESE


def reader() -> Translator:
    """The translator for the person who runs this process."""
    return _of_process(
        *(os.environ.get(name, "") for name in VARIABLES), getattr(sys.stdout, "encoding", None) or "utf-8"
    )


@cache
def _of_process(*read: str) -> Translator:
    *values, encoding = read
    return translator(language_of(dict(zip(VARIABLES, values, strict=True)), encoding))
