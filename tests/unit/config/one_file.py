"""One katakei.yml of a test: the settings that every file needs, and the rest of it."""

from pathlib import Path

import pytest

from katakei.config import Overrides, load
from katakei.domain.errors import UsageError
from katakei.domain.spec import Spec

BASE = "service: s\nbalancer: {alb: {target_groups: [web]}}\n"


def loaded(folder: Path, rest: str) -> Spec:
    """The configuration of a file with these settings."""
    file = folder / "katakei.yml"
    file.write_text(BASE + rest)
    return load(file, Overrides())


def faults(folder: Path, rest: str) -> str:
    """What the refusal of such a file says, from the line of the first fault on."""
    with pytest.raises(UsageError) as error:
        loaded(folder, rest)
    return str(error.value).partition("katakei.yml:")[2]
