"""Errors of the lab. Separate, because nearly every module of the lab imports it."""


class LabError(Exception):
    """The lab cannot do what was asked, or cannot be set up on this machine. The text says what to do now."""


class ApiError(Exception):
    """A call that AWS would reject. HTTP status 400 stands for a `Sender` error, 500 for a `Receiver` error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
