"""The platforms of the lab."""

import pytest

from katakei.cli.lab_commands import require_linux
from katakei.domain.errors import ExitCode, RefusedError


def test_lab_runs_on_linux() -> None:
    require_linux("linux")
    require_linux()


@pytest.mark.parametrize("platform", ["darwin", "win32", "freebsd14"])
def test_lab_elsewhere_is_refused_with_advice(platform: str) -> None:
    with pytest.raises(RefusedError, match="need Linux: run them in a Linux container or virtual machine") as refused:
        require_linux(platform)
    assert refused.value.code is ExitCode.REFUSED
