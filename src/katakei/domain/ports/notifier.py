"""The port that sends messages to people, by chat or mail for example."""

from datetime import timedelta
from typing import Protocol

from katakei.domain.notifications import Message, SecretPlace


class Notifier(Protocol):
    """Sends messages. Thread-safe."""

    def lacks(self, place: SecretPlace) -> str | None:
        """Why nothing could be sent to this address from this process, as a sentence; None when it could."""
        ...

    def send(self, place: SecretPlace, message: Message, within: timedelta) -> None:
        """Send one message, and return within this time.

        Raises:
            NoAnswerError: It is not known to have arrived. Trying again may help.
            RejectedError: The address will never take it.
        """
        ...
