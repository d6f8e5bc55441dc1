"""Fixtures of the views: the time zone of this machine."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest


@pytest.fixture
def local_zone() -> Callable[[str], AbstractContextManager[None]]:
    """Sets the local time zone inside a block."""

    @contextmanager
    def zone(name: str) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("TZ", name)
            time.tzset()
            yield
        time.tzset()

    return zone
