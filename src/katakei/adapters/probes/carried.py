"""A program of ours as text that any target's shell can be given, with each target's own arguments in it.

What varies is lines of a quoted here-document, made of a narrow alphabet, and is never read as shell text.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from katakei.domain.errors import UsageError

_WORD = re.compile(r"[A-Za-z0-9=+/.,:_-]+")
_PICK = """set -uf
self="%s" rows=0 mine=''
while read -r id words; do
rows=$((rows + 1))
[ "$id" = "${self:-$id}" ] && mine=$words
done <<'KATAKEI_LINES'
%s
KATAKEI_LINES
[ -n "$self" ] || [ "$rows" = 1 ] || mine=''
[ -n "$mine" ] || { echo "no line here for ${self:-a machine without a name}"; exit 75; }
set -- $mine
"""


@cache
def program(file: str) -> str:
    """One of this room's shell programs, without its comments: up to fifty targets' arguments travel beside it."""
    lines = files("katakei.adapters.probes").joinpath(file).read_text(encoding="utf-8").splitlines()
    return "\n".join(bare for line in lines if (bare := line.strip()) and not bare.startswith("#")) + "\n"


def text(program_text: str, arguments: Mapping[str, Sequence[str]], self_from: str = "") -> str:
    """The program for several machines, each of which takes its own line and fails without one.

    `self_from` names the environment variable in which a machine finds its own name; with '' there may be one line.
    """
    lines = "\n".join(" ".join((_word(name), *map(_word, words))) for name, words in arguments.items())
    return _PICK % (f"${{{self_from}:-}}" if self_from else "", lines) + program_text


def encoded(value: str) -> str:
    """What a person wrote, as one word that no shell reads."""
    return base64.b64encode(value.encode()).decode()


def _word(word: str) -> str:
    if not _WORD.fullmatch(word):
        raise UsageError(f"{word!r} cannot be an argument of a witness's program")
    return word
