"""How a person writes a target."""

import pytest

from katakei.domain.errors import UsageError
from katakei.planning.naming import is_address, is_instance, split


@pytest.mark.parametrize(
    ("text", "instance", "address"),
    [
        ("i-0abc1234567890def", True, False),
        ("i-0abc1234", True, False),
        ("i-0ABC1234", False, False),
        ("i-0abc123", False, False),
        ("xi-0abc1234", False, False),
        ("10.0.0.1", False, True),
        ("fd00::80", False, True),
        ("10.0.0", False, False),
        ("web1", False, False),
    ],
)
def test_instance_ids_addresses_and_names_are_told_apart(text: str, *, instance: bool, address: bool) -> None:
    assert (is_instance(text), is_address(text)) == (instance, address)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("web1", ("web1", None)),
        ("web1:80", ("web1", 80)),
        ("10.0.0.1:65535", ("10.0.0.1", 65535)),
        ("fd00::80", ("fd00::80", None)),
        ("web:blue", ("web:blue", None)),
    ],
)
def test_a_port_is_what_stands_behind_the_last_colon_unless_that_is_the_address(
    text: str, parts: tuple[str, int | None]
) -> None:
    assert split(text) == parts


@pytest.mark.parametrize("port", ["0", "65536"])
def test_what_can_be_no_port_is_a_fault(port: str) -> None:
    with pytest.raises(UsageError, match=f"{port} is not a port"):
        split(f"web1:{port}")


def test_port_one_is_a_port() -> None:
    assert split("web1:1") == ("web1", 1)
