"""Notifications of a service: on which occasions which address gets a message, and in which language."""

from dataclasses import dataclass
from enum import StrEnum


class Occasion(StrEnum):
    """What a message is about. The values are those of `notify.on` in katakei.yml."""

    STARTED = "started"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    FAILED = "failed"
    DONE = "done"


class Language(StrEnum):
    """The language of a message."""

    ENGLISH = "en"
    JAPANESE = "ja"


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where a secret is read when it is needed. Exactly one is set; the secret itself is kept nowhere.

    Attributes:
        variable: The name of an environment variable of this process.
        file: The path of a file whose only line it is.
    """

    variable: str = ""
    file: str = ""

    def __str__(self) -> str:
        return self.variable or self.file


@dataclass(frozen=True, slots=True)
class NotifyRule:
    """One address that gets messages.

    Attributes:
        url: Where its URL is read, which holds a secret for most services.
        on: The occasions.
        language: The language.
    """

    url: SecretPlace
    on: frozenset[Occasion] = frozenset(Occasion)
    language: Language = Language.ENGLISH


@dataclass(frozen=True, slots=True)
class Message:
    """A message as plain text: one line that says it all, and what a person may want to know besides."""

    title: str
    body: str
