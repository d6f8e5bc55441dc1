"""Secrets that are read where the configuration names them, at the moment they are needed."""

from collections.abc import Mapping
from pathlib import Path

from katakei.domain.errors import RejectedError
from katakei.domain.notifications import SecretPlace

LONGEST = 8192
"""Bytes of a secret. The longest URLs of chat services have some hundred."""


def read_secret(place: SecretPlace, env: Mapping[str, str]) -> str:
    """The secret. Raises RejectedError: there is none; the sentence never quotes it."""
    if place.variable:
        found = env.get(place.variable, "").strip()
        if not found:
            raise RejectedError(f"the environment variable {place.variable} is not set")
        return found
    try:
        with Path(place.file).open("rb") as file:
            text = file.read(LONGEST + 1).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise RejectedError(f"the file {place.file} cannot be read ({why})") from error
    if not text or len(text) > LONGEST or "\n" in text:
        raise RejectedError(f"the file {place.file} must hold one line with the secret")
    return text
