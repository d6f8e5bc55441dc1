"""Configuration: katakei.yml as a `Spec`, or every fault in it with its line. Nothing is read from AWS.

pydantic and the YAML reader are imported only when a file is read, because commands without a file must start fast.
"""

from dataclasses import replace
from pathlib import Path

from katakei.config.defaults import Configuration, Overrides, overridden, release, without_file
from katakei.domain.errors import UsageError
from katakei.domain.spec import Spec

__all__ = ["Configuration", "Overrides", "load", "read_file", "release", "without_file"]

MAX_BYTES = 256 * 1024
"""Bytes of a configuration file. A thousand targets by name take 20 KiB, and Run Command carries 56,000 characters."""


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

    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data[:MAX_BYTES].decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: the file is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path}: has more than {MAX_BYTES // 1024} KiB; check whether it is a configuration at all")
    found = validate(read(text, path.name))
    return replace(found, spec=overridden(found.spec, overrides))
