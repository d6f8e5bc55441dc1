"""The notifier by apprise, which knows some hundred services by their URLs.

apprise is an optional dependency, imported when the first message is sent. It logs URLs with their secrets, so that its
log is cut off. Its time limits hold for single reads only, so that each send runs in a thread that is left behind when
it takes too long.
"""

import importlib.util
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any

from katakei.adapters.notifiers.secret_places import read_secret
from katakei.domain.errors import NoAnswerError, RejectedError
from katakei.domain.notifications import Message, SecretPlace

MAX_LATE = 4
"""How many sends may still run after their time was over. With more, nothing is sent before one of them ends."""


class AppriseNotifier:
    """Implements the port `Notifier`.

    Args:
        env: The environment in which secrets are found.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._lock = threading.Lock()
        self._sending: set[threading.Thread] = set()

    def lacks(self, place: SecretPlace) -> str | None:
        """As the port says."""
        if importlib.util.find_spec("apprise") is None:
            return "apprise is not installed, which sends the messages of notify; install katakei[serve]"
        try:
            read_secret(place, self._env)
        except RejectedError as error:
            return f"{error}, which notify needs"
        return None

    def send(self, place: SecretPlace, message: Message, within: timedelta) -> None:
        """As the port says."""
        url = read_secret(place, self._env)
        outcome: list[bool | None] = []

        def send() -> None:
            try:
                outcome.append(self._deliver(url, message))
            except Exception:  # noqa: BLE001 - plugins raise anything, with the URL in it: nothing of it is shown
                outcome.append(False)

        self._run(send, within)
        if not outcome:
            raise NoAnswerError(f"no answer within {within.total_seconds():g} s, or no connection")
        if outcome[0] is None:
            raise RejectedError(f"apprise does not know the URL in {place}")
        if not outcome[0]:
            raise NoAnswerError("the service did not accept the message")

    def _run(self, send: Callable[[], None], within: timedelta) -> None:
        with self._lock:
            self._sending = {thread for thread in self._sending if thread.is_alive()}
            if len(self._sending) >= MAX_LATE:
                raise NoAnswerError(f"{MAX_LATE} earlier messages are still being sent")
            thread = threading.Thread(target=send, name="katakei-notify", daemon=True)
            self._sending.add(thread)
        thread.start()
        thread.join(within.total_seconds())

    def _deliver(self, url: str, message: Message) -> bool | None:
        """Whether the message was taken; None: the URL is not one of apprise's."""
        apprise = self._apprise
        # Nothing of apprise's own: no templates in our text, no file, no image from its repository.
        settings = {"allow_templates": False, "storage_mode": "memory", "secure_logging": True, "image_url_mask": ""}
        asset = apprise.AppriseAsset(app_id="Katakei", app_desc="Katakei", app_url="", async_mode=False, **settings)
        one = apprise.Apprise(asset=asset)
        if not one.add(url):
            return None
        return bool(one.notify(body=message.body, title=message.title, body_format=apprise.NotifyFormat.TEXT))

    @cached_property
    def _apprise(self) -> Any:
        import apprise  # noqa: PLC0415 - slow, and an optional dependency

        log = logging.getLogger("apprise")
        log.propagate = False  # without any handler Python would print its warnings
        log.handlers[:] = [logging.NullHandler()]
        return apprise
