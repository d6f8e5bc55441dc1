"""Errors of the lab. Separate, because nearly every module of the lab imports it."""


class LabError(Exception):
    """The lab cannot do what was asked, or cannot be set up on this machine. The text says what to do now."""
