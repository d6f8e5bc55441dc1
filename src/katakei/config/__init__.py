"""Configuration: katakei.yml as a `Spec`, or every fault in it with its line. Nothing is read from AWS.

pydantic and the YAML reader are imported only when a file is read, because commands without a file must start fast.
"""

from dataclasses import replace
from pathlib import Path

from katakei.config.defaults import Configuration, Overrides, overridden, release, without_file
from katakei.config.text_files import text_of
from katakei.domain.spec import Spec

__all__ = ["Configuration", "Overrides", "load", "read_file", "release", "without_file"]


def load(path: Path, overrides: Overrides) -> Spec:
    """The spec in a configuration file. Raises what `read_file` raises."""
    return read_file(path, overrides).spec


def read_file(path: Path, overrides: Overrides) -> Configuration:
    """Reads a configuration file.

    Raises:
        UsageError: The file cannot be read, or it has faults; the error lists all of them.
    """
    from katakei.config.validation import validate  # noqa: PLC0415 - imports pydantic
    from katakei.config.yaml_document import read  # noqa: PLC0415 - imports the YAML reader

    found = validate(read(text_of(path, "check whether it is a configuration at all"), path.name))
    return replace(found, spec=overridden(found.spec, overrides))
