"""Checks of configuration files for editors and CI: every fault with line and column. Nothing is read from AWS.

A file with the key `server` is a service file, every other one is a katakei.yml. A folder is the services folder of a
server: each service in it needs a name of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from katakei.config.services import fingerprint, read_text, service_files
from katakei.config.text_files import text_of
from katakei.config.yaml_document import Document, read
from katakei.domain.config_faults import CheckedFile, ConfigFault, ConfigurationError
from katakei.domain.errors import UsageError

TOO_LARGE = "check whether it is a configuration at all"


def check_files(paths: Iterable[Path]) -> Sequence[CheckedFile]:
    """Checks each file, and each service file of each folder.

    Args:
        paths: Files and folders.

    Returns:
        The files in this order. A path that cannot be read is a file with one fault.
    """
    return [checked for path in paths for checked in (_check_folder(path) if path.is_dir() else [_check(path)])]


def _check_folder(folder: Path) -> Sequence[CheckedFile]:
    try:
        return list(_unique([_check_text(folder, name) for name in _services_in(folder)]))
    except UsageError as error:
        return [_unreadable(str(folder), error)]


def _services_in(folder: Path) -> Sequence[str]:
    names = service_files(fingerprint(folder))
    if not names:
        raise UsageError(f"{folder}: has no service file; a service is a file *.yml or *.yaml")
    return names


def _unique(found: Sequence[tuple[CheckedFile, Document]]) -> Iterator[CheckedFile]:
    """The files, with a fault for each service whose name another file has too."""
    for checked, document in found:
        others = [Path(o.file).name for o, _ in found if o.file != checked.file and o.service == checked.service]
        if not others or not checked.service:
            yield checked
            continue
        message = f"{checked.service} is also the name in {', '.join(others)}; keep one of them"
        place = document.lines[("service",)], document.columns[("service",)]
        faults = (*checked.faults, ConfigFault(*place, "service", message))
        yield replace(checked, faults=tuple(sorted(faults, key=lambda fault: fault.line)))


def _check(path: Path) -> CheckedFile:
    try:
        return _checked(str(path), path.parent, text_of(path, TOO_LARGE))[0]
    except UsageError as error:
        return _unreadable(str(path), error)


def _check_text(folder: Path, name: str) -> tuple[CheckedFile, Document]:
    """A file of a services folder, by the rules of that folder: no link out of it, only regular files."""
    try:
        return _checked(str(folder / name), folder, read_text(folder, name))
    except UsageError as error:
        return _unreadable(str(folder / name), error), Document(name)


def _checked(file: str, folder: Path, text: str) -> tuple[CheckedFile, Document]:
    from katakei.config.service_validation import check_service  # noqa: PLC0415 - imports pydantic
    from katakei.config.validation import validate  # noqa: PLC0415 - imports pydantic

    document = Document(file)
    faults: tuple[ConfigFault, ...] = ()
    try:
        document = read(text, file)
        if "server" in document.data:
            check_service(document, partial(read_text, folder))
        else:
            validate(document)
    except ConfigurationError as error:
        faults = error.faults
    name = document.data.get("service") if isinstance(document.data, dict) else None
    return CheckedFile(file, name if isinstance(name, str) else "", faults), document


def _unreadable(file: str, error: UsageError) -> CheckedFile:
    """The error of reading a file names it; the fault of a file does not."""
    said = str(error)
    for name in (file, Path(file).name):
        said = said.removeprefix(f"{name}: ")
    return CheckedFile(file, "", (ConfigFault(0, 0, "", said),))
