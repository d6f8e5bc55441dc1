"""The faults of configuration files: each with its place in the file, and the error that lists all of one file."""

from collections.abc import Sequence
from dataclasses import dataclass

from katakei.domain.errors import UsageError


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One fault: its place, the key, and a message that says what to write instead.

    Attributes:
        line: The line, counted from 1; 0 for a fault of the whole file.
        column: The column, counted from 1; 0 for a fault of the whole file.
        key: The key as text (`drain.until`); '' where no key is at fault.
        message: What is wrong.
    """

    line: int
    column: int
    key: str
    message: str

    @property
    def text(self) -> str:
        """Key and message."""
        return f"{self.key}: {self.message}" if self.key else self.message


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A configuration file that was checked.

    Attributes:
        file: Its path as the person gave it.
        service: The name of its service; '' where it cannot be read.
        faults: All its faults, in the order of their lines.
    """

    file: str
    service: str
    faults: tuple[ConfigFault, ...]


class ConfigurationError(UsageError):
    """A configuration file with faults. Its sentence has one line for each.

    Attributes:
        faults: All of them, in the order of their lines.
    """

    def __init__(self, name: str, faults: Sequence[ConfigFault]) -> None:
        super().__init__("\n".join(f"{name}:{fault.line}: {fault.text}" for fault in faults))
        self.faults = tuple(faults)
