"""The one error the lab raises on purpose: a sentence that says what, where and what to do now."""


class LabError(Exception):
    """The lab cannot do what was asked, or cannot be set up here."""
