"""The catalog of a language: everything that it says instead of English.

A module of its own, so that catalogs and the translator that reads them do not import each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a language says instead of English.

    Attributes:
        texts: By English text. Placeholders are named alike in both.
        reasons: The templates of reasons, by their code.
        names: The words for values of enums, by the name of the enum and the value.
        known: Finished English sentences, such as those of errors, with placeholders for what differs in them.
        faults: The same for the messages of faults in configuration files, which are compared with nothing else.
        units: 'h', 'm' and 's' of a duration; empty for a language that writes them as English does.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
