"""The language of a reader: English texts in that language, and durations, lists and counts as it writes them.

English is the source: its texts are the keys of the catalog, and a text that a catalog lacks is shown in English. The
catalog of another language (`katakei.render.japanese`) is imported only for a reader of that language. A test finds
every text that a call of a `Translator` names, and compares them with the catalog, both ways.

Programs read English: nothing in the journal, in `--json` or in the data of the API goes through here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import cache, cached_property
from typing import TYPE_CHECKING

from katakei.domain.notifications import Language
from katakei.domain.outside_text import one_line
from katakei.domain.words import counted
from katakei.domain.words import span as english_span
from katakei.render.catalog import Catalog

if TYPE_CHECKING:
    from katakei.render.known_texts import KnownTexts

LIST_LIMIT = 5  # names that a list shows; it must fit on one line
_UNIT = re.compile(r"0*(\d+)([hms]) ?")


@dataclass(frozen=True)
class Translator:
    """Writes for a reader of one language."""

    language: Language
    catalog: Catalog

    def __call__(self, text: str, /, **values: object) -> str:
        """A text in this language, with its placeholders filled in. `{number:target}` counts: '3 targets'."""
        found = self.catalog.texts.get(text, text)
        return found.format(**{name: _Value(value) for name, value in values.items()}) if values else found

    def of(self, text: str) -> str:
        """A text that comes from a table: a help text, a heading."""
        return self.catalog.texts.get(text, text)

    def name(self, value: Enum) -> str:
        """The word for a value of an enum: a phase, a result."""
        return self.word(type(value).__name__, str(value.value))

    def word(self, kind: str, value: str) -> str:
        """The same, by the name of the enum and the text of the value."""
        return self.catalog.names.get((kind, value), value)

    def known(self, sentence: str) -> str:
        """A finished English sentence (an error, a report of a probe) in this language, as far as it is known."""
        if not self.catalog.known:
            return sentence
        return self._known_texts.told(sentence)

    def fault(self, message: str) -> str:
        """The message of a fault in a configuration file, without its place and key."""
        return self._known_texts.fault(message) if self.catalog.known else message

    @cached_property
    def _known_texts(self) -> "KnownTexts":
        from katakei.render.known_texts import KnownTexts  # noqa: PLC0415 - only readers of other languages need it

        return KnownTexts(self.catalog.known, self._lengths, self(" and {more} more", more="{}"), self.catalog.faults)

    def span(self, length: timedelta) -> str:
        """A duration in at most two units: '45s', '1m 30s', '2h 05m'."""
        return self._lengths(english_span(length))

    def _lengths(self, text: str) -> str:
        """A duration as English writes it, in this language."""
        units = self.catalog.units
        return _UNIT.sub(lambda found: found[1] + units[found[2]], text) if units else text

    def listed(self, things: Iterable[object]) -> str:
        """A list that fits on one line: 'a, b, c, d, e and 3 more'."""
        names = [one_line(str(thing)) for thing in things]
        if len(names) <= LIST_LIMIT:
            return ", ".join(names)
        return ", ".join(names[:LIST_LIMIT]) + self(" and {more} more", more=len(names) - LIST_LIMIT)


@dataclass(frozen=True, slots=True)
class _Value:
    """A value inside a text; the part after the colon of a placeholder is the noun that it counts."""

    value: object

    def __format__(self, noun: str) -> str:
        return counted(int(str(self.value)), noun) if noun else str(self.value)


ENGLISH = Translator(Language.ENGLISH, Catalog())


@cache
def translator(language: Language) -> Translator:
    """The translator for readers of a language."""
    if language is Language.ENGLISH:
        return ENGLISH
    from katakei.render.japanese import CATALOG  # noqa: PLC0415 - English readers do not pay for it

    return Translator(language, CATALOG)
