"""The folder of service files: each `*.yml` in it is one service. All faults of all files are found in one reading.

The folder is foreign: everybody who may merge into its repository can write it. Links may not leave it, sizes have
limits, and only regular files are opened.
"""

import os
import stat
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from katakei.config.text_files import explained, limited
from katakei.domain.errors import UsageError
from katakei.domain.services import UNREADABLE_POLICY, Service

MAX_FILES = 1000
"""Files of a folder. One server is meant for some hundred services."""

SUFFIXES = (".yml", ".yaml")

Fingerprint = Mapping[str, tuple[int, ...]]
"""What tells one state of the folder from another: device, inode, size and times of each file by its name."""


def fingerprint(folder: Path) -> Fingerprint:
    """The state of the folder, without hidden files: config maps of Kubernetes keep their real ones in `..data`.

    Raises:
        UsageError: The folder cannot be read, or has too many files.
    """
    found: dict[str, tuple[int, ...]] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if len(found) >= MAX_FILES:
                    raise UsageError(f"{folder}: has more than {MAX_FILES} files; check whether it is the right folder")
                found[entry.name] = _state(entry)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read ({error.strerror}); check the path") from error
    return found


def _state(entry: "os.DirEntry[str]") -> tuple[int, ...]:
    try:
        state = entry.stat()
    except OSError:  # a link to nothing; it is a fault of its file
        return ()
    return state.st_dev, state.st_ino, state.st_mode, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def read_services(folder: Path, names: Collection[str], allow_local: Collection[str]) -> tuple[Service, ...]:
    """Every service of the folder, in the order of the names.

    Args:
        folder: The folder.
        names: The names of the files in it.
        allow_local: The services whose work may run as the user of this server.
    """
    files = service_files(names)
    found = [_read_service(folder, name, allow_local) for name in files]
    files_of: dict[str, list[str]] = {}
    for service, _ in found:
        files_of.setdefault(service.name, []).append(service.file)
    services = (_unique(service, line, files_of[service.name]) for service, line in found)
    return tuple(sorted(services, key=lambda service: (service.name, service.file)))


def service_files(names: Collection[str]) -> list[str]:
    """Those of the files of a folder that are services, in the order of their names."""
    return sorted(name for name in names if name.endswith(SUFFIXES))


def _unique(service: Service, line: int, files: Sequence[str]) -> Service:
    others = [file for file in files if file != service.file]
    if not others:
        return service
    fault = f"{service.file}:{line}: service: {service.name} is also the name in {', '.join(others)}; keep one of them"
    return replace(service, spec=None, faults=(*service.faults, fault))


def _read_service(folder: Path, file: str, allow_local: Collection[str]) -> tuple[Service, int]:
    """The service of a file, and the line of its name."""
    from katakei.config.service_validation import read_service  # noqa: PLC0415 - imports pydantic and the YAML reader

    try:
        text = read_text(folder, file)
    except UsageError as error:
        return Service(file, file, None, (str(error),), policy=UNREADABLE_POLICY), 1
    return read_service(text, file, lambda name: read_text(folder, name), allow_local)


def read_text(folder: Path, name: str) -> str:
    """The text of one file of the folder.

    Raises:
        UsageError: It is no regular file of this folder, is too large, or is not text.
    """
    with explained(name, "the file and its rights"):
        root, path = os.path.realpath(folder), os.path.realpath(folder / name)
        if os.path.commonpath((root, path)) != root:
            raise UsageError(f"{name}: is a link to a file outside of the services folder; put the file into it")
        # Opening a named pipe would wait for a writer for ever without O_NONBLOCK.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UsageError(f"{name}: is not a regular file; remove it from the services folder")
            return limited(file, name, "check whether it is a configuration")
