"""Credentials from a program, as single sign-on sets it up. They can be lost for a while and found again."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from katakei.adapters.system.clock import SystemClock

SOON = timedelta(minutes=5)
"""Credentials that end so soon are renewed before every call."""


class SignOn:
    """The program and its answer. `lost` breaks it in one of the `WAYS`; `found` repairs it."""

    def __init__(self, folder: Path, key: str, secret: str) -> None:
        self._key, self._secret = key, secret
        self.answer, self.program, self.config = folder / "answer", folder / "sign-on", folder / "config"
        self.config.write_text(f"[default]\ncredential_process = {self.program}\n")
        self.found()

    def found(self) -> None:
        self._tells(SOON)
        self.program.write_text(f"#!/bin/sh\ncat {self.answer}\n")
        self.program.chmod(0o755)

    def lost(self, way: str) -> None:
        WAYS[way](self)

    def _tells(self, left: timedelta) -> None:
        ends = (SystemClock().now() + left).isoformat()
        keys = {"AccessKeyId": self._key, "SecretAccessKey": self._secret, "Expiration": ends}
        self.answer.write_text(json.dumps({"Version": 1, **keys}))


WAYS: Mapping[str, Callable[[SignOn], object]] = {
    "session ended": lambda sign_on: sign_on.answer.unlink(),
    "answer expired": lambda sign_on: sign_on._tells(-SOON),
    "answer is no JSON": lambda sign_on: sign_on.answer.write_text("sign on, please"),
    "program missing": lambda sign_on: sign_on.program.unlink(),
}


@contextmanager
def signed_on(folder: Path) -> Iterator[SignOn]:
    """Sets the environment: the program, which the configuration names, prints the keys that the environment held."""
    folder.mkdir()
    held = (os.environ.get(name, "test") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    sign_on = SignOn(folder, *held)
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
            environment.delenv(name, raising=False)
        environment.setenv("AWS_CONFIG_FILE", str(sign_on.config))
        environment.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield sign_on
