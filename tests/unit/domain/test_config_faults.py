"""Tests of the faults of configuration files."""

from katakei.domain.config_faults import CheckedFile, ConfigFault, ConfigurationError
from katakei.domain.errors import ExitCode

KEY = ConfigFault(3, 7, "drain.until", "write one of these: proof, delay")
WHOLE = ConfigFault(0, 0, "", "the file is empty")


def test_text_begins_with_the_key_if_there_is_one() -> None:
    assert KEY.text == "drain.until: write one of these: proof, delay"
    assert WHOLE.text == "the file is empty"


def test_error_lists_every_fault_with_its_line() -> None:
    error = ConfigurationError("katakei.yml", [KEY, WHOLE])
    assert str(error).splitlines() == [f"katakei.yml:3: {KEY.text}", f"katakei.yml:0: {WHOLE.text}"]
    assert (error.faults, error.code) == ((KEY, WHOLE), ExitCode.USAGE)


def test_checked_file_keeps_its_faults() -> None:
    assert CheckedFile("a.yml", "", (KEY,)).faults == (KEY,)
